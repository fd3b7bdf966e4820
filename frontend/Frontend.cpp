// From a model's source to the nnc dialect.
#include "frontend/Frontend.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Parser.h"

#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc {

OwningOpRef<ModuleOp> parseModel(llvm::SourceMgr &sources, MLIRContext *context,
                                 Overrides overrides) {
  dsl::Diagnostics diagnostics(sources, context);
  StringRef source =
      sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  dsl::Program program = dsl::parse(source, diagnostics);
  if (diagnostics.failed())
    return nullptr;
  return ModuleOp::create(UnknownLoc::get(context));
}

// "'nnc.matmul' op ..." is how the dialect speaks to those who read it; the
// user wrote "matmul".
static std::string inUsersTerms(std::string message) {
  StringRef rest = message;
  if (!rest.consume_front("'nnc."))
    return message;
  auto [name, tail] = rest.split('\'');
  tail.consume_front(" op");
  return ("'" + name + "'" + tail).str();
}

DiagnosticPrinter::DiagnosticPrinter(llvm::SourceMgr &sources,
                                     MLIRContext *context)
    : SourceMgrDiagnosticHandler(sources, context) {
  setHandler([this](Diagnostic &diagnostic) { print(diagnostic); });
}

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  emitDiagnostic(diagnostic.getLocation(), inUsersTerms(diagnostic.str()),
                 diagnostic.getSeverity());
  for (Diagnostic &note : diagnostic.getNotes())
    emitDiagnostic(note.getLocation(), inUsersTerms(note.str()),
                   note.getSeverity(),
                   note.getLocation() != diagnostic.getLocation());
}

} // namespace nnc
