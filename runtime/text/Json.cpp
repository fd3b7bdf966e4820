// Looks over the text for its nesting and its size before it is parsed.
#include "runtime/text/Json.h"

#include <algorithm>

namespace nnc::runtime {

using nlohmann::json;

static constexpr int mostLevels = 64;
// As many as the largest vocabularies have, several times; a value takes 16
// bytes and more.
static constexpr int64_t mostValues = int64_t(1) << 23;

static std::string placeOf(std::string_view text, size_t position,
                           const std::string &path) {
  text = text.substr(0, position);
  return concat(path, ":", 1 + std::count(text.begin(), text.end(), '\n'),
                ": ");
}

/// Counts brackets and commas that are in no string.
static Status checkBounds(std::string_view text, const std::string &path) {
  int level = 0;
  int64_t values = 1;
  bool isString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char byte = text[i];
    if (isString) {
      i += byte == '\\';
      isString = byte != '"';
      continue;
    }
    isString = byte == '"';
    level += (byte == '[' || byte == '{') - (byte == ']' || byte == '}');
    values += byte == ',' || byte == '[' || byte == '{';
    if (level > mostLevels)
      return {Code::InvalidFile, concat(placeOf(text, i, path), "more than ",
                                        mostLevels, " levels of brackets")};
    if (values > mostValues)
      return {Code::InvalidFile,
              concat(placeOf(text, i, path), "more than 2^23 values")};
  }
  return {};
}

StatusOr<json> parseJson(std::string_view text, const std::string &path) {
  if (Status status = checkBounds(text, path); !status.isOk())
    return status;
  try {
    return json::parse(text.begin(), text.end());
  } catch (const json::parse_error &error) {
    return Status(Code::InvalidFile,
                  concat(placeOf(text, error.byte, path), "no JSON"));
  } catch (const json::exception &) {
    return Status(Code::InvalidFile,
                  path + ": JSON with a number beyond its range");
  }
}

const json &memberOf(const json &object, const char *name) {
  static const json null;
  if (!object.is_object())
    return null;
  auto found = object.find(name);
  return found == object.end() ? null : *found;
}

const std::string *stringOf(const json &object, const char *name) {
  return memberOf(object, name).get_ptr<const std::string *>();
}

bool flagOf(const json &object, const char *name, bool otherwise) {
  const bool *flag = memberOf(object, name).get_ptr<const bool *>();
  return flag ? *flag : otherwise;
}

std::string toText(const json &value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace nnc::runtime
