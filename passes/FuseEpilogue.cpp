// Elementwise ops into the matrix product whose result they read.
//
// A region starts as one product and takes, in program order, each elementwise
// op of the product's shape that reads a value of the region and nothing that
// depends on the region from outside. It then gives back what is better left to
// the kernels after it, and takes in what is computed for it alone. Regions
// only ever hold ops that the product's emitters can do on sums in registers.
#include "passes/BlockOrder.h"
#include "passes/Bodies.h"
#include "passes/Passes.h"
#include "passes/RowFusion.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

#include <set>

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_FUSEEPILOGUEPASS
#include "passes/Passes.h.inc"
} // namespace nnc

/// Ops behind a product that are looked at to tell whether one depends on it,
/// so that the pass stays linear: what reads a product soon after it needs few.
static constexpr size_t kMostSearched = 1000;

/// Whether a reduction is over leading or over trailing dimensions, as the rows
/// and the columns of a kernel are.
static bool reducesOneEnd(Reducing op) {
  auto type = cast<RankedTensorType>(op->getOperand(0).getType());
  SmallVector<int64_t> axes = op.getReducedAxes();
  SmallVector<bool> isReduced;
  for (auto [axis, size] : llvm::enumerate(type.getShape()))
    if (size != 1)
      isReduced.push_back(llvm::is_contained(axes, int64_t(axis)));
  isReduced.erase(llvm::unique(isReduced), isReduced.end());
  return isReduced.size() <= 2;
}

/// Ops that become part of a rows kernel, and would read there what a region
/// might compute for them.
static bool isRowsOp(Operation *op) {
  auto reduction = dyn_cast<Reducing>(op);
  return isElementwise(op) || isa<SizeOp>(op) ||
         (reduction && reducesOneEnd(reduction));
}

/// Constants that are one number: each region has its own.
static bool isNumber(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return elements && elements.isSplat();
}

static int64_t bitsOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementTypeBitWidth();
}

namespace {

/// A product and what is fused with it.
class FusedProduct {
public:
  FusedProduct(Operation *product, BlockOrder &order)
      : order(order),
        shape(cast<RankedTensorType>(product->getResult(0).getType())
                  .getShape()) {
    members.insert(product);
  }

  void grow();
  void giveBack();
  void takeInputs();
  bool isWorthwhile() const { return members.size() > 1; }
  void build();

private:
  bool isMember(Operation *op) const { return members.contains(op); }
  bool isMember(Value value) const {
    return value.getDefiningOp() && isMember(value.getDefiningOp());
  }
  bool canTake(Operation *op);
  bool isLater(Operation *op);
  bool isBetterOutside(Operation *op) const;
  /// Bits an element that the region writes, with `without` left out.
  int64_t resultBits(Operation *without) const;
  SmallVector<Value> results() const;

  void moveUsersBehind(Operation *fused);

  BlockOrder &order;
  ArrayRef<int64_t> shape;
  /// In program order.
  llvm::SmallSetVector<Operation *, 8> members;
  /// Ops behind the product that are known not to depend on the region: what
  /// joins it later is behind them.
  DenseSet<Operation *> independent;
};

} // namespace

static bool isUsedOutside(Value value,
                          llvm::function_ref<bool(Operation *)> isInside) {
  return llvm::any_of(value.getUsers(),
                      [&](Operation *user) { return !isInside(user); });
}

/// Whether `op`, which is outside, depends on the region: reading it would make
/// the region depend on itself. Yes as well where what it depends on is too
/// much to look at.
bool FusedProduct::isLater(Operation *op) {
  SmallVector<Operation *> open;
  DenseSet<Operation *> seen;
  auto add = [&](Operation *producer) {
    if (producer && producer->getBlock() == op->getBlock() &&
        order.isBefore(members.front(), producer) &&
        !independent.contains(producer) && seen.insert(producer).second)
      open.push_back(producer);
  };
  add(op);
  while (!open.empty()) {
    for (Value operand : open.pop_back_val()->getOperands()) {
      if (isMember(operand))
        return true;
      add(operand.getDefiningOp());
    }
    if (seen.size() > kMostSearched)
      return true;
  }
  independent.insert(seen.begin(), seen.end());
  return false;
}

bool FusedProduct::canTake(Operation *op) {
  if (!isElementwise(op))
    return false;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  return type.getShape() == shape &&
         llvm::none_of(op->getOperands(), [&](Value operand) {
           Operation *producer = operand.getDefiningOp();
           return producer && !isMember(producer) && isLater(producer);
         });
}

void FusedProduct::grow() {
  auto isBefore = [&](Operation *lhs, Operation *rhs) {
    return order.isBefore(lhs, rhs);
  };
  // Users of members, each after what it uses.
  std::set<Operation *, decltype(isBefore)> users(isBefore);
  auto addUsers = [&](Operation *member) {
    users.insert(member->user_begin(), member->user_end());
  };
  addUsers(members.front());
  while (!users.empty() && members.size() < kMostKernelOps) {
    Operation *op = *users.begin();
    users.erase(users.begin());
    if (!canTake(op))
      continue;
    members.insert(op);
    addUsers(op);
  }
}

