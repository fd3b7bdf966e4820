// What stands at the top level of a file.
#include "frontend/dsl/Parser.h"

#include "ir/Recipe.h"

namespace nnc::dsl {

Program Parser::parseProgram() {
  Program program;
  while (!at(TokenKind::EndOfFile) && !diagnostics.full())
    parseDeclaration(program);
  program.end = token().loc();
  for (const Token &token : tokens)
    if (token.is(TokenKind::Identifier))
      ++program.mentions[token.text];
  return program;
}

void Parser::parseDeclaration(Program &program) {
  size_t before = position;
  bool parsed = false;
  if (at(TokenKind::Const))
    parsed = parseConst(program);
  else if (at(TokenKind::Fn))
    parsed = parseFunction(program);
  else if (at(TokenKind::Model))
    parsed = parseModel(program);
  else if (atWord("training"))
    parsed = parseTraining(program);
  else if (atWord("data"))
    parsed = parseData(program);
  else if (atWord("weights"))
    parsed = parseNameTable(program);
  else if (!at(TokenKind::Invalid)) {
    std::string hint;
    if (at(TokenKind::Identifier))
      hint = suggestion(token().text, {"const", "fn", "model", "training",
                                       "data", "weights"});
    error(token().loc(),
          "expected 'const', 'fn', 'model', 'training', 'data' or 'weights', "
          "found " +
              describe(token()) + hint);
  }
  if (parsed)
    return;
  if (position == before)
    advance();
  recover();
}

bool Parser::parseConst(Program &program) {
  advance();
  do {
    std::optional<Identifier> name = parseIdentifier("after 'const'");
    if (!name || !expect(TokenKind::Assign, "after the constant's name"))
      return false;
    ExpressionPtr value = parseExpr();
    if (!value)
      return false;
    program.constants.push_back({*name, std::move(value)});
  } while (accept(TokenKind::Comma));
  return atLineEnd() || errorExpected("the end of the line");
}

bool Parser::parseFunction(Program &program) {
  advance();
  FunctionDecl function;
  std::optional<Identifier> name = parseIdentifier("after 'fn'");
  if (!name || !parseParameters(function.parameters, /*isModel=*/false))
    return false;
  function.name = *name;
  bool parsed = parseBlock(function.body, "the function '" + name->name + "'");
  program.functions.push_back(std::move(function));
  return parsed;
}

bool Parser::parseModel(Program &program) {
  advance();
  ModelDecl model;
  std::optional<Identifier> name = parseIdentifier("after 'model'");
  if (!name || !parseParameters(model.inputs, /*isModel=*/true))
    return false;
  model.name = *name;
  bool parsed = parseBlock(model.body, "the model '" + name->name + "'");
  program.models.push_back(std::move(model));
  return parsed;
}

bool Parser::parseParameters(std::vector<Parameter> &parameters, bool isModel) {
  Token opening = token();
  if (!expect(TokenKind::LeftParen, "before the parameters"))
    return false;
  ++brackets;
  while (!at(TokenKind::RightParen)) {
    if (!parseParameter(parameters, isModel))
      return false;
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RightParen, opening, "the parameters"))
    return false;
  --brackets;
  return true;
}

bool Parser::parseParameter(std::vector<Parameter> &parameters, bool isModel) {
  std::optional<Identifier> name =
      parseIdentifier(isModel ? "of an input" : "of a parameter");
  if (!name)
    return false;
  Parameter parameter{*name, std::nullopt, nullptr};
  if (accept(TokenKind::Colon)) {
    parameter.type.emplace();
    if (!parseType(*parameter.type))
      return false;
  } else if (isModel) {
    return errorExpected("':' and the type of input '" + name->name +
                         "', as in " + name->name + ": f32[batch, 784]");
  }
  if (!isModel && accept(TokenKind::Assign)) {
    parameter.defaultValue = parseExpr();
    if (!parameter.defaultValue)
      return false;
  }
  parameters.push_back(std::move(parameter));
  return true;
}

