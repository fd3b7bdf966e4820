// See RowFusion.h.
#include "passes/RowFusion.h"

#include "ir/Ops.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace nnc;

/// A kernel of more ops compiles slowly and keeps nothing in registers.
static constexpr size_t kMostOps = 160;
static constexpr size_t kMostBuffers = 64;

//===----------------------------------------------------------------------===//
// Kinds of ops
//===----------------------------------------------------------------------===//

static bool isSplat(Operation *op) {
  auto constant = dyn_cast<ConstantOp>(op);
  auto elements =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  return elements && elements.isSplat();
}

static bool isReduction(Operation *op) {
  return isa<SumOp, ReduceMaxOp, ReduceMinOp, ArgmaxOp>(op);
}

bool nnc::isElementwise(Operation *op) {
  if (auto foreign = dyn_cast<Lowerable>(op))
    return foreign.isElementwise();
  return isa<AddOp, SubOp, MulOp, DivOp, PowOp, MaximumOp, MinimumOp, NegOp,
             AbsOp, SignOp, ExpOp, LogOp, Log1pOp, Expm1Op, TanhOp, SigmoidOp,
             ErfOp, SqrtOp, RsqrtOp, SinOp, CosOp, FloorOp, CeilOp, RoundOp,
             ClampOp, CompareOp, SelectOp, LogicalAndOp, LogicalOrOp,
             LogicalNotOp, CastOp, StopGradientOp, IotaOp, BroadcastOp,
             RandomBitsOp>(op);
}

/// Ops whose value is cheaper to compute than to load.
static bool isFreeOp(Operation *op) {
  return isa<SizeOp, IotaOp, BroadcastOp, ReshapeOp, CastOp>(op) || isSplat(op);
}

static bool isRowsOp(Operation *op) {
  return isElementwise(op) || isReduction(op) || isFreeOp(op);
}

/// Values that are one scalar everywhere: an op on them has no operand there.
static bool isUniform(Operation *op) { return isa<SizeOp>(op) || isSplat(op); }

static bool hasOneElement(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() == 1;
}

//===----------------------------------------------------------------------===//
// Ops as loop nests
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// A value under the name of what it was before it was reshaped, as far as that
/// is computed by one of `ops`.
static Value rootOf(Value value, const DenseSet<Operation *> &ops) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  while (reshape && ops.contains(reshape)) {
    value = reshape.getX();
    reshape = value.getDefiningOp<ReshapeOp>();
  }
  return value;
}

static SmallVector<int64_t> reducedAxes(Operation *op) {
  if (auto argmax = dyn_cast<ArgmaxOp>(op))
    return {argmax.getResolvedAxis()};
  if (auto sum = dyn_cast<SumOp>(op))
    return sum.getReducedAxes();
  if (auto max = dyn_cast<ReduceMaxOp>(op))
    return max.getReducedAxes();
  return cast<ReduceMinOp>(op).getReducedAxes();
}

/// The loops that an operand of `shape`, aligned on the right, runs with.
static SmallVector<int64_t> broadcastLoops(ArrayRef<int64_t> shape,
                                           ArrayRef<int64_t> loops) {
  SmallVector<int64_t> used;
  int64_t offset = loops.size() - shape.size();
  for (auto [dim, size] : llvm::enumerate(shape))
    used.push_back(size == 1 ? -1 : offset + int64_t(dim));
  return used;
}

static SpaceOp describeReduction(Operation *op) {
  SpaceOp nest;
  nest.ranges = SmallVector<int64_t>(shapeOf(op->getOperand(0)));
  nest.isReduced.assign(nest.ranges.size(), false);
  for (int64_t axis : reducedAxes(op))
    nest.isReduced[axis] = true;
  bool keepsDims = shapeOf(op->getResult(0)).size() == nest.ranges.size();
  SpaceOp::Use operand{op->getOperand(0), {}}, result{op->getResult(0), {}};
  for (auto [loop, isReduced] : llvm::enumerate(nest.isReduced)) {
    operand.loops.push_back(loop);
    if (!isReduced)
      result.loops.push_back(loop);
    else if (keepsDims)
      result.loops.push_back(-1);
  }
  nest.uses = {operand, result};
  return nest;
}

