// Facts of the element types, and elements as numbers and text.
#include "runtime/Tensor.h"

#include <cmath>
#include <cstdio>
#include <cstring>

namespace nnc::runtime {

namespace {
struct TypeFacts {
  const char *name;
  int64_t sizeBytes;
  bool isInteger;
};
} // namespace

// Indexed by ElementType.
static constexpr TypeFacts facts[numElementTypes] = {
    {"f32", 4, false},  {"f64", 8, false},  {"f16", 2, false},
    {"bf16", 2, false}, {"i32", 4, true},   {"i64", 8, true},
    {"u8", 1, true},    {"bool", 1, false}, {"u32", 4, true},
};

int64_t sizeBytes(ElementType type) {
  return facts[static_cast<int>(type)].sizeBytes;
}

const char *name(ElementType type) {
  return facts[static_cast<int>(type)].name;
}

bool isInteger(ElementType type) {
  return facts[static_cast<int>(type)].isInteger;
}

bool isFloat(ElementType type) {
  return !isInteger(type) && type != ElementType::Bool;
}

std::optional<ElementType> parseElementType(std::string_view name) {
  for (int i = 0; i < numElementTypes; ++i)
    if (name == facts[i].name)
      return static_cast<ElementType>(i);
  return std::nullopt;
}

std::optional<int64_t> numElements(const Shape &shape, int64_t batch) {
  int64_t product = 1;
  for (int64_t size : shape) {
    int64_t factor = size == -1 ? batch : size;
    if (factor < 0 || __builtin_mul_overflow(product, factor, &product))
      return std::nullopt;
  }
  return product;
}

std::string describe(ElementType type, const Shape &shape) {
  std::string result = name(type);
  result += '[';
  for (size_t i = 0; i < shape.size(); ++i) {
    result += i ? ", " : "";
    result += shape[i] == -1 ? "batch" : std::to_string(shape[i]);
  }
  return result + ']';
}

template <typename T> static T load(const void *from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T> static void store(T value, void *to) {
  std::memcpy(to, &value, sizeof value);
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
static double halfToDouble(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  int fraction = bits & 1023;
  double magnitude = exponent == 31 ? (fraction ? NAN : INFINITY)
                     : exponent == 0
                         ? std::ldexp(fraction, -24)
                         : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

static uint16_t halfFromDouble(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value))
    return sign | 0x7e00;
  // 65520 is halfway between the largest half, 65504, and what would follow.
  if (magnitude >= 65520)
    return sign | 0x7c00;
  // nearbyint rounds half to even. A carry into the exponent is right as it is.
  if (magnitude < std::ldexp(1, -14))
    return sign |
           static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24)));
  int exponent = std::ilogb(magnitude);
  int fraction =
      static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return sign | static_cast<uint16_t>(((exponent + 14) << 10) + fraction);
}

// bfloat16 is the upper half of a binary32.
static double bfloatToDouble(uint16_t bits) {
  uint32_t wide = static_cast<uint32_t>(bits) << 16;
  return load<float>(&wide);
}

