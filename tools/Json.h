// JSON as the tools write it: the one way to a line of it.
#ifndef NNC_TOOLS_JSON_H
#define NNC_TOOLS_JSON_H

#include <nlohmann/json.hpp>

#include <string>

namespace nnc::tools {

/// `value` on one line. Infinities and what is no number are null, which JSON
/// has instead; bytes that are not UTF-8, as names in files may have, are
/// replaced.
template <typename Json> std::string toLine(const Json &value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace nnc::tools

#endif // NNC_TOOLS_JSON_H