static SpaceOp describeElementwise(Operation *op) {
  SpaceOp nest;
  nest.ranges = SmallVector<int64_t>(shapeOf(op->getResult(0)));
  nest.isReduced.assign(nest.ranges.size(), false);
  for (Value operand : op->getOperands())
    nest.uses.push_back(
        {operand, broadcastLoops(shapeOf(operand), nest.ranges)});
  nest.uses.push_back(
      {op->getResult(0), broadcastLoops(nest.ranges, nest.ranges)});
  return nest;
}

/// Whether the emitter can run `ops` as one kernel: they share a space, and
/// indices of maxima are taken along rows.
bool RowFusion::fits(ArrayRef<Operation *> ops) const {
  DenseSet<Operation *> members(ops.begin(), ops.end());
  SmallVector<SpaceOp, 0> nests;
  SmallVector<Operation *> described;
  for (Operation *op : ops) {
    if (isUniform(op) || isa<ReshapeOp>(op))
      continue;
    SpaceOp nest =
        isReduction(op) ? describeReduction(op) : describeElementwise(op);
    llvm::erase_if(nest.uses, [&](SpaceOp::Use &use) {
      use.tensor = rootOf(use.tensor, members);
      Operation *producer = use.tensor.getDefiningOp();
      return producer && members.contains(producer) && isUniform(producer);
    });
    nests.push_back(std::move(nest));
    described.push_back(op);
  }
  SmallVector<Value> results;
  for (Value output : outputs(ops))
    results.push_back(rootOf(output, members));
  if (!inferRowSpace(nests, results))
    return false;
  for (auto [op, nest] : llvm::zip(described, nests))
    if (isa<ArgmaxOp>(op) && nest.reduced & Row)
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

RowFusion::RowFusion(Block &block) : block(block) {
  std::vector<SmallVector<Operation *>> opened;
  for (Operation &op : llvm::make_early_inc_range(block))
    if (auto fused = dyn_cast<FusedOp>(op);
        fused && fused.getKind() == "rows") {
      auto first = fused->getIterator();
      bool isFirst = first == block.begin();
      Operation *before = isFirst ? nullptr : fused->getPrevNode();
      Operation *after = fused->getNextNode();
      open(fused);
      SmallVector<Operation *> ops;
      for (Operation *inner = before ? before->getNextNode() : &block.front();
           inner != after; inner = inner->getNextNode())
        ops.push_back(inner);
      opened.push_back(std::move(ops));
    }
  copyFreeOps();
  for (auto [position, op] : llvm::enumerate(block))
    positions[&op] = position;
  for (ArrayRef<Operation *> ops : opened)
    addGroup(ops);
  for (Operation &op : block.without_terminator())
    if (!numbers.contains(&op))
      addGroup(&op);
}

/// Moves the ops of a region to where the region is.
void RowFusion::open(Operation *op) {
  auto fused = cast<FusedOp>(op);
  Block &body = fused.getBody().front();
  for (auto [argument, operand] :
       llvm::zip(body.getArguments(), fused.getInputs()))
    argument.replaceAllUsesWith(operand);
  Operation *yield = body.getTerminator();
  fused->replaceAllUsesWith(yield->getOperands());
  yield->erase();
  block.getOperations().splice(fused->getIterator(), body.getOperations());
  fused->erase();
}

/// Users before what they use, so that chains are copied as a whole.
void RowFusion::copyFreeOps() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (!isFreeOp(&op))
      continue;
    llvm::SetVector<Operation *> users;
    for (Operation *user : op.getUsers())
      if (isRowsOp(user))
        users.insert(user);
    // The op itself stays with the first user, if nothing else needs it.
    bool isNeeded = llvm::any_of(
        op.getUsers(), [](Operation *user) { return !isRowsOp(user); });
    for (Operation *user :
         users.getArrayRef().drop_front(users.empty() || isNeeded ? 0 : 1)) {
      OpBuilder builder(op.getContext());
      builder.setInsertionPointAfter(&op);
      Operation *copy = builder.clone(op);
      user->replaceUsesOfWith(op.getResult(0), copy->getResult(0));
      originals[copy] = &op;
    }
  }
}

