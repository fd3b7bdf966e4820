// Reads graphs, for tests:
//
//   nnc-import FILE...            prints each module, or what is wrong with it
//   nnc-import --damage FILE...   reads each cut off at every length and with
//                                 every byte changed; counts what became of it
//
// Exit status 1 if a graph that was not damaged is refused, or a damaged one is
// without a message.
#include "frontend/Frontend.h"

#include "ir/Dialect.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static bool import(const char *path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    llvm::errs() << path << ": error: cannot be read\n";
    return false;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
  MLIRContext context(MLIRContext::Threading::DISABLED);
  nnc::DiagnosticPrinter printer(sources, &context);
  llvm::StringRef bytes = sources.getMemoryBuffer(1)->getBuffer();
  auto module =
      nnc::importGraph(llvm::arrayRefFromStringRef(bytes), path, &context);
  if (module)
    llvm::outs() << *module << '\n';
  return bool(module);
}

namespace {
/// What became of damaged graphs.
struct Outcomes {
  unsigned modules = 0, messages = 0, neither = 0;
};
} // namespace

static void importDamaged(llvm::ArrayRef<uint8_t> bytes, MLIRContext *context,
                          Outcomes &outcomes) {
  // A copy of its own, so that a sanitizer sees a read past the end.
  std::vector<uint8_t> copy(bytes);
  unsigned errors = 0;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &) { ++errors; });
  if (nnc::importGraph(copy, "damaged", context))
    ++outcomes.modules;
  else
    ++(errors > 0 ? outcomes.messages : outcomes.neither);
}

static bool importDamaged(const char *path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return false;
  auto whole = llvm::arrayRefFromStringRef((*buffer)->getBuffer());
  std::vector<uint8_t> bytes(whole);
  MLIRContext context(MLIRContext::Threading::DISABLED);
  Outcomes cut, changed;
  for (size_t size = 0; size < bytes.size(); ++size)
    importDamaged(whole.take_front(size), &context, cut);
  for (size_t i = 0; i < bytes.size(); ++i)
    for (uint8_t change : {0x01, 0x80, 0xff}) {
      bytes[i] ^= change;
      importDamaged(bytes, &context, changed);
      bytes[i] ^= change;
    }
  llvm::outs() << "cut off: " << cut.modules << " read, " << cut.messages
               << " refused\nchanged: " << changed.modules << " read, "
               << changed.messages << " refused\n";
  return cut.neither == 0 && changed.neither == 0;
}

int main(int argc, char **argv) {
  bool damage = argc > 1 && llvm::StringRef(argv[1]) == "--damage";
  bool good = true;
  for (int i = damage ? 2 : 1; i < argc; ++i)
    good &= damage ? importDamaged(argv[i]) : import(argv[i]);
  return good ? 0 : 1;
}
