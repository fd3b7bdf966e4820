// Tokens to a tree: recursive descent for statements, precedence climbing for
// expressions.
//
// A statement ends with its line, unless a bracket is open or the line ends
// with an operator or a comma. Tokens know whether they start a line, so no
// token stands for the line's end.
#include "frontend/dsl/Parser.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Lexer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/Twine.h"

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace nnc::dsl {

namespace {

// The parser, the evaluator and the destructors recurse; each level costs less
// than 2 KiB of stack in each of them, so this stays far below 8 MiB.
constexpr unsigned kMaxDepth = 256;

struct BinaryRule {
  TokenKind token;
  BinaryOperator op;
  unsigned precedence;
};

// A larger precedence binds tighter. `not` stands between `and` and
// comparisons, unary minus between products and powers.
constexpr unsigned kNotPrecedence = 3;
constexpr unsigned kComparisonPrecedence = 4;
constexpr unsigned kNegatePrecedence = 7;
constexpr unsigned kPowerPrecedence = 8;
constexpr BinaryRule kBinaryRules[] = {
    {TokenKind::Or, BinaryOperator::Or, 1},
    {TokenKind::And, BinaryOperator::And, 2},
    {TokenKind::Equal, BinaryOperator::Equal, kComparisonPrecedence},
    {TokenKind::NotEqual, BinaryOperator::NotEqual, kComparisonPrecedence},
    {TokenKind::Less, BinaryOperator::Less, kComparisonPrecedence},
    {TokenKind::LessEqual, BinaryOperator::LessEqual, kComparisonPrecedence},
    {TokenKind::Greater, BinaryOperator::Greater, kComparisonPrecedence},
    {TokenKind::GreaterEqual, BinaryOperator::GreaterEqual,
     kComparisonPrecedence},
    {TokenKind::Plus, BinaryOperator::Add, 5},
    {TokenKind::Minus, BinaryOperator::Subtract, 5},
    {TokenKind::Star, BinaryOperator::Multiply, 6},
    {TokenKind::Slash, BinaryOperator::Divide, 6},
    {TokenKind::Percent, BinaryOperator::Remainder, 6},
    {TokenKind::StarStar, BinaryOperator::Power, kPowerPrecedence},
};

const BinaryRule *findBinaryRule(TokenKind kind) {
  for (const BinaryRule &rule : kBinaryRules)
    if (rule.token == kind)
      return &rule;
  return nullptr;
}

class Parser {
public:
  Parser(StringRef source, Diagnostics &diagnostics)
      : diagnostics(diagnostics), tokens(lex(source, diagnostics)) {}

  Program parseProgram();
  ExpressionPtr parseOnlyExpression();

private:
  // Tokens
  const Token &token() const { return tokens[position]; }
  const Token &peek(unsigned ahead = 1) const {
    return tokens[std::min<size_t>(position + ahead, tokens.size() - 1)];
  }
  bool at(TokenKind kind) const { return token().is(kind); }
  bool atWord(StringRef word) const {
    return at(TokenKind::Identifier) && token().text == word;
  }
  /// Where the statement on this line is over.
  bool atLineEnd() const {
    return at(TokenKind::EndOfFile) || at(TokenKind::RightBrace) ||
           (brackets == 0 && token().startsLine);
  }
  Token advance();
  bool accept(TokenKind kind);
  bool expect(TokenKind kind, const Twine &context);
  bool expectClosing(TokenKind kind, const Token &opening, StringRef what);
  std::optional<Identifier> parseIdentifier(const Twine &context);

  // Errors. Each returns false, so that callers may return it.
  bool error(SMLoc loc, const Twine &message, ArrayRef<Note> notes = {});
  bool errorExpected(const Twine &what);
  std::string found() const;
  void recover();
  void skipBraces();
  bool tooDeep(SMLoc loc);

  // Declarations
  void parseDeclaration(Program &program);
  bool parseConst(Program &program);
  bool parseFunction(Program &program);
  bool parseModel(Program &program);
  bool parseTraining(Program &program);
  bool parseSetting(TrainingDecl &training);
  bool parseData(Program &program);
  bool parseSplit(DataDecl &data);
  bool parseBinding(DataSplit &split);
  bool parseParameters(std::vector<Parameter> &parameters, bool isModel);
  bool parseParameter(std::vector<Parameter> &parameters, bool isModel);
  bool parseType(TypeSpec &type);
  bool parseDimension(TypeSpec &type);

  // Statements
  template <typename ParseItem>
  bool parseBraces(const Twine &what, ParseItem parseItem);
  bool parseBlock(Block &block, const Twine &what);
  bool parseStatement(Block &block);
  bool parseKeywordStatement(Block &block, bool &handled);
  bool parseWordStatement(Block &block, bool &handled);
  bool parseAssign(Block &block);
  bool parseParam(Block &block);
  bool parseFor(Block &block);
  bool parseIf(Block &block);
  bool parseReturn(Block &block);
  bool parseLoss(Block &block);
  template <typename NamedStmt> bool parseNamedValues(Block &block);
  bool parseStep(Block &block);
  bool parseUpdate(Block &block);
  bool atBlockOfNextDeclaration() const;
  bool atNextStatement() const;

  // Expressions; null after an error.
  ExpressionPtr parseExpr(unsigned minPrecedence = 0);
  ExpressionPtr parseRangeOrExpr();
  ExpressionPtr parseUnary();
  ExpressionPtr parseUnaryOperator(UnaryOperator op, unsigned precedence);
  ExpressionPtr parsePostfix();
  ExpressionPtr parsePrimary();
  ExpressionPtr parseNumber();
  ExpressionPtr parseList();
  ExpressionPtr parseParenthesized();
  ExpressionPtr parseNameOrCall();
  ExpressionPtr parseCallOfDialect(const Token &dialect);
  ExpressionPtr parseCall(StringRef callee);
  bool parseArguments(CallExpr &call);
  bool parseArgument(CallExpr &call);
  bool parseScope(CallExpr &call);
  ExpressionPtr parseSubscript(ExpressionPtr base);
  bool parseSubscriptItem(SubscriptExpr &subscript);
  bool grow(Expression &parent, std::initializer_list<Expression *> children);

  Diagnostics &diagnostics;
  std::vector<Token> tokens;
  size_t position = 0;
  unsigned brackets = 0; // open parentheses and brackets around the token
  unsigned nesting = 0;  // recursion of expressions and blocks
};

//===-- Tokens and errors ------------------------------------------------===//

Token Parser::advance() {
  Token taken = token();
  if (!taken.is(TokenKind::EndOfFile))
    ++position;
  return taken;
}

bool Parser::accept(TokenKind kind) {
  if (!at(kind))
    return false;
  advance();
  return true;
}

bool Parser::error(SMLoc loc, const Twine &message, ArrayRef<Note> notes) {
  diagnostics.error(loc, message, notes);
  return false;
}

std::string Parser::found() const {
  if (!at(TokenKind::EndOfFile) && brackets == 0 && token().startsLine)
    return "the end of the line";
  return describe(token());
}

bool Parser::errorExpected(const Twine &what) {
  // The lexer has said already what is wrong with an invalid token.
  if (at(TokenKind::Invalid))
    return false;
  SMLoc loc = token().loc();
  // What is missing at a line's end is missed after its last token.
  if (atLineEnd() && position > 0) {
    StringRef last = tokens[position - 1].text;
    loc = SMLoc::getFromPointer(last.data() + last.size());
  }
  return error(loc, "expected " + what + ", found " + found());
}

bool Parser::expect(TokenKind kind, const Twine &context) {
  bool onNextLine =
      brackets == 0 && token().startsLine && kind != TokenKind::LeftBrace;
  if (!onNextLine && accept(kind))
    return true;
  return errorExpected(describe(kind) + " " + context);
}

bool Parser::expectClosing(TokenKind kind, const Token &opening,
                           StringRef what) {
  if (accept(kind))
    return true;
  if (at(TokenKind::Invalid))
    return false;
  Note note{opening.loc(), describe(opening) + " is opened here"};
  return error(token().loc(),
               "expected ',' or " + describe(kind) + " in " + what +
                   ", found " + describe(token()),
               note);
}

std::optional<Identifier> Parser::parseIdentifier(const Twine &context) {
  bool onNextLine = brackets == 0 && token().startsLine;
  if (onNextLine || !at(TokenKind::Identifier)) {
    errorExpected("a name " + context);
    return std::nullopt;
  }
  Token name = advance();
  return Identifier{name.text, name.loc()};
}

// Goes to the next statement: a token that starts a line, or the block's end.
// A block on the way is skipped whole, so that braces stay balanced.
void Parser::recover() {
  brackets = 0;
  while (!at(TokenKind::EndOfFile) && !at(TokenKind::RightBrace) &&
         !token().startsLine) {
    if (at(TokenKind::LeftBrace))
      skipBraces();
    else
      advance();
  }
}

void Parser::skipBraces() {
  unsigned depth = 0;
  do {
    depth += at(TokenKind::LeftBrace);
    depth -= at(TokenKind::RightBrace);
    advance();
  } while (depth > 0 && !at(TokenKind::EndOfFile));
}

bool Parser::tooDeep(SMLoc loc) {
  error(loc, "this is nested too deeply: at most " + Twine(kMaxDepth) +
                 " levels are supported");
  return true;
}

//===-- Declarations -----------------------------------------------------===//

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
  else if (!at(TokenKind::Invalid)) {
    std::string hint;
    if (at(TokenKind::Identifier))
      hint = suggestion(token().text,
                        {"const", "fn", "model", "training", "data"});
    error(token().loc(),
          "expected 'const', 'fn', 'model', 'training' or 'data', found " +
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
                            [&] { return parseSetting(training); });
  program.trainings.push_back(std::move(training));
  return parsed;
}

bool Parser::parseSetting(TrainingDecl &training) {
  std::optional<Identifier> name = at(TokenKind::Identifier)
                                       ? Identifier{token().text, token().loc()}
                                       : std::optional<Identifier>();
  if (!name)
    return errorExpected("the name of a setting, as in 'epochs 10'");
  advance();
  if (at(TokenKind::Assign))
    return error(token().loc(),
                 "a setting is written without '=': " + name->name + " VALUE");
  if (atLineEnd())
    return errorExpected("the value of '" + name->name + "'");
  ExpressionPtr value = parseExpr();
  if (!value)
    return false;
  training.settings.push_back({*name, std::move(value)});
  if (at(TokenKind::Identifier) && !atLineEnd())
    return error(token().loc(), "a setting has a line of its own: expected the "
                                "end of the line, found " +
                                    describe(token()));
  return atLineEnd() || errorExpected("the end of the line");
}

bool Parser::parseData(Program &program) {
  DataDecl data;
  data.loc = advance().loc();
  bool parsed =
      parseBraces("the block 'data'", [&] { return parseSplit(data); });
  program.datas.push_back(std::move(data));
  return parsed;
}

bool Parser::parseSplit(DataDecl &data) {
  if (!at(TokenKind::Identifier))
    return errorExpected("'train' or 'test'");
  DataSplit split;
  Token name = advance();
  split.name = {name.text, name.loc()};
  do {
    if (!parseBinding(split))
      return false;
  } while (accept(TokenKind::Comma));
  data.splits.push_back(std::move(split));
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
  if (!expect(TokenKind::Assign, "and a reader, as in idx(\"FILE\")"))
    return false;
  binding.reader = parseExpr();
  if (!binding.reader)
    return false;
  split.bindings.push_back(std::move(binding));
  return true;
}

//===-- Statements -------------------------------------------------------===//

// `{ items }`, one after the other. An error ends the item only.
template <typename ParseItem>
bool Parser::parseBraces(const Twine &what, ParseItem parseItem) {
  std::string name = what.str();
  Token opening = token();
  if (!expect(TokenKind::LeftBrace, "before " + name))
    return false;
  while (!at(TokenKind::RightBrace)) {
    if (at(TokenKind::EndOfFile) || atBlockOfNextDeclaration()) {
      Note note{opening.loc(), "'{' is opened here"};
      return error(token().loc(),
                   "expected '}' at the end of " + name + ", found " +
                       describe(token()),
                   note);
    }
    size_t before = position;
    if (!parseItem()) {
      if (position == before)
        advance();
      recover();
    }
    if (diagnostics.full())
      return false;
  }
  advance();
  return true;
}

// What can only stand at the top level: the block before lacks its '}'.
bool Parser::atBlockOfNextDeclaration() const {
  if (!token().startsLine)
    return false;
  if (at(TokenKind::Model) || at(TokenKind::Fn))
    return peek().is(TokenKind::Identifier) && peek(2).is(TokenKind::LeftParen);
  return (atWord("training") || atWord("data")) &&
         peek().is(TokenKind::LeftBrace);
}

// After an operator that ends its line: whether what follows is a statement of
// its own, and not the operand.
bool Parser::atNextStatement() const {
  if (brackets != 0 || !token().startsLine)
    return false;
  if (at(TokenKind::Identifier))
    return peek().is(TokenKind::Assign);
  return !llvm::is_contained({TokenKind::Integer, TokenKind::Real,
                              TokenKind::LeftParen, TokenKind::LeftBracket,
                              TokenKind::Minus},
                             token().kind);
}

bool Parser::parseBlock(Block &block, const Twine &what) {
  if (nesting >= kMaxDepth)
    return !tooDeep(token().loc());
  ++nesting;
  llvm::scope_exit leave([&] { --nesting; });
  return parseBraces(what, [&] { return parseStatement(block); });
}

bool Parser::parseStatement(Block &block) {
  bool handled = true;
  bool parsed = parseKeywordStatement(block, handled);
  if (!handled) {
    handled = true;
    parsed = parseWordStatement(block, handled);
  }
  if (!handled)
    parsed = parseAssign(block);
  if (!parsed)
    return false;
  return atLineEnd() || errorExpected("the end of the line");
}

bool Parser::parseKeywordStatement(Block &block, bool &handled) {
  switch (token().kind) {
  case TokenKind::Param:
    return parseParam(block);
  case TokenKind::For:
    return parseFor(block);
  case TokenKind::If:
    return parseIf(block);
  case TokenKind::Return:
    return parseReturn(block);
  case TokenKind::Const:
    return error(token().loc(), "a constant is declared outside of functions "
                                "and models; here write NAME = VALUE");
  case TokenKind::Else:
    return error(token().loc(), "'else' without 'if': it stands on the line "
                                "of the '}' that ends the 'if'");
  default:
    handled = false;
    return false;
  }
}

// The words that lead a statement, and are no keywords elsewhere.
bool Parser::parseWordStatement(Block &block, bool &handled) {
  bool isWord = atWord("loss") || atWord("metric") || atWord("output");
  if (isWord && peek().is(TokenKind::Assign))
    return error(peek().loc(), "'" + token().text +
                                   "' is a statement and not a name; write '" +
                                   token().text + " VALUE', without '='");
  if (atWord("loss"))
    return parseLoss(block);
  if (atWord("metric"))
    return parseNamedValues<MetricStmt>(block);
  if (atWord("output"))
    return parseNamedValues<OutputStmt>(block);
  if (atWord("step") && peek().is(TokenKind::Identifier))
    return parseStep(block);
  if (atWord("update") && peek().is(TokenKind::Identifier))
    return parseUpdate(block);
  handled = false;
  return false;
}

bool Parser::parseAssign(Block &block) {
  if (!at(TokenKind::Identifier)) {
    if (findBinaryRule(token().kind))
      return error(token().loc(), "a line cannot begin with " +
                                      describe(token()) +
                                      "; end the line before with it");
    return errorExpected("a statement");
  }
  Token name = advance();
  if (at(TokenKind::LeftParen))
    return error(name.loc(), "the value of '" + name.text +
                                 "' is not used; write NAME = " + name.text +
                                 "(...)");
  if (findBinaryRule(token().kind) && !atLineEnd() &&
      peek().is(TokenKind::Assign))
    return error(token().loc(), "there is no operator '" + token().text +
                                    "='; write " + name.text + " = " +
                                    name.text + " " + token().text + " ...");
  if (atLineEnd() || !at(TokenKind::Assign)) {
    std::string hint =
        suggestion(name.text, {"param", "for", "if", "return", "loss", "metric",
                               "output", "step", "update"});
    if (at(TokenKind::Invalid))
      return false;
    return error(name.loc(),
                 "expected a statement, found '" + name.text + "'" + hint);
  }
  Token equals = advance();
  if (atLineEnd())
    return errorExpected("a value after '='");
  auto assign = std::make_unique<AssignStmt>(name.loc());
  assign->name = {name.text, name.loc()};
  assign->value = parseExpr();
  if (!assign->value)
    return false;
  block.push_back(std::move(assign));
  return true;
}

bool Parser::parseParam(Block &block) {
  auto param = std::make_unique<ParamStmt>(advance().loc());
  std::optional<Identifier> name = parseIdentifier("after 'param'");
  if (!name || !expect(TokenKind::Colon, "and a type after the name of the "
                                         "parameter, as in w: f32[784, 10]"))
    return false;
  param->name = *name;
  if (!parseType(param->type) ||
      !expect(TokenKind::Assign, "and an initializer, as in zeros or "
                                 "normal(0.02), after the parameter's type"))
    return false;
  param->initializer = parseExpr();
  if (!param->initializer)
    return false;
  block.push_back(std::move(param));
  return true;
}

bool Parser::parseFor(Block &block) {
  auto loop = std::make_unique<ForStmt>(advance().loc());
  std::optional<Identifier> variable = parseIdentifier("after 'for'");
  if (!variable || !expect(TokenKind::In, "after the loop's variable"))
    return false;
  loop->variable = *variable;
  loop->lower = parseExpr();
  if (!loop->lower || !expect(TokenKind::DotDot,
                              "and the upper bound of the loop, as in 0..10"))
    return false;
  loop->upper = parseExpr();
  if (!loop->upper || !parseBlock(loop->body, "the loop's body"))
    return false;
  block.push_back(std::move(loop));
  return true;
}

bool Parser::parseIf(Block &block) {
  auto branch = std::make_unique<IfStmt>(advance().loc());
  branch->condition = parseExpr();
  if (!branch->condition || !parseBlock(branch->thenBody, "the body of 'if'"))
    return false;
  bool parsed = true;
  if (!token().startsLine && accept(TokenKind::Else)) {
    if (at(TokenKind::If)) {
      // A chain of `else if` nests, so it counts as nesting.
      if (nesting >= kMaxDepth)
        return !tooDeep(token().loc());
      ++nesting;
      parsed = parseIf(branch->elseBody);
      --nesting;
    } else {
      parsed = parseBlock(branch->elseBody, "the body of 'else'");
    }
  }
  block.push_back(std::move(branch));
  return parsed;
}

bool Parser::parseReturn(Block &block) {
  auto statement = std::make_unique<ReturnStmt>(advance().loc());
  if (atLineEnd())
    return errorExpected("a value after 'return'");
  statement->value = parseExpr();
  if (!statement->value)
    return false;
  block.push_back(std::move(statement));
  return true;
}

bool Parser::parseLoss(Block &block) {
  auto statement = std::make_unique<LossStmt>(advance().loc());
  if (atLineEnd())
    return errorExpected("a value after 'loss'");
  statement->value = parseExpr();
  if (!statement->value)
    return false;
  block.push_back(std::move(statement));
  return true;
}

// `metric accuracy(a, b), error = mse(a, b)`; outputs alike.
template <typename NamedStmt> bool Parser::parseNamedValues(Block &block) {
  Token word = advance();
  auto statement = std::make_unique<NamedStmt>(word.loc());
  if (atLineEnd())
    return errorExpected("a value after '" + word.text + "'");
  do {
    NamedValue item;
    if (at(TokenKind::Identifier) && peek().is(TokenKind::Assign)) {
      Token name = advance();
      item.name = Identifier{name.text, name.loc()};
      advance();
    }
    item.value = parseExpr();
    if (!item.value)
      return false;
    statement->items.push_back(std::move(item));
  } while (accept(TokenKind::Comma));
  block.push_back(std::move(statement));
  return true;
}

bool Parser::parseStep(Block &block) {
  auto step = std::make_unique<StepStmt>(advance().loc());
  Token name = advance();
  step->name = {name.text, name.loc()};
  bool parsed = parseBlock(step->body, "the step '" + name.text + "'");
  block.push_back(std::move(step));
  return parsed;
}

bool Parser::parseUpdate(Block &block) {
  auto update = std::make_unique<UpdateStmt>(advance().loc());
  Token name = advance();
  update->scope = {name.text, name.loc()};
  if (!expect(TokenKind::With, "and an optimizer, as in adam(0.001)"))
    return false;
  update->optimizer = parseExpr();
  if (!update->optimizer)
    return false;
  block.push_back(std::move(update));
  return true;
}

//===-- Expressions ------------------------------------------------------===//

// Sets the parent's depth; a chain of a thousand `+` is as deep as brackets.
bool Parser::grow(Expression &parent,
                  std::initializer_list<Expression *> children) {
  for (Expression *child : children)
    parent.depth = std::max(parent.depth, child->depth + 1);
  return parent.depth <= kMaxDepth || !tooDeep(parent.loc);
}

ExpressionPtr Parser::parseOnlyExpression() {
  ExpressionPtr value = parseExpr();
  if (value && !at(TokenKind::EndOfFile)) {
    errorExpected("the end of the value");
    return nullptr;
  }
  return value;
}

ExpressionPtr Parser::parseExpr(unsigned minPrecedence) {
  if (nesting >= kMaxDepth) {
    tooDeep(token().loc());
    return nullptr;
  }
  ++nesting;
  llvm::scope_exit leave([&] { --nesting; });
  ExpressionPtr lhs = parseUnary();
  while (lhs) {
    const BinaryRule *rule = findBinaryRule(token().kind);
    if (!rule || rule->precedence < minPrecedence || atLineEnd())
      return lhs;
    auto binary = std::make_unique<BinaryExpr>(token().loc());
    binary->op = rule->op;
    binary->spelling = advance().text;
    if (atNextStatement()) {
      errorExpected("a value after '" + binary->spelling + "'");
      return nullptr;
    }
    // Powers bind to the right: 2 ** 3 ** 2 is 2 ** 9.
    bool bindsRight = rule->precedence == kPowerPrecedence;
    binary->lhs = std::move(lhs);
    binary->rhs = parseExpr(rule->precedence + !bindsRight);
    if (!binary->rhs || !grow(*binary, {binary->lhs.get(), binary->rhs.get()}))
      return nullptr;
    if (rule->precedence == kComparisonPrecedence)
      if (const BinaryRule *next = findBinaryRule(token().kind))
        if (next->precedence == kComparisonPrecedence && !atLineEnd()) {
          error(token().loc(),
                "comparisons do not chain; join them with 'and'");
          return nullptr;
        }
    lhs = std::move(binary);
  }
  return nullptr;
}

// Where a range is allowed: arguments of data readers.
ExpressionPtr Parser::parseRangeOrExpr() {
  ExpressionPtr lower = parseExpr();
  if (!lower || !at(TokenKind::DotDot))
    return lower;
  auto range = std::make_unique<RangeExpr>(advance().loc());
  range->lower = std::move(lower);
  range->upper = parseExpr();
  if (!range->upper || !grow(*range, {range->lower.get(), range->upper.get()}))
    return nullptr;
  return range;
}

ExpressionPtr Parser::parseUnary() {
  if (at(TokenKind::Minus))
    return parseUnaryOperator(UnaryOperator::Negate, kNegatePrecedence);
  if (at(TokenKind::Not))
    return parseUnaryOperator(UnaryOperator::Not, kNotPrecedence);
  return parsePostfix();
}

ExpressionPtr Parser::parseUnaryOperator(UnaryOperator op,
                                         unsigned precedence) {
  auto unary = std::make_unique<UnaryExpr>(advance().loc());
  unary->op = op;
  unary->operand = parseExpr(precedence);
  if (!unary->operand || !grow(*unary, {unary->operand.get()}))
    return nullptr;
  return unary;
}

ExpressionPtr Parser::parsePostfix() {
  ExpressionPtr value = parsePrimary();
  while (value && at(TokenKind::LeftBracket) && !atLineEnd())
    value = parseSubscript(std::move(value));
  return value;
}

ExpressionPtr Parser::parsePrimary() {
  switch (token().kind) {
  case TokenKind::Integer:
  case TokenKind::Real:
    return parseNumber();
  case TokenKind::String: {
    auto string = std::make_unique<StringExpr>(token().loc());
    string->value = advance().string;
    return string;
  }
  case TokenKind::True:
  case TokenKind::False: {
    auto boolean = std::make_unique<BooleanExpr>(token().loc());
    boolean->value = advance().is(TokenKind::True);
    return boolean;
  }
  case TokenKind::Identifier:
    return parseNameOrCall();
  case TokenKind::LeftBracket:
    return parseList();
  case TokenKind::LeftParen:
    return parseParenthesized();
  default:
    errorExpected("a value");
    return nullptr;
  }
}

ExpressionPtr Parser::parseNumber() {
  auto number = std::make_unique<NumberExpr>(token().loc());
  Token literal = advance();
  number->isInteger = literal.is(TokenKind::Integer);
  number->integer = literal.integer;
  number->real = literal.real;
  return number;
}

ExpressionPtr Parser::parseList() {
  Token opening = advance();
  auto list = std::make_unique<ListExpr>(opening.loc());
  ++brackets;
  while (!at(TokenKind::RightBracket)) {
    ExpressionPtr element = parseRangeOrExpr();
    if (!element || !grow(*list, {element.get()}))
      return nullptr;
    list->elements.push_back(std::move(element));
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RightBracket, opening, "the list"))
    return nullptr;
  --brackets;
  return list;
}

ExpressionPtr Parser::parseParenthesized() {
  Token opening = advance();
  ++brackets;
  ExpressionPtr value = parseExpr();
  if (!value)
    return nullptr;
  if (!accept(TokenKind::RightParen)) {
    if (!at(TokenKind::Invalid))
      error(token().loc(), "expected ')', found " + describe(token()),
            Note{opening.loc(), "'(' is opened here"});
    return nullptr;
  }
  --brackets;
  return value;
}

ExpressionPtr Parser::parseNameOrCall() {
  Token name = advance();
  if (at(TokenKind::Dot) && peek().is(TokenKind::Identifier))
    return parseCallOfDialect(name);
  if (!at(TokenKind::LeftParen) || atLineEnd()) {
    auto expression = std::make_unique<NameExpr>(name.loc());
    expression->name = name.text;
    return expression;
  }
  return parseCall(name.text);
}

// `dialect.op(...)`, an op of a plugin: one name, so without blanks.
ExpressionPtr Parser::parseCallOfDialect(const Token &dialect) {
  Token dot = advance();
  Token op = advance();
  bool isOneName = dialect.text.end() == dot.text.begin() &&
                   dot.text.end() == op.text.begin();
  if (!isOneName || !at(TokenKind::LeftParen) || atLineEnd()) {
    error(dot.loc(), "expected the call of an op, as in '" + dialect.text +
                         "." + op.text + "(...)'");
    return nullptr;
  }
  return parseCall(
      StringRef(dialect.text.begin(), op.text.end() - dialect.text.begin()));
}

ExpressionPtr Parser::parseCall(StringRef callee) {
  auto call = std::make_unique<CallExpr>(SMLoc::getFromPointer(callee.data()));
  call->callee = callee;
  if (!parseArguments(*call))
    return nullptr;
  if (at(TokenKind::As) && !atLineEnd() && !parseScope(*call))
    return nullptr;
  return call;
}

bool Parser::parseArguments(CallExpr &call) {
  Token opening = advance();
  ++brackets;
  while (!at(TokenKind::RightParen)) {
    if (!parseArgument(call))
      return false;
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RightParen, opening,
                     ("the call of '" + call.callee + "'").str()))
    return false;
  --brackets;
  return true;
}

