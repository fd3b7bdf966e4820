// JSON from a stranger: read whole, with a bound on everything.
#ifndef NNC_RUNTIME_TEXT_JSON_H
#define NNC_RUNTIME_TEXT_JSON_H

#include "runtime/Status.h"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace nnc::runtime {

/// `text` as a value. InvalidFile, naming `path` and the line, for what is no
/// JSON, is nested more than 64 levels deep or has more than 2^23 values.
StatusOr<nlohmann::json> parseJson(std::string_view text,
                                   const std::string &path);

/// The string, the number or the truth of a member; nothing if it is missing or
/// is something else.
const std::string *stringOf(const nlohmann::json &object, const char *name);
bool flagOf(const nlohmann::json &object, const char *name, bool otherwise);
/// The member, or null where there is none.
const nlohmann::json &memberOf(const nlohmann::json &object, const char *name);

/// A value as text that is safe to show and to keep: what is no UTF-8 is
/// replaced.
std::string toText(const nlohmann::json &value);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TEXT_JSON_H
