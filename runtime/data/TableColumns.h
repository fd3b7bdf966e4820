// Which columns of a table are meant, by numbers and names.
#ifndef NNC_RUNTIME_DATA_TABLECOLUMNS_H
#define NNC_RUNTIME_DATA_TABLECOLUMNS_H

#include "runtime/Status.h"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// The whole of `text` as a whole number.
template <typename Integer>
bool parseInteger(std::string_view text, Integer &number) {
  const char *end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

/// The items of a list, which commas separate, without blanks around them; one
/// may stand in double quotes, which stay.
std::vector<std::string_view> splitList(std::string_view list);

/// An item without its quotes, doubled ones in it as one.
std::string unquoted(std::string_view item);

/// The first of some names, for a message.
std::string listNames(const std::vector<std::string> &names);

/// The columns that a list names: numbers from 0, half-open ranges "0:20" and
/// names of the header. All where it is empty. `reader` is for messages.
StatusOr<std::vector<int64_t>>
chooseColumns(const std::string &reader, const std::string &list,
              const std::vector<std::string> &names, int64_t numColumns);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TABLECOLUMNS_H
