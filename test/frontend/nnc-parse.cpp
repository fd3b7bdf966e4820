// Prints the dialect that a model file becomes, or its errors:
//   nnc-parse FILE.nn [NAME=VALUE ...]
// and with --program first, the program that is made of that again:
//   nnc-parse --program FILE.nn [NAME=VALUE ...]
#include "frontend/Frontend.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

int main(int argc, char **argv) {
  bool isProgram = argc > 1 && llvm::StringRef(argv[1]) == "--program";
  if (isProgram) {
    --argc;
    ++argv;
  }
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(argc > 1 ? argv[1] : "-");
  if (!file) {
    llvm::errs() << "error: cannot read " << argv[1] << ": "
                 << file.getError().message() << '\n';
    return 1;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  MLIRContext context;
  nnc::DiagnosticPrinter printer(sources, &context);
  std::vector<std::string> overrides(argv + std::min(argc, 2), argv + argc);
  OwningOpRef<ModuleOp> module = nnc::parseModel(sources, &context, overrides);
  if (!module)
    return 1;
  if (isProgram) {
    llvm::FailureOr<std::string> program = nnc::exportProgram(*module);
    if (failed(program))
      return 1;
    llvm::outs() << *program;
    return 0;
  }
  module->print(llvm::outs());
  llvm::outs() << '\n';
  return 0;
}
