// Which columns of a table are meant, by numbers and names.
#ifndef NNC_RUNTIME_DATA_TABLECOLUMNS_H
#define NNC_RUNTIME_DATA_TABLECOLUMNS_H

#include "runtime/Status.h"
#include "runtime/TextList.h"

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

/// The columns that a list names: numbers from 0, half-open ranges "0:20" and
/// names of the header. All where it is empty. `reader` is for messages.
///
/// mayLack  whether a column that is not there is -1, and no error
StatusOr<std::vector<int64_t>>
chooseColumns(const std::string &reader, const std::string &list,
              const std::vector<std::string> &names, int64_t numColumns,
              bool mayLack = false);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TABLECOLUMNS_H
