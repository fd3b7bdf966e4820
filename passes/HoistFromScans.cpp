// Out of loops over time: products of slices by matrices that all steps share,
// and what is computed of shared values alone.
#include "passes/EntryPoints.h"
#include "passes/ExpandComposites.h"
#include "passes/Passes.h"
#include "passes/Scans.h"

#include "ir/Expr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_HOISTFROMSCANSPASS
#include "passes/Passes.h.inc"

/// The operand of `scan` that an argument of its region stands for; null for
/// other values.
static Value operandOf(ScanOp scan, Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument ? scan->getOperand(argument.getArgNumber()) : Value();
}

static bool isSlice(ScanOp scan, Value value) {
  return llvm::is_contained(scan.getSlices(), value);
}

static bool isShared(ScanOp scan, Value value) {
  return llvm::is_contained(scan.getWithArguments(), value);
}

/// A product of joined parts, of which some are slices and some are not, with a
/// matrix that all steps share.
static ConcatOp getJoinedOperand(ScanOp scan, MatmulOp product) {
  auto parts = product.getLhs().getDefiningOp<ConcatOp>();
  if (!parts || product.getTransposeLhs() ||
      !isShared(scan, product.getRhs()) ||
      product.getRhs().getType().getRank() != 2)
    return {};
  int64_t last = parts.getY().getType().getRank() - 1;
  bool hasSlice = llvm::any_of(parts.getInputs(),
                               [&](Value v) { return isSlice(scan, v); });
  bool hasOther = llvm::any_of(parts.getInputs(),
                               [&](Value v) { return !isSlice(scan, v); });
  return parts.getResolvedAxis() == last && hasSlice && hasOther ? parts
                                                                 : ConcatOp();
}

/// The sum of the products of the parts, each with its rows of the matrix.
static void splitProduct(MatmulOp product, ConcatOp parts) {
  OpBuilder builder(product);
  ImplicitLocOpBuilder b(product.getLoc(), builder);
  Expr rhs(b, product.getRhs()), sum;
  bool isTransposed = product.getTransposeRhs();
  int64_t start = 0;
  for (Value value : parts.getInputs()) {
    Expr part(b, value);
    SmallVector<int64_t> starts = {0, 0}, sizes = rhs.dims();
    starts[isTransposed] = start;
    sizes[isTransposed] = part.dim(-1);
    Expr term = matmul(part, slice(rhs, starts, sizes),
                       isTransposed ? kTransposeRhs : kPlain);
    sum = sum ? sum + term : term;
    start += part.dim(-1);
  }
  product.replaceAllUsesWith(Value(sum));
  product.erase();
}

static void splitProducts(ScanOp scan) {
  SmallVector<MatmulOp> products(scan.getBody().getOps<MatmulOp>());
  for (MatmulOp product : products)
    if (ConcatOp parts = getJoinedOperand(scan, product))
      splitProduct(product, parts);
}

namespace {
/// What leaves one loop.
class Hoisting {
public:
  explicit Hoisting(ScanOp scan) : scan(scan), builder(scan) {}

  void run();

private:
  bool isOfShared(Operation &op) const;
  bool isProductOfSlices(Operation &op) const;
  void take(Operation &op, bool isProduct);

  ScanOp scan;
  OpBuilder builder;
  IRMapping outside; // of values of the region
  ScanParts more;
  SmallVector<Operation *> sharedOps, products;
};
} // namespace

bool Hoisting::isOfShared(Operation &op) const {
  return op.getNumOperands() && isPure(&op) && op.getNumRegions() == 0 &&
         llvm::all_of(op.getOperands(), [&](Value operand) {
           return isShared(scan, operand) || outside.contains(operand);
         });
}

bool Hoisting::isProductOfSlices(Operation &op) const {
  auto product = dyn_cast<MatmulOp>(op);
  return product && isSlice(scan, product.getLhs()) &&
         !product.getTransposeLhs() && !product.getReduceBatch() &&
         product.getRhs().getType().getRank() == 2 &&
         (isShared(scan, product.getRhs()) ||
          outside.contains(product.getRhs()));
}

void Hoisting::take(Operation &op, bool isProduct) {
  IRMapping mapping;
  for (Value operand : op.getOperands()) {
    Value outer = operandOf(scan, operand);
    mapping.map(operand, outer ? outer : outside.lookup(operand));
  }
  if (isProduct) {
    auto product = cast<MatmulOp>(op);
    ImplicitLocOpBuilder b(op.getLoc(), builder);
    more.over.push_back(
        matmul(Expr(b, mapping.lookup(product.getLhs())),
               Expr(b, mapping.lookup(product.getRhs())),
               product.getTransposeRhs() ? kTransposeRhs : kPlain));
    products.push_back(&op);
    return;
  }
  Operation *outer = builder.clone(op, mapping);
  for (auto [inner, made] : llvm::zip(op.getResults(), outer->getResults())) {
    outside.map(inner, made);
    more.with.push_back(made);
  }
  sharedOps.push_back(&op);
}

void Hoisting::run() {
  for (Operation &op : scan.getBody().front().without_terminator()) {
    if (isOfShared(op))
      take(op, /*isProduct=*/false);
    else if (isProductOfSlices(op))
      take(op, /*isProduct=*/true);
  }
  if (sharedOps.empty() && products.empty())
    return;
  unsigned numOver = scan.getNumOver(), numWith = scan.getWith().size();
  ScanOp extended = extendScan(scan, more);
  auto slices = extended.getSlices().drop_front(numOver);
  for (auto [op, slice] : llvm::zip_equal(products, slices))
    op->getResult(0).replaceAllUsesWith(slice);
  auto *shared = extended.getWithArguments().drop_front(numWith).begin();
  for (Operation *op : sharedOps)
    for (Value result : op->getResults())
      result.replaceAllUsesWith(*shared++);
  for (Operation *op : llvm::reverse(sharedOps))
    op->erase();
  for (Operation *op : products)
    op->erase();
}

namespace {
struct HoistFromScansPass : impl::HoistFromScansPassBase<HoistFromScansPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    bool training = function->hasAttr(kTrainingAttr);
    SmallVector<ScanOp> scans;
    function.walk([&](ScanOp scan) { scans.push_back(scan); });
    for (ScanOp scan : scans) {
      if (failed(expandWithoutGradient(scan.getBody().front(), training)))
        return signalPassFailure();
      splitProducts(scan);
      Hoisting(scan).run();
    }
  }
};
} // namespace

} // namespace nnc
