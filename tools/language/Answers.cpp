// Hover, places of names, renaming, the outline, formatting.
#include "tools/language/Answers.h"
#include "tools/language/OpHelp.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Format.h"
#include "ir/Recipe.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;
namespace json = llvm::json;
using nnc::dsl::Token;
using nnc::dsl::TokenKind;

namespace nnc::tools {

json::Value toJson(Position position) {
  return json::Object{{"line", int64_t(position.line)},
                      {"character", int64_t(position.character)}};
}

static json::Value rangeOf(const Analysis &analysis, size_t begin, size_t end) {
  const Document &document = analysis.getDocument();
  return json::Object{{"start", toJson(document.positionOf(begin))},
                      {"end", toJson(document.positionOf(end))}};
}

json::Value toJson(const Analysis &analysis, StringRef part) {
  size_t begin = analysis.offsetOf(part);
  return rangeOf(analysis, begin, begin + part.size());
}

/// The token that the byte belongs to, or that ends there; null if there is
/// none.
static const Token *tokenAt(const Analysis &analysis, size_t offset) {
  const char *place = analysis.source().data() + offset;
  const Token *found = nullptr;
  for (const Token &token : analysis.getTokens())
    if (token.text.begin() <= place && place <= token.text.end() &&
        !token.text.empty() && (!found || token.is(TokenKind::Identifier)))
      found = &token;
  return found;
}

//===-- Diagnostics ------------------------------------------------------===//

/// From a place to the end of the token there, or of one character.
static json::Value findingRange(const Analysis &analysis, size_t offset) {
  const char *place = analysis.source().data() + offset;
  for (const Token &token : analysis.getTokens())
    if (token.text.begin() == place && !token.text.empty())
      return toJson(analysis, token.text);
  return rangeOf(analysis, offset,
                 std::min(offset + 1, analysis.source().size()));
}

json::Array diagnosticsOf(const Analysis &analysis, StringRef uri) {
  json::Array all;
  for (const Finding &finding : analysis.getFindings()) {
    json::Array related;
    for (auto &[offset, text] : finding.notes)
      related.push_back(json::Object{
          {"location", json::Object{{"uri", uri.str()},
                                    {"range", findingRange(analysis, offset)}}},
          {"message", text}});
    json::Object diagnostic{
        {"range", findingRange(analysis, finding.offset)},
        {"severity",
         finding.severity == mlir::DiagnosticSeverity::Error ? 1 : 2},
        {"source", "nnc"},
        {"message", finding.message}};
    if (!related.empty())
      diagnostic["relatedInformation"] = std::move(related);
    all.push_back(std::move(diagnostic));
  }
  return all;
}

//===-- Hover ------------------------------------------------------------===//

static StringRef describe(SymbolKind kind) {
  static constexpr llvm::StringLiteral names[] = {
      "a constant",           "a function",    "the model",
      "a dimension",          "an input",      "a parameter of a function",
      "weights of the model", "a local value", "a scope of parameters",
      "a training step"};
  return names[size_t(kind)];
}

/// The part of the source that declares a function: "fn block(x, rate = 0.1)".
static StringRef headOf(StringRef declaration) {
  return declaration.take_front(declaration.find('{')).trim();
}

/// The lines of comment directly above `place`.
static std::string commentAbove(const Analysis &analysis, size_t offset) {
  StringRef before = analysis.source().take_front(offset);
  std::vector<std::string> lines;
  while (before.consume_back("\n")) {
    StringRef line = before.substr(before.rfind('\n') + 1).trim();
    if (!line.consume_front("//"))
      break;
    lines.push_back(line.trim().str());
    before = before.take_front(before.rfind('\n') + 1);
  }
  return llvm::join(llvm::reverse(lines), "\n");
}

static std::string codeBlock(const llvm::Twine &code) {
  return ("```nnc\n" + code + "\n```\n").str();
}

static std::string listText(StringRef heading,
                            llvm::ArrayRef<std::string> lines) {
  std::string text = ("\n" + heading + "\n").str();
  for (const std::string &line : lines)
    text += "- `" + line + "`\n";
  return text;
}

static std::string hoverSymbol(const Analysis &analysis,
                               const Occurrence &occurrence) {
  const Symbol &symbol = analysis.getSymbols().getSymbols()[occurrence.symbol];
  const char *place = occurrence.text.data();
  if (symbol.kind == SymbolKind::Function || symbol.kind == SymbolKind::Model) {
    std::string text;
    for (const Declaration &declaration : analysis.declarations())
      if (declaration.name == symbol.name)
        text += codeBlock(headOf(declaration.text)) + "\n" +
                commentAbove(analysis, analysis.offsetOf(declaration.word));
    if (auto values = analysis.valuesAt(place); !values.empty())
      text += listText("gives here", values);
    return text;
  }
  llvm::ArrayRef<std::string> values = analysis.valuesAt(place);
  std::string text =
      codeBlock(symbol.name + (values.empty() ? "" : ": " + values.front())) +
      describe(symbol.kind).str() + "\n";
  if (values.size() > 1)
    text += listText("elsewhere, in other calls or turns of a loop:",
                     values.drop_front());
  llvm::ArrayRef<std::string> parameters = analysis.parametersAt(place);
  return parameters.empty() ? text : text + listText("is", parameters);
}

static std::string hoverOp(Analysis &analysis, const Token &token) {
  mlir::MLIRContext *context = analysis.getContext();
  const Signature *signature = findCallable(context, token.text);
  if (!signature)
    return "";
  std::string text =
      codeBlock(spellCall(token.text, argumentsOf(context, *signature))) +
      signature->summary.str() + "\n";
  if (StringRef record = recordText(signature->name); !record.empty())
    text += "\n" + record.str() + "\n";
  if (auto values = analysis.valuesAt(token.text.data()); !values.empty())
    text += listText("gives here", values);
  if (auto parameters = analysis.parametersAt(token.text.data());
      !parameters.empty())
    text += listText("with the parameters", parameters);
  return text;
}

static std::string hoverSetting(const Token &token) {
  for (const SettingInfo &info : allSettings())
    if (info.name == token.text && (info.places & kInLanguage))
      return codeBlock(info.name) +
             "a setting of the training: " + info.expected.str() + "\n";
  return "";
}

json::Value hover(Analysis &analysis, size_t offset) {
  const Token *token = tokenAt(analysis, offset);
  if (!token || !token->is(TokenKind::Identifier))
    return nullptr;
  std::string text;
  if (const Occurrence *found = analysis.getSymbols().find(token->text.data()))
    text = hoverSymbol(analysis, *found);
  if (text.empty() && token->startsLine)
    text = hoverSetting(*token);
  if (text.empty())
    text = hoverOp(analysis, *token);
  if (text.empty())
    return nullptr;
  return json::Object{
      {"contents", json::Object{{"kind", "markdown"}, {"value", text}}},
      {"range", toJson(analysis, token->text)}};
}

//===-- Places -----------------------------------------------------------===//

static const Occurrence *occurrenceAt(const Analysis &analysis, size_t offset) {
  return analysis.getSymbols().find(analysis.source().data() + offset);
}

json::Value definition(const Analysis &analysis, size_t offset, StringRef uri) {
  const Occurrence *use = occurrenceAt(analysis, offset);
  const Occurrence *declaration =
      use ? analysis.getSymbols().findDeclaration(*use) : nullptr;
  if (!declaration)
    return nullptr;
  return json::Object{{"uri", uri.str()},
                      {"range", toJson(analysis, declaration->text)}};
}

json::Value references(const Analysis &analysis, size_t offset, StringRef uri,
                       bool withDeclaration) {
  const Occurrence *use = occurrenceAt(analysis, offset);
  json::Array places;
  for (const Occurrence &other : analysis.getSymbols().getOccurrences())
    if (use && other.symbol == use->symbol &&
        (withDeclaration || !other.isDeclaration))
      places.push_back(json::Object{{"uri", uri.str()},
                                    {"range", toJson(analysis, other.text)}});
  return places;
}

json::Value highlights(const Analysis &analysis, size_t offset) {
  const Occurrence *use = occurrenceAt(analysis, offset);
  json::Array places;
  for (const Occurrence &other : analysis.getSymbols().getOccurrences())
    if (use && other.symbol == use->symbol)
      places.push_back(json::Object{{"range", toJson(analysis, other.text)},
                                    {"kind", other.isDeclaration ? 3 : 2}});
  return places;
}

//===-- Renaming ---------------------------------------------------------===//

json::Value renameable(const Analysis &analysis, size_t offset) {
  const Occurrence *use = occurrenceAt(analysis, offset);
  return use ? toJson(analysis, use->text) : json::Value(nullptr);
}

/// Why a symbol cannot be called `name`; empty if it can.
static std::string whyNot(const Analysis &analysis, const Symbol &symbol,
                          StringRef name) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::ScopedDiagnosticHandler silence(&context, [](mlir::Diagnostic &) {});
  llvm::SourceMgr sources;
  dsl::Diagnostics diagnostics(sources, &context);
  std::string text = name.str();
  std::vector<Token> tokens = dsl::lex(text, diagnostics);
  if (diagnostics.failed() || tokens.size() != 2 || tokens[0].text != name ||
      !tokens[0].is(TokenKind::Identifier))
    return "'" + text +
           "' is no name: letters, digits and '_', no digit first "
           "and no reserved word";
  if (name == "batch" || llvm::is_contained(dsl::elementTypeNames(), name))
    return "'" + text + "' has a meaning of its own";
  for (const Symbol &other : analysis.getSymbols().getSymbols()) {
    auto isLabel = [](SymbolKind kind) {
      return kind == SymbolKind::Scope || kind == SymbolKind::Step;
    };
    bool meets = !other.owner || !symbol.owner || other.owner == symbol.owner;
    if (other.name == name && meets &&
        (isLabel(symbol.kind) ? other.kind == symbol.kind
                              : !isLabel(other.kind)))
      return "'" + text + "' is " + describe(other.kind).str() + " already";
  }
  return "";
}

