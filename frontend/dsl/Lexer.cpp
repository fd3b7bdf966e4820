// Text to tokens.
#include "frontend/dsl/Lexer.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Limits.h"

#include "ir/Text.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"

#include <cmath>

using llvm::StringRef;
using llvm::Twine;

namespace nnc::dsl {

namespace {

struct Punctuation {
  StringRef text;
  TokenKind kind;
};

// Longer spellings first: the first that fits is taken.
constexpr Punctuation kPunctuation[] = {
    {"**", TokenKind::StarStar},   {"..", TokenKind::DotDot},
    {"==", TokenKind::Equal},      {"!=", TokenKind::NotEqual},
    {"<=", TokenKind::LessEqual},  {">=", TokenKind::GreaterEqual},
    {"(", TokenKind::LeftParen},   {")", TokenKind::RightParen},
    {"[", TokenKind::LeftBracket}, {"]", TokenKind::RightBracket},
    {"{", TokenKind::LeftBrace},   {"}", TokenKind::RightBrace},
    {",", TokenKind::Comma},       {":", TokenKind::Colon},
    {".", TokenKind::Dot},         {"=", TokenKind::Assign},
    {"+", TokenKind::Plus},        {"-", TokenKind::Minus},
    {"*", TokenKind::Star},        {"/", TokenKind::Slash},
    {"%", TokenKind::Percent},     {"<", TokenKind::Less},
    {">", TokenKind::Greater},
};

struct Keyword {
  StringRef text;
  TokenKind kind;
};

constexpr Keyword kKeywords[] = {
    {"and", TokenKind::And},     {"as", TokenKind::As},
    {"const", TokenKind::Const}, {"else", TokenKind::Else},
    {"false", TokenKind::False}, {"fn", TokenKind::Fn},
    {"for", TokenKind::For},     {"if", TokenKind::If},
    {"in", TokenKind::In},       {"model", TokenKind::Model},
    {"not", TokenKind::Not},     {"or", TokenKind::Or},
    {"param", TokenKind::Param}, {"return", TokenKind::Return},
    {"true", TokenKind::True},   {"with", TokenKind::With},
};

bool startsName(char c) { return llvm::isAlpha(c) || c == '_'; }
bool continuesName(char c) { return llvm::isAlnum(c) || c == '_'; }

class Lexer {
public:
  Lexer(StringRef source, Diagnostics &diagnostics)
      : rest(source), diagnostics(diagnostics) {}

  std::vector<Token> run() {
    std::vector<Token> tokens;
    do
      tokens.push_back(next());
    while (!tokens.back().is(TokenKind::EndOfFile));
    return tokens;
  }

private:
  Token next();
  void skipSpace();
  Token take(TokenKind kind, size_t length);
  Token takeTooLong(StringRef what, size_t length, size_t limit);
  Token lexName();
  Token lexNumber();
  Token lexString();
  Token lexForeign();
  bool resolveEscape(char c, const char *place, std::string &out);
  void error(const char *place, const Twine &message) {
    diagnostics.error(llvm::SMLoc::getFromPointer(place), message);
  }

