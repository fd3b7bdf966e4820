// Elements of any type as numbers, and what follows from that.
#include "test/codegen/KernelBuffers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace mlir;
using namespace nnc::test;

int64_t nnc::test::numElements(ShapedType type, int64_t batch) {
  int64_t count = 1;
  for (int64_t size : type.getShape())
    count *= ShapedType::isDynamic(size) ? batch : size;
  return count;
}

int64_t nnc::test::elementBytes(ShapedType type) {
  return (type.getElementTypeBitWidth() + 7) / 8;
}

GuardedBuffer nnc::test::bufferFor(Type type, int64_t batch) {
  auto shaped = cast<ShapedType>(type);
  return GuardedBuffer(numElements(shaped, batch) * elementBytes(shaped));
}

double nnc::test::readElement(const uint8_t *data, Type type, int64_t index) {
  unsigned bits = type.getIntOrFloatBitWidth();
  int64_t bytes = (bits + 7) / 8;
  uint64_t raw = 0;
  std::memcpy(&raw, data + index * bytes, bytes);
  if (auto floatType = dyn_cast<FloatType>(type)) {
    llvm::APFloat value(floatType.getFloatSemantics(), llvm::APInt(bits, raw));
    bool losesInfo;
    value.convert(llvm::APFloat::IEEEdouble(),
                  llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return value.convertToDouble();
  }
  return static_cast<double>(llvm::SignExtend64(raw, bytes * 8));
}

static void writeElement(uint8_t *data, Type type, int64_t index,
                         double value) {
  unsigned bits = type.getIntOrFloatBitWidth();
  int64_t bytes = (bits + 7) / 8;
  uint64_t raw = static_cast<uint64_t>(static_cast<int64_t>(value));
  if (auto floatType = dyn_cast<FloatType>(type)) {
    llvm::APFloat converted(value);
    bool losesInfo;
    converted.convert(floatType.getFloatSemantics(),
                      llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    raw = converted.bitcastToAPInt().getZExtValue();
  }
  std::memcpy(data + index * bytes, &raw, bytes);
}

static double numberOf(Attribute attr) {
  if (auto integer = dyn_cast<IntegerAttr>(attr))
    return static_cast<double>(integer.getInt());
  return cast<FloatAttr>(attr).getValueAsDouble();
}

double nnc::test::roundTo(Type type, double value) {
  uint8_t bytes[sizeof(double)];
  writeElement(bytes, type, 0, value);
  return readElement(bytes, type, 0);
}

static std::pair<double, double> rangeOf(func::FuncOp kernel,
                                         unsigned argument) {
  if (auto range = kernel.getArgAttrOfType<ArrayAttr>(argument, "test.range"))
    return {numberOf(range[0]), numberOf(range[1])};
  Type element =
      cast<ShapedType>(kernel.getArgumentTypes()[argument]).getElementType();
  if (isa<FloatType>(element))
    return {-1.0, 1.0};
  return {0.0, element.isInteger(1) ? 1.0 : 3.0};
}

void nnc::test::fill(const GuardedBuffer &buffer, func::FuncOp kernel,
                     unsigned argument, int64_t batch, unsigned seed) {
  auto type = cast<ShapedType>(kernel.getArgumentTypes()[argument]);
  auto [low, high] = rangeOf(kernel, argument);
  std::mt19937_64 random(seed * 1000 + argument);
  std::uniform_real_distribution<double> uniform(low, high);
  std::uniform_int_distribution<int64_t> whole(static_cast<int64_t>(low),
                                               static_cast<int64_t>(high));
  bool isFloat = isa<FloatType>(type.getElementType());
  auto values = kernel.getArgAttrOfType<ArrayAttr>(argument, "test.values");
  for (int64_t i = 0, e = numElements(type, batch); i < e; ++i)
    if (values)
      writeElement(buffer.begin(), type.getElementType(), i,
                   numberOf(values[i % values.size()]));
    else
      writeElement(buffer.begin(), type.getElementType(), i,
                   isFloat ? uniform(random)
                           : static_cast<double>(whole(random)));
}

double nnc::test::ulpAt(double value, Type type) {
  auto floatType = dyn_cast<FloatType>(type);
  if (!floatType)
    return 1;
  const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
  int precision =
      static_cast<int>(llvm::APFloat::semanticsPrecision(semantics));
  int minExponent = llvm::APFloat::semanticsMinExponent(semantics);
  int exponent = value == 0 ? minExponent : std::ilogb(value);
  return std::ldexp(1.0, std::max(exponent, minExponent) - precision + 1);
}

bool nnc::test::areSame(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

nnc::test::Error nnc::test::compare(const Bytes &found, const Bytes &expected,
                                    Type type) {
  int64_t count = static_cast<int64_t>(expected.size()) /
                  ((type.getIntOrFloatBitWidth() + 7) / 8);
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = std::fabs(readElement(expected.data(), type, i));
    if (std::isfinite(value))
      largest = std::max(largest, value);
  }
  Error error;
  for (int64_t i = 0; i < count; ++i) {
    double a = readElement(found.data(), type, i);
    double b = readElement(expected.data(), type, i);
    if (areSame(a, b))
      continue;
    double difference = std::fabs(a - b);
    double ulp = difference / ulpAt(b, type);
    // A NaN or an infinity on one side only.
    if (!std::isfinite(difference))
      ulp = difference = std::numeric_limits<double>::infinity();
    double share = difference / std::max(largest, ulpAt(largest, type));
    if (share > error.share || error.worstIndex < 0) {
      error.worstIndex = i;
      error.found = a;
      error.expected = b;
    }
    error.ulp = std::max(error.ulp, ulp);
    error.share = std::max(error.share, share);
  }
  return error;
}
