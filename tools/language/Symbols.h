// Which names of a program mean the same thing: what definition, references and
// rename go by. Of the program as it is written, so that what no call reaches
// is known too.
#ifndef NNC_TOOLS_LANGUAGE_SYMBOLS_H
#define NNC_TOOLS_LANGUAGE_SYMBOLS_H

#include "frontend/dsl/Ast.h"

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace nnc::tools {

enum class SymbolKind {
  Constant,
  Function,
  Model,
  Dimension, ///< `time` of `time = 1024`
  Input,     ///< of the model
  Parameter, ///< of a function
  Weights,   ///< declared by `param`
  Variable,  ///< assigned, or of a loop
  Scope,     ///< `block` of `as block[i]`
  Step,      ///< a training step
};

struct Symbol {
  std::string name;
  SymbolKind kind;
  /// The function or model that it is known in; null for the whole file.
  const void *owner;
};

/// A place where a symbol stands.
struct Occurrence {
  llvm::StringRef text; ///< In the source.
  size_t symbol;
  size_t order;       ///< In which the program is evaluated.
  bool isDeclaration; ///< Or an assignment.
  /// An output or a metric that is called after it.
  bool isNameToo = false;
};

class SymbolTable {
public:
  explicit SymbolTable(const dsl::Program &program);

  llvm::ArrayRef<Symbol> getSymbols() const { return symbols; }
  /// In the order of the source.
  llvm::ArrayRef<Occurrence> getOccurrences() const { return occurrences; }
  /// Those that stand in a part of the source.
  llvm::ArrayRef<Occurrence> occurrencesIn(llvm::StringRef part) const;
  /// The occurrence that the byte at `place` belongs to, or that ends there;
  /// null if there is none.
  const Occurrence *find(const char *place) const;
  /// Where what stands there was declared: by the last assignment that is
  /// evaluated before it.
  const Occurrence *findDeclaration(const Occurrence &use) const;
  /// The symbols that may be named in `owner`, those of the file included.
  std::vector<const Symbol *> visibleIn(const void *owner) const;

private:
  friend class SymbolWalk;

  std::vector<Symbol> symbols;
  std::vector<Occurrence> occurrences;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_LANGUAGE_SYMBOLS_H
