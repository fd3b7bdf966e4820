// The updates of all parameters into one kernel, for targets on which starting
// a kernel costs more than the memory traffic that fusing an update with its
// gradient saves.
//
// Needs primitives, before any other fusion, and looks at training steps alone:
// initial values are drawn once. What it takes are elementwise ops
// whose values only become state; scalars that updates share (a rate on its
// schedule, a clipping factor) stay where they are and become operands. Norms
// of gradients of one type are gathered likewise, some at once.
#include "passes/EntryPoints.h"
#include "passes/Passes.h"
#include "passes/RowFusion.h"
#include "passes/SortInRounds.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_FUSEUPDATESPASS
#include "passes/Passes.h.inc"

/// Buffers of one kernel. A launch has 4 KiB of arguments, of eight bytes each;
/// but the time to compile a kernel grows faster than its text, and beside this
/// many updates another launch costs nothing.
static constexpr size_t kMostBuffers = 160;

/// Norms in one kernel: each takes registers for as long as it goes over the
/// elements.
static constexpr size_t kMostNorms = 8;
/// A norm of fewer elements is part of a kernel of small things anyway.
static constexpr int64_t kFewElements = 8192;

namespace {

/// The ops that update some parameters: a kernel to be.
struct Updates {
  llvm::SetVector<Operation *> ops;
  llvm::SetVector<Value> inputs;
  SmallVector<Value> results;

  size_t numBuffers() const { return inputs.size() + results.size(); }
};

class UpdateFusion {
public:
  explicit UpdateFusion(Block &block) : block(block) {}

  void run();

private:
  bool isPartOfUpdate(Operation *op) const;
  Updates collect(AssignOp assign) const;
  void fuse(const Updates &updates, StringRef kind);
  void gatherNorms();
  void gather(ArrayRef<SumOp> norms);
  void gatherUpdates();

  Block &block;
  /// Ops whose values only become state.
  DenseSet<Operation *> members;
};

} // namespace

/// The op that makes `value` of one of fewer bits: a copy of it costs nothing,
/// and less is read.
static CastOp getWidening(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  auto bits = [](Value of) {
    return mlir::cast<RankedTensorType>(of.getType()).getElementTypeBitWidth();
  };
  return cast && bits(cast.getX()) < bits(value) ? cast : CastOp();
}

static bool isScalar(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank() == 0;
}

bool UpdateFusion::isPartOfUpdate(Operation *op) const {
  if (op->getNumResults() != 1 || !isPositional(op) ||
      isScalar(op->getResult(0)) || isa<RandomBitsOp>(op))
    return false;
  return llvm::all_of(op->getUsers(), [&](Operation *user) {
    return isa<AssignOp>(user) || members.contains(user);
  });
}

/// What computes the value of `assign`, and everything that shares an op with
/// it: Adam's moments are assigned and used.
Updates UpdateFusion::collect(AssignOp assign) const {
  Updates updates;
  SmallVector<Operation *> pending;
  auto add = [&](Operation *op) {
    if (op && members.contains(op) && updates.ops.insert(op))
      pending.push_back(op);
  };
  add(assign.getValue().getDefiningOp());
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val();
    for (Value operand : op->getOperands())
      add(operand.getDefiningOp());
    for (Operation *user : op->getUsers())
      add(user);
  }
  return updates;
}

/// Completes `updates` from its ops: operands from outside, and results.
static void findBuffers(Updates &updates) {
  for (Operation *op : updates.ops) {
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (updates.ops.contains(producer) ||
          (producer && producer->hasTrait<OpTrait::ConstantLike>()))
        continue;
      CastOp widening = getWidening(operand);
      updates.inputs.insert(widening ? widening.getX() : operand);
    }
    if (!llvm::all_of(op->getUsers(), [&](Operation *user) {
          return updates.ops.contains(user);
        }))
      updates.results.push_back(op->getResult(0));
  }
}

void UpdateFusion::fuse(const Updates &updates, StringRef kind) {
  SmallVector<Operation *> ops(updates.ops.begin(), updates.ops.end());
  llvm::sort(ops, [](Operation *lhs, Operation *rhs) {
    return lhs->isBeforeInBlock(rhs);
  });
  SmallVector<Location> locations;
  for (Operation *op : ops)
    locations.push_back(op->getLoc());
  // Behind the last of them, where all operands are known. Assignments may wait
  // until the end: whatever reads a parameter reads it before.
  OpBuilder builder(block.getParent()->getContext());
  builder.setInsertionPointAfter(ops.back());
  Location loc = builder.getFusedLoc(locations);
  auto fused = FusedOp::create(
      builder, loc, llvm::to_vector(TypeRange(ValueRange(updates.results))),
      builder.getStringAttr(kind), updates.inputs.getArrayRef());
  Block *body = builder.createBlock(&fused.getBody());
  IRMapping mapping;
  for (Value input : updates.inputs)
    mapping.map(input, body->addArgument(input.getType(), loc));
  builder.setInsertionPointToEnd(body);
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand)) // a constant, or wider than it is read
        builder.clone(*operand.getDefiningOp(), mapping);
    builder.clone(*op, mapping);
  }
  YieldOp::create(builder, loc,
                  llvm::map_to_vector(updates.results, [&](Value result) {
                    return mapping.lookup(result);
                  }));
  for (auto [old, made] : llvm::zip(updates.results, fused.getResults())) {
    for (Operation *user : old.getUsers())
      if (isa<AssignOp>(user))
        user->moveBefore(block.getTerminator());
    Value(old).replaceAllUsesWith(made);
  }
  for (Operation *op : llvm::reverse(ops))
    op->erase();
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

