// The chain of stages. Up to linalg a stage is a pass pipeline; from there on,
// the schedule, the memory plan and the image are made one after another.
#include "codegen/Compile.h"

#include "codegen/Pipeline.h"
#include "codegen/PlanWriter.h"
#include "codegen/ScheduleKernels.h"
#include "ir/Dialect.h"
#include "ir/Shapes.h"
#include "ir/Version.h"
#include "passes/EntryPoints.h"
#include "runtime/abi.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Pass/PassManager.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace nnc;

int64_t nnc::maxBatchOf(ModuleOp module, const CompileOptions &options) {
  constexpr int64_t kDefaultBatch = 32; // as plan.fbs has it
  if (options.maxBatch)
    return options.maxBatch;
  std::optional<int64_t> batch = getRecipe(module).getInteger("batch");
  return batch.value_or(kDefaultBatch);
}

static int64_t memoryBudgetOf(ModuleOp module, const CompileOptions &options) {
  if (options.memoryBudgetBytes)
    return *options.memoryBudgetBytes;
  return getRecipe(module).getInteger("memory_budget").value_or(0);
}

static LogicalResult
runPasses(ModuleOp module, const CompileOptions &options,
          llvm::function_ref<void(OpPassManager &)> build) {
  PassManager pm(module->getName());
  build(pm);
  if (options.reproducerPath.empty())
    return pm.run(module);
  return runWithReproducer(pm, module, options.reproducerPath);
}

/// The options of the passes, as the target would have them.
static PipelineOptions passOptions(const CompileOptions &options) {
  PipelineOptions passes = options.passes;
  if (!passes.eachOp)
    passes.fusion = options.target->fusion();
  return passes;
}

LogicalResult nnc::runToStage(ModuleOp module, Stage stage,
                              const CompileOptions &options) {
  return runPasses(module, options, [&](OpPassManager &pm) {
    buildPipeline(pm, Stage::AsWritten, stage, passOptions(options));
  });
}

static void addLinalgPasses(OpPassManager &pm, const CompileOptions &options) {
  buildLinalgPipeline(pm, options.target->loops().joinsSteps &&
                              !options.passes.eachOp);
  addExtraPasses(pm, "kernels", options.passes);
}

/// From the model as written.
static LogicalResult runToLinalg(ModuleOp module,
                                 const CompileOptions &options) {
  return runPasses(module, options, [&](OpPassManager &pm) {
    buildPipeline(pm, Stage::AsWritten, Stage::Fused, passOptions(options));
    addLinalgPasses(pm, options);
  });
}

/// Refuses what would overflow the arithmetic of offsets: a tensor beyond the
/// 2^47 bytes that a process can address. What stays inside of a kernel is not
/// in memory.
static LogicalResult checkSizes(ModuleOp module, int64_t maxBatch) {
  constexpr int64_t kMostBytes = int64_t(1) << 47;
  auto check = [&](Value value) -> LogicalResult {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return success();
    int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
    bool isTooLarge = false;
    for (int64_t size : type.getShape())
      isTooLarge |= llvm::MulOverflow(
          bytes, ShapedType::isDynamic(size) ? maxBatch : size, bytes);
    if (!isTooLarge && bytes <= kMostBytes)
      return success();
    return emitError(value.getLoc())
           << printType(type) << " is larger than any memory at a batch of "
           << maxBatch;
  };
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate())
      continue;
    for (BlockArgument argument : function.getArguments())
      if (failed(check(argument)))
        return failure();
    WalkResult walked = function.walk([&](Operation *op) {
      bool fits = llvm::all_of(op->getResults(), [&](Value result) {
        return succeeded(check(result));
      });
      return fits ? WalkResult::advance() : WalkResult::interrupt();
    });
    if (walked.wasInterrupted())
      return failure();
  }
  return success();
}

