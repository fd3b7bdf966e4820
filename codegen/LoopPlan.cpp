// See LoopPlan.h. Decisions are made on values; PlanMemory gives them
// addresses.
#include "codegen/LoopPlan.h"

#include "codegen/BufferAccesses.h"
#include "codegen/CountWork.h"
#include "codegen/Reference.h"
#include "codegen/SampleIndependence.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace nnc;

Value nnc::skipReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

void nnc::forEachUse(Value value, llvm::function_ref<void(OpOperand &)> visit) {
  for (OpOperand &use : value.getUses()) {
    if (auto reshape = dyn_cast<ReshapeOp>(use.getOwner()))
      forEachUse(reshape.getY(), visit);
    else
      visit(use);
  }
}

bool nnc::mayLieInSlots(Type part, const LoopSupport &support) {
  Extent size = sizeBytes(cast<RankedTensorType>(part));
  return size.divisor == 1 && size.constant % support.alignmentBytes == 0 &&
         size.perBatch % support.alignmentBytes == 0;
}

namespace {

class LoopPlanner {
public:
  LoopPlanner(ScanOp scan, const Schedule &schedule, int64_t maxBatch)
      : scan(scan), body(scan.getBody().front()), schedule(schedule),
        maxBatch(maxBatch) {}

  LoopPlan run() {
    plan.isJoined = mayJoin();
    placeCarried();
    placeKept();
    chooseForms();
    shareOut();
    hoist();
    return std::move(plan);
  }

private:
  bool mayJoin();
  bool mayJoin(LaunchOp launch, const Phase &phase);
  void placeCarried();
  void placeKept();
  LoopPlan::Kept placeKept(unsigned index, Value yielded);
  void chooseForms();
  bool mayReplace(BlockArgument argument, Value next);
  void shareOut();
  bool treatsSamplesAlone();
  void hoist();
  void hoistPhases(LaunchOp launch);
  bool mayHoist(LaunchOp launch, const Phase &phase,
                ArrayRef<BufferRef> written);
  bool isInvariant(Value value);
  int64_t countFlopOfSample();

  const ScheduledKernel &kernelOf(LaunchOp launch) const {
    return schedule.kernels.find(launch.getKernel())->second;
  }
  func::FuncOp functionOf(LaunchOp launch) const {
    return SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
        launch, launch.getKernelAttr());
  }

  ScanOp scan;
  Block &body;
  const Schedule &schedule;
  int64_t maxBatch;
  LoopPlan plan;
};

} // namespace

//===----------------------------------------------------------------------===//
// All steps in one launch
//===----------------------------------------------------------------------===//

/// Whether blocks may be at different steps: threads wait for none, and what
/// the phase leaves in memory is of its samples, or always the same.
bool LoopPlanner::mayJoin(LaunchOp launch, const Phase &phase) {
  if (!phase.function || !llvm::isPowerOf2_64(phase.threads))
    return false;
  func::FuncOp function = phase.function;
  WalkResult walked = function.walk([](Operation *op) {
    return isa<gpu::BarrierOp, memref::AllocaOp>(op) ? WalkResult::interrupt()
                                                     : WalkResult::advance();
  });
  if (walked.wasInterrupted())
    return false;
  bool isOfSamples = true, isSame = true;
  for (auto [number, buffer] : llvm::enumerate(phase.buffers)) {
    BufferAccesses accesses = accessesOf(phase, number);
    if (accesses.reads && !(buffer.kind == BufferRef::Operand &&
                            isInvariant(launch.getInputs()[buffer.index])))
      isSame = false;
    if (accesses.writes && buffer.kind == BufferRef::Workspace) {
      Extent size = kernelOf(launch).workspaceBytes[buffer.index];
      isOfSamples &= size.constant == 0 && size.perBatch != 0;
    }
  }
  return isOfSamples || isSame;
}

/// One kernel does all that a step does (nnc-join-launches).
bool LoopPlanner::mayJoin() {
  auto launches = llvm::to_vector(body.getOps<LaunchOp>());
  if (!schedule.loops.joinsSteps || launches.size() != 1)
    return false;
  const ScheduledKernel &kernel = kernelOf(launches[0]);
  return kernel.isStep && llvm::all_of(kernel.phases, [&](const Phase &phase) {
           return mayJoin(launches[0], phase);
         });
}

