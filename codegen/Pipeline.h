// The order of the passes from fused regions to kernels as linalg.
#ifndef NNC_CODEGEN_PIPELINE_H
#define NNC_CODEGEN_PIPELINE_H

namespace mlir {
class OpPassManager;
} // namespace mlir

namespace nnc {

/// From entry points of primitives, in `nnc.fused` regions or not, to launches
/// of kernels as linalg. What follows is no pass: a schedule, a memory plan and
/// an image are structures beside the IR (Compile.h). `joinsSteps`: as
/// LoopSupport has it.
void buildLinalgPipeline(mlir::OpPassManager &pm, bool joinsSteps = false);

/// Makes `nnc-to-linalg` known to textual pipelines.
void registerLinalgPipeline();

/// Makes every pass known to textual pipelines: nnc's and MLIR's. Once a
/// program.
void registerPasses();

} // namespace nnc

#endif // NNC_CODEGEN_PIPELINE_H
