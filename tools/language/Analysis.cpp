// Parses and evaluates a program with open ears.
#include "tools/language/Analysis.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Emit.h"
#include "frontend/dsl/Parse.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using nnc::dsl::Datum;
using nnc::dsl::Token;
using nnc::dsl::TokenKind;

namespace nnc::tools {

/// A value for a reader: "f32[batch, 10]", "12", "[f32[4], f32[4]]".
static std::string valueText(const Datum &value, unsigned depth = 0) {
  if (value.isTensor())
    return printType(value.tensor().getType());
  if (value.isElementType())
    return printElementType(value.elementType());
  if (value.isBatch())
    return "batch";
  if (!value.isList())
    return value.describe();
  constexpr size_t kMostShown = 4;
  std::string text = "[";
  for (auto [i, element] : llvm::enumerate(value.list())) {
    if (i == kMostShown || depth == 2)
      return text + "..., " + std::to_string(value.list().size()) +
             " elements]";
    text += (i ? ", " : "") + valueText(element, depth + 1);
  }
  return text + "]";
}

/// Keeps what the first evaluations of each place gave.
class Analysis::Recorder : public dsl::Trace {
public:
  explicit Recorder(Analysis &analysis) : analysis(analysis) {}

  void named(llvm::StringRef name, const Datum &value) override {
    keep(name.data(), value);
  }
  void called(const dsl::CallExpr &call, const Datum &value) override {
    keep(call.loc.getPointer(), value);
  }
  void usesParameter(dsl::SMLoc loc, llvm::StringRef path,
                     RankedTensorType type) override {
    add(analysis.parameters[loc.getPointer()],
        path.str() + ": " + printType(type));
  }

private:
  static constexpr size_t kMostKept = 8;
  static constexpr unsigned kMostSeen = 64;

  static void add(std::vector<std::string> &kept, std::string text) {
    if (kept.size() < kMostKept && !llvm::is_contained(kept, text))
      kept.push_back(std::move(text));
  }
  void keep(const char *place, const Datum &value) {
    if (!value.isError() && ++seen[place] <= kMostSeen)
      add(analysis.values[place], valueText(value));
  }

  Analysis &analysis;
  llvm::DenseMap<const char *, unsigned> seen;
};

Analysis::Analysis(Document document,
                   llvm::function_ref<void(MLIRContext &)> prepare)
    : document(std::move(document)), context(MLIRContext::Threading::DISABLED) {
  prepare(context);
  sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBuffer(this->document.getText(), "program"),
      llvm::SMLoc());
  look();
}

llvm::StringRef Analysis::source() const {
  return sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
}

size_t Analysis::offsetOf(Location location) const {
  auto place = location->findInstanceOf<FileLineColLoc>();
  return place ? document.offsetOfColumn(place.getLine(), place.getColumn())
               : 0;
}

void Analysis::note(Diagnostic &diagnostic) {
  Finding finding{diagnostic.getSeverity(),
                  offsetOf(diagnostic.getLocation()),
                  dsl::inUsersTerms(diagnostic.str()),
                  {}};
  for (Diagnostic &note : diagnostic.getNotes())
    finding.notes.push_back(
        {offsetOf(note.getLocation()), dsl::inUsersTerms(note.str())});
  findings.push_back(std::move(finding));
}

void Analysis::look() {
  ScopedDiagnosticHandler handler(&context,
                                  [&](Diagnostic &found) { note(found); });
  dsl::Diagnostics diagnostics(sources, &context);
  program = dsl::parse(source(), diagnostics);
  bool isGrammatical = !diagnostics.failed();
  symbols = std::make_unique<SymbolTable>(program);
  Recorder recorder(*this);
  if (isGrammatical) {
    (void)dsl::emit(program, {}, diagnostics, &context, &recorder);
  } else {
    // What is left of it still says what most names are; what it lacks would
    // be missed everywhere.
    ScopedDiagnosticHandler silence(&context, [](Diagnostic &) {});
    dsl::Diagnostics unheard(sources, &context);
    (void)dsl::emit(program, {}, unheard, &context, &recorder);
  }
  ScopedDiagnosticHandler silence(&context, [](Diagnostic &) {});
  dsl::Diagnostics unheard(sources, &context);
  tokens = dsl::lex(source(), unheard);
}

static llvm::ArrayRef<std::string>
lookup(const llvm::DenseMap<const char *, std::vector<std::string>> &texts,
       const char *place) {
  auto found = texts.find(place);
  if (found == texts.end())
    return {};
  return found->second;
}

llvm::ArrayRef<std::string> Analysis::valuesAt(const char *place) const {
  return lookup(values, place);
}

llvm::ArrayRef<std::string> Analysis::parametersAt(const char *place) const {
  return lookup(parameters, place);
}

//===-- Declarations -----------------------------------------------------===//

static bool beginsDeclaration(const Token &token) {
  bool isKeyword = token.is(TokenKind::Const) || token.is(TokenKind::Fn) ||
                   token.is(TokenKind::Model);
  bool isWord = token.is(TokenKind::Identifier) &&
                (token.text == "training" || token.text == "data" ||
                 token.text == "weights");
  return token.startsLine && (isKeyword || isWord);
}

std::vector<Declaration> Analysis::declarations() const {
  std::vector<Declaration> found;
  int depth = 0;
  for (auto [i, token] : llvm::enumerate(tokens)) {
    // A function inside of another has lost the brace before it.
    bool isLost = token.is(TokenKind::Fn) || token.is(TokenKind::Model);
    if (beginsDeclaration(token) && (depth <= 0 || isLost)) {
      depth = 0;
      bool hasName =
          i + 1 < tokens.size() && tokens[i + 1].is(TokenKind::Identifier);
      found.push_back({token.text, hasName ? tokens[i + 1].text : "", {}});
    }
    depth += token.is(TokenKind::LeftBrace);
    depth -= token.is(TokenKind::RightBrace);
    if (!found.empty() && !token.is(TokenKind::EndOfFile)) {
      const char *begin = found.back().word.begin();
      found.back().text = llvm::StringRef(begin, token.text.end() - begin);
    }
  }
  return found;
}

const void *Analysis::ownerOf(const Declaration &declaration) const {
  if (declaration.word != "fn" && declaration.word != "model")
    return nullptr;
  for (const dsl::FunctionDecl &function : program.functions)
    if (function.name.name.data() == declaration.name.data())
      return &function;
  for (const dsl::ModelDecl &model : program.models)
    if (model.name.name.data() == declaration.name.data())
      return &model;
  return nullptr;
}

const void *Analysis::ownerAt(const char *place) const {
  const Declaration *around = nullptr;
  const std::vector<Declaration> all = declarations();
  for (const Declaration &declaration : all)
    if (declaration.text.begin() <= place)
      around = &declaration;
  return around ? ownerOf(*around) : nullptr;
}

} // namespace nnc::tools
