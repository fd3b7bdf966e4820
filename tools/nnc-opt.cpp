// Runs passes on textual IR: mlir-opt for the nnc dialect.
#include "codegen/Pipeline.h"
#include "ir/Dialect.h"
#include "passes/LoadPlugin.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

/// Loads what `--load-pass-plugin` names and takes it from the command line.
/// MLIR's own option of that name comes too late: a plugin's passes would not
/// be flags, and it knows no versions.
static llvm::Error loadPlugins(std::vector<char *> &words,
                               DialectRegistry &registry) {
  std::vector<char *> others;
  for (size_t i = 0; i < words.size(); ++i) {
    StringRef word = words[i];
    bool isPlugin = word.consume_front("--load-pass-plugin") &&
                    (word.empty() || word.consume_front("="));
    if (!isPlugin) {
      others.push_back(words[i]);
      continue;
    }
    if (word.empty() && i + 1 < words.size())
      word = words[++i];
    if (llvm::Error error = nnc::loadPlugin(word, registry))
      return error;
  }
  words = std::move(others);
  return llvm::Error::success();
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  nnc::registerDialect(registry);
  nnc::registerPasses();
  std::vector<char *> words(argv, argv + argc);
  if (llvm::Error error = loadPlugins(words, registry)) {
    llvm::errs() << llvm::toString(std::move(error)) << '\n';
    return EXIT_FAILURE;
  }
  return asMainReturnCode(MlirOptMain(
      words.size(), words.data(), "Optimizer of the nnc dialect\n", registry));
}