bool Parser::parseArgument(CallExpr &call) {
  Argument argument;
  if (at(TokenKind::Identifier) && peek().is(TokenKind::Assign)) {
    Token name = advance();
    argument.name = Identifier{name.text, name.loc()};
    advance();
  }
  argument.value = parseRangeOrExpr();
  if (!argument.value || !grow(call, {argument.value.get()}))
    return false;
  if (!argument.name && !call.arguments.empty() && call.arguments.back().name)
    return error(argument.loc(),
                 "an argument without a name cannot follow one with a name",
                 Note{call.arguments.back().loc(), "the named argument"});
  call.arguments.push_back(std::move(argument));
  return true;
}

bool Parser::parseScope(CallExpr &call) {
  advance();
  std::optional<Identifier> name = parseIdentifier("of a scope after 'as'");
  if (!name)
    return false;
  ScopeName scope{*name, nullptr};
  Token opening = token();
  if (at(TokenKind::LeftBracket) && !atLineEnd()) {
    advance();
    ++brackets;
    scope.index = parseExpr();
    if (!scope.index || !grow(call, {scope.index.get()}) ||
        !expectClosing(TokenKind::RightBracket, opening, "the scope's index"))
      return false;
    --brackets;
  }
  call.scope = std::move(scope);
  return true;
}

