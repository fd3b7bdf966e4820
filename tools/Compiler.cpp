#include "tools/Compiler.h"

#include "codegen/ScheduleKernels.h"
#include "frontend/Frontend.h"
#include "ir/Dialect.h"
#include "passes/LoadPlugin.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc::tools {

void prepareContext(MLIRContext &context) {
  DialectRegistry registry;
  registerDialect(registry);
  registerScheduling(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

int loadPlugins(MLIRContext &context, const std::vector<std::string> &plugins) {
  DialectRegistry registry;
  for (const std::string &plugin : plugins)
    if (llvm::Error error = loadPlugin(plugin, registry)) {
      llvm::errs() << llvm::toString(std::move(error)) << '\n';
      return InputWrong;
    }
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  return Done;
}

/// A model in a file that is not text, or whose consts are gone.
static OwningOpRef<ModuleOp> loadCompiled(const std::string &path,
                                          llvm::SourceMgr &sources,
                                          MLIRContext *context) {
  if (!StringRef(path).ends_with(".graph"))
    return parseSourceFile<ModuleOp>(sources, context);
  StringRef bytes =
      sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  return importGraph(llvm::arrayRefFromStringRef(bytes), path, context);
}

bool isModelFile(StringRef path) {
  return path.ends_with(".nn") || path.ends_with(".graph") ||
         path.ends_with(".mlir") || path.ends_with(".mlirbc");
}

OwningOpRef<ModuleOp> loadModel(const std::string &path,
                                llvm::SourceMgr &sources, MLIRContext *context,
                                const std::vector<std::string> &settings) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    llvm::errs() << path
                 << ": error: cannot be read: " << buffer.getError().message()
                 << '\n';
    return nullptr;
  }
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  if (StringRef(path).ends_with(".nn"))
    return parseModel(sources, context, settings);
  if (!isModelFile(path))
    llvm::errs() << path
                 << ": error: expected a model that ends in .nn, .graph, "
                    ".mlir or .mlirbc\n";
  else if (!settings.empty())
    llvm::errs() << path
                 << ": error: --set overrides a const of a .nn model; here "
                    "they are gone\n";
  else
    return loadCompiled(path, sources, context);
  return nullptr;
}

int writeOutput(const std::string &path,
                const std::function<int(llvm::raw_ostream &)> &write) {
  int exit = Done;
  llvm::Error error =
      llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
        exit = write(os);
        // The text is not printed; an error is what leaves no file.
        return exit == Done ? llvm::Error::success()
                            : llvm::createStringError("not written");
      });
  if (!error)
    return Done;
  std::string message = llvm::toString(std::move(error));
  if (exit != Done)
    return exit;
  llvm::errs() << path << ": error: cannot be written: " << message << '\n';
  return MachineFailed;
}

} // namespace nnc::tools
