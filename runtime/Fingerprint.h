// A number for contents of any length: to tell files and layouts apart, not to
// keep anyone out.
#ifndef NNC_RUNTIME_FINGERPRINT_H
#define NNC_RUNTIME_FINGERPRINT_H

#include <cstdint>
#include <string>
#include <string_view>

namespace nnc::runtime {

/// FNV-1a of 64 bits (Fowler, Noll and Vo; RFC 9923), in 16 hexadecimal digits.
inline std::string fingerprint(std::string_view contents) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : contents)
    hash = (hash ^ byte) * 0x100000001b3;
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4)
    digits += "0123456789abcdef"[hash >> shift & 15];
  return digits;
}

} // namespace nnc::runtime

#endif // NNC_RUNTIME_FINGERPRINT_H