bool Parser::parseType(TypeSpec &type) {
  std::optional<Identifier> element =
      parseIdentifier("of an element type, as in f32[batch, 784]");
  if (!element)
    return false;
  type.element = *element;
  Token opening = token();
  if (token().startsLine || !accept(TokenKind::LeftBracket))
    return true; // a scalar
  ++brackets;
  while (!at(TokenKind::RightBracket)) {
    if (!parseDimension(type))
      return false;
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RightBracket, opening, "the shape"))
    return false;
  --brackets;
  return true;
}

bool Parser::parseDimension(TypeSpec &type) {
  Dimension dimension;
  if (at(TokenKind::Identifier) && peek().is(TokenKind::Assign)) {
    Token name = advance();
    dimension.binding = Identifier{name.text, name.loc()};
    advance();
  }
  dimension.size = parseExpr();
  if (!dimension.size)
    return false;
  type.shape.push_back(std::move(dimension));
  return true;
}

bool Parser::parseTraining(Program &program) {
  TrainingDecl training;
  training.loc = advance().loc();
  bool parsed = parseBraces("the block 'training'",
                            [&] { return parseTrainingLine(training); });
  program.trainings.push_back(std::move(training));
  return parsed;
}

bool Parser::parseTrainingLine(TrainingDecl &training) {
  if (atWord("group"))
    return parseGroup(training);
  if (atWord(kBuckets))
    return parseBuckets(training);
  return parseSettingInto(training.settings);
}

// `group ["*.bias", "*.scale"] { weight_decay 0 }`.
bool Parser::parseGroup(TrainingDecl &training) {
  GroupDecl group;
  group.loc = advance().loc();
  if (!at(TokenKind::LeftBracket) && !at(TokenKind::String))
    return errorExpected("patterns of parameter names after 'group', as in "
                         "[\"*.bias\", \"*.scale\"]");
  group.patterns = parseExpr();
  if (!group.patterns || !parseBraces("the group", [&] {
        return parseSettingInto(group.settings);
      }))
    return false;
  training.groups.push_back(std::move(group));
  return atLineEnd() || errorExpected("the end of the line");
}

// `buckets source_length = [8, 12], target_length = [8, 10]`.
bool Parser::parseBuckets(TrainingDecl &training) {
  advance();
  do {
    std::optional<Identifier> name = parseIdentifier(
        "of a constant after 'buckets', as in buckets time = [25, 50]");
    if (!name || !expect(TokenKind::Assign, "after the constant's name"))
      return false;
    auto constant = std::make_unique<NameExpr>(name->loc);
    constant->name = name->name;
    ExpressionPtr sizes = parseExpr();
    if (!sizes)
      return false;
    training.buckets.push_back({std::move(constant), std::move(sizes)});
  } while (accept(TokenKind::Comma));
  return atLineEnd() || errorExpected("',' or the end of the line");
}

bool Parser::parseSettingInto(std::vector<Setting> &settings) {
  Setting setting;
  if (!parseSetting(setting))
    return false;
  settings.push_back(std::move(setting));
  return true;
}

bool Parser::parseSetting(Setting &setting) {
  std::optional<Identifier> name = at(TokenKind::Identifier)
                                       ? Identifier{token().text, token().loc()}
                                       : std::optional<Identifier>();
  if (!name)
    return errorExpected("the name of a setting, as in 'epochs 10'");
  advance();
  if (at(TokenKind::Assign))
    return error(token().loc(),
                 "a setting is written without '=': " + name->name + " VALUE");
  setting.name = *name;
  if (name->name == kStop)
    return parseStop(setting);
  if (atLineEnd())
    return errorExpected("the value of '" + name->name + "'");
  if (name->name == kOrder)
    return parseOrder(setting);
  setting.value = parseExpr();
  if (!setting.value)
    return false;
  if (name->name == kValidation && !atLineEnd() &&
      !parseStratified(setting.subject))
    return false;
  if (name->name == kMemoryBudget && at(TokenKind::Identifier) &&
      !atLineEnd()) {
    Token token = advance();
    setting.unit = Identifier{token.text, token.loc()};
  }
  if (name->name == kAverage && atWord("from") && !atLineEnd()) {
    advance();
    setting.from = parseUnit(parseExpr());
    if (!setting.from)
      return false;
  }
  if (at(TokenKind::Identifier) && !atLineEnd())
    return error(token().loc(), "a setting has a line of its own: expected the "
                                "end of the line, found " +
                                    describe(token()));
  return atLineEnd() || errorExpected("the end of the line");
}

