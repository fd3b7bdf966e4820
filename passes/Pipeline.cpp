// The order of the passes that stay inside the dialect, and why it is so.
#include "passes/Pipeline.h"
#include "passes/Passes.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ToolOutputFile.h"

#include <atomic>

using namespace mlir;

namespace nnc {

ArrayRef<StringLiteral> extraPassStages() {
  static constexpr StringLiteral stages[] = {"written", "step", "expanded",
                                             "fused", "kernels"};
  return stages;
}

static llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Adds a pipeline of passes on modules; `builtin.module(...)` around it, which
/// mlir-opt asks for, says nothing new.
static LogicalResult addTextualPasses(OpPassManager &pm, StringRef text,
                                      llvm::raw_ostream &errors) {
  text = text.trim();
  if (text.consume_front("builtin.module("))
    text.consume_back(")");
  return parsePassPipeline(text, pm, errors);
}

llvm::Expected<ExtraPasses> parseExtraPasses(StringRef text) {
  auto [stage, pipeline] = text.split('=');
  std::string stages = llvm::join(extraPassStages(), ", ");
  if (!text.contains('=') || stage.trim().empty())
    return makeError("expected STAGE=PIPELINE, with STAGE one of " + stages +
                     ", found '" + text + "'");
  if (!llvm::is_contained(extraPassStages(), stage.trim()))
    return makeError("unknown stage '" + stage.trim() + "', expected one of " +
                     stages);
  OpPassManager pm(ModuleOp::getOperationName());
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (failed(addTextualPasses(pm, pipeline, os)))
    return makeError("stage '" + stage.trim() +
                     "': " + StringRef(errors).trim() +
                     "\nnote: `nnc-opt --list-passes` lists what can be named; "
                     "with --load-pass-plugin, a plugin's passes too");
  return ExtraPasses{stage.trim().str(), pipeline.str()};
}

void addExtraPasses(OpPassManager &pm, StringRef stage,
                    const PipelineOptions &options) {
  for (const ExtraPasses &extra : options.extraPasses) {
    if (extra.stage != stage)
      continue;
    [[maybe_unused]] LogicalResult added =
        addTextualPasses(pm, extra.pipeline, llvm::errs());
    assert(succeeded(added) && "parseExtraPasses has parsed it");
  }
}

/// From the model to differentiated entry points.
static void addStepPasses(OpPassManager &pm, const PipelineOptions &options) {
  // Before any op is made of others.
  if (options.eachOp)
    pm.addPass(createNameOriginsPass());
  // First of what changes ops: what is not transposed needs no gradient, and of
  // 8-bit data a transpose moves the least while no op has its operands cast.
  pm.addNestedPass<ModelOp>(createCancelTransposesPass());
  // Before differentiation: the backward pass then has the precision of what it
  // reverses.
  pm.addPass(createLowerPrecisionPass());
  BuildEntryPointsPassOptions entryPoints;
  entryPoints.gradientsEntry = options.gradientsEntry;
  entryPoints.explainEntry = options.explainEntry;
  entryPoints.explainLayer = options.explainLayer;
  entryPoints.trainingEntry = options.trainingEntry;
  entryPoints.generateSequences = options.generateSequences;
  entryPoints.generateInput = options.generateInput;
  entryPoints.generateOutput = options.generateOutput;
  entryPoints.freeze.assign(options.freeze.begin(), options.freeze.end());
  pm.addPass(createBuildEntryPointsPass(entryPoints));
  // Before differentiation: what has left a loop is differentiated as a whole.
  pm.addNestedPass<func::FuncOp>(createHoistFromScansPass());
  // Before anything is simplified or fused: rules are written per op.
  pm.addNestedPass<func::FuncOp>(createDifferentiatePass());
  // After differentiation: a parameter the loss does not depend on has no
  // gradient, and gets neither state nor update.
  pm.addPass(createAddOptimizerPass());
  // Of what belongs to no op of the model.
  if (options.eachOp)
    pm.addPass(createNameOriginsPass());
  if (options.elementType.empty())
    return;
  // Last, so that optimizer state and its constants are converted too.
  for (const char *from : {"f32", "f16", "bf16"})
    if (options.elementType != from)
      pm.addPass(createConvertElementTypePass({from, options.elementType}));
}

/// From entry points to primitives.
static void addExpandPasses(OpPassManager &pm, const PipelineOptions &options) {
  // After differentiation, so that both directions expand alike.
  pm.addNestedPass<func::FuncOp>(createExpandCompositesPass(
      {options.fusion.attention, options.fusion.largestHeadBytes,
       options.fusion.largestHalfHead}));
  // After expansion, which is where buffers are assigned; what it builds is
  // simplified with the rest.
  pm.addPass(createAverageWeightsPass());
  // Expansions and gradient rules build what is easy to state: constants to
  // fold, powers, broadcasts.
  pm.addNestedPass<func::FuncOp>(createCanonicalizerPass());
  pm.addNestedPass<func::FuncOp>(createSimplifyPass());
  // The backward pass recomputes forward subexpressions; share them.
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  // What CSE made equal can fold (x - x, select with equal arms).
  pm.addNestedPass<func::FuncOp>(createCanonicalizerPass());
  // When each parameter is rounded once, by all that read it so. Where one
  // kernel updates all, its copies cost none of their own.
  if (options.fusion.groupUpdates)
    pm.addPass(createKeepRoundedPass());
  // After what is rounded is known as a state's copy. Directions of a product
  // pad the same.
  if (options.fusion.alignedRowBytes) {
    pm.addNestedPass<func::FuncOp>(
        createAlignProductsPass({options.fusion.alignedRowBytes}));
    pm.addNestedPass<func::FuncOp>(createCSEPass());
  }
  // Last: reads die with the ops that used them.
  pm.addPass(createRemoveDeadStatePass());
}

/// From primitives to fused regions.
static void addFusePasses(OpPassManager &pm, const PipelineOptions &options) {
  // Before a product takes the update that follows its gradient.
  if (options.fusion.groupUpdates)
    pm.addNestedPass<func::FuncOp>(createFuseUpdatesPass());
  // Products claim what they can do in registers before chains form.
  pm.addNestedPass<func::FuncOp>(createFuseEpiloguePass());
  // Chains first: they are what a reduction is merged with.
  pm.addNestedPass<func::FuncOp>(createFuseElementwisePass());
  pm.addNestedPass<func::FuncOp>(createFuseReductionsPass());
  // Last: what depends on each other has had its chance.
  pm.addNestedPass<func::FuncOp>(createFuseSiblingsPass());
  // When reductions over the batch have their kernels, as these keep samples
  // together, and could not take in what separates them.
  if (options.fusion.samples)
    pm.addNestedPass<func::FuncOp>(
        createFuseReductionsPass({/*samples=*/true}));
  // When kernels are what they will be, as it is about what they read.
  pm.addNestedPass<func::FuncOp>(
      createRecomputePass({options.fusion.hasTanh16}));
  // Every user in a region got its own copy of what is free.
  pm.addNestedPass<func::FuncOp>(createCSEPass());
}

void buildPipeline(OpPassManager &pm, Stage from, Stage to,
                   const PipelineOptions &options) {
  auto reaches = [&](Stage stage) { return from < stage && stage <= to; };
  if (from == Stage::AsWritten)
    addExtraPasses(pm, "written", options);
  if (reaches(Stage::Step)) {
    addStepPasses(pm, options);
    addExtraPasses(pm, "step", options);
  }
  if (reaches(Stage::Expanded)) {
    addExpandPasses(pm, options);
    addExtraPasses(pm, "expanded", options);
  }
  if (reaches(Stage::Fused)) {
    if (!options.eachOp)
      addFusePasses(pm, options);
    addExtraPasses(pm, "fused", options);
  }
}

namespace {
struct TextualOptions : PassPipelineOptions<TextualOptions> {
  Option<bool> gradientsEntry{*this, "gradients-entry",
                              llvm::cl::desc("also make @gradients"),
                              llvm::cl::init(false)};
  Option<bool> groupUpdates{*this, "group-updates",
                            llvm::cl::desc("update all parameters together"),
                            llvm::cl::init(false)};
  Option<bool> samples{
      *this, "samples",
      llvm::cl::desc("merge kernels whose samples have a space each"),
      llvm::cl::init(false)};
  Option<bool> attention{*this, "attention",
                         llvm::cl::desc("keep attention whole"),
                         llvm::cl::init(false)};
  Option<std::string> elementType{
      *this, "element-type",
      llvm::cl::desc("compute in this type what was written in f32"),
      llvm::cl::init("")};
  ListOption<std::string> freeze{
      *this, "freeze",
      llvm::cl::desc(
          "patterns of parameters that training leaves as they are")};
};
} // namespace

void registerPipelines() {
  struct Entry {
    StringRef name, description;
    Stage stage;
  };
  for (Entry entry :
       {Entry{"nnc-to-step", "From the model to differentiated entry points",
              Stage::Step},
        Entry{"nnc-to-expanded", "From the model to primitives",
              Stage::Expanded},
        Entry{"nnc-to-fused", "From the model to fused regions", Stage::Fused}})
    PassPipelineRegistration<TextualOptions>(
        entry.name, entry.description,
        [stage = entry.stage](OpPassManager &pm, const TextualOptions &text) {
          PipelineOptions options;
          options.gradientsEntry = text.gradientsEntry;
          options.fusion.groupUpdates = text.groupUpdates;
          options.fusion.samples = text.samples;
          options.fusion.attention = text.attention;
          options.elementType = text.elementType;
          options.freeze.assign(text.freeze.begin(), text.freeze.end());
          buildPipeline(pm, Stage::AsWritten, stage, options);
        });
}

//===----------------------------------------------------------------------===//
// Running with a reproducer
//===----------------------------------------------------------------------===//

namespace {
/// Tells a program that is refused from a pass that goes wrong: these passes
/// are where a program meets what it asks for, and a sound module is left.
struct RefusalFinder : PassInstrumentation {
  explicit RefusalFinder(std::atomic<bool> &isRefused) : isRefused(isRefused) {}

