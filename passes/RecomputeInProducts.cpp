// An activation and its derivative share most of their ops. The region of the
// forward product would write all that the backward one asks for; a few
// instructions on what is read anyway cost less.
#include "passes/RecomputeInProducts.h"

#include "passes/BatchSize.h"
#include "passes/RowFusion.h"
#include "passes/Scans.h"

#include "ir/Ops.h"

#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnc;

/// Ops in place of one read: each is an instruction or two.
static constexpr size_t kMostOps = 16;

static bool isProduct(Operation *op) {
  auto fused = dyn_cast_or_null<FusedOp>(op);
  return fused && fused.getKind() == "contraction";
}

static Block &bodyOf(FusedOp fused) { return fused.getBody().front(); }

static Value yielded(OpResult result) {
  auto fused = cast<FusedOp>(result.getOwner());
  return bodyOf(fused).getTerminator()->getOperand(result.getResultNumber());
}

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

namespace {

/// The region of a product, as it reads less and less of others.
class Reader {
public:
  Reader(FusedOp fused, bool hasTanh16)
      : fused(fused), hasTanh16(hasTanh16),
        product(*llvm::find_if(bodyOf(fused), [](Operation &op) {
          return op.hasTrait<SumsProducts>();
        })) {}

  void run();

private:
  SmallVector<OpResult> readsOfProducts();
  bool collect(Value inner, Value root, FusedOp producer);
  Value whatIsRead(Value inner, FusedOp producer);
  void compute(OpResult read);

  bool takesLittle(Operation *op) const;

  FusedOp fused;
  bool hasTanh16;
  Operation &product;
  /// How a value is computed anew: ops of the producer's, each after those that
  /// it uses, and what they read, by what this region knows it as.
  llvm::SetVector<Operation *> chain;
  IRMapping leaves;
};

} // namespace

/// The values that other products give, the last computed first: what is
/// computed of a value then no longer needs it.
SmallVector<OpResult> Reader::readsOfProducts() {
  SmallVector<OpResult> reads;
  for (Value input : fused.getInputs())
    if (isProduct(input.getDefiningOp()) &&
        yielded(cast<OpResult>(input)).getDefiningOp())
      reads.push_back(cast<OpResult>(input));
  auto isAfter = [](OpResult lhs, OpResult rhs) {
    if (lhs.getOwner() != rhs.getOwner())
      return rhs.getOwner()->isBeforeInBlock(lhs.getOwner());
    Operation *left = yielded(lhs).getDefiningOp(),
              *right = yielded(rhs).getDefiningOp();
    return right->isBeforeInBlock(left);
  };
  llvm::sort(reads, isAfter);
  reads.erase(llvm::unique(reads), reads.end());
  return reads;
}

/// The argument by which this region reads a value of `producer`'s; null if it
/// does not.
Value Reader::whatIsRead(Value inner, FusedOp producer) {
  auto argumentFor = [&](Value outer) -> Value {
    auto found = llvm::find(fused.getInputs(), outer);
    return found == fused.getInputs().end()
               ? Value()
               : bodyOf(fused).getArgument(found.getIndex());
  };
  if (auto argument = dyn_cast<BlockArgument>(inner))
    return argumentFor(producer.getInputs()[argument.getArgNumber()]);
  for (OpResult result : producer->getResults())
    if (yielded(result) == inner)
      if (Value argument = argumentFor(result))
        return argument;
  return {};
}

bool Reader::takesLittle(Operation *op) const {
  bool is16Bit =
      getElementTypeOrSelf(op->getResult(0)).getIntOrFloatBitWidth() == 16;
  return isCheap(op) || (hasTanh16 && is16Bit && isa<TanhOp>(op));
}

/// Completes the chain with what `inner` is computed of; false where that is
/// not read here, or too much.
bool Reader::collect(Value inner, Value root, FusedOp producer) {
  if (inner != root)
    if (Value argument = whatIsRead(inner, producer)) {
      leaves.map(inner, argument);
      return true;
    }
  Operation *op = inner.getDefiningOp();
  bool isConstant = op && isa<ConstantOp>(op);
  if (!op || !takesLittle(op) || chain.size() >= kMostOps ||
      (!isConstant && (!isElementwise(op) || shapeOf(inner) != shapeOf(root))))
    return false;
  for (Value operand : op->getOperands())
    if (!collect(operand, root, producer))
      return false;
  chain.insert(op);
  return true;
}

/// Computes `read` by the chain, and reads it no longer.
void Reader::compute(OpResult read) {
  unsigned number = llvm::find(fused.getInputs(), read).getIndex();
  Block &body = bodyOf(fused);
  OpBuilder builder(fused);
  builder.setInsertionPointAfter(&product);
  for (Operation *op : chain)
    builder.clone(*op, leaves);
  body.getArgument(number).replaceAllUsesWith(leaves.lookup(yielded(read)));
  body.eraseArgument(number);
  fused.getInputsMutable().erase(number);
}

void Reader::run() {
  for (OpResult read : readsOfProducts()) {
    auto producer = cast<FusedOp>(read.getOwner());
    Value root = yielded(read);
    chain.clear();
    leaves.clear();
    // Another shape is an operand of the product.
    if (shapeOf(root) == shapeOf(product.getResult(0)) &&
        !llvm::is_contained(product.getOperands(),
                            whatIsRead(root, producer)) &&
        collect(root, root, producer) &&
        bodyOf(fused).getOperations().size() + chain.size() <= kMostKernelOps)
      compute(read);
  }
}

/// Replaces a region by one without the results that nothing reads.
static void dropUnusedResults(FusedOp fused) {
  SmallVector<Value> results, values;
  Operation *yield = bodyOf(fused).getTerminator();
  for (auto [result, value] :
       llvm::zip(fused.getResults(), yield->getOperands()))
    if (!result.use_empty()) {
      results.push_back(result);
      values.push_back(value);
    }
  if (results.size() == fused.getNumResults())
    return;
  OpBuilder builder(fused);
  auto smaller = FusedOp::create(
      builder, fused.getLoc(), llvm::to_vector(TypeRange(ValueRange(results))),
      fused.getKindAttr(), fused.getInputs());
  smaller.getBody().takeBody(fused.getBody());
  yield->setOperands(values);
  for (auto [old, made] : llvm::zip(results, smaller.getResults()))
    old.replaceAllUsesWith(made);
  fused.erase();
}

void nnc::recomputeInProducts(Block &block, bool hasTanh16) {
  SmallVector<FusedOp> products;
  for (auto fused : block.getOps<FusedOp>())
    if (isProduct(fused))
      products.push_back(fused);
  for (FusedOp fused : llvm::reverse(products))
    Reader(fused, hasTanh16).run();
  for (FusedOp fused : products)
    dropUnusedResults(fused);
}
