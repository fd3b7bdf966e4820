// nnc format: programs in the one style.
#include "tools/Compiler.h"
#include "tools/language/Language.h"

#include "frontend/Frontend.h"
#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Format.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc::tools {

static int refuse(llvm::StringRef path, const llvm::Twine &message) {
  llvm::errs() << path << ": error: " << message << '\n';
  return InputWrong;
}

static int formatFile(const std::string &path, bool isCheck) {
  bool isStream = path == "-";
  if (!isStream && !llvm::StringRef(path).ends_with(".nn"))
    return refuse(path, "expected a program, whose name ends in .nn");
  // Reading a device or a fifo need not end.
  if (!isStream && llvm::sys::fs::exists(path) &&
      !llvm::sys::fs::is_regular_file(path))
    return refuse(path, "is no regular file");
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!file)
    return refuse(path, "cannot be read: " + file.getError().message());
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*file), llvm::SMLoc());
  llvm::StringRef source =
      sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  MLIRContext context(MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(sources, &context);
  dsl::Diagnostics diagnostics(sources, &context);
  std::optional<std::string> formatted = dsl::format(source, diagnostics);
  if (!formatted)
    return InputWrong;
  bool isSame = source == *formatted;
  if (isCheck || (isSame && !isStream)) {
    if (!isSame)
      llvm::outs() << path << '\n';
    return isSame ? Done : InputWrong;
  }
  if (!isStream)
    llvm::outs() << path << '\n';
  return writeOutput(path, [&](llvm::raw_ostream &os) {
    os << *formatted;
    return Done;
  });
}

int formatFiles(const std::vector<std::string> &paths, bool isCheck) {
  int exit = Done;
  for (const std::string &path : paths)
    exit = std::max(exit, formatFile(path, isCheck));
  return exit;
}

} // namespace nnc::tools
