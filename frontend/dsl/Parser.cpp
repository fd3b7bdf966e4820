// The parser of tokens and of errors, and where parsing begins.
#include "frontend/dsl/Parser.h"

#include "frontend/dsl/Parse.h"

using llvm::ArrayRef;
using llvm::StringRef;
using llvm::Twine;

namespace nnc::dsl {

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

//===-- Beginning --------------------------------------------------------===//

Program parse(StringRef source, Diagnostics &diagnostics) {
  return Parser(source, diagnostics).parseProgram();
}

ExpressionPtr parseExpression(StringRef source, Diagnostics &diagnostics) {
  return Parser(source, diagnostics).parseOnlyExpression();
}

} // namespace nnc::dsl
