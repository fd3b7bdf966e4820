// Element types: sizes, names, and the conversion and range of each.
#include "runtime/Tensor.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <cstring>

using namespace nnc::runtime;

TEST(Tensor, NumElementsRefusesOverflow) {
  EXPECT_EQ(numElements({2, -1, 3}, 5), 30);
  EXPECT_EQ(numElements({}), 1);
  EXPECT_EQ(numElements({INT64_MAX, 2}), std::nullopt);
  EXPECT_EQ(numElements({-2}), std::nullopt);
}

TEST(Tensor, Describes) {
  EXPECT_EQ(describe(ElementType::U8, {-1, 28, 28}), "u8[batch, 28, 28]");
  EXPECT_EQ(describe(ElementType::F32, {}), "f32[]");
}

// All 65536 halves, but for the NaNs, survive the way to double and back.
TEST(Tensor, HalvesRoundTrip) {
  for (ElementType type : {ElementType::F16, ElementType::BF16})
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      uint16_t half = bits, back;
      double value = toDouble(type, &half);
      if (std::isnan(value))
        continue;
      fromDouble(type, value, &back);
      ASSERT_EQ(half, back) << name(type) << " " << bits;
    }
}

TEST(Tensor, HalvesRoundToEven) {
  uint16_t half;
  fromDouble(ElementType::F16, 1 + 0x1p-11, &half);
  EXPECT_EQ(half, 0x3c00);
  fromDouble(ElementType::F16, 1 + 3 * 0x1p-11, &half);
  EXPECT_EQ(half, 0x3c02);
  fromDouble(ElementType::F16, 65520, &half);
  EXPECT_EQ(half, 0x7c00);
}

// Counted as the C library's test of the value says, for all the halves.
TEST(Tensor, CountsWhatIsNotFinite) {
  for (ElementType type : {ElementType::F16, ElementType::BF16}) {
    std::vector<uint16_t> halves(0x10000);
    int64_t expected = 0;
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      halves[bits] = bits;
      expected += !std::isfinite(toDouble(type, &halves[bits]));
    }
    EXPECT_GT(expected, 0);
    EXPECT_EQ(countNonFinite(type, halves.data(), halves.size()), expected);
  }
  const float f32[] = {0, NAN, FLT_MAX, -INFINITY, FLT_TRUE_MIN};
  EXPECT_EQ(countNonFinite(ElementType::F32, f32, 5), 2);
  const double f64[] = {-NAN, DBL_MAX, INFINITY, -DBL_TRUE_MIN, -0.0};
  EXPECT_EQ(countNonFinite(ElementType::F64, f64, 5), 2);
  const int32_t i32[] = {0x7f800000};
  EXPECT_EQ(countNonFinite(ElementType::I32, i32, 1), 0);
}

// A finite number does not become infinite by being stored; infinities stay.
TEST(Tensor, FloatsHaveRanges) {
  const struct {
    ElementType type;
    double largest, beyond;
  } ranges[] = {
      {ElementType::F32, FLT_MAX, 0x1.ffffffp127},
      {ElementType::F16, 65519.99, 65520},
      {ElementType::BF16, 0x1.fep127, 0x1.ffp127},
      {ElementType::F32, 0x1.fffffep127, 1e300},
  };
  for (auto [type, largest, beyond] : ranges)
    for (double sign : {1.0, -1.0}) {
      EXPECT_TRUE(fits(type, sign * largest)) << name(type);
      EXPECT_FALSE(fits(type, sign * beyond)) << name(type);
      EXPECT_TRUE(fits(type, sign * INFINITY)) << name(type);
    }
  EXPECT_TRUE(fits(ElementType::F64, DBL_MAX));
  EXPECT_TRUE(fits(ElementType::F32, 1e-300));
}

TEST(Tensor, IntegersHaveRanges) {
  EXPECT_TRUE(fits(ElementType::U8, 255));
  EXPECT_FALSE(fits(ElementType::U8, 256));
  EXPECT_FALSE(fits(ElementType::U8, 0.5));
  EXPECT_FALSE(fits(ElementType::I32, NAN));
  EXPECT_TRUE(fits(ElementType::F32, NAN));
  EXPECT_FALSE(fits(ElementType::I64, 0x1p63));
}