void RowFusion::addGroup(ArrayRef<Operation *> ops) {
  Group group;
  group.ops.assign(ops.begin(), ops.end());
  group.isRows = llvm::all_of(ops, isRowsOp);
  group.hasReduction = llvm::any_of(ops, isReduction);
  group.isFree = llvm::all_of(ops, isFreeOp);
  group.isScalar = llvm::all_of(ops, [](Operation *op) {
    return llvm::all_of(op->getOperands(), hasOneElement) &&
           llvm::all_of(op->getResults(), hasOneElement);
  });
  for (Operation *op : ops)
    numbers[op] = table.size();
  table.push_back(std::move(group));
}

SmallVector<unsigned> RowFusion::groups() const {
  SmallVector<unsigned> alive;
  for (unsigned number = 0; number < table.size(); ++number)
    if (!table[number].ops.empty())
      alive.push_back(number);
  llvm::sort(alive, [&](unsigned a, unsigned b) {
    return positions.lookup(table[a].ops.front()) <
           positions.lookup(table[b].ops.front());
  });
  return alive;
}

SmallVector<Value> RowFusion::inputs(unsigned number) const {
  llvm::SetVector<Value> found;
  for (Operation *op : table[number].ops)
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!producer || groupOf(producer) != number)
        found.insert(operand);
    }
  return found.takeVector();
}

SmallVector<unsigned> RowFusion::producers(unsigned number) const {
  llvm::SetVector<unsigned> found;
  for (Value input : inputs(number))
    if (Operation *producer = input.getDefiningOp())
      found.insert(groupOf(producer));
  return SmallVector<unsigned>(found.begin(), found.end());
}

SmallVector<unsigned> RowFusion::consumers(unsigned number) const {
  llvm::SetVector<unsigned> found;
  for (Operation *op : table[number].ops)
    for (Operation *user : op->getUsers())
      if (numbers.contains(user) && groupOf(user) != number)
        found.insert(groupOf(user));
  return SmallVector<unsigned>(found.begin(), found.end());
}

/// What is used by anything but `ops`.
SmallVector<Value> RowFusion::outputs(ArrayRef<Operation *> ops) const {
  DenseSet<Operation *> members(ops.begin(), ops.end());
  SmallVector<Value> values;
  for (Operation *op : ops)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) {
            return !members.contains(user);
          }))
        values.push_back(result);
  return values;
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

bool RowFusion::isSharedScalar(unsigned producer, unsigned consumer) const {
  if (!table[producer].isScalar || table[consumer].isScalar)
    return false;
  return llvm::any_of(outputs(table[producer].ops), [&](Value output) {
    return llvm::any_of(output.getUsers(), [&](Operation *user) {
      auto number = numbers.find(user);
      return number == numbers.end() ||
             (number->second != producer && number->second != consumer);
    });
  });
}

bool RowFusion::endsWithScalar(unsigned number) const {
  return llvm::any_of(outputs(table[number].ops), hasOneElement);
}

/// Whether `to` uses a result of `from` by way of a third group.
bool RowFusion::hasPath(unsigned from, unsigned to) const {
  SmallVector<unsigned> open;
  DenseSet<unsigned> seen{from};
  for (unsigned next : consumers(from))
    if (next != to && seen.insert(next).second)
      open.push_back(next);
  while (!open.empty())
    for (unsigned next : consumers(open.pop_back_val())) {
      if (next == to)
        return true;
      if (seen.insert(next).second)
        open.push_back(next);
    }
  return false;
}

SmallVector<Operation *> RowFusion::mergedOps(unsigned a, unsigned b) const {
  SmallVector<Operation *> ops(table[a].ops);
  llvm::append_range(ops, table[b].ops);
  llvm::sort(ops, [&](Operation *lhs, Operation *rhs) {
    return positions.lookup(lhs) < positions.lookup(rhs);
  });
  return ops;
}

