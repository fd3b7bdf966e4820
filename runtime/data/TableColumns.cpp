// Reads the list of columns.
#include "runtime/data/TableColumns.h"

#include "runtime/data/Suggestion.h"

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
  bool isQuoted = false;
  for (size_t i = 0; i < list.size(); ++i) {
    isQuoted ^= list[i] == '"';
    if (list[i] == ',' && !isQuoted)
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

static bool isQuoted(std::string_view item) {
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

std::string listNames(const std::vector<std::string> &names) {
  constexpr size_t most = 12;
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), most); ++i)
    list += concat(i ? ", " : "", quote(names[i]));
  return names.size() > most ? list + ", ..." : list;
}

static Status wrongColumns(const std::string &reader,
                           const std::string &problem) {
  return {Code::InvalidArgument,
          concat(reader, ": argument 'columns' ", problem)};
}

static Status chooseName(const std::string &reader, const std::string &name,
                         const std::vector<std::string> &names,
                         std::vector<int64_t> &chosen) {
  if (names.empty())
    return wrongColumns(reader,
                        concat("is ", quote(name),
                               ", expected a number or a range such as 0:20: "
                               "the file has no header"));
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    return wrongColumns(reader,
                        concat("has ", quote(name), ", the header has ",
                               listNames(names), suggestion(name, names)));
  auto other = std::find(found + 1, names.end(), name);
  if (other != names.end())
    return wrongColumns(reader, concat("has ", quote(name),
                                       ", which is the name of column ",
                                       found - names.begin(), " and of column ",
                                       other - names.begin()));
  chosen.push_back(found - names.begin());
  return {};
}

// One item of `columns`: a number, a range, or a name of the header, in quotes
// where it would be taken for one of the others.
static Status chooseItem(const std::string &reader, std::string_view item,
                         const std::vector<std::string> &names,
                         int64_t numColumns, std::vector<int64_t> &chosen) {
  if (isQuoted(item))
    return chooseName(reader, unquoted(item), names, chosen);
  size_t colon = item.find(':');
  int64_t begin = 0, end = 0;
  bool isPlace = parseInteger(item.substr(0, colon), begin) &&
                 (colon == std::string_view::npos ||
                  parseInteger(item.substr(colon + 1), end));
  if (!isPlace)
    return chooseName(reader, std::string(item), names, chosen);
  if (colon == std::string_view::npos)
    end = begin + (begin < numColumns);
  if (begin < 0 || begin >= end || end > numColumns)
    return wrongColumns(reader,
                        concat("has ", quote(item),
                               ", the file has columns 0 to ", numColumns - 1));
  for (int64_t i = begin; i < end; ++i)
    chosen.push_back(i);
  return {};
}

StatusOr<std::vector<int64_t>>
chooseColumns(const std::string &reader, const std::string &list,
              const std::vector<std::string> &names, int64_t numColumns) {
  // As many as a file may have.
  constexpr size_t mostChosen = 1 << 20;
  std::vector<int64_t> chosen;
  const std::string all = concat("0:", numColumns);
  for (std::string_view item : splitList(list.empty() ? all : list)) {
    Status status = chooseItem(reader, item, names, numColumns, chosen);
    if (status.isOk() && chosen.size() > mostChosen)
      status = wrongColumns(
          reader, concat("chooses more than ", mostChosen, " columns"));
    if (!status.isOk())
      return status;
  }
  return chosen;
}

} // namespace nnc::runtime
