// The order of the passes that stay inside the dialect, and its named stages.
#ifndef NNC_PASSES_PIPELINE_H
#define NNC_PASSES_PIPELINE_H

#include "passes/FusionPreferences.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace mlir {
class OpPassManager;
class PassManager;
} // namespace mlir

namespace nnc {

/// The forms that a program takes inside the dialect (docs/architecture.md).
enum class Stage {
  /// `nnc.model`, as the frontend made it.
  AsWritten,
  /// Entry points: differentiated, with the optimizer.
  Step,
  /// Primitives only.
  Expanded,
  /// Primitives in `nnc.fused` regions.
  Fused
};

/// Passes that a user has run at one of extraPassStages().
struct ExtraPasses {
  std::string stage;
  /// Passes of the module, as MLIR spells a pipeline.
  std::string pipeline;
};

struct PipelineOptions {
  /// Also make @gradients, for checking gradients.
  bool gradientsEntry = false;
  /// Also make @explain, for `nnc explain`; of which layer, if one is named.
  bool explainEntry = false;
  std::string explainLayer;
  /// Make @train_step, where there is an optimizer, and @eval_step.
  bool trainingEntry = true;
  /// Also make @generate, for so many sequences; 0: not.
  int64_t generateSequences = 0;
  std::string generateInput, generateOutput;
  FusionPreferences fusion;
  /// Leave each op in a command of its own, which names it (nnc-name-origins).
  bool eachOp = false;
  /// "f64" computes in f64 what was written in f32, f16 or bf16; empty changes
  /// nothing.
  std::string elementType;
  /// In the order given where several are of one stage.
  std::vector<ExtraPasses> extraPasses;
  /// Patterns of parameters that training leaves as they are, beside those of
  /// the program.
  std::vector<std::string> freeze;
};

/// The stages at which extra passes may run, in their order: "written", "step",
/// "expanded", "fused", and "kernels", which are linalg (codegen/Pipeline.h).
llvm::ArrayRef<llvm::StringLiteral> extraPassStages();

/// Reads `STAGE=PIPELINE`. Every pass that it names must be registered before.
llvm::Expected<ExtraPasses> parseExtraPasses(llvm::StringRef text);

/// Adds those of the extra passes that are for `stage`.
void addExtraPasses(mlir::OpPassManager &pm, llvm::StringRef stage,
                    const PipelineOptions &options);

/// Adds the passes that bring a module from `from` to `to`, and the extra ones
/// of the stages that it reaches; those of `written` where it begins there.
void buildPipeline(mlir::OpPassManager &pm, Stage from, Stage to,
                   const PipelineOptions &options = {});

/// Makes `nnc-to-step`, `nnc-to-expanded` and `nnc-to-fused` known to textual
/// pipelines: each begins with the program as written.
void registerPipelines();

/// Runs `pm`. Where a pass goes wrong, the module and the pipeline that failed
/// on it are written to `path`, so that `nnc-opt --run-reproducer path` repeats
/// the failure; where a program is refused, its diagnostic is all.
llvm::LogicalResult runWithReproducer(mlir::PassManager &pm,
                                      mlir::ModuleOp module,
                                      const std::string &path);

} // namespace nnc

#endif // NNC_PASSES_PIPELINE_H
