#include "tools/Compiler.h"

#include "codegen/ScheduleKernels.h"
#include "frontend/Frontend.h"
#include "ir/Dialect.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
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
  if (StringRef(path).ends_with(".mlir")) {
    if (settings.empty())
      return parseSourceFile<ModuleOp>(sources, context);
    llvm::errs() << path
                 << ": error: --set overrides a const of a .nn model; in a "
                    ".mlir they are gone\n";
    return nullptr;
  }
  llvm::errs() << path
               << ": error: expected a model that ends in .nn or .mlir\n";
  return nullptr;
}

} // namespace nnc::tools
