// The one style: two blanks a block, one around operators and after commas,
// what goes on in the next line below what it belongs to. Works on tokens and
// what stands between them, so that it needs to know no statement.
#include "frontend/dsl/Format.h"

#include "frontend/dsl/Diagnostics.h"
#include "frontend/dsl/Lexer.h"
#include "frontend/dsl/Parse.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using llvm::StringRef;

namespace nnc::dsl {

namespace {

/// What stands before a token: comments, and how many lines end there.
struct Gap {
  StringRef trailing;                 // a comment behind the token before
  std::vector<StringRef> comments;    // on lines of their own
  std::vector<bool> isAfterEmptyLine; // of each comment
  bool endsWithEmptyLine = false;
  bool hasLineEnd = false;
};

/// A line to be written.
struct Line {
  std::string text;
  StringRef comment;   // behind the text
  StringRef firstWord; // of a line that is aligned with those around it
  bool isComment = false;
  bool isAfterEmptyLine = false;
};

/// An open bracket or brace, and where what is inside begins on further lines.
struct Open {
  TokenKind kind;
  size_t indent;       // of the line that it stands on
  size_t inner;        // of the lines inside
  bool isOneLine;      // of a brace: the block ends on its line
  bool isData = false; // the block `data`
};

class Formatter {
public:
  Formatter(StringRef source, std::vector<Token> tokens)
      : source(source), tokens(std::move(tokens)) {}

  std::string run();

private:
  Gap gapBefore(size_t i) const;
  bool spansLines(size_t brace) const;
  bool breaksBefore(size_t i, const Gap &gap) const;
  bool beginsStatement(size_t i) const;
  bool isUnaryMinus(size_t i) const;
  bool hasBlankBefore(size_t i) const;
  size_t indentOf(size_t i) const;
  size_t continuationIndent(size_t i) const;
  bool separatesDeclarations(size_t i) const;
  void writeComments(const Gap &gap, size_t indent);
  void beginLine(size_t i, const Gap &gap);
  void place(size_t i);
  void open(size_t i);
  void noteStatement(size_t i);
  void alignFirstWords();
  std::string join() const;

  void append(StringRef text);
  size_t columnOr(size_t fallback) const;

