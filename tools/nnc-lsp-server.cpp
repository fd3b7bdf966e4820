// The MLIR language server with the nnc dialect, for editors.
#include "ir/Dialect.h"
#include "passes/LoadPlugin.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

using namespace mlir;

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  nnc::registerDialect(registry);
  std::vector<char *> words(argv, argv + argc);
  if (llvm::Error error = nnc::loadPluginsOf(words, registry)) {
    llvm::errs() << llvm::toString(std::move(error)) << '\n';
    return EXIT_FAILURE;
  }
  return failed(MlirLspServerMain(words.size(), words.data(), registry));
}
