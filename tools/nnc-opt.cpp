// Runs passes on textual IR: mlir-opt for the nnc dialect.
#include "codegen/Passes.h"
#include "codegen/Pipeline.h"
#include "ir/Dialect.h"
#include "passes/Passes.h"
#include "passes/Pipeline.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  nnc::registerDialect(registry);
  nnc::registerNncPasses();
  nnc::registerPipelines();
  nnc::registerNncCodegenPasses();
  nnc::registerLinalgPipeline();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "Optimizer of the nnc dialect\n", registry));
}
