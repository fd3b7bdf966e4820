// What may be written next, and the arguments of the call that is being
// written.
#include "tools/language/Answers.h"
#include "tools/language/Cursor.h"
#include "tools/language/OpHelp.h"

#include "ir/Initializer.h"
#include "ir/Recipe.h"

#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;
namespace json = llvm::json;
using nnc::dsl::TokenKind;

namespace nnc::tools {

/// The protocol's kinds of what is proposed.
enum ItemKind {
  FunctionItem = 3,
  VariableItem = 6,
  PropertyItem = 10,
  ValueItem = 12,
  KeywordItem = 14,
  ConstantItem = 21,
  TypeItem = 25
};

/// Of a function of the program or an op; none where it is neither. `summary`
/// receives what it does, where that is known.
static std::vector<CallArgument>
argumentsOfCallee(Analysis &analysis, StringRef callee, std::string &summary) {
  for (const dsl::FunctionDecl &function : analysis.getProgram().functions)
    if (function.name.name == callee) {
      std::vector<CallArgument> arguments;
      for (const dsl::Parameter &parameter : function.parameters)
        arguments.push_back({parameter.name.name.str(), "", false});
      return arguments;
    }
  const Signature *signature = findCallable(analysis.getContext(), callee);
  if (!signature)
    return {};
  summary = signature->summary.str();
  return argumentsOf(analysis.getContext(), *signature);
}

namespace {
/// The proposals for one place, each name once.
class Proposals {
public:
  Proposals(Analysis &analysis, size_t offset)
      : analysis(analysis), cursor(analysis, offset),
        owner(analysis.ownerAt(analysis.source().data() + offset)) {}

  json::Value list();

private:
  void add(StringRef name, ItemKind kind, StringRef detail = "",
           StringRef text = "", StringRef inserted = "");
  void addWords(llvm::ArrayRef<StringRef> words, ItemKind kind);
  void addOps(llvm::function_ref<bool(Category)> isWanted);
  void addNames();
  void addInputs();
  void addInitializers();
  void addArgumentNames();
  void inTraining();
  void inData();
  void inBody();
  void inExpression();

