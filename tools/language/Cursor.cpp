// Follows the tokens up to a place.
#include "tools/language/Cursor.h"

using nnc::dsl::Token;
using nnc::dsl::TokenKind;

namespace nnc::tools {

namespace {
/// An open bracket or brace.
struct Level {
  TokenKind kind;
  llvm::StringRef callee, argumentName;
  size_t argument = 0;
  llvm::StringSet<> givenNames = {};
};
} // namespace

static bool isOpening(TokenKind kind) {
  return kind == TokenKind::LeftParen || kind == TokenKind::LeftBracket ||
         kind == TokenKind::LeftBrace;
}

static bool isClosing(TokenKind kind) {
  return kind == TokenKind::RightParen || kind == TokenKind::RightBracket ||
         kind == TokenKind::RightBrace;
}

static void followToken(std::vector<Level> &levels, const Token &token,
                        const Token *before) {
  if (isOpening(token.kind)) {
    bool isCall = token.is(TokenKind::LeftParen) && before &&
                  before->is(TokenKind::Identifier);
    levels.push_back({token.kind, isCall ? before->text : "", {}});
  } else if (isClosing(token.kind) && !levels.empty()) {
    levels.pop_back();
  } else if (token.is(TokenKind::Comma) && !levels.empty()) {
    ++levels.back().argument;
    levels.back().argumentName = {};
  } else if (token.is(TokenKind::Assign) && !levels.empty() && before) {
    levels.back().argumentName = before->text;
    levels.back().givenNames.insert(before->text);
  }
}

Cursor::Cursor(const Analysis &analysis, size_t offset) {
  const char *place = analysis.source().data() + offset;
  std::vector<Level> levels;
  const Token *last = nullptr, *beforeLast = nullptr;
  for (const Token &token : analysis.getTokens()) {
    bool isBeingWritten =
        token.is(TokenKind::Identifier) && token.text.end() >= place;
    if (token.text.begin() >= place || isBeingWritten ||
        token.is(TokenKind::EndOfFile))
      break;
    // What is left open before a function or the model is forgotten.
    if (token.startsLine &&
        (token.is(TokenKind::Fn) || token.is(TokenKind::Model)))
      levels.clear();
    bool isBetween =
        levels.empty() || levels.back().kind == TokenKind::LeftBrace;
    if (isBetween &&
        (token.startsLine || !last || last->is(TokenKind::LeftBrace)))
      firstWord = token.text;
    if (levels.empty() && token.startsLine)
      block = token.text;
    followToken(levels, token, last);
    beforeLast = last;
    last = &token;
  }
  bool isOpen = false;
  for (const Level &level : levels)
    isOpen |= level.kind == TokenKind::LeftBrace;
  if (!isOpen)
    block = {};
  if (!last)
    return;
  before = last->kind;
  if (last->is(TokenKind::Assign) && beforeLast)
    assigned = beforeLast->text;
  if (levels.empty())
    return;
  Level &inner = levels.back();
  // On a new line, or behind a brace, a statement begins.
  llvm::StringRef between(last->text.end(), place - last->text.end());
  bool isBetween = inner.kind == TokenKind::LeftBrace;
  if (isBetween && (between.contains('\n') || last->is(TokenKind::LeftBrace)) &&
      !last->is(TokenKind::Comma))
    firstWord = {};
  callee = inner.callee;
  argument = inner.argument;
  argumentName = inner.argumentName;
  givenNames = std::move(inner.givenNames);
}

} // namespace nnc::tools