  void runAfterPassFailed(Pass *pass, Operation *op) override {
    constexpr StringRef kRefusing[] = {
        "nnc-build-entry-points", "nnc-differentiate", "nnc-add-optimizer",
        "nnc-expand-composites", "nnc-hoist-from-scans"};
    if (!llvm::is_contained(kRefusing, pass->getArgument()))
      return;
    ScopedDiagnosticHandler silence(op->getContext(),
                                    [](Diagnostic &) { return success(); });
    isRefused = succeeded(verify(op));
  }

  std::atomic<bool> &isRefused;
};

struct ReproducerFile : ReproducerStream {
  explicit ReproducerFile(std::unique_ptr<llvm::ToolOutputFile> file)
      : file(std::move(file)) {}
  ~ReproducerFile() override { file->keep(); }
  StringRef description() override { return file->getFilename(); }
  llvm::raw_ostream &os() override { return file->os(); }

  std::unique_ptr<llvm::ToolOutputFile> file;
};
} // namespace

LogicalResult runWithReproducer(PassManager &pm, ModuleOp module,
                                const std::string &path) {
  std::atomic<bool> isRefused = false;
  auto open = [&](std::string &error) -> std::unique_ptr<ReproducerStream> {
    std::unique_ptr<llvm::ToolOutputFile> file;
    if (!isRefused)
      file = openOutputFile(path, &error);
    return file ? std::make_unique<ReproducerFile>(std::move(file)) : nullptr;
  };
  // The whole pipeline, not the failed pass alone: a local reproducer would
  // force a single thread, and print every stage in case it fails.
  pm.enableCrashReproducerGeneration(open, /*genLocalReproducer=*/false);
  // After it, to be asked before it: what comes last sees a failure first.
  pm.addInstrumentation(std::make_unique<RefusalFinder>(isRefused));
  // A program that is refused has been told so; what upstream adds about its
  // pipeline is for whoever mends passes.
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) {
        return success(isRefused && StringRef(diagnostic.str())
                                        .starts_with("Failures have been "
                                                     "detected"));
      });
  return pm.run(module);
}

} // namespace nnc
