// Lists as text: items between commas, in double quotes where they need some.
#ifndef NNC_RUNTIME_TEXTLIST_H
#define NNC_RUNTIME_TEXTLIST_H

#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// The items of a list, which commas separate, without blanks around them; one
/// may stand in double quotes, which stay.
std::vector<std::string_view> splitList(std::string_view list);

/// Whether an item stands in double quotes.
bool isQuoted(std::string_view item);

/// An item without its quotes, doubled ones in it as one.
std::string unquoted(std::string_view item);

/// Each of `names` in double quotes: splitList and unquoted give them back.
std::string quotedList(const std::vector<std::string> &names);
std::vector<std::string> namesOf(std::string_view list);

/// The first of some names, for a message.
std::string listNames(const std::vector<std::string> &names);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXTLIST_H
