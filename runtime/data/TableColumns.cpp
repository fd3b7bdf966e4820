// Reads the list of columns.
#include "runtime/data/TableColumns.h"

#include "runtime/data/Suggestion.h"

#include <algorithm>

namespace nnc::runtime {

static Status wrongColumns(const std::string &reader,
                           const std::string &problem) {
  return {Code::InvalidArgument,
          concat(reader, ": argument 'columns' ", problem)};
}

static Status chooseName(const std::string &reader, const std::string &name,
                         const std::vector<std::string> &names, bool mayLack,
                         std::vector<int64_t> &chosen) {
  if (names.empty())
    return wrongColumns(reader,
                        concat("is ", quote(name),
                               ", expected a number or a range such as 0:20: "
                               "the file has no header"));
  auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end() && mayLack) {
    chosen.push_back(-1);
    return {};
  }
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
                         int64_t numColumns, bool mayLack,
                         std::vector<int64_t> &chosen) {
  if (isQuoted(item))
    return chooseName(reader, unquoted(item), names, mayLack, chosen);
  size_t colon = item.find(':');
  int64_t begin = 0, end = 0;
  bool isPlace = parseInteger(item.substr(0, colon), begin) &&
                 (colon == std::string_view::npos ||
                  parseInteger(item.substr(colon + 1), end));
  if (!isPlace)
    return chooseName(reader, std::string(item), names, mayLack, chosen);
  if (colon == std::string_view::npos)
    end = begin + (mayLack || begin < numColumns);
  constexpr int64_t mostColumns = 1 << 20;
  const bool isThere = end <= (mayLack ? mostColumns : numColumns);
  if (begin < 0 || begin >= end || !isThere)
    return wrongColumns(reader,
                        concat("has ", quote(item),
                               ", the file has columns 0 to ", numColumns - 1));
  for (int64_t i = begin; i < end; ++i)
    chosen.push_back(i < numColumns ? i : -1);
  return {};
}

StatusOr<std::vector<int64_t>>
chooseColumns(const std::string &reader, const std::string &list,
              const std::vector<std::string> &names, int64_t numColumns,
              bool mayLack) {
  // As many as a file may have.
  constexpr size_t mostChosen = 1 << 20;
  std::vector<int64_t> chosen;
  const std::string all = concat("0:", numColumns);
  for (std::string_view item : splitList(list.empty() ? all : list)) {
    Status status =
        chooseItem(reader, item, names, numColumns, mayLack, chosen);
    if (status.isOk() && chosen.size() > mostChosen)
      status = wrongColumns(
          reader, concat("chooses more than ", mostChosen, " columns"));
    if (!status.isOk())
      return status;
  }
  return chosen;
}

} // namespace nnc::runtime