/// The launch writes the next value where it is to be, if it is nobody else's
/// yet; whatever else is yielded is copied.
void LoopPlanner::placeCarried() {
  for (auto [i, next] : llvm::enumerate(scan.getNext())) {
    Value root = skipReshapes(next);
    LoopPlan::Place place{/*isCarried=*/true, unsigned(i)};
    bool isPlaced = root.getDefiningOp<LaunchOp>() &&
                    plan.places.try_emplace(root, place).second;
    if (!isPlaced)
      plan.copies.push_back({next, place});
    plan.carried.push_back(LoopPlan::Form::InTurn);
  }
}

void LoopPlanner::placeKept() {
  for (auto [i, yielded] : llvm::enumerate(scan.getKept()))
    plan.kept.push_back(placeKept(i, yielded));
}

LoopPlan::Kept LoopPlanner::placeKept(unsigned index, Value yielded) {
  Value root = skipReshapes(yielded);
  LoopPlan::Place place{/*isCarried=*/false, index};
  auto among = [&](unsigned carried, bool isBefore) -> LoopPlan::Kept {
    plan.carried[carried] = LoopPlan::Form::Each;
    return {carried, isBefore, std::nullopt};
  };
  const bool isAligned = mayLieInSlots(root.getType(), schedule.loops);
  auto placed = plan.places.find(root);
  const bool isPlaced = placed != plan.places.end();
  // Others read the last carried value where it lies.
  if (isAligned) {
    auto carried = llvm::find(scan.getCarriedArguments(), root);
    if (carried != scan.getCarriedArguments().end())
      return among(carried - scan.getCarriedArguments().begin(),
                   /*isBefore=*/true);
    if (isPlaced && placed->second.isCarried)
      return among(placed->second.index, /*isBefore=*/false);
  }
  if (isAligned || plan.isJoined) {
    if (isPlaced && !placed->second.isCarried)
      return {std::nullopt, false, placed->second.index};
    if (!isPlaced && root.getDefiningOp<LaunchOp>()) {
      plan.places[root] = place;
      return {};
    }
  }
  plan.copies.push_back({yielded, place});
  return {};
}

void LoopPlanner::chooseForms() {
  for (auto [form, argument, next] : llvm::zip_equal(
           plan.carried, scan.getCarriedArguments(), scan.getNext()))
    if (form == LoopPlan::Form::InTurn &&
        mayReplace(argument, skipReshapes(next)))
      form = LoopPlan::Form::InPlace;
}

/// Whether the next value may be written where the last one is: every reader
/// has run by then, or reads each element before it writes it.
bool LoopPlanner::mayReplace(BlockArgument argument, Value next) {
  auto writer = next.getDefiningOp<LaunchOp>();
  auto placed = plan.places.find(next);
  if (!writer || placed == plan.places.end() || !placed->second.isCarried ||
      placed->second.index != argument.getArgNumber())
    return false;
  const auto &mayAlias = kernelOf(writer).mayAlias;
  unsigned result = cast<OpResult>(next).getResultNumber();
  bool allowed = true;
  forEachUse(argument, [&](OpOperand &use) {
    Operation *user = use.getOwner();
    if (user == writer)
      allowed &= llvm::is_contained(
          mayAlias, std::make_pair(use.getOperandNumber(), result));
    else
      allowed &= isa<LaunchOp>(user) && user->isBeforeInBlock(writer);
  });
  return allowed;
}

//===----------------------------------------------------------------------===//
// Samples
//===----------------------------------------------------------------------===//

/// Whether a thread can take some samples through all steps: kernels treat each
/// alone, and what goes from step to step is one part a sample.
bool LoopPlanner::treatsSamplesAlone() {
  auto isPartASample = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return !type.hasStaticShape() && hasLeadingBatch(type);
  };
  return llvm::all_of(scan.getYield().getValues(), isPartASample) &&
         llvm::all_of(body.getOps<LaunchOp>(), [&](LaunchOp launch) {
           return nnc::treatsSamplesAlone(functionOf(launch)) &&
                  llvm::none_of(
                      kernelOf(launch).phases,
                      [](const Phase &phase) { return phase.matmul; });
         });
}

