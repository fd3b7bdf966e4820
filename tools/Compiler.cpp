// Sources, graphs and compiled modules become modules of the dialect.
#include "tools/Compiler.h"

#include "codegen/ScheduleKernels.h"
#include "frontend/Frontend.h"
#include "ir/Dialect.h"
#include "passes/LoadPlugin.h"
#include "runtime/AtomicFile.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
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
  // Reading a device or a fifo need not end. What is not there is said below.
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path)) {
    llvm::errs() << path << ": error: is no regular file\n";
    return nullptr;
  }
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
  std::string content;
  llvm::raw_string_ostream os(content);
  if (int exit = write(os))
    return exit;
  if (path == "-") {
    llvm::outs() << content;
    return Done;
  }
  runtime::Status status = runtime::replaceFile(path, content);
  if (status.isOk())
    return Done;
  llvm::errs() << "error: " << status.message() << '\n';
  return MachineFailed;
}

int finishOutput(int exit) {
  llvm::outs().flush();
  if (!llvm::outs().has_error())
    return exit;
  llvm::errs() << "error: standard output could not be written: "
               << llvm::outs().error().message() << '\n';
  // The stream would end the program by itself otherwise.
  llvm::outs().clear_error();
  return exit == Done ? MachineFailed : exit;
}

int checkNoInput(const std::string &path, const std::string &input) {
  if (path == "-" || !llvm::sys::fs::equivalent(path, input))
    return Done;
  llvm::errs() << "error: " << path
               << " is the model: give another name by -o\n";
  return InputWrong;
}

} // namespace nnc::tools