static uint16_t bfloatFromDouble(double value) {
  float narrow = static_cast<float>(value);
  uint32_t bits = load<uint32_t>(&narrow);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double toDouble(ElementType type, const void *element) {
  switch (type) {
  case ElementType::F32:
    return load<float>(element);
  case ElementType::F64:
    return load<double>(element);
  case ElementType::F16:
    return halfToDouble(load<uint16_t>(element));
  case ElementType::BF16:
    return bfloatToDouble(load<uint16_t>(element));
  case ElementType::I32:
    return load<int32_t>(element);
  case ElementType::I64:
    return static_cast<double>(load<int64_t>(element));
  case ElementType::U8:
    return load<uint8_t>(element);
  case ElementType::Bool:
    return load<uint8_t>(element) != 0;
  case ElementType::U32:
    return load<uint32_t>(element);
  }
  return 0;
}

// Infinite or not a number: the exponent's bits are all set (IEEE 754, 3.4).
template <typename Bits>
static int64_t countExponents(const void *elements, int64_t count,
                              Bits exponent) {
  auto *bytes = static_cast<const char *>(elements);
  int64_t found = 0;
  for (int64_t i = 0; i < count; ++i)
    found += (load<Bits>(bytes + i * sizeof(Bits)) & exponent) == exponent;
  return found;
}

int64_t countNonFinite(ElementType type, const void *elements, int64_t count) {
  switch (type) {
  case ElementType::F32:
    return countExponents<uint32_t>(elements, count, 0x7f800000);
  case ElementType::F64:
    return countExponents<uint64_t>(elements, count, 0x7ff0000000000000);
  case ElementType::F16:
    return countExponents<uint16_t>(elements, count, 0x7c00);
  case ElementType::BF16:
    return countExponents<uint16_t>(elements, count, 0x7f80);
  default:
    return 0;
  }
}

bool fits(ElementType type, double value) {
  // The bounds are doubles; 2^63 itself does not fit an i64.
  struct Range {
    double least, beyond;
  };
  Range range = type == ElementType::I32   ? Range{-0x1p31, 0x1p31}
                : type == ElementType::I64 ? Range{-0x1p63, 0x1p63}
                : type == ElementType::U32 ? Range{0, 0x1p32}
                : type == ElementType::U8  ? Range{0, 256}
                                           : Range{0, 2};
  if (isFloat(type)) {
    // A finite number must stay finite.
    // Halfway between the largest f32 and what would follow, where rounding
    // leaves the finite numbers; a bf16's range is no larger.
    if (type != ElementType::F64 && std::isfinite(value) &&
        std::fabs(value) >= 0x1.ffffffp127)
      return false;
    char element[sizeof(double)];
    fromDouble(type, value, element);
    return !std::isfinite(value) || std::isfinite(toDouble(type, element));
  }
  return value >= range.least && value < range.beyond &&
         value == std::floor(value);
}

void fromDouble(ElementType type, double value, void *element) {
  switch (type) {
  case ElementType::F32:
    return store(static_cast<float>(value), element);
  case ElementType::F64:
    return store(value, element);
  case ElementType::F16:
    return store(halfFromDouble(value), element);
  case ElementType::BF16:
    return store(bfloatFromDouble(value), element);
  case ElementType::I32:
    return store(static_cast<int32_t>(value), element);
  case ElementType::I64:
    return store(static_cast<int64_t>(value), element);
  case ElementType::U8:
    return store(static_cast<uint8_t>(value), element);
  case ElementType::Bool:
    return store<uint8_t>(value != 0, element);
  case ElementType::U32:
    return store(static_cast<uint32_t>(value), element);
  }
}

void roundElements(ElementType from, const void *elements, int64_t count,
                   ElementType to, void *rounded) {
  auto *read = static_cast<const char *>(elements);
  auto *written = static_cast<char *>(rounded);
  for (int64_t i = 0; i < count; ++i)
    fromDouble(to, toDouble(from, read + i * sizeBytes(from)),
               written + i * sizeBytes(to));
}

/// The value of an element, and whether a double holds it.
static bool exactValue(ElementType type, const void *element, double &value) {
  value = toDouble(type, element);
  if (type != ElementType::I64)
    return true;
  int64_t whole;
  std::memcpy(&whole, element, sizeof whole);
  // 2^63 itself is a double, and no i64.
  return value < 0x1p63 && static_cast<int64_t>(value) == whole;
}

bool convertExactly(ElementType from, const void *element, ElementType to,
                    void *result) {
  double value = 0;
  if (!exactValue(from, element, value) || !fits(to, value))
    return false;
  fromDouble(to, value, result);
  // What is no number stays none.
  return toDouble(to, result) == value || std::isnan(value);
}

std::string elementText(ElementType type, const void *element) {
  char text[40];
  if (type == ElementType::I64) {
    int64_t whole;
    std::memcpy(&whole, element, sizeof whole);
    return std::to_string(whole);
  }
  std::snprintf(text, sizeof text, "%.17g", toDouble(type, element));
  return text;
}

} // namespace nnc::runtime