// `discriminate 5, generate`.
bool Parser::parseOrder(Setting &setting) {
  do {
    if (!at(TokenKind::Identifier))
      return errorExpected("the name of a training step");
    Token name = advance();
    Turn turn{{name.text, name.loc()}, nullptr};
    if (!atLineEnd() && !at(TokenKind::Comma)) {
      turn.times = parseExpr();
      if (!turn.times)
        return false;
    }
    setting.order.push_back(std::move(turn));
  } while (accept(TokenKind::Comma));
  return atLineEnd() || errorExpected("',' or the end of the line");
}

bool Parser::expectWord(StringRef word, const llvm::Twine &context) {
  if (!atWord(word) || atLineEnd())
    return errorExpected("'" + word + "', " + context);
  advance();
  return true;
}

// `validation_loss`, `critic.loss`, `cost:min`.
std::optional<Identifier> Parser::parseWatched(const llvm::Twine &what) {
  std::optional<Identifier> first = parseIdentifier(what);
  if (!first)
    return std::nullopt;
  const char *end = first->name.end();
  while (at(TokenKind::Dot) || at(TokenKind::Colon)) {
    advance();
    std::optional<Identifier> next = parseIdentifier(what);
    if (!next)
      return std::nullopt;
    end = next->name.end();
  }
  return Identifier{StringRef(first->name.begin(), end - first->name.begin()),
                    first->loc};
}

// `when validation_loss rests 5 epochs`, and perhaps `within 0.01`.
bool Parser::parseStop(Setting &stop) {
  constexpr llvm::StringLiteral form =
      "as in stop when validation_loss rests 5 epochs";
  if (!expectWord("when", form))
    return false;
  stop.subject = parseWatched("of what is watched, " + llvm::Twine(form));
  if (!stop.subject || !expectWord("rests", form))
    return false;
  stop.value = parseExpr();
  if (!stop.value || !(atWord("epoch") ? expectWord("epoch", form)
                                       : expectWord("epochs", form)))
    return false;
  if (!atLineEnd()) {
    if (!expectWord("within", "or the end of the line"))
      return false;
    stop.within = parseExpr();
    if (!stop.within)
      return false;
  }
  return atLineEnd() || errorExpected("the end of the line");
}

// `stratified by label`.
bool Parser::parseStratified(std::optional<Identifier> &input) {
  constexpr llvm::StringLiteral form =
      "as in validation 0.2 stratified by label";
  if (!expectWord("stratified", form) || !expectWord("by", form))
    return false;
  input = parseIdentifier("of an input, " + llvm::Twine(form));
  return input.has_value();
}

bool Parser::parseData(Program &program) {
  DataDecl data;
  data.loc = advance().loc();
  bool parsed =
      parseBraces("the block 'data'", [&] { return parseDataLine(data); });
  program.datas.push_back(std::move(data));
  return parsed;
}

bool Parser::parseDataLine(DataDecl &data) {
  if (!at(TokenKind::Identifier))
    return error(token().loc(),
                 "expected 'train', 'validation', 'test', 'folder' or the name "
                 "of an input, found " +
                     describe(token()));
  Token token = advance();
  Identifier name{token.text, token.loc()};
  if (name.name == "folder")
    return parseFolder(data, name);
  // A share in place of files.
  if (name.name == kValidation && !at(TokenKind::Identifier)) {
    --position;
    Setting setting;
    if (!parseSetting(setting))
      return false;
    data.settings.push_back(std::move(setting));
    return true;
  }
  if (!llvm::is_contained({"train", "validation", "test"}, name.name))
    return parseSteps(data, name);
  DataSplit split;
  split.name = name;
  return parseBinding(split) && parseSplit(data, std::move(split));
}

// `folder "/usr/share/datasets/iris"`.
bool Parser::parseFolder(DataDecl &data, const Identifier &name) {
  if (data.folder)
    return error(name.loc, "the folder of the data is given twice",
                 Note{data.folder->loc, "first given here"});
  if (atLineEnd() || at(TokenKind::Assign))
    return errorExpected("the folder of the files, as in folder \"DIR\"");
  data.folder = parseExpr();
  return data.folder && (atLineEnd() || errorExpected("the end of the line"));
}

