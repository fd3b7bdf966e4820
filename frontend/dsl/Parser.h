// Tokens to a tree: recursive descent for statements, precedence climbing for
// expressions. One class in several files:
//   Parser.cpp            tokens and errors
//   ParseDeclarations.cpp what stands at the top level
//   ParseStatements.cpp   what stands in a model and a function
//   ParseExpressions.cpp  operators, calls, lists, subscripts
//
// A statement ends with its line, unless a bracket is open or the line ends
// with an operator or a comma. Tokens know whether they start a line, so no
// token stands for the line's end.
#ifndef NNC_FRONTEND_DSL_PARSER_H
#define NNC_FRONTEND_DSL_PARSER_H

#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Lexer.h"

#include "llvm/ADT/Twine.h"

#include <optional>

namespace nnc::dsl {

// The parser, the evaluator and the destructors recurse; each level costs less
// than 2 KiB of stack in each of them, so this stays far below 8 MiB.
inline constexpr unsigned kMaxDepth = 256;

/// An operator between two operands. A larger precedence binds tighter.
struct BinaryRule {
  TokenKind token;
  BinaryOperator op;
  unsigned precedence;
};

/// Null where the token is no such operator.
const BinaryRule *findBinaryRule(TokenKind kind);

class Parser {
public:
  Parser(StringRef source, Diagnostics &diagnostics)
      : diagnostics(diagnostics), tokens(lex(source, diagnostics)) {}

  Program parseProgram();
  ExpressionPtr parseOnlyExpression();

private:
  // Tokens (Parser.cpp)
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
  bool expect(TokenKind kind, const llvm::Twine &context);
  bool expectClosing(TokenKind kind, const Token &opening, StringRef what);
  std::optional<Identifier> parseIdentifier(const llvm::Twine &context);
  /// A word on this line that is no name.
  bool expectWord(StringRef word, const llvm::Twine &context);

  // Errors. Each returns false, so that callers may return it.
  bool error(SMLoc loc, const llvm::Twine &message,
             llvm::ArrayRef<Note> notes = {});
  bool errorExpected(const llvm::Twine &what);
  std::string found() const;
  void recover();
  void skipBraces();
  bool tooDeep(SMLoc loc);

  // Declarations (ParseDeclarations.cpp)
  void parseDeclaration(Program &program);
  bool parseConst(Program &program);
  bool parseFunction(Program &program);
  bool parseModel(Program &program);
  bool parseTraining(Program &program);
  bool parseTrainingLine(TrainingDecl &training);
  bool parseGroup(TrainingDecl &training);
  bool parseSettingInto(std::vector<Setting> &settings);
  bool parseSetting(Setting &setting);
  bool parseOrder(Setting &setting);
  std::optional<Identifier> parseWatched(const llvm::Twine &what);
  bool parseBuckets(TrainingDecl &training);
  bool parseStop(Setting &stop);
  bool parseStratified(std::optional<Identifier> &input);
  bool parseData(Program &program);
  bool parseDataLine(DataDecl &data);
  bool parseFolder(DataDecl &data, const Identifier &name);
  bool parseSplit(DataDecl &data, DataSplit split);
  bool parseSteps(DataDecl &data, const Identifier &name);
  bool parseBinding(DataSplit &split);
  ExpressionPtr parseStep();
  bool parseReader(DataSplit &split, DataBinding binding);
  bool parseNameTable(Program &program);
  bool parseNameTableLine(NameTableDecl &table);
  bool parseParameters(std::vector<Parameter> &parameters, bool isModel);
  bool parseParameter(std::vector<Parameter> &parameters, bool isModel);
  bool parseType(TypeSpec &type);
  bool parseDimension(TypeSpec &type);

  // Statements (ParseStatements.cpp)
  template <typename ParseItem>
  bool parseBraces(const llvm::Twine &what, ParseItem parseItem);
  bool parseBlock(Block &block, const llvm::Twine &what);
  bool parseStatement(Block &block);
  bool parseKeywordStatement(Block &block, bool &handled);
  bool parseWordStatement(Block &block, bool &handled);
  bool parseAssign(Block &block);
  bool parseParam(Block &block);
  bool parseFor(Block &block);
  bool parseLoopHead(LoopHead &head);
  bool parseIf(Block &block);
  bool parseReturn(Block &block);
  template <typename NamedStmt> bool parseNamedValues(Block &block);
  bool parseLayout(Block &block);
  template <typename PartStmt>
  bool parsePart(Block &block, const llvm::Twine &what);
  bool atUpdate() const;
  bool atSetting() const;
  bool parseStepSetting(Block &block);
  bool parseUpdate(Block &block);
  bool atBlockOfNextDeclaration() const;
  bool atNextStatement() const;

  // Expressions (ParseExpressions.cpp); null after an error.
  ExpressionPtr parseExpr(unsigned minPrecedence = 0);
  ExpressionPtr parseRangeOrExpr();
  ExpressionPtr parseUnit(ExpressionPtr amount);
  ExpressionPtr parseUnary();
  ExpressionPtr parseUnaryOperator(UnaryOperator op, unsigned precedence);
  ExpressionPtr parsePostfix();
  ExpressionPtr parsePrimary();
  ExpressionPtr parseNumber();
  ExpressionPtr parseList();
  ExpressionPtr parseComprehension(const Token &opening, ExpressionPtr element);
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
  bool isInStep = false; // of a model: settings may stand here
};

// `{ items }`, one after the other. An error ends the item only.
template <typename ParseItem>
bool Parser::parseBraces(const llvm::Twine &what, ParseItem parseItem) {
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

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_PARSER_H
