// The order of the lowering passes, and why it is so.
#include "codegen/Pipeline.h"

#include "codegen/Passes.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"

#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void nnc::buildLinalgPipeline(OpPassManager &pm, bool joinsSteps) {
  // While bodies are still nnc: equal kernels are told by few ops, and names by
  // what the ops mean.
  pm.addPass(createOutlineKernelsPass());
  // Once a kernel, not once a launch.
  pm.addPass(createLowerToLinalgPass());
  // What depends on samples is seen in linalg.
  if (joinsSteps)
    pm.addPass(createJoinLaunchesPass());
  // Lowerings build index arithmetic and fills as they need them.
  pm.addPass(createCSEPass());
}

void nnc::registerPasses() {
  mlir::registerAllPasses();
  registerNncPasses();
  registerPipelines();
  registerNncCodegenPasses();
  registerLinalgPipeline();
}

void nnc::registerLinalgPipeline() {
  PassPipelineRegistration<>(
      "nnc-to-linalg", "From fused regions to kernels as linalg",
      [](OpPassManager &pm) { buildLinalgPipeline(pm); });
}
