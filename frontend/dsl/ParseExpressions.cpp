// Expressions: operators by their precedence, calls, lists, subscripts.
#include "frontend/dsl/Parser.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

using llvm::StringRef;

namespace nnc::dsl {

// `not` stands between `and` and comparisons, unary minus between products and
// powers.
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

// `amount`, or a length such as `2 epochs`: in arguments and lists, where no
// other word follows a value.
ExpressionPtr Parser::parseUnit(ExpressionPtr amount) {
  static constexpr StringRef units[] = {"step", "steps", "epoch", "epochs",
                                        "run"};
  if (!amount || !at(TokenKind::Identifier) || atLineEnd() ||
      !llvm::is_contained(units, token().text))
    return amount;
  auto length = std::make_unique<LengthExpr>(amount->loc);
  Token unit = advance();
  length->unit = Identifier{unit.text, unit.loc()};
  length->amount = std::move(amount);
  return grow(*length, {length->amount.get()}) ? std::move(length) : nullptr;
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
    ExpressionPtr element = parseUnit(parseRangeOrExpr());
    if (!element || !grow(*list, {element.get()}))
      return nullptr;
    if (at(TokenKind::For) && list->elements.empty())
      return parseComprehension(opening, std::move(element));
    list->elements.push_back(std::move(element));
    if (!accept(TokenKind::Comma))
      break;
  }
  if (!expectClosing(TokenKind::RightBracket, opening, "the list"))
    return nullptr;
  --brackets;
  return list;
}

// What follows the element of `[element for x in list if condition]`.
ExpressionPtr Parser::parseComprehension(const Token &opening,
                                         ExpressionPtr element) {
  auto made = std::make_unique<ComprehensionExpr>(opening.loc());
  made->element = std::move(element);
  advance();
  LoopHead &head = made->head;
  if (!parseLoopHead(head) ||
      !grow(*made, {made->element.get(), head.lower.get()}) ||
      (head.upper && !grow(*made, {head.upper.get()})))
    return nullptr;
  if (accept(TokenKind::If)) {
    made->condition = parseExpr();
    if (!made->condition || !grow(*made, {made->condition.get()}))
      return nullptr;
  }
  if (!expectClosing(TokenKind::RightBracket, opening, "the list"))
    return nullptr;
  --brackets;
  return made;
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
  argument.value = parseUnit(parseRangeOrExpr());
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

} // namespace nnc::dsl