/// Of launches of kernels as linalg.
static FailureOr<Schedule> scheduleLinalg(ModuleOp module,
                                          const CompileOptions &options) {
  if (failed(checkSizes(module, maxBatchOf(module, options))))
    return failure();
  FailureOr<Schedule> schedule =
      scheduleKernels(module, *options.target, maxBatchOf(module, options));
  // What a thread keeps to itself, nobody could look at.
  if (succeeded(schedule) && options.passes.eachOp)
    schedule->loops.sharesSamples = schedule->sharesLaunches = false;
  return schedule;
}

static FailureOr<Schedule> runToSchedule(ModuleOp module,
                                         const CompileOptions &options) {
  if (failed(runToLinalg(module, options)))
    return failure();
  return scheduleLinalg(module, options);
}

FailureOr<Schedule> nnc::scheduleFused(ModuleOp module,
                                       const CompileOptions &options) {
  LogicalResult lowered = runPasses(module, options, [&](OpPassManager &pm) {
    addLinalgPasses(pm, options);
  });
  if (failed(lowered))
    return failure();
  return scheduleLinalg(module, options);
}

FailureOr<BudgetedPlan> nnc::planSchedule(ModuleOp module,
                                          const Schedule &schedule,
                                          const CompileOptions &options) {
  return planWithinBudget(module, schedule, maxBatchOf(module, options),
                          memoryBudgetOf(module, options));
}

//===----------------------------------------------------------------------===//
// One stage as text
//===----------------------------------------------------------------------===//

template <Stage stage>
static LogicalResult emitDialect(ModuleOp module, const CompileOptions &options,
                                 llvm::raw_ostream &os) {
  if (failed(runToStage(module, stage, options)))
    return failure();
  module.print(os);
  return success();
}

static LogicalResult emitLinalg(ModuleOp module, const CompileOptions &options,
                                llvm::raw_ostream &os) {
  if (failed(runToLinalg(module, options)))
    return failure();
  module.print(os);
  return success();
}

static LogicalResult emitKernels(ModuleOp module, const CompileOptions &options,
                                 llvm::raw_ostream &os) {
  FailureOr<Schedule> schedule = runToSchedule(module, options);
  if (failed(schedule))
    return failure();
  annotate(*schedule);
  schedule->phases->print(os);
  return success();
}

/// Makes one launch of several commands, where the target can. Loops first:
/// what they have become is a launch too.
static LogicalResult joinCommands(const Target &target, Schedule &schedule,
                                  MemoryPlan &plan) {
  if (failed(target.joinLoops(schedule, plan)))
    return failure();
  return schedule.sharesLaunches ? target.shareLaunches(schedule, plan)
                                 : success();
}

/// The phases as the target makes them text.
static LogicalResult emitTargetStage(ModuleOp module, StringRef stage,
                                     const CompileOptions &options,
                                     llvm::raw_ostream &os) {
  const Target &target = *options.target;
  auto names = llvm::map_to_vector(
      target.stages(), [](const TargetStage &known) { return known.name; });
  if (!llvm::is_contained(names, stage))
    return module.emitError("target ")
           << target.name() << " has no stage '" << stage << "'; it has "
           << llvm::join(names, " and ");
  FailureOr<Schedule> schedule = runToSchedule(module, options);
  if (failed(schedule))
    return failure();
  // What runs as one phase is so in the plan.
  if (target.loops().joinsSteps || schedule->sharesLaunches) {
    FailureOr<BudgetedPlan> planned = planSchedule(module, *schedule, options);
    if (failed(planned) ||
        failed(joinCommands(target, *schedule, planned->plan)))
      return failure();
  }
  FailureOr<std::string> text = target.print(*schedule->phases, stage);
  if (failed(text))
    return failure();
  os << *text;
  return success();
}

namespace {

/// A stage that every target has.
struct CommonStage {
  StringRef name, summary;
  LogicalResult (*emit)(ModuleOp, const CompileOptions &, llvm::raw_ostream &);
};

} // namespace

static constexpr CommonStage kCommonStages[] = {
    {"nnc", "the model as written", emitDialect<Stage::AsWritten>},
    {"step", "entry points: differentiated, with the optimizer",
     emitDialect<Stage::Step>},
    {"fused", "primitives in fused regions", emitDialect<Stage::Fused>},
    {"linalg", "launches, and kernels as linalg", emitLinalg},
    {"kernels", "kernels as the target schedules them", emitKernels},
};