/// What `sum` is the sum of squares of, all of them; null if it is not.
static Value getSquared(SumOp sum) {
  auto square = sum->getOperand(0).getDefiningOp<MulOp>();
  if (!square || !isScalar(sum->getResult(0)) || !square->hasOneUse() ||
      square->getOperand(0) != square->getOperand(1))
    return {};
  Value squared = square->getOperand(0);
  auto type = cast<RankedTensorType>(squared.getType());
  bool isLarge = type.hasStaticShape() && type.getNumElements() > kFewElements;
  return isLarge ? squared : Value();
}

/// Whether `op` gives something else than scalars to what is before `end`: what
/// a later norm is of might depend on it.
static bool givesTensors(Operation *op, Operation *end) {
  SmallVector<Operation *> pending = {op};
  DenseSet<Operation *> seen;
  while (!pending.empty())
    for (Operation *user : pending.pop_back_val()->getUsers()) {
      if (!user->isBeforeInBlock(end) || !seen.insert(user).second)
        continue;
      if (!llvm::all_of(user->getResults(), isScalar))
        return true;
      pending.push_back(user);
    }
  return false;
}

void UpdateFusion::gather(ArrayRef<SumOp> norms) {
  Updates kernel;
  for (SumOp norm : norms) {
    if (givesTensors(norm, norms.back()))
      return;
    kernel.ops.insert(norm->getOperand(0).getDefiningOp());
    kernel.ops.insert(norm);
  }
  if (norms.size() < 2)
    return;
  findBuffers(kernel);
  fuse(kernel, "rows");
}

void UpdateFusion::gatherNorms() {
  llvm::MapVector<Type, SmallVector<SumOp>> byType;
  for (auto sum : block.getOps<SumOp>())
    if (Value squared = getSquared(sum)) {
      CastOp widening = getWidening(squared);
      byType[(widening ? widening.getX() : squared).getType()].push_back(sum);
    }
  if (byType.empty())
    return;
  for (auto &[type, sums] : byType)
    for (size_t first = 0; first < sums.size(); first += kMostNorms)
      gather(ArrayRef(sums).slice(first).take_front(kMostNorms));
  // Scalars that are added up before the last of them is there.
  [[maybe_unused]] bool isSorted = sortInRounds(block);
  assert(isSorted && "norms depend on no other's norm");
}

//===----------------------------------------------------------------------===//
// Updates
//===----------------------------------------------------------------------===//

/// What two updates have in common whose kernels are equal.
static llvm::hash_code kindOf(const Updates &updates) {
  llvm::hash_code kind(0);
  for (Operation *op : updates.ops)
    kind = llvm::hash_combine(kind, op->getName(), op->getAttrDictionary(),
                              op->getResult(0).getType());
  return kind;
}

/// Equal layers: `length` of the updates from `first` on, of which each is as
/// the one `period` before it.
struct Layers {
  size_t first = 0, length = 0, period = 1;
};

static Layers findLayers(ArrayRef<Updates> updates) {
  auto kinds = llvm::map_to_vector(updates, kindOf);
  Layers longest;
  for (size_t period = 1; period <= kMostBuffers; ++period)
    for (size_t i = period, run = 0; i < kinds.size(); ++i) {
      run = kinds[i] == kinds[i - period] ? run + 1 : 0;
      if (run && run + period > longest.length)
        longest = {i + 1 - run - period, run + period, period};
    }
  return longest;
}

/// Where kernels begin, beside where one would have too many buffers: where as
/// many layers do as fit into one, so that their kernels are equal.
static SmallVector<size_t> findBeginnings(ArrayRef<Updates> updates) {
  size_t numBuffers = 0;
  for (const Updates &update : updates)
    numBuffers += update.numBuffers();
  if (numBuffers <= kMostBuffers)
    return {};
  Layers layers = findLayers(updates);
  size_t ofLayer = 0;
  for (const Updates &update :
       updates.slice(layers.first).take_front(layers.period))
    ofLayer += update.numBuffers();
  size_t step = layers.period * std::max<size_t>(kMostBuffers / ofLayer, 1);
  SmallVector<size_t> beginnings;
  if (layers.length >= 2 * step)
    for (size_t at = 0; at <= layers.length; at += step)
      beginnings.push_back(layers.first + at);
  return beginnings;
}

void UpdateFusion::gatherUpdates() {
  for (Operation &op : llvm::reverse(block))
    if (isPartOfUpdate(&op))
      members.insert(&op);
  SmallVector<Updates> all;
  DenseSet<Operation *> taken;
  for (auto assign : block.getOps<AssignOp>()) {
    Updates updates = collect(assign);
    if (updates.ops.empty() || taken.contains(updates.ops.front()))
      continue;
    taken.insert(updates.ops.begin(), updates.ops.end());
    findBuffers(updates);
    all.push_back(std::move(updates));
  }
  SmallVector<size_t> beginnings = findBeginnings(all);
  SmallVector<Updates> kernels;
  for (auto [number, updates] : llvm::enumerate(all)) {
    if (kernels.empty() || llvm::is_contained(beginnings, number) ||
        kernels.back().numBuffers() + updates.numBuffers() > kMostBuffers)
      kernels.emplace_back();
    Updates &kernel = kernels.back();
    kernel.ops.insert_range(updates.ops);
    kernel.inputs.insert_range(updates.inputs);
    llvm::append_range(kernel.results, updates.results);
  }
  for (const Updates &kernel : kernels)
    fuse(kernel, "updates");
}

void UpdateFusion::run() {
  gatherNorms();
  gatherUpdates();
}

namespace {
struct FuseUpdatesPass : impl::FuseUpdatesPassBase<FuseUpdatesPass> {
  void runOnOperation() override {
    if (getOperation()->hasAttr(kTrainingAttr))
      UpdateFusion(getOperation().getBody().front()).run();
  }
};
} // namespace

} // namespace nnc
