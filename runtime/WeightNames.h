// Lines of a table that says how a model's weights are called in the files of
// others, and what they are made of there. The language, MLIR, graphs and plans
// refuse others with the same words. Alone and inline: the compiler asks it
// too.
#ifndef NNC_RUNTIME_WEIGHTNAMES_H
#define NNC_RUNTIME_WEIGHTNAMES_H

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// Of a recipe, and of a table: each line is compared with each weight.
inline constexpr size_t mostNameTables = 16;
inline constexpr size_t mostNameLines = 1024;
inline constexpr size_t mostNameLineBytes = 4096;

/// A tensor of a file, or one of the `count` equal parts of it along `axis`.
struct WeightSource {
  std::string name;
  int64_t part = 0;
  int64_t count = 1;
  int64_t axis = 0;
};

enum class NameLineKind {
  Weight, ///< `"TARGET" = EXPRESSION`.
  Prefix, ///< `prefix "TEXT"`: what names of the file may begin with.
  Ignore, ///< `ignore "PATTERN"`: tensors of the file that nothing needs.
  Order   ///< `order pytorch`: how dimensions stand in the file.
};

struct NameLine {
  NameLineKind kind = NameLineKind::Weight;
  /// Names of weights, in which `{i}` stands for any characters but a dot; the
  /// prefix, the pattern or the order of other lines.
  std::string text;
  /// What the weight is made of: these side by side along `axis`, then with its
  /// dimensions reversed where it is transposed.
  std::vector<WeightSource> sources;
  int64_t axis = 0;
  bool isTransposed = false;
};

/// What each placeholder stands for.
using NameCaptures = std::map<std::string, std::string, std::less<>>;

/// Whether `segment` is `pattern`, in which one `{i}` may stand.
inline bool matchNameSegment(std::string_view pattern, std::string_view segment,
                             NameCaptures &captures) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos)
    return pattern == segment;
  const size_t close = pattern.find('}');
  const std::string_view before = pattern.substr(0, open),
                         after = pattern.substr(close + 1),
                         name = pattern.substr(open, close + 1 - open);
  if (segment.size() <= before.size() + after.size() ||
      segment.substr(0, before.size()) != before ||
      segment.substr(segment.size() - after.size()) != after)
    return false;
  std::string found(segment.substr(
      before.size(), segment.size() - before.size() - after.size()));
  auto [known, isNew] = captures.emplace(name, found);
  return isNew || known->second == found;
}

/// Whether `name` is one that `pattern` stands for, and then with what in place
/// of its placeholders.
inline bool matchName(std::string_view pattern, std::string_view name,
                      NameCaptures &captures) {
  while (true) {
    const size_t end = pattern.find('.'), nameEnd = name.find('.');
    if ((end == std::string_view::npos) !=
            (nameEnd == std::string_view::npos) ||
        !matchNameSegment(pattern.substr(0, end), name.substr(0, nameEnd),
                          captures))
      return false;
    if (end == std::string_view::npos)
      return true;
    pattern.remove_prefix(end + 1);
    name.remove_prefix(nameEnd + 1);
  }
}

/// `pattern` with what its placeholders stand for.
inline std::string fillName(std::string_view pattern,
                            const NameCaptures &captures) {
  std::string filled;
  while (true) {
    const size_t open = pattern.find('{');
    filled += pattern.substr(0, open);
    if (open == std::string_view::npos)
      return filled;
    const size_t close = pattern.find('}', open);
    auto known = captures.find(pattern.substr(open, close + 1 - open));
    if (known != captures.end())
      filled += known->second;
    pattern.remove_prefix(close + 1);
  }
}

