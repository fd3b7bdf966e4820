// One look at a program: what is wrong with it, what its names mean and what
// they are worth, as far as it can be understood.
#ifndef NNC_TOOLS_LANGUAGE_ANALYSIS_H
#define NNC_TOOLS_LANGUAGE_ANALYSIS_H

#include "tools/language/Document.h"
#include "tools/language/Symbols.h"

#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Trace.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/SourceMgr.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::tools {

struct Finding {
  mlir::DiagnosticSeverity severity;
  size_t offset;
  std::string message;
  std::vector<std::pair<size_t, std::string>> notes; ///< Other places.
};

/// A declaration at the top of a file: from its first word to its last brace.
struct Declaration {
  llvm::StringRef word, name, text;
};

class Analysis {
public:
  /// Looks at `text`, with a context that `prepare` has made ready for ops.
  Analysis(Document document,
           llvm::function_ref<void(mlir::MLIRContext &)> prepare);

  const Document &getDocument() const { return document; }
  llvm::StringRef getText() const { return document.getText(); }
  llvm::ArrayRef<Finding> getFindings() const { return findings; }
  const dsl::Program &getProgram() const { return program; }
  const SymbolTable &getSymbols() const { return *symbols; }
  llvm::ArrayRef<dsl::Token> getTokens() const { return tokens; }
  mlir::MLIRContext *getContext() { return &context; }

  size_t offsetOf(llvm::StringRef part) const {
    return part.data() - source().data();
  }
  llvm::StringRef source() const;
  /// What names and calls at this place were worth, each once: "f32[batch, 4]".
  llvm::ArrayRef<std::string> valuesAt(const char *place) const;
  /// The parameters that a call or a `param` at this place uses.
  llvm::ArrayRef<std::string> parametersAt(const char *place) const;

  std::vector<Declaration> declarations() const;
  /// The function or the model that it declares, or null.
  const void *ownerOf(const Declaration &declaration) const;
  /// The function or the model around a place, or null.
  const void *ownerAt(const char *place) const;

private:
  class Recorder;

  void look();
  void note(mlir::Diagnostic &diagnostic);
  size_t offsetOf(mlir::Location location) const;

  Document document;
  llvm::SourceMgr sources;
  mlir::MLIRContext context;
  dsl::Program program;
  std::unique_ptr<SymbolTable> symbols;
  std::vector<dsl::Token> tokens;
  std::vector<Finding> findings;
  llvm::DenseMap<const char *, std::vector<std::string>> values, parameters;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_ANALYSIS_H
