// Splits lists at their commas, and joins names to one.
#include "runtime/TextList.h"

#include "runtime/Status.h"

#include <algorithm>

namespace nnc::runtime {

static std::string_view trimmed(std::string_view text) {
  constexpr const char *space = " \t\r";
  size_t begin = text.find_first_not_of(space);
  if (begin == std::string_view::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

/// The text up to the first comma that is not in quotes.
static std::string_view firstItem(std::string_view list) {
  bool isInQuotes = false;
  for (size_t i = 0; i < list.size(); ++i) {
    isInQuotes ^= list[i] == '"';
    if (list[i] == ',' && !isInQuotes)
      return list.substr(0, i);
  }
  return list;
}

std::vector<std::string_view> splitList(std::string_view list) {
  std::vector<std::string_view> items;
  while (!list.empty()) {
    std::string_view item = firstItem(list);
    items.push_back(trimmed(item));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
  }
  return items;
}

bool isQuoted(std::string_view item) {
  return item.size() >= 2 && item.front() == '"' && item.back() == '"';
}

std::string unquoted(std::string_view item) {
  if (!isQuoted(item))
    return std::string(item);
  std::string text(item.substr(1, item.size() - 2));
  for (size_t at = 0; (at = text.find("\"\"", at)) != std::string::npos; ++at)
    text.erase(at, 1);
  return text;
}

std::string quotedList(const std::vector<std::string> &names) {
  std::string list;
  for (const std::string &name : names) {
    list += list.empty() ? "\"" : ",\"";
    for (char c : name)
      list += c == '"' ? std::string(2, c) : std::string(1, c);
    list += '"';
  }
  return list;
}

std::vector<std::string> namesOf(std::string_view list) {
  std::vector<std::string> names;
  for (std::string_view item : splitList(list))
    names.push_back(unquoted(item));
  return names;
}

std::string listNames(const std::vector<std::string> &names) {
  constexpr size_t most = 12;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), most); ++i)
    list += concat(i ? ", " : "", quote(names[i]));
  return names.size() > most ? list + ", ..." : list;
}

} // namespace nnc::runtime
