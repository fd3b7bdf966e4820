// Every op of the model gets a number, which its location carries through
// differentiation, expansion and fusion; launches are then counted by it.
#include "codegen/OpWork.h"

#include "codegen/CountWork.h"
#include "codegen/LaunchGraph.h"
#include "codegen/Passes.h"
#include "codegen/Reference.h"
#include "ir/Ops.h"
#include "passes/EntryPoints.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Numbers in locations
//===----------------------------------------------------------------------===//

/// Numbers the ops of the model's body; what is in an op's region has its
/// number. Returns how many there are.
static size_t numberOps(ModelOp model) {
  size_t number = 0;
  Builder b(model.getContext());
  for (Operation &op : model.getBody().front()) {
    Attribute attribute = b.getI64IntegerAttr(number++);
    op.walk([&](Operation *inner) {
      inner->setLoc(
          FusedLoc::get({inner->getLoc()}, attribute, b.getContext()));
    });
  }
  return number;
}

/// The first metadata of that kind in a location; null if there is none.
template <typename AttributeType>
static AttributeType findMetadata(Location location) {
  AttributeType found;
  location->walk([&](Location part) {
    if (auto fused = dyn_cast<FusedLoc>(part))
      found = dyn_cast_or_null<AttributeType>(fused.getMetadata());
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

static constexpr int64_t kNoNumber = -1;

static int64_t numberOf(Location location) {
  auto number = findMetadata<IntegerAttr>(location);
  return number ? number.getInt() : kNoNumber;
}

/// Of the op that makes a value, in a fused region or outside of any.
static int64_t numberOf(OpResult result) {
  auto fused = dyn_cast<FusedOp>(result.getOwner());
  if (!fused)
    return numberOf(result.getOwner()->getLoc());
  Operation *yield = fused.getBody().front().getTerminator();
  Operation *made = yield->getOperand(result.getResultNumber()).getDefiningOp();
  return numberOf((made ? made : fused.getOperation())->getLoc());
}

/// Has the locations of what becomes launches say whose each result is: of
/// those that are used, which a launch has alone.
static void nameResults(func::FuncOp function) {
  for (Operation &op : function.getBody().front()) {
    SmallVector<int64_t> numbers;
    for (OpResult result : op.getResults())
      if (!result.use_empty() || !isa<FusedOp>(op))
        numbers.push_back(numberOf(result));
    op.setLoc(FusedLoc::get({op.getLoc()},
                            DenseI64ArrayAttr::get(op.getContext(), numbers),
                            op.getContext()));
  }
}

//===----------------------------------------------------------------------===//
// FLOP
//===----------------------------------------------------------------------===//

static void dissolve(FusedOp fused, IRRewriter &rewriter) {
  Block &body = fused.getBody().front();
  Operation *yield = body.getTerminator();
  rewriter.inlineBlockBefore(&body, fused, fused.getInputs());
  rewriter.replaceOp(fused, yield->getOperands());
  rewriter.eraseOp(yield);
}

/// Each op of a fused region as a kernel of its own: what it computes is the
/// same, and the launch tells whose it is.
static void dissolveRegions(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<FusedOp> regions;
  module.walk([&](FusedOp fused) { regions.push_back(fused); });
  for (FusedOp fused : regions) {
    rewriter.setInsertionPoint(fused);
    dissolve(fused, rewriter);
  }
}

static bool isTrainingStep(func::FuncOp function) {
  return function->hasAttr(kTrainingAttr) &&
         !function->hasAttr(kStateStaysAttr);
}

namespace {

class FlopCounter {
public:
  FlopCounter(ModuleOp module, ModelWork &work) : module(module), work(work) {}

  void count(func::FuncOp function, double OpWork::*flop) {
    function.walk([&](LaunchOp launch) {
      int64_t number = numberOf(launch.getLoc());
      OpWork &op = number == kNoNumber ? work.others : work.ops[number];
      op.*flop += flopOf(launch);
    });
  }

private:
  /// In all steps of the loops around the launch.
  double flopOf(LaunchOp launch) {
    auto [flop, isNew] = flops.try_emplace(launch.getKernel());
    if (isNew)
      flop->second = double(
          countFlop(module.lookupSymbol<func::FuncOp>(launch.getKernelAttr()))
              .at(work.batch));
    double steps = 1;
    for (auto scan = launch->getParentOfType<ScanOp>(); scan;
         scan = scan->getParentOfType<ScanOp>())
      steps *= double(scan.getSteps());
    return flop->second * steps;
  }

  ModuleOp module;
  ModelWork &work;
  llvm::StringMap<double> flops; // by kernel
};

} // namespace

static void countFlops(ModuleOp module, ModelWork &work) {
  FlopCounter counter(module, work);
  for (auto function : module.getOps<func::FuncOp>())
    if (isTrainingStep(function))
      counter.count(function, &OpWork::stepFlop);
  auto forward = module.lookupSymbol<func::FuncOp>(kPredictName);
  if (!forward)
    forward = module.lookupSymbol<func::FuncOp>(kEvalStepName);
  if (forward)
    counter.count(forward, &OpWork::forwardFlop);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Adds what the way to the loss keeps for the way back to the ops that it is
/// of.
static void countKept(func::FuncOp function, const Schedule &schedule,
                      ModelWork &work) {
  LaunchGraph graph = LaunchGraph::of(function, schedule, work.batch);
  for (auto [i, value] : llvm::enumerate(graph.values)) {
    if (!graph.isOfWayThere(value) || !graph.isSaved(value))
      continue;
    const LaunchGraph::Launch &launch = graph.launches[value.launch];
    auto numbers = findMetadata<DenseI64ArrayAttr>(launch.op->getLoc());
    size_t result = i - launch.firstResult;
    int64_t number = numbers && result < size_t(numbers.size())
                         ? numbers[result]
                         : kNoNumber;
    OpWork &op = number == kNoNumber ? work.others : work.ops[number];
    op.keptBytes += value.sizeBytes;
  }
}

static FailureOr<PlannedBytes> planBytes(ModuleOp module,
                                         const Schedule &schedule,
                                         const CompileOptions &options) {
  FailureOr<BudgetedPlan> planned = planSchedule(module, schedule, options);
  if (failed(planned))
    return failure();
  PlannedBytes bytes;
  bytes.stateBytes = planned->plan.stateBytes;
  for (const PlannedEntryPoint &entry : planned->plan.entryPoints) {
    bytes.arenaBytes = std::max(bytes.arenaBytes, entry.arenaBytes);
    bytes.scratchBytes = std::max(bytes.scratchBytes, entry.scratchBytes);
  }
  return bytes;
}

static void describeState(ModuleOp module, ModelWork &work) {
  for (auto parameter : module.getOps<ParameterOp>()) {
    if (parameter.isFrozen())
      work.frozen.insert(parameter.getSymName());
    if (parameter.getRole() == Role::optimizer_state)
      work.optimizerStateBytes +=
          sizeBytes(cast<RankedTensorType>(parameter.getType())).at(1);
  }
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

static FailureOr<PlannedBytes> planInference(ModuleOp module,
                                             CompileOptions options) {
  options.passes.trainingEntry = false;
  if (failed(runToStage(module, Stage::Fused, options)))
    return failure();
  FailureOr<Schedule> schedule = scheduleFused(module, options);
  if (failed(schedule))
    return failure();
  return planBytes(module, *schedule, options);
}

/// Kernels as linalg, and no more: what several kernels compute each for
/// itself is one value now, were it shared.
static LogicalResult outlineAll(ModuleOp module) {
  PassManager pm(module->getName());
  pm.addPass(createOutlineKernelsPass());
  pm.addPass(createLowerToLinalgPass());
  return pm.run(module);
}

/// Of `module`, which is brought to fused regions and on.
static LogicalResult countWithTraining(ModuleOp module,
                                       const CompileOptions &options,
                                       ModelWork &work) {
  if (failed(runToStage(module, Stage::Fused, options)))
    return failure();
  work.batch = maxBatchOf(module, options);
  describeState(module, work);
  OwningOpRef<ModuleOp> dissolved(module.clone());
  dissolveRegions(*dissolved);
  if (failed(outlineAll(*dissolved)))
    return failure();
  countFlops(*dissolved, work);
  auto steps = llvm::to_vector(
      llvm::make_filter_range(module.getOps<func::FuncOp>(), isTrainingStep));
  llvm::for_each(steps, nameResults);
  FailureOr<Schedule> schedule = scheduleFused(module, options);
  if (failed(schedule))
    return failure();
  for (func::FuncOp step : steps)
    countKept(step, *schedule, work);
  if (steps.empty())
    return success();
  // Last: it adds launches where a budget asks for it.
  FailureOr<PlannedBytes> bytes = planBytes(module, *schedule, options);
  if (failed(bytes))
    return failure();
  work.training = *bytes;
  return success();
}

FailureOr<ModelWork> nnc::countOpWork(ModuleOp module,
                                      const CompileOptions &options) {
  ModelWork work;
  work.ops.resize(numberOps(*module.getOps<ModelOp>().begin()));
  OwningOpRef<ModuleOp> whole(module.clone()), inference(module.clone());
  if (failed(countWithTraining(*whole, options, work)))
    return failure();
  FailureOr<PlannedBytes> bytes = planInference(*inference, options);
  if (failed(bytes))
    return failure();
  work.inference = *bytes;
  return work;
}