std::optional<unsigned> RowFusion::merge(unsigned a, unsigned b) {
  if (a == b || !table[a].isRows || !table[b].isRows)
    return std::nullopt;
  SmallVector<Operation *> ops = mergedOps(a, b);
  if (ops.size() > kMostOps ||
      inputs(a).size() + inputs(b).size() + outputs(ops).size() > kMostBuffers)
    return std::nullopt;
  if (hasPath(a, b) || hasPath(b, a) || !fits(ops))
    return std::nullopt;
  Group &merged = table[a], &other = table[b];
  merged.ops = std::move(ops);
  merged.hasReduction |= other.hasReduction;
  merged.isFree &= other.isFree;
  merged.isScalar &= other.isScalar;
  for (Operation *op : other.ops)
    numbers[op] = a;
  other.ops.clear();
  return a;
}

void RowFusion::absorbFree() {
  // Users first, so that a chain finds its user in a kernel already.
  SmallVector<unsigned> order = groups();
  for (unsigned number : llvm::reverse(order)) {
    if (!table[number].isFree)
      continue;
    SmallVector<unsigned> users = consumers(number);
    bool isUsedOutside = llvm::any_of(table[number].ops, [&](Operation *op) {
      return llvm::any_of(op->getUsers(), [&](Operation *user) {
        return !numbers.contains(user);
      });
    });
    if (users.size() == 1 && !isUsedOutside && !table[users.front()].isFree)
      merge(users.front(), number);
  }
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

void RowFusion::removeUnusedCopies() {
  SmallVector<Operation *> copies;
  for (auto [copy, original] : originals)
    if (table[groupOf(copy)].ops.size() == 1)
      copies.push_back(copy);
  // Users first, and each copy for the op that it was made of: copies of copies
  // are copies of the first.
  llvm::sort(copies, [&](Operation *lhs, Operation *rhs) {
    return positions.lookup(lhs) > positions.lookup(rhs);
  });
  for (Operation *copy : copies) {
    Operation *original = originals.lookup(copy);
    if (table[groupOf(original)].ops.size() != 1)
      continue;
    copy->replaceAllUsesWith(original);
    table[groupOf(copy)].ops.clear();
    numbers.erase(copy);
    copy->erase();
  }
}

void RowFusion::buildRegion(const Group &group) {
  SmallVector<Value> operands = inputs(groupOf(group.ops.front()));
  SmallVector<Value> results = outputs(group.ops);
  SmallVector<Location> locations;
  for (Operation *op : group.ops)
    locations.push_back(op->getLoc());
  OpBuilder builder(group.ops.back());
  Location loc = builder.getFusedLoc(locations);
  SmallVector<Type> resultTypes = llvm::to_vector(TypeRange(results));
  auto fused = FusedOp::create(builder, loc, resultTypes,
                               builder.getStringAttr("rows"), operands);
  Block *body = builder.createBlock(&fused.getBody());
  IRMapping arguments;
  for (Value operand : operands)
    arguments.map(operand, body->addArgument(operand.getType(), loc));
  DenseSet<Operation *> members(group.ops.begin(), group.ops.end());
  for (auto [number, result] : llvm::enumerate(results))
    result.replaceUsesWithIf(fused.getResult(number), [&](OpOperand &use) {
      return !members.contains(use.getOwner());
    });
  for (Operation *op : group.ops) {
    op->moveBefore(body, body->end());
    for (OpOperand &operand : op->getOpOperands())
      operand.set(arguments.lookupOrDefault(operand.get()));
  }
  builder.setInsertionPointToEnd(body);
  YieldOp::create(builder, loc, results);
}

void RowFusion::finish() {
  removeUnusedCopies();
  // Inputs are asked for by group, before regions replace the values.
  for (unsigned number : groups())
    if (const Group &group = table[number];
        group.ops.size() > 1 && group.isRows)
      buildRegion(group);
  sortTopologically(&block);
}