/// Of one step.
int64_t LoopPlanner::countFlopOfSample() {
  int64_t flop = 0;
  for (auto launch : body.getOps<LaunchOp>())
    flop += countFlop(functionOf(launch)).perBatch;
  return flop;
}

void LoopPlanner::shareOut() {
  if (!schedule.loops.sharesSamples || !treatsSamplesAlone())
    return;
  // What they leave for one another within a step stays in a cache of some
  // hundred KB, and weights that come from memory at each step serve them all.
  constexpr int64_t kMostRows = 256;
  plan.rows = std::min(maxBatch, kMostRows);
  // As long as it takes to wake a thread, at some 16 operations a nanosecond.
  constexpr int64_t kLeastFlop = 300'000;
  int64_t flopOfSample = 0;
  if (llvm::MulOverflow(countFlopOfSample(), int64_t(scan.getSteps()),
                        flopOfSample))
    return;
  plan.grain = llvm::divideCeil(kLeastFlop, std::max<int64_t>(1, flopOfSample));
}

//===----------------------------------------------------------------------===//
// What is the same at each step
//===----------------------------------------------------------------------===//

bool LoopPlanner::isInvariant(Value value) {
  Value root = skipReshapes(value);
  return llvm::is_contained(scan.getWithArguments(), root) ||
         root.getDefiningOp<ConstantOp>() || plan.invariant.contains(root);
}

static bool isSame(BufferRef lhs, BufferRef rhs) {
  return lhs.kind == rhs.kind && lhs.index == rhs.index;
}

static bool contains(ArrayRef<BufferRef> buffers, BufferRef buffer) {
  return llvm::any_of(buffers,
                      [&](BufferRef other) { return isSame(buffer, other); });
}

/// Whether a phase reads only what is the same at each step, of which `written`
/// is what earlier phases of its launch write. Where samples are shared out, a
/// tensor has them at their places; a workspace that grows with them need not.
bool LoopPlanner::mayHoist(LaunchOp launch, const Phase &phase,
                           ArrayRef<BufferRef> written) {
  for (auto [number, buffer] : llvm::enumerate(phase.buffers)) {
    BufferAccesses accesses = accessesOf(phase, number);
    bool isOperand = buffer.kind == BufferRef::Operand;
    if (accesses.reads &&
        !(isOperand ? isInvariant(launch.getInputs()[buffer.index])
                    : contains(written, buffer)))
      return false;
    if (accesses.writes && buffer.kind == BufferRef::Result &&
        plan.places.count(launch.getResult(buffer.index)))
      return false;
    if (plan.rows && buffer.kind == BufferRef::Workspace &&
        kernelOf(launch).workspaceBytes[buffer.index].perBatch != 0)
      return false;
  }
  return true;
}

void LoopPlanner::hoistPhases(LaunchOp launch) {
  const std::vector<Phase> &phases = kernelOf(launch).phases;
  SmallVector<BufferRef> written;
  SmallVector<unsigned> hoisted;
  for (auto [number, phase] : llvm::enumerate(phases)) {
    if (!mayHoist(launch, phase, written))
      continue;
    hoisted.push_back(number);
    for (auto [i, buffer] : llvm::enumerate(phase.buffers))
      if (accessesOf(phase, i).writes)
        written.push_back(buffer);
  }
  // A buffer that a phase in the loop writes too has another content later.
  for (auto [number, phase] : llvm::enumerate(phases))
    if (!llvm::is_contained(hoisted, number))
      for (auto [i, buffer] : llvm::enumerate(phase.buffers))
        if (accessesOf(phase, i).writes && contains(written, buffer))
          return;
  for (unsigned number : hoisted)
    plan.hoisted.insert({launch, number});
  for (BufferRef buffer : written)
    if (buffer.kind == BufferRef::Result)
      plan.invariant.insert(launch.getResult(buffer.index));
}

void LoopPlanner::hoist() {
  for (auto launch : body.getOps<LaunchOp>())
    hoistPhases(launch);
}

LoopPlan nnc::planLoop(ScanOp scan, const Schedule &schedule,
                       int64_t maxBatch) {
  return LoopPlanner(scan, schedule, maxBatch).run();
}