// What follows the first binding.
bool Parser::parseSplit(DataDecl &data, DataSplit split) {
  while (accept(TokenKind::Comma))
    if (!parseBinding(split))
      return false;
  data.splits.push_back(std::move(split));
  return atLineEnd() || errorExpected("',' or the end of the line");
}

// `missing = mean` is `missing(mean)`. Null after an error.
ExpressionPtr Parser::parseStep() {
  ExpressionPtr step = parseExpr();
  auto *word = llvm::dyn_cast_or_null<NameExpr>(step.get());
  if (!word || !at(TokenKind::Assign) || !isStepSetting(word->name))
    return step;
  advance();
  ExpressionPtr value = parseExpr();
  if (!value)
    return nullptr;
  auto call = std::make_unique<CallExpr>(step->loc);
  call->callee = word->name;
  call->arguments.push_back({std::nullopt, std::move(value)});
  return call;
}

// `image crop(32), flip`. Names before a '=' are inputs of a split that there
// is not, which is said where the splits are known.
bool Parser::parseSteps(DataDecl &data, const Identifier &name) {
  if (atLineEnd())
    return errorExpected("what the samples of '" + name.name +
                         "' go through, as in 'flip'");
  DataSteps line{name, {}};
  DataBinding binding;
  do {
    ExpressionPtr step = parseStep();
    if (!step)
      return false;
    if (auto *word = llvm::dyn_cast<NameExpr>(step.get()))
      binding.inputs.push_back({word->name, word->loc});
    line.steps.push_back(std::move(step));
  } while (accept(TokenKind::Comma));
  if (at(TokenKind::Assign) && binding.inputs.size() == line.steps.size()) {
    DataSplit split;
    split.name = name;
    return parseReader(split, std::move(binding)) &&
           parseSplit(data, std::move(split));
  }
  data.steps.push_back(std::move(line));
  return atLineEnd() || errorExpected("',' or the end of the line");
}

// `a = reader(...)` or `a, b = reader(...)`.
bool Parser::parseBinding(DataSplit &split) {
  DataBinding binding;
  do {
    // A comma at the line's end lets the list go on below.
    if (!at(TokenKind::Identifier))
      return errorExpected("the name of an input");
    Token name = advance();
    binding.inputs.push_back({name.text, name.loc()});
  } while (accept(TokenKind::Comma));
  return parseReader(split, std::move(binding));
}

bool Parser::parseReader(DataSplit &split, DataBinding binding) {
  if (!expect(TokenKind::Assign, "and a reader, as in idx(\"FILE\")"))
    return false;
  binding.reader = parseExpr();
  if (!binding.reader)
    return false;
  split.bindings.push_back(std::move(binding));
  return true;
}

bool Parser::parseNameTable(Program &program) {
  advance();
  NameTableDecl table;
  std::optional<Identifier> name =
      parseIdentifier("after 'weights', as in weights huggingface { ... }");
  if (!name)
    return false;
  table.name = *name;
  bool parsed = parseBraces("the table of names '" + name->name + "'",
                            [&] { return parseNameTableLine(table); });
  program.nameTables.push_back(std::move(table));
  return parsed;
}

// The line's tokens, a space between each two: what they say is read where the
// table is known.
bool Parser::parseNameTableLine(NameTableDecl &table) {
  NameTableLine line{token().loc(), ""};
  unsigned depth = 0;
  do {
    if (at(TokenKind::Invalid) || at(TokenKind::LeftBrace))
      return errorExpected("a line of the table");
    depth += at(TokenKind::LeftParen);
    depth -= at(TokenKind::RightParen) && depth > 0;
    line.text += (line.text.empty() ? "" : " ") + advance().text.str();
  } while (!at(TokenKind::EndOfFile) && !at(TokenKind::RightBrace) &&
           (depth > 0 || !token().startsLine));
  table.lines.push_back(std::move(line));
  return true;
}

} // namespace nnc::dsl