llvm::Expected<json::Value> rename(const Analysis &analysis, size_t offset,
                                   StringRef newName, StringRef uri) {
  const Occurrence *use = occurrenceAt(analysis, offset);
  if (!use)
    return llvm::createStringError("here is no name that the program gives");
  const Symbol &symbol = analysis.getSymbols().getSymbols()[use->symbol];
  if (std::string problem = whyNot(analysis, symbol, newName); !problem.empty())
    return llvm::createStringError(problem);
  json::Array edits;
  for (const Occurrence &other : analysis.getSymbols().getOccurrences()) {
    if (other.symbol != use->symbol)
      continue;
    // An output keeps the name that it had of its value.
    std::string text = newName.str();
    if (other.isNameToo)
      text = symbol.name + " = " + text;
    edits.push_back(json::Object{{"range", toJson(analysis, other.text)},
                                 {"newText", text}});
  }
  return json::Object{{"changes", json::Object{{uri.str(), std::move(edits)}}}};
}

//===-- The outline ------------------------------------------------------===//

namespace {
/// The protocol's kinds of symbols.
enum OutlineKind {
  ModuleOutline = 2,
  ClassOutline = 5,
  PropertyOutline = 7,
  FunctionOutline = 12,
  VariableOutline = 13,
  ConstantOutline = 14
};
} // namespace

