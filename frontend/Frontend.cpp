// From a model's source to the nnc dialect.
#include "frontend/Frontend.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Emit.h"
#include "frontend/dsl/Parser.h"

#include "ir/Dialect.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc {

/// NAME=VALUE as a source of its own, so that diagnostics can show it.
static void parseOverride(llvm::SourceMgr &sources, StringRef text,
                          dsl::Diagnostics &diagnostics,
                          std::vector<dsl::Override> &overrides) {
  auto [name, value] = text.split('=');
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(text, ("--set " + name).str()),
      llvm::SMLoc());
  text = sources.getMemoryBuffer(buffer)->getBuffer();
  std::tie(name, value) = text.split('=');
  auto loc = llvm::SMLoc::getFromPointer(text.data());
  if (name.empty() || value.empty()) {
    diagnostics.error(loc, "expected NAME=VALUE");
    return;
  }
  if (dsl::ExpressionPtr expression = dsl::parseExpression(value, diagnostics))
    overrides.push_back({{name, loc}, std::move(expression)});
}

OwningOpRef<ModuleOp> parseModel(llvm::SourceMgr &sources, MLIRContext *context,
                                 Overrides overrides) {
  context->loadDialect<NncDialect>();
  dsl::Diagnostics diagnostics(sources, context);
  StringRef source =
      sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
  dsl::Program program = dsl::parse(source, diagnostics);
  std::vector<dsl::Override> parsed;
  for (const std::string &text : overrides)
    parseOverride(sources, text, diagnostics, parsed);
  // What was left out of a program in error would be missed everywhere.
  if (diagnostics.failed())
    return nullptr;
  return dsl::emit(program, parsed, diagnostics, context);
}

DiagnosticPrinter::DiagnosticPrinter(llvm::SourceMgr &sources,
                                     MLIRContext *context)
    : SourceMgrDiagnosticHandler(sources, context) {
  setHandler([this](Diagnostic &diagnostic) { print(diagnostic); });
}

void DiagnosticPrinter::print(Diagnostic &diagnostic) {
  emitDiagnostic(diagnostic.getLocation(), dsl::inUsersTerms(diagnostic.str()),
                 diagnostic.getSeverity());
  for (Diagnostic &note : diagnostic.getNotes())
    emitDiagnostic(note.getLocation(), dsl::inUsersTerms(note.str()),
                   note.getSeverity(),
                   note.getLocation() != diagnostic.getLocation());
}

} // namespace nnc