  StringRef rest;
  Diagnostics &diagnostics;
  bool startsLine = true;
};

void Lexer::skipSpace() {
  while (!rest.empty()) {
    if (rest.front() == '\n') {
      startsLine = true;
      rest = rest.drop_front();
    } else if (llvm::is_contained({' ', '\t', '\r'}, rest.front())) {
      rest = rest.drop_front();
    } else if (rest.starts_with("//")) {
      rest = rest.drop_front(std::min(rest.find('\n'), rest.size()));
    } else {
      return;
    }
  }
}

Token Lexer::take(TokenKind kind, size_t length) {
  Token token;
  token.kind = kind;
  token.text = rest.take_front(length);
  token.startsLine = startsLine;
  startsLine = false;
  rest = rest.drop_front(length);
  return token;
}

Token Lexer::takeTooLong(StringRef what, size_t length, size_t limit) {
  error(rest.data(), "this " + what + " is " + Twine(length) +
                         " bytes long: at most " + Twine(limit) +
                         " are supported");
  return take(TokenKind::Invalid, length);
}

Token Lexer::next() {
  skipSpace();
  if (rest.empty()) {
    startsLine = true;
    return take(TokenKind::EndOfFile, 0);
  }
  if (startsName(rest.front()))
    return lexName();
  if (llvm::isDigit(rest.front()))
    return lexNumber();
  if (rest.front() == '"')
    return lexString();
  for (const Punctuation &punctuation : kPunctuation)
    if (rest.starts_with(punctuation.text))
      return take(punctuation.kind, punctuation.text.size());
  return lexForeign();
}

Token Lexer::lexName() {
  StringRef name = rest.take_while(continuesName);
  if (name.size() > kMaxWordBytes)
    return takeTooLong("name", name.size(), kMaxWordBytes);
  for (const Keyword &keyword : kKeywords)
    if (keyword.text == name)
      return take(keyword.kind, name.size());
  return take(TokenKind::Identifier, name.size());
}

// digits [. digits] [e [+-] digits]. `0..n` is a number and a range's dots.
Token Lexer::lexNumber() {
  size_t length = rest.take_while(llvm::isDigit).size();
  auto digitAt = [&](size_t i) {
    return i < rest.size() && llvm::isDigit(rest[i]);
  };
  auto takeDigits = [&] {
    while (digitAt(length))
      ++length;
  };
  bool isReal = false;
  if (length < rest.size() && rest[length] == '.' && digitAt(length + 1)) {
    isReal = true;
    ++length;
    takeDigits();
  }
  if (length < rest.size() && (rest[length] == 'e' || rest[length] == 'E')) {
    bool sign = length + 1 < rest.size() &&
                (rest[length + 1] == '-' || rest[length + 1] == '+');
    if (digitAt(length + 1 + sign)) {
      isReal = true;
      length += 1 + sign;
      takeDigits();
    }
  }

  if (length > kMaxWordBytes)
    return takeTooLong("number", length, kMaxWordBytes);

  const char *place = rest.data();
  size_t written =
      length + rest.drop_front(length).take_while(continuesName).size();
  bool lonelyDot = written < rest.size() && rest[written] == '.' &&
                   !rest.drop_front(written).starts_with("..");
  if (written != length || lonelyDot) {
    Token token = take(TokenKind::Invalid, written + lonelyDot);
    error(place, "invalid number '" + token.text +
                     "': expected digits, as in 12, 0.5 or 1e-3");
    return token;
  }

  Token token = take(isReal ? TokenKind::Real : TokenKind::Integer, length);
  if (!isReal && token.text.getAsInteger(10, token.integer)) {
    error(place, "the number " + token.text + " does not fit in 64 bits");
    token.kind = TokenKind::Invalid;
  }
  if (token.text.getAsDouble(token.real) || std::isinf(token.real)) {
    error(place, "the number " + token.text + " is too large");
    token.kind = TokenKind::Invalid;
  }
  return token;
}

bool Lexer::resolveEscape(char c, const char *place, std::string &out) {
  switch (c) {
  case 'n':
    out += '\n';
    return true;
  case 't':
    out += '\t';
    return true;
  case '"':
  case '\\':
    out += c;
    return true;
  default:
    error(place, "unknown escape in a string: expected \\n, \\t, \\\" or \\\\");
    return false;
  }
}

Token Lexer::lexString() {
  const char *place = rest.data();
  std::string value;
  size_t i = 1;
  bool valid = true;
  auto isAt = [&](size_t place, StringRef characters) {
    return place < rest.size() && characters.contains(rest[place]);
  };
  for (; i < rest.size() && !isAt(i, "\"\r\n"); ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size() && !isAt(i + 1, "\r\n")) {
      valid &= resolveEscape(rest[i + 1], rest.data() + i, value);
      ++i;
    } else {
      value += rest[i];
    }
  }
  bool closed = isAt(i, "\"");
  if (!closed)
    error(place, "this string has no closing '\"' on its line");
  else if (value.size() > kMaxStringBytes)
    return takeTooLong("string", i + 1, kMaxStringBytes);
  Token token = take(closed && valid ? TokenKind::String : TokenKind::Invalid,
                     i + closed);
  token.string = std::move(value);
  return token;
}

// One character that begins no token.
Token Lexer::lexForeign() {
  const char *place = rest.data();
  unsigned length = 1;
  while (length < 4 && length < rest.size() && (rest[length] & 0xC0) == 0x80)
    ++length;
  Token token = take(TokenKind::Invalid, length);
  if (llvm::isPrint(token.text.front())) {
    StringRef hint = llvm::StringSwitch<StringRef>(token.text)
                         .Case("&", "; write 'and'")
                         .Case("|", "; write 'or'")
                         .Case("!", "; write 'not'")
                         .Case("#", "; a comment starts with '//'")
                         .Case("'", "; a string is written in '\"'")
                         .Case(";", "; a statement ends with its line")
                         .Case("@", "; write matmul(a, b)")
                         .Default("");
    error(place, "unexpected character '" + token.text + "'" + hint);
  } else {
    error(place, "unexpected character '" + token.text +
                     "'; names are made of letters a-z, digits and '_'");
  }
  return token;
}

} // namespace

std::vector<Token> lex(StringRef source, Diagnostics &diagnostics) {
  auto refuse = [&](size_t place, const Twine &message) {
    auto loc = llvm::SMLoc::getFromPointer(source.data() + place);
    diagnostics.error(loc, message);
    source = source.take_front(0);
  };
  if (source.size() > kMaxSourceBytes)
    refuse(0, "the file has " + Twine(source.size()) + " bytes: at most " +
                  Twine(kMaxSourceBytes) + " are supported");
  else if (size_t place = findNoText(source); place != StringRef::npos)
    refuse(place, "byte 0x" + llvm::toHex(source.substr(place, 1), true) +
                      " is not UTF-8 text, or begins a control character");
  return Lexer(source, diagnostics).run();
}

std::string describe(const Token &token) {
  if (token.is(TokenKind::EndOfFile))
    return "the end of the file";
  constexpr size_t kLongest = 40;
  if (token.text.size() > kLongest)
    return ("'" + token.text.take_front(kLongest) + "...'").str();
  return ("'" + token.text + "'").str();
}

StringRef describe(TokenKind kind) {
  switch (kind) {
  case TokenKind::Identifier:
    return "a name";
  case TokenKind::LeftParen:
    return "'('";
  case TokenKind::RightParen:
    return "')'";
  case TokenKind::LeftBracket:
    return "'['";
  case TokenKind::RightBracket:
    return "']'";
  case TokenKind::LeftBrace:
    return "'{'";
  case TokenKind::RightBrace:
    return "'}'";
  case TokenKind::Colon:
    return "':'";
  case TokenKind::DotDot:
    return "'..'";
  case TokenKind::Assign:
    return "'='";
  case TokenKind::In:
    return "'in'";
  case TokenKind::With:
    return "'with'";
  default:
    return "something else";
  }
}

} // namespace nnc::dsl
