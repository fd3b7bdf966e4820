// Text to tokens. The whole file at once: a model is small, and the parser
// looks ahead freely.
#ifndef NNC_FRONTEND_DSL_LEXER_H
#define NNC_FRONTEND_DSL_LEXER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/SMLoc.h"

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::dsl {

class Diagnostics;

enum class TokenKind {
  EndOfFile,
  Invalid, // reported by the lexer already
  Identifier,
  Integer,
  Real,
  String,
  // Keywords. Words that lead a statement (loss, metric, output, step, update)
  // or a block (training, data) are identifiers: they may name other things.
  And,
  As,
  Const,
  Else,
  False,
  Fn,
  For,
  If,
  In,
  Model,
  Not,
  Or,
  Param,
  Return,
  True,
  With,
  // Punctuation
  LeftParen,
  RightParen,
  LeftBracket,
  RightBracket,
  LeftBrace,
  RightBrace,
  Comma,
  Colon,
  Dot,
  DotDot,
  Assign,
  Plus,
  Minus,
  Star,
  StarStar,
  Slash,
  Percent,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
};

struct Token {
  TokenKind kind = TokenKind::EndOfFile;
  llvm::StringRef text;    // as written; a string's quotes included
  bool startsLine = false; // nothing but space before it on its line
  int64_t integer = 0;     // of Integer
  double real = 0.0;       // of Integer and Real
  std::string string;      // of String, escapes resolved

  llvm::SMLoc loc() const { return llvm::SMLoc::getFromPointer(text.data()); }
  bool is(TokenKind other) const { return kind == other; }
};

/// The tokens of `source`, ended by EndOfFile. Malformed input is reported and
/// becomes Invalid tokens, so that the parser goes on.
std::vector<Token> lex(llvm::StringRef source, Diagnostics &diagnostics);

/// How a message names a token: "'x'", "the end of the file".
std::string describe(const Token &token);

/// How a message names a kind of token: "')'", "a name".
llvm::StringRef describe(TokenKind kind);

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_LEXER_H