  Analysis &analysis;
  Cursor cursor;
  const void *owner;
  llvm::StringSet<> known;
  json::Array items;
};
} // namespace

// A value of JSON only refers to a StringRef.
void Proposals::add(StringRef name, ItemKind kind, StringRef detail,
                    StringRef text, StringRef inserted) {
  if (!known.insert(name).second)
    return;
  json::Object item{{"label", name.str()}, {"kind", int64_t(kind)}};
  if (!detail.empty())
    item["detail"] = detail.str();
  if (!text.empty())
    item["documentation"] =
        json::Object{{"kind", "markdown"}, {"value", text.str()}};
  if (!inserted.empty())
    item["insertText"] = inserted.str();
  items.push_back(std::move(item));
}

void Proposals::addWords(llvm::ArrayRef<StringRef> words, ItemKind kind) {
  for (StringRef word : words)
    add(word, kind);
}

void Proposals::addOps(llvm::function_ref<bool(Category)> isWanted) {
  for (const Signature *signature : allSignatures(analysis.getContext())) {
    if (!isWanted(signature->category))
      continue;
    std::string name = nameInPrograms(*signature);
    add(name, FunctionItem,
        spellCall(name, argumentsOf(analysis.getContext(), *signature)),
        signature->summary);
  }
}

void Proposals::addNames() {
  const SymbolTable &table = analysis.getSymbols();
  // What each was worth where it was last named.
  std::vector<StringRef> details(table.getSymbols().size());
  for (const Occurrence &occurrence : table.getOccurrences())
    if (auto values = analysis.valuesAt(occurrence.text.data());
        !values.empty())
      details[occurrence.symbol] = values.back();
  for (const Symbol *symbol : table.visibleIn(owner)) {
    bool isCallable = symbol->kind == SymbolKind::Function;
    bool isConstant = symbol->kind == SymbolKind::Constant ||
                      symbol->kind == SymbolKind::Dimension;
    if (symbol->kind == SymbolKind::Model)
      continue;
    add(symbol->name,
        isCallable   ? FunctionItem
        : isConstant ? ConstantItem
                     : VariableItem,
        details[symbol - table.getSymbols().data()]);
  }
}

void Proposals::addInputs() {
  for (const dsl::ModelDecl &model : analysis.getProgram().models)
    for (const dsl::Parameter &input : model.inputs)
      add(input.name.name, VariableItem, "an input of the model");
}

void Proposals::addInitializers() {
  for (const InitializerInfo &info : allInitializers()) {
    std::vector<CallArgument> arguments;
    for (const InitializerArgument &argument : info.arguments)
      arguments.push_back({argument.name.str(), "", false});
    if (info.name != "literal")
      add(info.name, FunctionItem, spellCall(info.name, arguments),
          "how a parameter begins");
  }
}

void Proposals::addArgumentNames() {
  std::string summary;
  for (const CallArgument &argument :
       argumentsOfCallee(analysis, cursor.callee, summary))
    if (!cursor.givenNames.contains(argument.name))
      add(argument.name + " =", PropertyItem,
          argument.defaultValue.empty() ? "an argument"
                                        : "by default " + argument.defaultValue,
          "", argument.name + " = ");
}

//===-- By block ---------------------------------------------------------===//

void Proposals::inTraining() {
  if (cursor.firstWord.empty()) {
    for (const SettingInfo &info : allSettings())
      if (info.places & kInLanguage)
        add(info.name, PropertyItem, info.expected);
    add(dsl::kBuckets, PropertyItem, "sizes of short batches");
  } else if (cursor.firstWord == "precision") {
    addWords({"f32", "bf16"}, TypeItem);
  } else if (!cursor.isInCall() && cursor.firstWord == "optimizer") {
    addOps([](Category category) { return category == Category::Optimizer; });
  } else {
    if (cursor.isInCall() && !cursor.isAfter(TokenKind::Assign))
      addArgumentNames();
    addOps([](Category category) { return category == Category::Schedule; });
    addNames();
  }
}

void Proposals::inData() {
  bool isSplit = cursor.firstWord == "train" || cursor.firstWord == "test";
  if (cursor.firstWord.empty()) {
    addWords({"train", "test", "folder"}, KeywordItem);
    addInputs();
  } else if (cursor.isInCall()) {
    addNames();
    addWords({"true", "false"}, ValueItem);
  } else if (cursor.firstWord == "folder") {
    addNames();
  } else if (isSplit && cursor.isAfter(TokenKind::Assign)) {
    addWords(readerNames(), FunctionItem);
  } else if (isSplit) {
    addInputs();
  } else {
    addWords(stepNames(), FunctionItem);
  }
}

void Proposals::inExpression() {
  if (cursor.isInCall() && !cursor.isAfter(TokenKind::Assign))
    addArgumentNames();
  if (cursor.argumentName == "padding")
    addWords({"same", "same_lower", "valid"}, ValueItem);
  if (cursor.firstWord == "param" || cursor.argumentName == "weight" ||
      cursor.argumentName == "bias")
    addInitializers();
  addNames();
  add("batch", ConstantItem, "the number of samples");
  addWords({"true", "false", "not"}, ValueItem);
  addWords({"channels_of", "length", "max", "min", "ones", "rank", "scan",
            "shape", "zeros"},
           FunctionItem);
  addOps([](Category category) { return category <= Category::Metric; });
  addWords(dsl::elementTypeNames(), TypeItem);
}

void Proposals::inBody() {
  bool isType = cursor.isAfter(TokenKind::Colon) && cursor.firstWord == "param";
  if (isType)
    return addWords(dsl::elementTypeNames(), TypeItem);
  if (cursor.isAfter(TokenKind::As)) {
    for (const Symbol &symbol : analysis.getSymbols().getSymbols())
      if (symbol.kind == SymbolKind::Scope)
        add(symbol.name, PropertyItem, "a scope of parameters");
    return;
  }
  if (!cursor.firstWord.empty())
    return inExpression();
  addWords({"for", "if", "param"}, KeywordItem);
  if (cursor.block == "fn")
    add("return", KeywordItem);
  else
    addWords({"layout", "loss", "metric", "output", "step", "update"},
             KeywordItem);
  addNames();
}

json::Value Proposals::list() {
  if (cursor.block == "training")
    inTraining();
  else if (cursor.block == "data")
    inData();
  else if (!cursor.block.empty())
    inBody();
  else if (cursor.isInCall())
    addWords(dsl::elementTypeNames(), TypeItem);
  else if (cursor.firstWord == "const" && cursor.isAfter(TokenKind::Assign))
    inExpression();
  else
    addWords({"const", "data", "fn", "model", "training", "weights"},
             KeywordItem);
  return json::Object{{"isIncomplete", false}, {"items", std::move(items)}};
}

json::Value completion(Analysis &analysis, size_t offset) {
  return Proposals(analysis, offset).list();
}

//===-- Signatures -------------------------------------------------------===//

json::Value signatureHelp(Analysis &analysis, size_t offset) {
  Cursor cursor(analysis, offset);
  if (!cursor.isInCall())
    return nullptr;
  std::string summary;
  std::vector<CallArgument> arguments =
      argumentsOfCallee(analysis, cursor.callee, summary);
  if (arguments.empty())
    return nullptr;
  size_t active = cursor.argument;
  json::Array parameters;
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    if (argument.name == cursor.argumentName)
      active = i;
    parameters.push_back(json::Object{{"label", spellArgument(argument)}});
  }
  json::Object signature{{"label", spellCall(cursor.callee, arguments)},
                         {"parameters", std::move(parameters)}};
  if (!summary.empty())
    signature["documentation"] = summary;
  return json::Object{{"signatures", json::Array{std::move(signature)}},
                      {"activeSignature", 0},
                      {"activeParameter", int64_t(active)}};
}

} // namespace nnc::tools