std::vector<StageDescription> nnc::stages() {
  std::vector<StageDescription> stages;
  for (const CommonStage &stage : kCommonStages)
    stages.push_back({stage.name, stage.summary, {}});
  for (const TargetFamily *family : targetFamilies())
    for (const TargetStage &stage : family->stages) {
      auto isKnown = [&](const StageDescription &known) {
        return known.name == stage.name;
      };
      auto found = llvm::find_if(stages, isKnown);
      if (found == stages.end())
        found = stages.insert(found, {stage.name, stage.summary, {}});
      found->targets.push_back(family->names.front());
    }
  return stages;
}

bool nnc::needsTools(StringRef stage, const Target &target) {
  return llvm::any_of(target.stages(), [&](const TargetStage &known) {
    return known.name == stage && known.needsTools;
  });
}

LogicalResult nnc::emitStage(ModuleOp module, StringRef stage,
                             const CompileOptions &options,
                             llvm::raw_ostream &os) {
  for (const CommonStage &known : kCommonStages)
    if (known.name == stage)
      return known.emit(module, options, os);
  return emitTargetStage(module, stage, options, os);
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// Who made the plan: nnc, and what it was told to run beside its own passes.
static std::string producerOf(const PipelineOptions &options) {
  std::string producer = ("nnc " + kVersion).str();
  for (const ExtraPasses &extra : options.extraPasses)
    producer += ", " + extra.stage + "='" + extra.pipeline + "'";
  return producer;
}

/// Fuses the program and each shorter one by itself, and puts the short entry
/// points beside the others: from there on they share kernels and memory.
static LogicalResult runToFused(ModuleOp module, const CompileOptions &options,
                                ArrayRef<ShortModel> shorter) {
  if (failed(runToStage(module, Stage::Fused, options)))
    return failure();
  // What is made on request is so of the whole alone.
  CompileOptions own = options;
  own.passes.gradientsEntry = own.passes.explainEntry = false;
  own.passes.generateSequences = 0;
  for (const ShortModel &model : shorter) {
    ShortDiagnostics diagnostics(module.getContext(), model.overrides);
    if (failed(runToStage(*model.module, Stage::Fused, own)))
      return failure();
  }
  for (const ShortModel &model : shorter)
    if (failed(addShortEntries(module, model)))
      return failure();
  return success();
}

FailureOr<CompiledPlan> nnc::compileToPlan(ModuleOp module,
                                           const CompileOptions &options,
                                           ArrayRef<ShortModel> shorter) {
  if (!shorter.empty() && failed(runToFused(module, options, shorter)))
    return failure();
  FailureOr<Schedule> schedule = shorter.empty()
                                     ? runToSchedule(module, options)
                                     : scheduleFused(module, options);
  if (failed(schedule))
    return failure();
  int64_t budgetBytes = memoryBudgetOf(module, options);
  FailureOr<BudgetedPlan> planned = planSchedule(module, *schedule, options);
  if (failed(planned))
    return failure();
  MemoryPlan &plan = planned->plan;
  if (failed(joinCommands(*options.target, *schedule, plan)))
    return failure();
  // Who trains goes over its data again and again.
  if (module.lookupSymbol(kTrainStepName) ||
      !getRecipe(module).getOrder().empty())
    options.target->addDataPhases(*schedule);
  // Last, because it consumes the phases.
  FailureOr<CodeImage> image = options.target->compile(*schedule->phases);
  if (failed(image))
    return failure();
  if (!options.keepText)
    image->text.clear();
  FailureOr<std::vector<uint8_t>> bytes =
      writePlan(module, plan, *schedule, *image, options.target->name(),
                producerOf(options.passes));
  if (failed(bytes))
    return failure();
  return CompiledPlan{std::move(*bytes), plan.maxBatch,
                      plan.stateBytes,   plan.peakBytes(),
                      budgetBytes,       std::move(planned->recomputations),
                      image->report};
}
