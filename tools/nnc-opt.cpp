// Runs passes on textual IR: mlir-opt for the nnc dialect.
#include "codegen/Pipeline.h"
#include "ir/Dialect.h"
#include "passes/LoadPlugin.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  nnc::registerDialect(registry);
  nnc::registerPasses();
  std::vector<char *> words(argv, argv + argc);
  if (llvm::Error error = nnc::loadPluginsOf(words, registry)) {
    llvm::errs() << llvm::toString(std::move(error)) << '\n';
    return EXIT_FAILURE;
  }
  return asMainReturnCode(MlirOptMain(
      words.size(), words.data(), "Optimizer of the nnc dialect\n", registry));
}
