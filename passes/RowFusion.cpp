// See RowFusion.h.
#include "passes/RowFusion.h"

#include "passes/BatchSize.h"
#include "passes/SortInRounds.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Debug.h"

#define DEBUG_TYPE "row-fusion"

using namespace mlir;
using namespace nnc;

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

/// Ops whose value is cheaper to compute than to load.
static bool isFreeOp(Operation *op) {
  return isa<SizeOp, IotaOp, BroadcastOp, ReshapeOp, CastOp>(op) || isSplat(op);
}

static bool isRowsOp(Operation *op) {
  return isPositional(op) || isa<Reducing>(op) || isFreeOp(op) ||
         op->hasTrait<ReadsWindows>();
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

/// The loops that an operand of `shape`, aligned on the right, runs with.
static SmallVector<int64_t> broadcastLoops(ArrayRef<int64_t> shape,
                                           ArrayRef<int64_t> loops) {
  SmallVector<int64_t> used;
  int64_t offset = loops.size() - shape.size();
  for (auto [dim, size] : llvm::enumerate(shape))
    used.push_back(size == 1 ? -1 : offset + int64_t(dim));
  return used;
}

static SpaceOp describeReduction(Reducing op) {
  SpaceOp nest;
  nest.ranges = SmallVector<int64_t>(shapeOf(op->getOperand(0)));
  nest.isReduced.assign(nest.ranges.size(), false);
  for (int64_t axis : op.getReducedAxes())
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

static SpaceOp describePositional(Operation *op) {
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

/// What it reads in windows is no part of the space.
static SpaceOp describeWindows(Operation *op) {
  SpaceOp nest;
  nest.ranges = SmallVector<int64_t>(shapeOf(op->getResult(0)));
  nest.isReduced.assign(nest.ranges.size(), false);
  nest.uses = {{op->getResult(0), broadcastLoops(nest.ranges, nest.ranges)}};
  if (!ShapedType::isDynamic(nest.ranges.back()))
    nest.wantedColumns = nest.ranges.back();
  return nest;
}

static SpaceOp describe(Operation *op) {
  if (auto reduction = dyn_cast<Reducing>(op))
    return describeReduction(reduction);
  if (op->hasTrait<ReadsWindows>())
    return describeWindows(op);
  return describePositional(op);
}

/// Whether an op would read windows of what another of `members` computes,
/// which is in no memory.
static bool readsOwnWindows(ArrayRef<Operation *> ops,
                            const DenseSet<Operation *> &members) {
  return llvm::any_of(ops, [&](Operation *op) {
    return op->hasTrait<ReadsWindows>() &&
           llvm::any_of(op->getOperands(), [&](Value operand) {
             return members.contains(operand.getDefiningOp());
           });
  });
}

/// What `ops` use of others.
static SmallVector<Value> inputsOf(ArrayRef<Operation *> ops) {
  DenseSet<Operation *> members(ops.begin(), ops.end());
  llvm::SetVector<Value> found;
  for (Operation *op : ops)
    for (Value operand : op->getOperands())
      if (!members.contains(operand.getDefiningOp()))
        found.insert(operand);
  return found.takeVector();
}

/// What is used by anything but `ops`.
static SmallVector<Value> outputsOf(ArrayRef<Operation *> ops) {
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

/// Whether the emitter can run `ops` as one kernel: they share a space, and
/// indices of maxima are taken along rows.
static bool fits(ArrayRef<Operation *> ops, bool samples) {
  DenseSet<Operation *> members(ops.begin(), ops.end());
  if (readsOwnWindows(ops, members))
    return false;
  SmallVector<SpaceOp, 0> nests;
  SmallVector<Operation *> described;
  for (Operation *op : ops) {
    if (isUniform(op) || isa<ReshapeOp>(op))
      continue;
    SpaceOp nest = describe(op);
    llvm::erase_if(nest.uses, [&](SpaceOp::Use &use) {
      use.tensor = rootOf(use.tensor, members);
      Operation *producer = use.tensor.getDefiningOp();
      if (!producer || !members.contains(producer))
        return isCutUse(nest, use);
      return isUniform(producer);
    });
    nests.push_back(std::move(nest));
    described.push_back(op);
  }
  SmallVector<Value> results;
  for (Value output : outputsOf(ops))
    results.push_back(rootOf(output, members));
  if (!inferRowSpace(nests, results) &&
      !(samples && inferSampleSpace(nests, results)))
    return false;
  for (auto [op, nest] : llvm::zip(described, nests))
    if (isa<ArgmaxOp>(op) && nest.reduced & Row)
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

RowFusion::RowFusion(Block &block, bool samples)
    : block(block), samples(samples) {
  openRegions();
  copyFreeOps();
  makeGroups();
}

static std::optional<unsigned>
find(const DenseMap<Operation *, unsigned> &numbers, Operation *op) {
  auto number = numbers.find(op);
  if (number == numbers.end())
    return std::nullopt;
  return number->second;
}

/// The region that an op of the block was in.
std::optional<unsigned> RowFusion::regionOf(Operation *op) const {
  return find(regions, op);
}

/// Moves the ops of each region to where the region is.
void RowFusion::openRegions() {
  unsigned numRegions = 0;
  for (Operation &op : llvm::make_early_inc_range(block)) {
    auto fused = dyn_cast<FusedOp>(op);
    if (!fused || fused.getKind() != "rows")
      continue;
    Block &body = fused.getBody().front();
    for (auto [argument, operand] :
         llvm::zip(body.getArguments(), fused.getInputs()))
      argument.replaceAllUsesWith(operand);
    Operation *yield = body.getTerminator();
    fused->replaceAllUsesWith(yield->getOperands());
    yield->erase();
    for (Operation &inner : body)
      regions[&inner] = numRegions;
    ++numRegions;
    block.getOperations().splice(fused->getIterator(), body.getOperations());
    fused->erase();
  }
}

/// Users before what they use, so that chains are copied as a whole.
void RowFusion::copyFreeOps() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
    if (!isFreeOp(&op))
      continue;
    llvm::SetVector<Operation *> users;
    std::optional<unsigned> region = regionOf(&op);
    // The op itself stays with the first user, if nothing else needs it.
    bool isNeeded = false;
    for (Operation *user : op.getUsers()) {
      bool isShared = region && regionOf(user) == region;
      if (isRowsOp(user) && !isShared)
        users.insert(user);
      else
        isNeeded = true;
    }
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

/// Groups are numbered in the order of their first ops, which is one of
/// dependence: what a region uses is before all of it, and what uses it behind.
void RowFusion::makeGroups() {
  DenseMap<unsigned, SmallVector<Operation *>> opened;
  for (auto [position, op] : llvm::enumerate(block)) {
    positions[&op] = position;
    if (std::optional<unsigned> region = regionOf(&op))
      opened[*region].push_back(&op);
  }
  for (Operation &op : block.without_terminator()) {
    if (groupOf(&op))
      continue;
    std::optional<unsigned> region = regionOf(&op);
    addGroup(region ? ArrayRef(opened.at(*region)) : ArrayRef(&op));
  }
  for (unsigned number = 0; number < table.size(); ++number)
    for (unsigned producer : producers(number))
      graph.addEdge(producer, number);
}

void RowFusion::addGroup(ArrayRef<Operation *> ops) {
  Group group;
  group.ops.assign(ops.begin(), ops.end());
  group.isRows = llvm::all_of(ops, isRowsOp);
  group.hasReduction = llvm::any_of(ops, llvm::IsaPred<Reducing>);
  group.isFree = llvm::all_of(ops, isFreeOp);
  group.isScalar = llvm::all_of(ops, [](Operation *op) {
    return llvm::all_of(op->getOperands(), hasOneElement) &&
           llvm::all_of(op->getResults(), hasOneElement);
  });
  for (Operation *op : ops)
    numbers[op] = table.size();
  table.push_back(std::move(group));
  graph.addGroup();
}

std::optional<unsigned> RowFusion::groupOf(Operation *op) const {
  return find(numbers, op);
}

SmallVector<unsigned> RowFusion::groups() const {
  SmallVector<unsigned> alive;
  for (unsigned number = 0; number < table.size(); ++number)
    if (!table[number].ops.empty())
      alive.push_back(number);
  llvm::sort(alive, [&](unsigned lhs, unsigned rhs) {
    return position(lhs) < position(rhs);
  });
  return alive;
}

SmallVector<Value> RowFusion::inputs(unsigned number) const {
  return inputsOf(table[number].ops);
}

SmallVector<unsigned> RowFusion::producers(unsigned number) const {
  llvm::SetVector<unsigned> found;
  for (Value input : inputs(number))
    if (Operation *producer = input.getDefiningOp())
      if (std::optional<unsigned> group = groupOf(producer))
        found.insert(*group);
  return SmallVector<unsigned>(found.begin(), found.end());
}

SmallVector<unsigned> RowFusion::consumers(unsigned number) const {
  llvm::SetVector<unsigned> found;
  for (Operation *op : table[number].ops)
    for (Operation *user : op->getUsers())
      if (std::optional<unsigned> group = groupOf(user);
          group && group != number)
        found.insert(*group);
  return SmallVector<unsigned>(found.begin(), found.end());
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

bool RowFusion::isSharedScalar(unsigned producer, unsigned consumer) const {
  if (!table[producer].isScalar || table[consumer].isScalar)
    return false;
  return llvm::any_of(outputsOf(table[producer].ops), [&](Value output) {
    return llvm::any_of(output.getUsers(), [&](Operation *user) {
      std::optional<unsigned> group = groupOf(user);
      return group != producer && group != consumer;
    });
  });
}

bool RowFusion::endsWithScalar(unsigned number) const {
  return llvm::any_of(outputsOf(table[number].ops), hasOneElement);
}

/// The ops of both, in the order of the block.
SmallVector<Operation *> RowFusion::mergedOps(unsigned a, unsigned b) const {
  SmallVector<Operation *> ops;
  std::merge(table[a].ops.begin(), table[a].ops.end(), table[b].ops.begin(),
             table[b].ops.end(), std::back_inserter(ops),
             [&](Operation *lhs, Operation *rhs) {
               return positions.at(lhs) < positions.at(rhs);
             });
  return ops;
}

bool RowFusion::isFull(unsigned number) const {
  return table[number].ops.size() >= kMostKernelOps;
}

StringRef RowFusion::reasonAgainst(unsigned a, unsigned b,
                                   ArrayRef<Operation *> merged) {
  if (inputs(a).size() + inputs(b).size() + outputsOf(merged).size() >
      kMostBuffers)
    return "too many buffers";
  if (!graph.canMerge(a, b))
    return "a third may have to run between them";
  if (!fits(merged, samples))
    return "no space fits both";
  return {};
}

std::optional<unsigned> RowFusion::merge(unsigned a, unsigned b) {
  Group &merged = table[a], &other = table[b];
  // Asked for most often, and for nothing: proposals need not know sizes.
  if (a == b || !merged.isRows || !other.isRows ||
      merged.ops.size() + other.ops.size() > kMostKernelOps)
    return std::nullopt;
  SmallVector<Operation *> ops = mergedOps(a, b);
  if (StringRef reason = reasonAgainst(a, b, ops); !reason.empty()) {
    LLVM_DEBUG(llvm::dbgs()
               << "not merged, as " << reason << ": " << *merged.ops.front()
               << " and " << *other.ops.front() << '\n');
    return std::nullopt;
  }
  graph.merge(a, b);
  merged.ops = std::move(ops);
  merged.hasReduction |= other.hasReduction;
  merged.isFree &= other.isFree;
  merged.isScalar &= other.isScalar;
  for (Operation *op : other.ops)
    numbers[op] = a;
  other.ops.clear();
  return a;
}

bool RowFusion::hasSamples(unsigned number) const {
  return samples && !fits(table[number].ops, /*samples=*/false);
}

bool RowFusion::computeIn(unsigned number, Value value,
                          ArrayRef<Operation *> ops) {
  Group &group = table[number];
  SmallVector<Operation *> all(ops);
  llvm::append_range(all, group.ops);
  if (all.size() > kMostKernelOps ||
      inputsOf(all).size() + outputsOf(group.ops).size() > kMostBuffers ||
      // What has one space keeps it.
      !fits(all, hasSamples(number)))
    return false;
  OpBuilder builder(group.ops.front());
  IRMapping copies;
  SmallVector<Operation *> computed;
  for (Operation *op : ops) {
    Operation *copy = builder.clone(*op, copies);
    numbers[copy] = number;
    positions[copy] = position(number);
    computed.push_back(copy);
  }
  for (Operation *op : group.ops)
    op->replaceUsesOfWith(value, copies.lookup(value));
  group.ops.insert(group.ops.begin(), computed.begin(), computed.end());
  return true;
}

void RowFusion::absorbFree() {
  // Users first, so that a chain finds its user in a kernel already.
  SmallVector<unsigned> order = groups();
  for (unsigned number : llvm::reverse(order)) {
    if (!table[number].isFree)
      continue;
    SmallVector<unsigned> users = consumers(number);
    bool isUsedOutside = llvm::any_of(table[number].ops, [&](Operation *op) {
      return llvm::any_of(op->getUsers(),
                          [&](Operation *user) { return !groupOf(user); });
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
  auto isAlone = [&](Operation *op) {
    return table[numbers.at(op)].ops.size() == 1;
  };
  for (auto [copy, original] : originals)
    if (isAlone(copy) && isAlone(original))
      copies.push_back(copy);
  // Users first, and each copy for the op that it was made of: copies of copies
  // are copies of the first.
  llvm::sort(copies, [&](Operation *lhs, Operation *rhs) {
    return positions.at(lhs) > positions.at(rhs);
  });
  for (Operation *copy : copies) {
    copy->replaceAllUsesWith(originals.at(copy));
    table[numbers.at(copy)].ops.clear();
    numbers.erase(copy);
    copy->erase();
  }
}

/// What is computed elsewhere in place of being read may have no user left.
void RowFusion::removeUnused() {
  SmallVector<unsigned> alive = groups();
  for (unsigned number : llvm::reverse(alive)) {
    SmallVector<Operation *> ops(table[number].ops);
    for (Operation *op : llvm::reverse(ops)) {
      if (!isRowsOp(op) || !op->use_empty())
        continue;
      llvm::erase(table[number].ops, op);
      numbers.erase(op);
      op->erase();
    }
  }
}

/// Where the ops come from, that with the most elements first: reports name the
/// first place, which a counter beside it is not.
static SmallVector<Location> locationsOf(ArrayRef<Operation *> ops) {
  constexpr int64_t kTypicalBatch = 64;
  auto elements = [&](Operation *op) {
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    std::optional<BatchSize> size = sizeOfShape(type.getShape());
    return size ? size->estimate(kTypicalBatch) : INT64_MAX;
  };
  SmallVector<Location> locations;
  for (Operation *op : ops)
    locations.push_back(op->getLoc());
  auto largest = llvm::max_element(ops, [&](Operation *lhs, Operation *rhs) {
    return elements(lhs) < elements(rhs);
  });
  std::swap(locations.front(), locations[largest - ops.begin()]);
  return locations;
}

static void buildRegion(const RowFusion::Group &group) {
  SmallVector<Value> operands = inputsOf(group.ops);
  SmallVector<Value> results = outputsOf(group.ops);
  SmallVector<Location> locations = locationsOf(group.ops);
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
  removeUnused();
  for (unsigned number : groups())
    if (const Group &group = table[number];
        group.ops.size() > 1 && group.isRows)
      buildRegion(group);
  [[maybe_unused]] bool isSorted = sortInRounds(block);
  assert(isSorted && "no merge has closed a cycle");
}