ExpressionPtr Parser::parseSubscript(ExpressionPtr base) {
  Token opening = advance();
  auto subscript = std::make_unique<SubscriptExpr>(opening.loc());
  subscript->base = std::move(base);
  if (!grow(*subscript, {subscript->base.get()}))
    return nullptr;
  ++brackets;
  do {
    if (!parseSubscriptItem(*subscript))
      return nullptr;
  } while (accept(TokenKind::Comma));
  if (!expectClosing(TokenKind::RightBracket, opening, "the subscript"))
    return nullptr;
  --brackets;
  return subscript;
}

// `index`, `lower:upper`, `lower:`, `:upper` or `:`.
bool Parser::parseSubscriptItem(SubscriptExpr &subscript) {
  SubscriptItem item;
  item.loc = token().loc();
  auto parseBound = [&](ExpressionPtr &bound) {
    bound = parseExpr();
    return bound && grow(subscript, {bound.get()});
  };
  if (!at(TokenKind::Colon) && !parseBound(item.lower))
    return false;
  if (accept(TokenKind::Colon)) {
    item.isRange = true;
    bool open = at(TokenKind::Comma) || at(TokenKind::RightBracket);
    if (!open && !parseBound(item.upper))
      return false;
  }
  subscript.items.push_back(std::move(item));
  return true;
}

} // namespace

Program parse(StringRef source, Diagnostics &diagnostics) {
  return Parser(source, diagnostics).parseProgram();
}

ExpressionPtr parseExpression(StringRef source, Diagnostics &diagnostics) {
  return Parser(source, diagnostics).parseOnlyExpression();
}

} // namespace nnc::dsl
