// The wire format of protocol buffers, as far as events need it ("Encoding",
// protobuf.dev/programming-guides/encoding).
#ifndef NNC_TOOLS_TENSORBOARD_PROTOBUF_H
#define NNC_TOOLS_TENSORBOARD_PROTOBUF_H

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::tools {

/// A message under construction: fields in the order in which they are added.
class Message {
public:
  Message &addInteger(int field, uint64_t value) {
    addKey(field, Varint);
    addVarint(value);
    return *this;
  }
  Message &addDouble(int field, double value) {
    addKey(field, Fixed64);
    addRaw(value);
    return *this;
  }
  Message &addFloat(int field, float value) {
    addKey(field, Fixed32);
    addRaw(value);
    return *this;
  }
  /// A string, bytes or a message.
  Message &addBytes(int field, std::string_view value) {
    addKey(field, Bytes);
    addVarint(value.size());
    bytes += value;
    return *this;
  }
  /// Packed: little-endian, as this machine has them.
  Message &addDoubles(int field, const std::vector<double> &values) {
    return addBytes(field, {reinterpret_cast<const char *>(values.data()),
                            values.size() * sizeof(double)});
  }

  operator std::string_view() const { return bytes; }

private:
  enum WireType { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

  void addKey(int field, WireType type) { addVarint(field << 3 | type); }
  void addVarint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes += char(value | 0x80);
    bytes += char(value);
  }
  template <typename T> void addRaw(T value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof value);
  }

  std::string bytes;
};

/// The integer field of that number at the top of a message; 0, the default,
/// where it has none. Nothing where the bytes are no message.
std::optional<uint64_t> findInteger(std::string_view message, int field);

} // namespace nnc::tools

#endif // NNC_TOOLS_TENSORBOARD_PROTOBUF_H
