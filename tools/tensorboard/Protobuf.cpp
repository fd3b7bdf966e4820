// Reading a field: every length is checked against what is left.
#include "tools/tensorboard/Protobuf.h"

namespace nnc::tools {

static std::optional<uint64_t> takeVarint(std::string_view &bytes) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80)
      return value;
  }
  return std::nullopt;
}

static bool skip(std::string_view &bytes, uint64_t count) {
  if (count > bytes.size())
    return false;
  bytes.remove_prefix(count);
  return true;
}

std::optional<uint64_t> findInteger(std::string_view message, int field) {
  while (!message.empty()) {
    std::optional<uint64_t> key = takeVarint(message);
    if (!key)
      return std::nullopt;
    switch (*key & 7) {
    case 0: {
      std::optional<uint64_t> value = takeVarint(message);
      if (!value || *key >> 3 == uint64_t(field))
        return value;
      break;
    }
    case 1:
      if (!skip(message, 8))
        return std::nullopt;
      break;
    case 2: {
      std::optional<uint64_t> length = takeVarint(message);
      if (!length || !skip(message, *length))
        return std::nullopt;
      break;
    }
    case 5:
      if (!skip(message, 4))
        return std::nullopt;
      break;
    default:
      return std::nullopt;
    }
  }
  return 0;
}

} // namespace nnc::tools