/// Whether `name` is one that `pattern` stands for, where `*` stands for any
/// characters.
inline bool matchesIgnored(std::string_view pattern, std::string_view name) {
  size_t at = 0, in = 0, star = std::string_view::npos, resume = 0;
  while (in < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = in;
    } else if (at < pattern.size() && pattern[at] == name[in]) {
      ++at;
      ++in;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in = ++resume;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*')
    ++at;
  return at == pattern.size();
}

/// What is wrong with the placeholders of a name; empty if nothing is.
inline std::string explainPlaceholders(std::string_view name) {
  bool isOpen = false, isUsed = false;
  for (char c : name) {
    if (c == '.' && !isOpen)
      isUsed = false;
    else if (c == '{' && !isOpen && !isUsed)
      isOpen = isUsed = true;
    else if (c == '}' && isOpen)
      isOpen = false;
    else if (c == '{' || c == '}' || (c == '.' && isOpen))
      return "\"" + std::string(name) +
             "\" must have at most one placeholder, as {i}, between two dots";
  }
  return isOpen ? "\"" + std::string(name) + "\" lacks a '}'" : "";
}

/// A reader of one line. Each function is false once something is wrong, which
/// `problem` then says.
class NameLineParser {
public:
  explicit NameLineParser(std::string_view text) : rest(text) {}

  std::string problem;

  bool parse(NameLine &line) {
    skipSpace();
    std::string word;
    if (!atString()) {
      if (!takeWord(word, "a weight's name in quotes, prefix, ignore or order"))
        return false;
      return parseOther(word, line);
    }
    return takeString(line.text) && checkName(line.text) && expect('=') &&
           parseExpression(line) && checkSources(line) && expectEnd();
  }

private:
  bool parseOther(const std::string &word, NameLine &line) {
    if (word == "order") {
      line.kind = NameLineKind::Order;
      if (!takeWord(line.text, "nnc or pytorch"))
        return false;
      if (line.text != "nnc" && line.text != "pytorch")
        return fail("expected nnc or pytorch, found '" + line.text + "'");
      return expectEnd();
    }
    if (word != "prefix" && word != "ignore")
      return fail("expected a weight's name in quotes, prefix, ignore or "
                  "order, found '" +
                  word + "'");
    line.kind = word == "prefix" ? NameLineKind::Prefix : NameLineKind::Ignore;
    return takeString(line.text) && expectEnd();
  }

  bool parseExpression(NameLine &line) {
    if (atString())
      return takeString(line.sources.emplace_back().name);
    std::string word;
    if (!takeWord(word, "a tensor's name in quotes, part, concat or transpose"))
      return false;
    if (word == "part")
      return parsePart(line.sources.emplace_back());
    if (word == "concat")
      return parseConcat(line);
    if (word != "transpose")
      return fail("expected a tensor's name in quotes, part, concat or "
                  "transpose, found '" +
                  word + "'");
    if (line.isTransposed)
      return fail("transpose stands once");
    line.isTransposed = true;
    return expect('(') && parseExpression(line) && expect(')');
  }

  /// `(NAME, NUMBER, of = NUMBER, axis = NUMBER)`, the last may be left out.
  bool parsePart(WeightSource &source) {
    if (!expect('(') || !takeString(source.name) || !expect(',') ||
        !takeNumber(source.part) || !expect(',') ||
        !takeNamed("of", source.count))
      return false;
    if (at(',') && !(expect(',') && takeNamed("axis", source.axis)))
      return false;
    if (source.count < 1 || source.part >= source.count)
      return fail("there is no part " + std::to_string(source.part) + " of " +
                  std::to_string(source.count) + ": they count from 0");
    return expect(')');
  }

  /// `(SOURCE, .., axis = NUMBER)`, the last may be left out.
  bool parseConcat(NameLine &line) {
    if (!expect('('))
      return false;
    do {
      std::string word;
      if (atString()) {
        if (!takeString(line.sources.emplace_back().name))
          return false;
      } else if (!takeWord(word, "a tensor's name in quotes, part or axis")) {
        return false;
      } else if (word == "axis") {
        if (line.sources.empty())
          return fail("concat needs the names of tensors");
        return expect('=') && takeNumber(line.axis) && expect(')');
      } else if (word != "part" || !parsePart(line.sources.emplace_back())) {
        return fail("expected a tensor's name in quotes, part or axis, found "
                    "'" +
                    word + "'");
      }
    } while (take(','));
    return expect(')');
  }

  bool checkName(const std::string &name) {
    if (std::string wrong = explainPlaceholders(name); !wrong.empty())
      return fail(wrong);
    return true;
  }

  /// The names of the file have placeholders of the weight's name alone.
  bool checkSources(const NameLine &line) {
    for (const WeightSource &source : line.sources) {
      if (!checkName(source.name))
        return false;
      for (size_t open = source.name.find('{'); open != std::string::npos;
           open = source.name.find('{', open + 1)) {
        const std::string placeholder =
            source.name.substr(open, source.name.find('}', open) + 1 - open);
        if (line.text.find(placeholder) == std::string::npos)
          return fail("nothing says what " + placeholder + " of \"" +
                      source.name + "\" is: \"" + line.text +
                      "\" does not have it");
      }
    }
    return true;
  }

  //===-- Tokens ---------------------------------------------------------===//

  void skipSpace() {
    while (!rest.empty() && rest.front() == ' ')
      rest.remove_prefix(1);
  }
  bool at(char c) const { return !rest.empty() && rest.front() == c; }
  bool atString() const { return at('"'); }

  bool take(char c) {
    if (!at(c))
      return false;
    rest.remove_prefix(1);
    skipSpace();
    return true;
  }

  bool expect(char c) { return take(c) || failAt(std::string("'") + c + "'"); }
  bool expectEnd() { return rest.empty() || failAt("the end of the line"); }

  bool takeString(std::string &text) {
    const size_t end = atString() ? rest.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos || end == 1)
      return failAt("a name in quotes");
    text = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    skipSpace();
    return true;
  }

  bool takeWord(std::string &word, const char *expected) {
    size_t end = 0;
    while (end < rest.size() &&
           ((rest[end] >= 'a' && rest[end] <= 'z') || rest[end] == '_'))
      ++end;
    if (end == 0)
      return failAt(expected);
    word = rest.substr(0, end);
    rest.remove_prefix(end);
    skipSpace();
    return true;
  }

  bool takeNumber(int64_t &number) {
    auto [stop, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc() || number < 0)
      return failAt("a whole number of at least 0");
    rest.remove_prefix(stop - rest.data());
    skipSpace();
    return true;
  }

  bool takeNamed(const char *name, int64_t &number) {
    std::string word;
    if (!takeWord(word, name))
      return false;
    if (word != name)
      return fail(std::string("expected ") + name + ", found '" + word + "'");
    return expect('=') && takeNumber(number);
  }

  bool failAt(const std::string &expected) {
    return fail(
        "expected " + expected + ", found " +
        (rest.empty() ? "the end of the line" : "'" + std::string(rest) + "'"));
  }

  bool fail(const std::string &what) {
    if (problem.empty())
      problem = what;
    return false;
  }

  std::string_view rest;
};

/// Reads a line of a table. What is wrong with it; empty if nothing is.
inline std::string readNameLine(std::string_view text, NameLine &line) {
  if (text.size() > mostNameLineBytes)
    return "a line of a table of names has at most " +
           std::to_string(mostNameLineBytes) + " bytes, found " +
           std::to_string(text.size());
  NameLineParser parser(text);
  parser.parse(line);
  return parser.problem;
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_WEIGHTNAMES_H
