// What stands in a model and in a function.
#include "frontend/dsl/Parser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using llvm::Twine;

namespace nnc::dsl {

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
    return parseNamedValues<LossStmt>(block);
  if (atWord("metric"))
    return parseNamedValues<MetricStmt>(block);
  if (atWord("output") && peek().is(TokenKind::Identifier) &&
      peek(2).is(TokenKind::LeftBrace) && !peek(2).startsLine)
    return parsePart<OutputGroupStmt>(block, "the group");
  if (atWord("output"))
    return parseNamedValues<OutputStmt>(block);
  if (atWord("layout") && peek().is(TokenKind::Identifier) &&
      !peek().startsLine)
    return parseLayout(block);
  if (atWord("step") && peek().is(TokenKind::Identifier))
    return parsePart<StepStmt>(block, "the step");
  if (atUpdate())
    return parseUpdate(block);
  if (isInStep && atSetting())
    return parseStepSetting(block);
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
  std::vector<Identifier> names = {{name.text, name.loc()}};
  while (!atLineEnd() && at(TokenKind::Comma)) {
    advance();
    if (atLineEnd() || !at(TokenKind::Identifier))
      return errorExpected("a name after ','");
    Token next = advance();
    names.push_back({next.text, next.loc()});
  }
  if (atLineEnd() || !at(TokenKind::Assign)) {
    if (names.size() > 1)
      return errorExpected("'=' after the names");
    std::string hint =
        suggestion(name.text, {"param", "for", "if", "return", "loss", "metric",
                               "output", "layout", "step", "update"});
    if (at(TokenKind::Invalid))
      return false;
    return error(name.loc(),
                 "expected a statement, found '" + name.text + "'" + hint);
  }
  Token equals = advance();
  if (atLineEnd())
    return errorExpected("a value after '='");
  auto assign = std::make_unique<AssignStmt>(name.loc());
  assign->names = std::move(names);
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
  if (!parseLoopHead(loop->head) || !parseBlock(loop->body, "the loop's body"))
    return false;
  block.push_back(std::move(loop));
  return true;
}

// `i in 0..10`, `x in list` or `x, y in list`.
bool Parser::parseLoopHead(LoopHead &head) {
  do {
    std::optional<Identifier> variable = parseIdentifier("after 'for'");
    if (!variable)
      return false;
    head.variables.push_back(*variable);
  } while (!atLineEnd() && accept(TokenKind::Comma));
  if (!expect(TokenKind::In, "after the loop's variable"))
    return false;
  head.lower = parseExpr();
  if (!head.lower)
    return false;
  if (atLineEnd() || !accept(TokenKind::DotDot))
    return true;
  head.upper = parseExpr();
  return head.upper != nullptr;
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
  if (!atLineEnd() && at(TokenKind::Comma)) {
    auto list = std::make_unique<ListExpr>(statement->value->loc);
    list->elements.push_back(std::move(statement->value));
    while (!atLineEnd() && at(TokenKind::Comma)) {
      advance();
      if (atLineEnd())
        return errorExpected("a value after ','");
      list->elements.push_back(parseExpr());
      if (!list->elements.back())
        return false;
    }
    statement->value = std::move(list);
  }
  block.push_back(std::move(statement));
  return true;
}

// `metric accuracy(a, b), error = mse(a, b)`; losses and outputs alike.
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

bool Parser::parseLayout(Block &block) {
  auto statement = std::make_unique<LayoutStmt>(advance().loc());
  Token layout = advance();
  statement->layout = {layout.text, layout.loc()};
  block.push_back(std::move(statement));
  return true;
}

// `step NAME { ... }`; groups of outputs alike.
template <typename PartStmt>
bool Parser::parsePart(Block &block, const Twine &what) {
  auto part = std::make_unique<PartStmt>(advance().loc());
  Token name = advance();
  part->name = {name.text, name.loc()};
  const bool wasInStep = isInStep;
  isInStep = std::is_same_v<PartStmt, StepStmt>;
  bool parsed = parseBlock(part->body, what + " '" + name.text + "'");
  isInStep = wasInStep;
  block.push_back(std::move(part));
  return parsed;
}

// In a step nothing else begins with this word but an assignment to it.
bool Parser::atUpdate() const {
  if (!atWord("update") || peek().is(TokenKind::Assign))
    return false;
  return isInStep || (!peek().startsLine &&
                      llvm::is_contained({TokenKind::Identifier,
                                          TokenKind::String, TokenKind::With},
                                         peek().kind));
}

// `clip_norm 1.0`: a name and a value, with nothing between them.
bool Parser::atSetting() const {
  return at(TokenKind::Identifier) && !peek().startsLine &&
         llvm::is_contained(
             {TokenKind::Integer, TokenKind::Real, TokenKind::Identifier},
             peek().kind);
}

bool Parser::parseStepSetting(Block &block) {
  auto statement = std::make_unique<SettingStmt>(token().loc());
  if (!parseSetting(statement->setting))
    return false;
  block.push_back(std::move(statement));
  return true;
}

bool Parser::parseUpdate(Block &block) {
  auto update = std::make_unique<UpdateStmt>(advance().loc());
  bool hasMore = atLineEnd() || !at(TokenKind::With);
  while (hasMore) {
    bool isPattern = at(TokenKind::Identifier) || at(TokenKind::String);
    if (atLineEnd() || !isPattern)
      return errorExpected("the name of a scope, or a pattern of parameter "
                           "names as a string");
    update->patterns.push_back(parseExpr());
    if (!update->patterns.back())
      return false;
    hasMore = accept(TokenKind::Comma);
  }
  if (!expect(TokenKind::With, "and an optimizer, as in adam(0.001)"))
    return false;
  update->optimizer = parseExpr();
  if (!update->optimizer)
    return false;
  block.push_back(std::move(update));
  return true;
}

} // namespace nnc::dsl