static json::Object outlineEntry(const Analysis &analysis, StringRef name,
                                 OutlineKind kind, StringRef whole,
                                 StringRef selected) {
  return json::Object{{"name", name.str()},
                      {"kind", int64_t(kind)},
                      {"range", toJson(analysis, whole)},
                      {"selectionRange", toJson(analysis, selected)}};
}

/// What stands in `part` and is declared there, as far as it is wanted, each
/// once.
static json::Array outlineOf(const Analysis &analysis, StringRef part,
                             llvm::function_ref<bool(const Symbol &)> isWanted,
                             llvm::function_ref<OutlineKind(SymbolKind)> kind) {
  json::Array entries;
  llvm::StringSet<> seen;
  const SymbolTable &table = analysis.getSymbols();
  for (const Occurrence &occurrence : table.occurrencesIn(part)) {
    const Symbol &symbol = table.getSymbols()[occurrence.symbol];
    if (!occurrence.isDeclaration || !isWanted(symbol) ||
        !seen.insert(symbol.name).second)
      continue;
    json::Object entry = outlineEntry(analysis, symbol.name, kind(symbol.kind),
                                      occurrence.text, occurrence.text);
    auto values = analysis.valuesAt(occurrence.text.data());
    if (!values.empty())
      entry["detail"] = values.front();
    entries.push_back(std::move(entry));
  }
  return entries;
}

static json::Array outlineOfConstants(const Analysis &analysis,
                                      StringRef part) {
  return outlineOf(
      analysis, part,
      [](const Symbol &symbol) { return symbol.kind == SymbolKind::Constant; },
      [](SymbolKind) { return ConstantOutline; });
}

/// The inputs, weights and values of a function or of the model.
static json::Array outlineOfBody(const Analysis &analysis, StringRef part,
                                 const void *owner) {
  return outlineOf(
      analysis, part,
      [&](const Symbol &symbol) {
        return symbol.owner == owner && symbol.kind != SymbolKind::Scope;
      },
      [](SymbolKind kind) {
        return kind == SymbolKind::Weights ? PropertyOutline : VariableOutline;
      });
}

json::Value outline(const Analysis &analysis) {
  json::Array entries;
  for (const Declaration &declaration : analysis.declarations()) {
    if (declaration.word == "const") {
      for (json::Value &constant :
           outlineOfConstants(analysis, declaration.text))
        entries.push_back(std::move(constant));
      continue;
    }
    bool isModel = declaration.word == "model";
    bool isFunction = declaration.word == "fn";
    bool hasName = !declaration.name.empty();
    json::Object entry = outlineEntry(
        analysis, hasName ? declaration.name : declaration.word,
        isModel      ? ClassOutline
        : isFunction ? FunctionOutline
                     : ModuleOutline,
        declaration.text, hasName ? declaration.name : declaration.word);
    if (const void *owner = analysis.ownerOf(declaration))
      entry["children"] = outlineOfBody(analysis, declaration.text, owner);
    entries.push_back(std::move(entry));
  }
  return entries;
}

//===-- Formatting -------------------------------------------------------===//

json::Value formatting(const Analysis &analysis) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::ScopedDiagnosticHandler silence(&context, [](mlir::Diagnostic &) {});
  llvm::SourceMgr sources;
  dsl::Diagnostics diagnostics(sources, &context);
  std::optional<std::string> formatted =
      dsl::format(analysis.source(), diagnostics);
  json::Array edits;
  if (formatted && *formatted != analysis.source())
    edits.push_back(json::Object{{"range", toJson(analysis, analysis.source())},
                                 {"newText", *formatted}});
  return edits;
}

} // namespace nnc::tools