  StringRef source;
  std::vector<Token> tokens;
  std::vector<Line> lines;
  std::vector<Open> opened;
  size_t column = 0; // of the end of the last line
  size_t statementIndent = 0;
  size_t behindFirstWord = 0; // columns of the statement under way
  size_t behindAssign = 0;
};

/// Nothing is moved below what stands further to the right: a long line would
/// else be a long indentation of each that goes on with it.
constexpr size_t kMaxAlignment = 100;

/// As many as there are characters.
size_t widthOf(StringRef text) {
  return llvm::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

bool isOpening(TokenKind kind) {
  return kind == TokenKind::LeftParen || kind == TokenKind::LeftBracket ||
         kind == TokenKind::LeftBrace;
}

bool isClosing(TokenKind kind) {
  return kind == TokenKind::RightParen || kind == TokenKind::RightBracket ||
         kind == TokenKind::RightBrace;
}

/// Whether an expression may end with it.
bool endsValue(TokenKind kind) {
  return llvm::is_contained({TokenKind::Identifier, TokenKind::Integer,
                             TokenKind::Real, TokenKind::String,
                             TokenKind::True, TokenKind::False,
                             TokenKind::RightParen, TokenKind::RightBracket},
                            kind);
}

//===-- Between tokens ---------------------------------------------------===//

Gap Formatter::gapBefore(size_t i) const {
  const char *begin = i == 0 ? source.begin() : tokens[i - 1].text.end();
  StringRef rest(begin, tokens[i].text.begin() - begin);
  Gap gap;
  unsigned numEmpty = 0;
  bool isFirstLine = i != 0;
  while (!rest.empty()) {
    auto [line, next] = rest.split('\n');
    bool isLast = line.end() == rest.end();
    line = line.trim();
    if (!line.empty() && isFirstLine)
      gap.trailing = line;
    if (!line.empty() && !isFirstLine) {
      gap.comments.push_back(line);
      gap.isAfterEmptyLine.push_back(numEmpty > 0);
    }
    if (!isLast) {
      gap.hasLineEnd = true;
      numEmpty = line.empty() && !isFirstLine ? numEmpty + 1 : 0;
    }
    isFirstLine = false;
    rest = next;
  }
  gap.endsWithEmptyLine = numEmpty > 0;
  return gap;
}

/// Whether the block that is opened there ends on a later line.
bool Formatter::spansLines(size_t brace) const {
  unsigned depth = 0;
  for (size_t i = brace; i < tokens.size(); ++i) {
    if (i > brace && tokens[i].startsLine)
      return true;
    depth += tokens[i].is(TokenKind::LeftBrace);
    if (tokens[i].is(TokenKind::RightBrace) && --depth == 0)
      return false;
  }
  return true;
}

bool Formatter::isUnaryMinus(size_t i) const {
  return tokens[i].is(TokenKind::Minus) &&
         (i == 0 || !endsValue(tokens[i - 1].kind) || beginsStatement(i - 1));
}

/// `loss -x`, `freeze [...]`: the first word of a line is no value.
bool Formatter::beginsStatement(size_t i) const {
  bool isBetween = opened.empty() || opened.back().kind == TokenKind::LeftBrace;
  if (!isBetween || !tokens[i].is(TokenKind::Identifier))
    return false;
  return i == 0 || tokens[i - 1].is(TokenKind::LeftBrace) ||
         (tokens[i].startsLine && continuationIndent(i) == statementIndent);
}

bool Formatter::hasBlankBefore(size_t i) const {
  TokenKind before = tokens[i - 1].kind, kind = tokens[i].kind;
  bool isInBrackets =
      !opened.empty() && opened.back().kind == TokenKind::LeftBracket;
  if (before == TokenKind::LeftParen || before == TokenKind::LeftBracket ||
      kind == TokenKind::RightParen || kind == TokenKind::RightBracket ||
      kind == TokenKind::Comma)
    return false;
  if (before == TokenKind::LeftBrace && kind == TokenKind::RightBrace)
    return false;
  if (kind == TokenKind::DotDot || before == TokenKind::DotDot ||
      kind == TokenKind::Dot || before == TokenKind::Dot)
    return false;
  if (kind == TokenKind::Colon)
    return before == TokenKind::Comma;
  if (before == TokenKind::Colon)
    return !isInBrackets;
  if (before == TokenKind::Minus && isUnaryMinus(i - 1))
    return false;
  if (kind == TokenKind::LeftParen)
    return before != TokenKind::Identifier || beginsStatement(i - 1);
  if (kind == TokenKind::LeftBracket)
    return !endsValue(before) || beginsStatement(i - 1);
  return true;
}

bool Formatter::breaksBefore(size_t i, const Gap &gap) const {
  if (i == 0 || !gap.trailing.empty() || !gap.comments.empty())
    return true;
  if (tokens[i - 1].is(TokenKind::LeftBrace) && !opened.back().isOneLine)
    return !tokens[i].is(TokenKind::RightBrace) || gap.hasLineEnd;
  if (tokens[i].is(TokenKind::RightBrace))
    return !opened.back().isOneLine;
  return gap.hasLineEnd && !tokens[i].is(TokenKind::LeftBrace);
}

//===-- Lines ------------------------------------------------------------===//

void Formatter::append(StringRef text) {
  lines.back().text += text;
  column += widthOf(text);
}

/// Where the last line ends, if others may be aligned there.
size_t Formatter::columnOr(size_t fallback) const {
  return column <= kMaxAlignment ? column : fallback;
}

/// Of a line that goes on with the statement before, or begins one.
size_t Formatter::continuationIndent(size_t i) const {
  size_t outer = opened.empty() ? 0 : opened.back().inner;
  if (i == 0)
    return outer;
  TokenKind before = tokens[i - 1].kind;
  bool begins = endsValue(before) || before == TokenKind::LeftBrace ||
                before == TokenKind::RightBrace;
  if (begins)
    return outer;
  if (before == TokenKind::Comma || behindAssign == 0)
    return std::max(behindFirstWord, outer + 1);
  return behindAssign;
}

size_t Formatter::indentOf(size_t i) const {
  if (opened.empty())
    return continuationIndent(i);
  const Open &around = opened.back();
  if (isClosing(tokens[i].kind))
    return around.kind == TokenKind::LeftBrace ||
                   around.inner == around.indent + 2
               ? around.indent
               : around.inner;
  return around.kind == TokenKind::LeftBrace ? continuationIndent(i)
                                             : around.inner;
}

/// An empty line stands behind the end of a block at the top.
bool Formatter::separatesDeclarations(size_t i) const {
  return opened.empty() && i > 0 && tokens[i - 1].is(TokenKind::RightBrace) &&
         !tokens[i].is(TokenKind::EndOfFile);
}

void Formatter::writeComments(const Gap &gap, size_t indent) {
  for (auto [comment, isAfterEmpty] :
       llvm::zip(gap.comments, gap.isAfterEmptyLine)) {
    Line line;
    line.text = std::string(indent, ' ') + comment.str();
    line.isComment = true;
    line.isAfterEmptyLine = isAfterEmpty;
    lines.push_back(std::move(line));
  }
}

void Formatter::beginLine(size_t i, const Gap &gap) {
  size_t begin = lines.size();
  bool isEnd = tokens[i].is(TokenKind::EndOfFile);
  bool isClosed = isClosing(tokens[i].kind);
  size_t inner = isClosed ? opened.back().inner : indentOf(i);
  writeComments(gap, inner);
  if (!isEnd) {
    Line line;
    line.text = std::string(indentOf(i), ' ');
    column = line.text.size();
    line.isAfterEmptyLine = gap.endsWithEmptyLine && !isClosed;
    lines.push_back(std::move(line));
  }
  if (lines.size() == begin)
    return;
  if (separatesDeclarations(i))
    lines[begin].isAfterEmptyLine = true;
  if (i == 0 || isOpening(tokens[i - 1].kind))
    lines[begin].isAfterEmptyLine = false;
}

/// Where the lines that go on with a statement will begin.
void Formatter::noteStatement(size_t i) {
  bool isBetween = opened.empty() || opened.back().kind == TokenKind::LeftBrace;
  if (!isBetween)
    return;
  bool begins = i == 0 || tokens[i - 1].is(TokenKind::LeftBrace) ||
                tokens[i - 1].is(TokenKind::RightBrace) ||
                (tokens[i].startsLine && endsValue(tokens[i - 1].kind));
  if (begins) {
    statementIndent = lines.back().text.size();
    behindFirstWord =
        std::min(statementIndent + tokens[i].text.size() + 1, kMaxAlignment);
    behindAssign = 0;
    if (!opened.empty() && opened.back().isData)
      lines.back().firstWord = tokens[i].text;
  } else if (tokens[i].is(TokenKind::Assign)) {
    // A value that begins on a line of its own has that line.
    bool isLast = i + 1 < tokens.size() && gapBefore(i + 1).hasLineEnd;
    behindAssign = isLast ? statementIndent + 2 : columnOr(statementIndent) + 2;
  }
}

void Formatter::open(size_t i) {
  Open made{tokens[i].kind, 0, 0, false};
  // A block belongs to its statement, in whatever line that ends.
  StringRef text = lines.back().text;
  made.indent = text.size() - text.ltrim(' ').size();
  if (made.kind == TokenKind::LeftBrace)
    made.indent = opened.empty() ? 0 : opened.back().inner;
  bool isLast = i + 1 < tokens.size() && gapBefore(i + 1).hasLineEnd;
  made.inner = isLast || made.kind == TokenKind::LeftBrace
                   ? made.indent + 2
                   : columnOr(made.indent + 2);
  if (made.kind == TokenKind::LeftBrace) {
    made.isOneLine = !spansLines(i);
    made.isData = opened.empty() && i > 0 && tokens[i - 1].text == "data";
  }
  opened.push_back(made);
}

void Formatter::place(size_t i) {
  append(tokens[i].text);
  if (isOpening(tokens[i].kind))
    open(i);
  else if (isClosing(tokens[i].kind))
    opened.pop_back();
}

//===-- The whole --------------------------------------------------------===//

/// Which lines of a data block stand in one column: splits, or steps.
enum class WordKind { None, Split, Step };

WordKind kindOf(const Line &line) {
  if (line.firstWord.empty() || line.firstWord == "}" ||
      line.firstWord == "validation" || line.firstWord == "folder")
    return WordKind::None;
  bool isSplit = line.firstWord == "train" || line.firstWord == "test";
  return isSplit ? WordKind::Split : WordKind::Step;
}

/// `test  x` below `train x`. What goes on in the next line goes with it.
void Formatter::alignFirstWords() {
  for (size_t begin = 0; begin < lines.size();) {
    WordKind kind = kindOf(lines[begin]);
    size_t end = begin + 1, widest = lines[begin].firstWord.size();
    auto isContinued = [&](const Line &line) {
      return line.firstWord.empty() && !line.isComment &&
             StringRef(line.text).starts_with("    ");
    };
    while (kind != WordKind::None && end < lines.size() &&
           !lines[end].isAfterEmptyLine &&
           (kindOf(lines[end]) == kind || isContinued(lines[end]))) {
      widest = std::max(widest, lines[end].firstWord.size());
      ++end;
    }
    size_t missing = 0;
    for (size_t i = begin; kind != WordKind::None && i < end; ++i) {
      Line &line = lines[i];
      size_t place = 0;
      if (!line.firstWord.empty()) {
        missing = widest - line.firstWord.size();
        place =
            StringRef(line.text).find(line.firstWord) + line.firstWord.size();
      }
      line.text.insert(place, missing, ' ');
    }
    begin = end;
  }
}

/// Comments behind lines that follow each other stand in one column.
std::string Formatter::join() const {
  auto hasComment = [&](size_t i) {
    return i < lines.size() && !lines[i].comment.empty();
  };
  std::string text;
  size_t runEnd = 0, widest = 0;
  for (auto [i, line] : llvm::enumerate(lines)) {
    if (i >= runEnd && hasComment(i)) {
      widest = 0;
      runEnd = i;
      do
        if (size_t width = widthOf(lines[runEnd].text); width <= kMaxAlignment)
          widest = std::max(widest, width);
      while (hasComment(++runEnd) && !lines[runEnd].isAfterEmptyLine);
    }
    if (line.isAfterEmptyLine)
      text += '\n';
    text += line.text;
    size_t width = widthOf(line.text);
    if (hasComment(i))
      text += std::string(widest > width ? widest - width + 1 : 1, ' ') +
              line.comment.str();
    text += '\n';
  }
  return text;
}

std::string Formatter::run() {
  for (size_t i = 0; i < tokens.size(); ++i) {
    Gap gap = gapBefore(i);
    if (!gap.trailing.empty())
      lines.back().comment = gap.trailing;
    bool breaks = breaksBefore(i, gap) || tokens[i].is(TokenKind::EndOfFile);
    if (breaks)
      beginLine(i, gap);
    if (tokens[i].is(TokenKind::EndOfFile))
      break;
    if (!breaks && hasBlankBefore(i))
      append(" ");
    noteStatement(i);
    place(i);
  }
  alignFirstWords();
  return join();
}

} // namespace

std::optional<std::string> format(StringRef source, Diagnostics &diagnostics) {
  (void)parse(source, diagnostics);
  if (diagnostics.failed())
    return std::nullopt;
  return Formatter(source, lex(source, diagnostics)).run();
}

} // namespace nnc::dsl
