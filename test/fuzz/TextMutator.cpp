// Words come from the text itself, and from a list of the language's own.
#include "test/fuzz/TextMutator.h"

#include "test/fuzz/Choices.h"

#include <algorithm>
#include <cstring>

namespace nnc::fuzz {

using Pieces = std::vector<std::string>;

static bool isWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static bool isNumber(const std::string &token) {
  return token[0] >= '0' && token[0] <= '9';
}

/// Words, numbers, strings, spaces, and other bytes one by one. Together they
/// are the text.
static Pieces tokensOf(const std::string &text) {
  Pieces tokens;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    if (text[at] == '"')
      end = std::min(text.find('"', at + 1), text.size() - 1) + 1;
    else if (isWordByte(text[at]) || text[at] == ' ')
      while (end < text.size() &&
             isWordByte(text[end]) == isWordByte(text[at]) &&
             (isWordByte(text[at]) || text[end] == ' '))
        ++end;
    tokens.push_back(text.substr(at, end - at));
    at = end;
  }
  return tokens;
}

/// With their ends.
static Pieces linesOf(const std::string &text) {
  Pieces lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

static std::string join(const Pieces &pieces) {
  std::string text;
  for (const std::string &piece : pieces)
    text += piece;
  return text;
}

static std::string changeNumber(const std::string &token, Choices &choices) {
  if (token.find_first_of(".e") == std::string::npos)
    return std::to_string(
        choices.integer(std::strtoll(token.c_str(), nullptr, 10)));
  char text[40];
  std::snprintf(text, sizeof text, "%.17g",
                choices.real(std::strtod(token.c_str(), nullptr)));
  return text;
}

/// A call of an op on what the program has, with any arguments.
static std::string makeCall(const Pieces &tokens, const Pieces &words,
                            Choices &choices) {
  std::string call = choices.of(words) + "(" + choices.of(tokens);
  while (choices.below(2))
    call += ", " + choices.of(tokens);
  return call + ")";
}

static void changeToken(Pieces &tokens, const Pieces &words, Choices &choices,
                        size_t maxSize) {
  std::string &token = tokens[choices.below(tokens.size())];
  switch (choices.below(7)) {
  case 0:
    token = choices.of(words);
    return;
  case 1:
    token = std::string(choices.of(tokens));
    return;
  case 2:
    token = makeCall(tokens, words, choices);
    return;
  case 3:
    token.clear();
    return;
  case 4:
    token = "(" + token + ")";
    return;
  case 5:
    token = "[" + token + ", " + choices.of(tokens) + "]";
    return;
  default:
    if (isNumber(token))
      token = changeNumber(token, choices);
    else if (token[0] == '"')
      token = '"' +
              choices.text(token.substr(1, token.size() - 2), maxSize / 2) +
              '"';
    else
      token = choices.text(token, maxSize / 2);
  }
}

/// A line many times, in itself or in a loop; or without one, or elsewhere.
static void changeLine(Pieces &lines, Choices &choices, size_t maxSize) {
  const size_t at = choices.below(lines.size());
  const std::string line = lines[at];
  switch (choices.below(5)) {
  case 0:
    lines.erase(lines.begin() + at);
    return;
  case 1:
    lines.insert(lines.begin() + choices.below(lines.size()), line);
    return;
  case 2:
    std::swap(lines[at], lines[choices.below(lines.size())]);
    return;
  case 3:
    lines[at] = "for i in 0.." + std::to_string(choices.integer(2)) + " {\n" +
                line + "}\n";
    return;
  default:
    const size_t most = maxSize / 4 / std::max<size_t>(line.size(), 1);
    lines.insert(lines.begin() + at, choices.count(most), line);
  }
}

/// A part of the text in many brackets.
static void nest(Pieces &tokens, Choices &choices, size_t maxSize) {
  static const std::vector<std::pair<std::string, std::string>> brackets = {
      {"(", ")"},
      {"[", "]"},
      {"{", "}"},
      {"-", ""},
      {"relu(", ")"},
      {"if true {\n", "\n}\n"},
      {"not ", ""},
      {"[1] + ", ""},
      {"1 ** ", ""},
      {"x[", "]"},
      {"for i in 0..2 {\n", "\n}\n"}};
  const auto &[open, close] = choices.of(brackets);
  const size_t most = maxSize / 4 / (open.size() + close.size());
  const size_t depth = choices.count(most);
  std::string before, after;
  for (size_t i = 0; i < depth; ++i) {
    before += open;
    after += close;
  }
  std::string &token = tokens[choices.below(tokens.size())];
  token = before + token + after;
}

size_t TextMutator::mutate(uint8_t *data, size_t size, size_t maxSize,
                           unsigned seed) const {
  Choices choices(seed);
  std::string text(reinterpret_cast<const char *>(data), size);
  if (text.empty() || choices.oneIn(8))
    return LLVMFuzzerMutate(data, size, maxSize);
  do {
    if (choices.oneIn(4)) {
      Pieces lines = linesOf(text);
      changeLine(lines, choices, maxSize);
      text = join(lines);
    } else {
      Pieces tokens = tokensOf(text);
      if (choices.oneIn(16))
        nest(tokens, choices, maxSize);
      else
        changeToken(tokens, words, choices, maxSize);
      text = join(tokens);
    }
  } while (!text.empty() && choices.oneIn(3));
  if (text.empty() || text.size() > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

} // namespace nnc::fuzz