int64_t FusedProduct::resultBits(Operation *without) const {
  auto isInside = [&](Operation *op) { return op != without && isMember(op); };
  int64_t bits = 0;
  for (Operation *op : members)
    if (op != without && isUsedOutside(op->getResult(0), isInside))
      bits += bitsOf(op->getResult(0));
  return bits;
}

/// An op whose result goes only to rows kernels costs nothing there, where its
/// operand is read as well. In the region it earns its place by having a
/// smaller result than what it is computed from, such as the sign of it.
bool FusedProduct::isBetterOutside(Operation *op) const {
  bool feedsRows = llvm::all_of(op->getUsers(), [&](Operation *user) {
    return !isMember(user) && isRowsOp(user);
  });
  return feedsRows && resultBits(/*without=*/nullptr) >= resultBits(op);
}

void FusedProduct::giveBack() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (Operation *op : llvm::reverse(members.getArrayRef().drop_front()))
      if (isBetterOutside(op)) {
        members.remove(op);
        changed = true;
        break;
      }
  }
}

/// Elementwise inputs that nothing else reads: the decay of an optimizer's
/// moments, the derivative of an activation. They depend on nothing of the
/// region, else what reads them could not be part of it.
void FusedProduct::takeInputs() {
  auto isOwn = [&](Operation *op) {
    return op && !isMember(op) && isElementwise(op) &&
           op->getBlock() == members.front()->getBlock() &&
           cast<RankedTensorType>(op->getResult(0).getType()).getShape() ==
               shape &&
           llvm::all_of(op->getUsers(),
                        [&](Operation *user) { return isMember(user); });
  };
  for (unsigned next = 1; next < members.size(); ++next)
    for (Value operand : members[next]->getOperands())
      if (members.size() < kMostKernelOps && isOwn(operand.getDefiningOp()))
        members.insert(operand.getDefiningOp());
  auto sorted = members.takeVector();
  llvm::sort(sorted, [&](Operation *lhs, Operation *rhs) {
    return order.isBefore(lhs, rhs);
  });
  members.insert(sorted.begin(), sorted.end());
}

SmallVector<Value> FusedProduct::results() const {
  SmallVector<Value> results;
  for (Operation *op : members)
    if (isUsedOutside(op->getResult(0),
                      [&](Operation *user) { return isMember(user); }))
      results.push_back(op->getResult(0));
  return results;
}

/// Moves what depends on `fused` and stands before it behind it, in order.
void FusedProduct::moveUsersBehind(Operation *fused) {
  llvm::SetVector<Operation *> early;
  auto addUsers = [&](Operation *op) {
    for (Operation *user : op->getUsers())
      if (order.isBefore(user, fused))
        early.insert(user);
  };
  addUsers(fused);
  for (unsigned next = 0; next < early.size(); ++next)
    addUsers(early[next]);
  auto sorted = early.takeVector();
  llvm::sort(sorted, [&](Operation *lhs, Operation *rhs) {
    return order.isBefore(rhs, lhs);
  });
  for (Operation *op : sorted) {
    op->moveAfter(fused);
    order.place(op);
  }
}

void FusedProduct::build() {
  llvm::SmallSetVector<Value, 8> inputs;
  SmallVector<Location> locations;
  for (Operation *op : members) {
    locations.push_back(op->getLoc());
    for (Value operand : op->getOperands())
      if (!isMember(operand) && !isNumber(operand))
        inputs.insert(operand);
  }
  SmallVector<Value> outputs = results();
  OpBuilder builder(members.back());
  Location loc = builder.getFusedLoc(locations);
  auto fused = FusedOp::create(
      builder, loc, llvm::to_vector(TypeRange(outputs)),
      builder.getStringAttr("contraction"), inputs.getArrayRef());
  Block *body = builder.createBlock(&fused.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), loc));
  for (Operation *op : members) {
    for (Value operand : op->getOperands())
      if (isNumber(operand) && !mapping.contains(operand))
        builder.clone(*operand.getDefiningOp(), mapping);
    builder.clone(*op, mapping);
  }
  YieldOp::create(builder, loc, llvm::map_to_vector(outputs, [&](Value output) {
                    return mapping.lookup(output);
                  }));
  for (auto [output, result] : llvm::zip(outputs, fused.getResults()))
    output.replaceAllUsesWith(result);
  order.place(fused);
  for (Operation *op : llvm::reverse(members.getArrayRef())) {
    order.remove(op);
    op->erase();
  }
  moveUsersBehind(fused);
}

namespace {

struct FuseEpiloguePass
    : public nnc::impl::FuseEpiloguePassBase<FuseEpiloguePass> {
  void runOnOperation() override { forEachBody(getOperation(), fuse); }

  static void fuse(Block &block) {
    SmallVector<Operation *> products;
    for (Operation &op : block)
      if (op.hasTrait<SumsProducts>())
        products.push_back(&op);
    BlockOrder order(block);
    for (Operation *product : products) {
      FusedProduct region(product, order);
      region.grow();
      region.giveBack();
      if (!region.isWorthwhile())
        continue;
      region.takeInputs();
      region.build();
    }
  }
};

} // namespace
