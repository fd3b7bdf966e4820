// Element types and shapes, as plans, files and data name them.
#ifndef NNC_RUNTIME_TENSOR_H
#define NNC_RUNTIME_TENSOR_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// Values are those of ElementType in plan.fbs and nnc_element_type_t in nnc.h.
enum class ElementType : uint8_t {
  F32,
  F64,
  F16,
  BF16,
  I32,
  I64,
  U8,
  Bool,
  U32
};

constexpr int numElementTypes = 9;

int64_t sizeBytes(ElementType type);

/// As the language writes it: "f32", "bool".
const char *name(ElementType type);

std::optional<ElementType> parseElementType(std::string_view name);

bool isInteger(ElementType type);
bool isFloat(ElementType type);

/// Outermost dimension first. -1 is the batch; empty is a scalar.
using Shape = std::vector<int64_t>;

/// Number of elements with `batch` in place of -1; nothing where the product
/// overflows.
std::optional<int64_t> numElements(const Shape &shape, int64_t batch = 1);

/// "f32[batch, 28, 28]".
std::string describe(ElementType type, const Shape &shape);

/// The number that `element` points to, of any element type, as a double.
double toDouble(ElementType type, const void *element);

/// How many of the elements are infinite or not a number; none of integers.
int64_t countNonFinite(ElementType type, const void *elements, int64_t count);

/// Whether the element type can hold `value`: floating-point types what does
/// not round to infinity, infinities and NaN themselves included, integers
/// whole numbers in their range.
bool fits(ElementType type, double value);

/// Rounds `count` elements to a type of fewer bits.
void roundElements(ElementType from, const void *elements, int64_t count,
                   ElementType to, void *rounded);

/// Stores `value`, which fits, rounded to the element type.
void fromDouble(ElementType type, double value, void *element);

/// Whether `to` holds the number `element` of type `from` without a change; if
/// so it is stored in `result`.
bool convertExactly(ElementType from, const void *element, ElementType to,
                    void *result);

/// The number with all of its digits, for messages.
std::string elementText(ElementType type, const void *element);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TENSOR_H
