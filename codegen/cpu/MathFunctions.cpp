// Elementary functions as arithmetic. f32 uses upstream's approximations,
// except for sin, cos and pow, whose upstream forms lose thousands of units in
// the last place; those go by way of f64. f64 uses the functions below. Each
// reduces its argument, evaluates a polynomial whose truncation error is stated
// beside it, and undoes the reduction; rounding then dominates. Errors, in
// units in the last place (ulp), are the largest seen by
// test/codegen/cpu/math-functions.mlir against libm in long double.
//
// Everything is computed for all lanes of a vector and selected at the end,
// without branches, except that of large angles.
#include "codegen/cpu/MathFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

//===----------------------------------------------------------------------===//
// Arithmetic on f64 scalars and vectors, as expressions
//===----------------------------------------------------------------------===//

namespace {

using Builder = ImplicitLocOpBuilder;

/// A boolean for each lane.
struct Mask {
  Builder *b;
  Value value;

  Mask operator&(Mask other) const {
    return {b, arith::AndIOp::create(*b, value, other.value)};
  }
};

/// 64 bits for each lane.
struct Bits {
  Builder *b;
  Value value;

  Bits constant(uint64_t bits) const {
    Type type = value.getType();
    APInt integer(64, bits);
    if (auto vector = dyn_cast<VectorType>(type))
      return {b, arith::ConstantOp::create(
                     *b, DenseElementsAttr::get(vector, integer))};
    return {b, arith::ConstantOp::create(*b, b->getIntegerAttr(type, integer))};
  }
  Bits operator+(Bits other) const {
    return {b, arith::AddIOp::create(*b, value, other.value)};
  }
  Bits operator-(Bits other) const {
    return {b, arith::SubIOp::create(*b, value, other.value)};
  }
  Bits operator&(uint64_t mask) const {
    return {b, arith::AndIOp::create(*b, value, constant(mask).value)};
  }
  Bits operator|(uint64_t mask) const {
    return {b, arith::OrIOp::create(*b, value, constant(mask).value)};
  }
  Bits operator^(Bits other) const {
    return {b, arith::XOrIOp::create(*b, value, other.value)};
  }
  Bits operator<<(unsigned count) const {
    return {b, arith::ShLIOp::create(*b, value, constant(count).value)};
  }
  Bits operator>>(unsigned count) const {
    return {b, arith::ShRUIOp::create(*b, value, constant(count).value)};
  }
  Mask isZero() const {
    return {b, arith::CmpIOp::create(*b, arith::CmpIPredicate::eq, value,
                                     constant(0).value)};
  }
};

/// An f64 for each lane. A double becomes a constant of the same lanes.
struct Real {
  Builder *b;
  Value value;

  Real constant(double number) const {
    Type type = value.getType();
    if (auto vector = dyn_cast<VectorType>(type))
      return {b, arith::ConstantOp::create(
                     *b, DenseElementsAttr::get(vector, APFloat(number)))};
    return {b, arith::ConstantOp::create(*b, b->getF64FloatAttr(number))};
  }
  Bits bits() const {
    Type type = b->getI64Type();
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      type = vector.clone(type);
    return {b, arith::BitcastOp::create(*b, type, value)};
  }
  /// The number that `bits` encode.
  Real fromBits(Bits bits) const {
    return {b, arith::BitcastOp::create(*b, value.getType(), bits.value)};
  }
  Mask compare(arith::CmpFPredicate predicate, Real other) const {
    return {b, arith::CmpFOp::create(*b, predicate, value, other.value)};
  }
};

} // namespace

static Real operator+(Real lhs, Real rhs) {
  return {lhs.b, arith::AddFOp::create(*lhs.b, lhs.value, rhs.value)};
}
static Real operator-(Real lhs, Real rhs) {
  return {lhs.b, arith::SubFOp::create(*lhs.b, lhs.value, rhs.value)};
}
static Real operator*(Real lhs, Real rhs) {
  return {lhs.b, arith::MulFOp::create(*lhs.b, lhs.value, rhs.value)};
}
static Real operator/(Real lhs, Real rhs) {
  return {lhs.b, arith::DivFOp::create(*lhs.b, lhs.value, rhs.value)};
}
static Real operator+(Real lhs, double rhs) { return lhs + lhs.constant(rhs); }
static Real operator-(Real lhs, double rhs) { return lhs - lhs.constant(rhs); }
static Real operator*(Real lhs, double rhs) { return lhs * lhs.constant(rhs); }
static Real operator-(double lhs, Real rhs) { return rhs.constant(lhs) - rhs; }

// Comparisons are false where a side is NaN.
static Mask operator<(Real lhs, double rhs) {
  return lhs.compare(arith::CmpFPredicate::OLT, lhs.constant(rhs));
}
static Mask operator>(Real lhs, double rhs) {
  return lhs.compare(arith::CmpFPredicate::OGT, lhs.constant(rhs));
}
static Mask operator==(Real lhs, double rhs) {
  return lhs.compare(arith::CmpFPredicate::OEQ, lhs.constant(rhs));
}
static Mask operator==(Real lhs, Real rhs) {
  return lhs.compare(arith::CmpFPredicate::OEQ, rhs);
}

static Real select(Mask mask, Real then, Real otherwise) {
  return {mask.b, arith::SelectOp::create(*mask.b, mask.value, then.value,
                                          otherwise.value)};
}
static Real select(Mask mask, double then, Real otherwise) {
  return select(mask, otherwise.constant(then), otherwise);
}

/// a * b + c, rounded once where the target can.
static Real fma(Real lhs, Real rhs, Real addend) {
  return {lhs.b,
          math::FmaOp::create(*lhs.b, lhs.value, rhs.value, addend.value)};
}

static Real abs(Real x) { return {x.b, math::AbsFOp::create(*x.b, x.value)}; }

static Real floor(Real x) {
  return {x.b, math::FloorOp::create(*x.b, x.value)};
}

static Real copySign(Real magnitude, Real sign) {
  return {sign.b,
          math::CopySignOp::create(*sign.b, magnitude.value, sign.value)};
}

/// x within [low, high]; a NaN stays one.
static Real clamp(Real x, double low, double high) {
  Value above = arith::MaximumFOp::create(*x.b, x.value, x.constant(low).value);
  return {x.b, arith::MinimumFOp::create(*x.b, above, x.constant(high).value)};
}

/// The sum of coefficients[i] * x^i, by Horner's rule.
static Real polynomial(Real x, ArrayRef<double> coefficients) {
  Real sum = x.constant(coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, x.constant(coefficient));
  return sum;
}

/// 1 / (first)!, 1 / (first + step)!, ... with alternating signs if
/// `alternate`.
static SmallVector<double> inverseFactorials(unsigned first, unsigned step,
                                             unsigned count, bool alternate) {
  SmallVector<double> result;
  // Exact in long double up to 25!, so that each quotient is rounded once more
  // only.
  long double factorial = 1;
  for (unsigned i = 2; i <= first; ++i)
    factorial *= i;
  for (unsigned term = 0, n = first; term < count; ++term) {
    bool isNegative = alternate && term % 2 == 1;
    result.push_back(
        static_cast<double>((isNegative ? -1.0L : 1.0L) / factorial));
    for (unsigned i = 0; i < step; ++i)
      factorial *= ++n;
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Whole numbers and powers of two without conversions
//===----------------------------------------------------------------------===//

// Adding 1.5 * 2^52 rounds to a whole number, which then stands in the low
// bits. AVX2 has no conversion between f64 and i64.
static constexpr double kRoundingShift = 0x1.8p52;

namespace {

/// A whole number below 2^31 in magnitude, as a float and with its integer in
/// the low bits of `shifted`.
struct Whole {
  Real number;
  Real shifted;
};

} // namespace

/// The whole number nearest to x.
static Whole roundToWhole(Real x) {
  Real shifted = x + kRoundingShift;
  return {shifted - kRoundingShift, shifted};
}

/// 2^n for n from -1022 to 1023.
static Real powerOfTwo(Whole n) {
  return n.number.fromBits((n.shifted.bits() << 52) +
                           n.shifted.bits().constant(uint64_t(1023) << 52));
}

/// x * 2^n for any n: in two steps, each of which is representable.
static Real scale(Real x, Whole n) {
  Whole half = roundToWhole(n.number * 0.5);
  Whole rest = roundToWhole(n.number - half.number);
  return x * powerOfTwo(half) * powerOfTwo(rest);
}

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

// ln 2 in two parts, the first with 32 bits, so that its product with any n up
// to 2^20 is exact (fdlibm, e_exp.c).
static constexpr double kLn2High = 6.93147180369123816490e-01;
static constexpr double kLn2Low = 1.90821492927058770002e-10;

namespace {

/// x = n ln 2 + remainder, with |remainder| <= ln(2) / 2 = 0.3466.
struct ExponentParts {
  Whole n;
  Real remainder;
};

} // namespace

static ExponentParts splitExponent(Real x) {
  Whole n = roundToWhole(x * 1.44269504088896338700); // 1 / ln 2
  Real remainder = fma(n.number, x.constant(-kLn2High), x);
  remainder = fma(n.number, x.constant(-kLn2Low), remainder);
  return {n, remainder};
}

/// exp(r) - 1 for |r| <= 0.3466: r + r^2 / 2! + ... + r^13 / 13!. The first
/// term left out is at most r^14 / 14! < 5e-18 r.
static Real expm1OfRemainder(Real r) {
  Real tail = polynomial(r, inverseFactorials(2, 1, 12, false));
  return fma(r * r, tail, r);
}

/// exp: 1 ulp. Below exp(-745.13) is 0, above exp(709.78) infinity; both come
/// from the scaling.
static Real expF64(Real x) {
  ExponentParts parts = splitExponent(clamp(x, -760.0, 720.0));
  return scale(expm1OfRemainder(parts.remainder) + 1.0, parts.n);
}

/// expm1: 2 ulp. With x = n ln 2 + r: 2^n (exp(r) - 1) + (2^n - 1), in which
/// 2^n - 1 is exact where it matters. Half of it first, since 2^1024 overflows.
static Real expm1F64(Real x) {
  // exp(-60) is less than half a unit in the last place of 1.
  ExponentParts parts = splitExponent(clamp(x, -60.0, 720.0));
  Real q = expm1OfRemainder(parts.remainder);
  Whole previous = roundToWhole(parts.n.number - 1.0);
  // 2^1023 q + 2^1023 is already infinite where n > 1024.
  Whole limited = roundToWhole(clamp(previous.number, -1000.0, 1023.0));
  Real half = powerOfTwo(limited);
  Real result = fma(half, q, half - 0.5) * 2.0;
  result = select(x > 709.79, kInfinity, result);
  // q is r itself for tiny x, and so keeps the sign of a zero.
  return select(x == 0.0, x, result);
}

/// tanh: 3 ulp. With e = exp(2 |x|) - 1: e / (e + 2).
static Real tanhF64(Real x) {
  // tanh(22) rounds to 1.
  Real e = expm1F64(clamp(abs(x) * 2.0, 0.0, 60.0));
  return copySign(e / (e + 2.0), x);
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {

/// x = 2^exponent * (1 + fraction), with 1 + fraction in [sqrt(1/2), sqrt(2)).
struct LogarithmParts {
  Real exponent;
  Real fraction;
};

} // namespace

static LogarithmParts splitLogarithm(Real x) {
  Mask isSubnormal = x < 0x1p-1022;
  Real scaled = select(isSubnormal, x * 0x1p54, x);
  // Moves sqrt(1/2) to a power of two, so that the exponent's field counts from
  // there (musl, log.c).
  Bits offset = scaled.bits() - x.bits().constant(0x3fe6a09e667f3bcd);
  Bits field = (offset >> 52) & 0xfff;
  // The field is a signed number of 12 bits: its sign moves to the top of the
  // range by adding 2048, and 2^52 + field is written down as bits.
  Bits biased = ((field + field.constant(2048)) & 0xfff) | 0x4330000000000000;
  Real exponent = x.fromBits(biased) - (0x1p52 + 2048.0);
  Bits mantissa = scaled.bits() - (field << 52);
  Real shift = select(isSubnormal, x.constant(54.0), x.constant(0.0));
  return {exponent - shift, x.fromBits(mantissa) - 1.0};
}

/// log(1 + f) - 2 s, for s = f / (2 + f), as s * R(s^2): the odd series' rest.
/// Remez polynomial of fdlibm's e_log.c; error below 2^-58.45.
static Real logarithmRest(Real s) {
  Real z = s * s;
  return z * polynomial(z, {6.666666666666735130e-01, 3.999999999940941908e-01,
                            2.857142874366239149e-01, 2.222219843214978396e-01,
                            1.818357216161805012e-01, 1.531383769920937332e-01,
                            1.479819860511658591e-01});
}

/// What log makes of 0, infinity, negative numbers and NaN.
static Real withLogarithmLimits(Real x, Real result) {
  result = select(x == 0.0, -kInfinity, result);
  result = select(x == kInfinity, kInfinity, result);
  Mask isOutside = {x.b, arith::CmpFOp::create(*x.b, arith::CmpFPredicate::ULT,
                                               x.value, x.constant(0.0).value)};
  return select(isOutside, kNaN, result);
}

/// log for positive x: 1 ulp (fdlibm, e_log.c).
static Real logOfPositive(Real x) {
  LogarithmParts parts = splitLogarithm(x);
  Real f = parts.fraction;
  Real s = f / (f + 2.0);
  Real halfSquare = f * f * 0.5;
  Real correction =
      fma(s, halfSquare + logarithmRest(s), parts.exponent * kLn2Low);
  return fma(parts.exponent, x.constant(kLn2High),
             f - (halfSquare - correction));
}

static Real logF64(Real x) { return withLogarithmLimits(x, logOfPositive(x)); }

/// log1p: 2 ulp. log(u) + c / u, where u + c = 1 + x exactly (Goldberg 1991,
/// theorem 4 and its remark; Knuth's two-sum gives c).
static Real log1pF64(Real x) {
  Real u = x + 1.0;
  Real back = u - 1.0;
  Real c = (x - back) + (1.0 - (u - back));
  Real result = logOfPositive(u) + c / u;
  result = withLogarithmLimits(u, result);
  return select(x == 0.0, x, result);
}

//===----------------------------------------------------------------------===//
// Error function
//===----------------------------------------------------------------------===//

/// erf for |x| <= 1: the Taylor series, 2 / sqrt(pi) * sum of
/// (-1)^n x^(2n+1) / (n! (2n+1)); the first term left out is below 3e-18.
static Real erfOfSmall(Real x) {
  static constexpr unsigned kTerms = 18;
  SmallVector<double> coefficients;
  long double term = 1.12837916709551257389615890312154517L; // 2 / sqrt(pi)
  for (unsigned n = 0; n < kTerms; ++n) {
    coefficients.push_back(static_cast<double>(term / (2 * n + 1)));
    term /= -static_cast<long double>(n + 1);
  }
  return x * polynomial(x * x, coefficients);
}

/// erf for 1 <= x <= 6: 1 - exp(-x^2) q(t), with t = (2.2 x - 5.2) / (x + 2),
/// which maps [1, 6] to [-1, 1]. q is the Chebyshev interpolant of degree 14 of
/// exp(x^2) erfc(x), computed with 60 digits; the error of erf is below 9e-18.
static Real erfOfLarge(Real x) {
  Real t = (x * 2.2 - 5.2) / (x + 2.0);
  Real q = polynomial(
      t,
      {0.2214295402299318, -0.16189356804102537, 0.038560570425181566,
       -0.0055888162818258785, 0.00019713917776008889, 8.079220411804128e-05,
       -7.340518284999869e-06, -1.979561158209264e-06, 1.6350102372087984e-07,
       7.005170205475373e-08, -5.926361315281833e-10, -2.622350032514279e-09,
       -2.634243021000669e-10, 7.290508535165398e-11, 1.8620989806815163e-11});
  return 1.0 - expF64(0.0 - x * x) * q;
}

/// erf: 2 ulp. From 6 on it rounds to 1.
static Real erfF64(Real x) {
  Real magnitude = abs(x);
  Real large = erfOfLarge(clamp(magnitude, 1.0, 6.0));
  return select(magnitude < 1.0, erfOfSmall(x), copySign(large, x));
}

//===----------------------------------------------------------------------===//
// Sine and cosine
//===----------------------------------------------------------------------===//

// What the reduction by parts of pi / 2 is exact for.
static constexpr double kLargeAngle = 0x1p20;

namespace {

/// x = quadrant * pi / 2 + remainder, with |remainder| <= pi / 4.
struct AngleParts {
  Bits quadrant;
  Real remainder;
};

} // namespace

/// Cody and Waite's reduction with pi / 2 in three parts of 33 bits (fdlibm,
/// e_rem_pio2.c), for |x| up to 2^20.
static AngleParts splitSmallAngle(Real x) {
  Whole n = roundToWhole(x * 6.36619772367581382433e-01); // 2 / pi
  Real remainder = x;
  for (double part : {1.57079632673412561417e+00, 6.07710050630396597660e-11,
                      2.02226624879595063154e-21})
    remainder = fma(n.number, x.constant(-part), remainder);
  return {n.shifted.bits(), remainder};
}

/// 2 / pi: a word of zeros, then the first 1216 binary digits.
static constexpr uint64_t kTwoByPi[] = {0,
                                        0xa2f9836e4e441529,
                                        0xfc2757d1f534ddc0,
                                        0xdb6295993c439041,
                                        0xfe5163abdebbc561,
                                        0xb7246e3a424dd2e0,
                                        0x06492eea09d1921c,
                                        0xfe1deb1cb129a73e,
                                        0xe88235f52ebb4484,
                                        0xe99c7026b45f7e41,
                                        0x3991d639835339f4,
                                        0x9c845f8bbdf9283b,
                                        0x1ff897ffde05980f,
                                        0xef2f118b5a0a6d1f,
                                        0x6d367ecf27cb09b7,
                                        0x4f463f669e5fea2d,
                                        0x7527bac7ebe5f17b,
                                        0x3d0739f78a5292ea,
                                        0x6bfb5fb11f8d5d08,
                                        0x56033046fc7b6bab};

/// The 64 digits of 2 / pi that begin `offset` words and `shift` digits behind
/// those of `word`. `table` is kTwoByPi as a vector.
static Bits digitsOfTwoByPi(Value table, Bits word, Bits shift,
                            unsigned offset) {
  ImplicitLocOpBuilder &b = *word.b;
  auto at = [&](unsigned i) -> Bits {
    Value index = arith::IndexCastOp::create(b, b.getIndexType(),
                                             (word + word.constant(i)).value);
    return {&b, vector::ExtractOp::create(b, table, index)};
  };
  // In two steps, since a shift by 64 has no value.
  Bits rest = shift.constant(63) - shift;
  Value upper = arith::ShLIOp::create(b, at(offset).value, shift.value);
  Value lower =
      arith::ShRUIOp::create(b, (at(offset + 1) >> 1).value, rest.value);
  return {&b, arith::OrIOp::create(b, upper, lower)};
}

/// The reduction of one finite number beyond kLargeAngle (Payne and Hanek 1983,
/// doi:10.1145/1057600.1057602). |x| = m 2^e with an integer m of 53 bits, so
/// that only those digits of 2 / pi count in x 2 / pi modulo 4 whose weight
/// times 2^e is below 4: 192 of them leave an error of 2^-137, and no double is
/// nearer to a multiple of pi / 2 than 2^-62.
static AngleParts splitLargeAngle(Real x) {
  ImplicitLocOpBuilder &b = *x.b;
  auto type = VectorType::get(std::size(kTwoByPi), b.getI64Type());
  Value table = arith::ConstantOp::create(
      b, DenseElementsAttr::get(type, ArrayRef<uint64_t>(kTwoByPi)));
  Bits bits = x.bits();
  Bits integer = (bits & 0xfffffffffffff) | 0x10000000000000;
  // e is the exponent's field less 1075, and digit e - 1 the first that counts,
  // which is at 64 + (e - 1) - 1 in the table.
  Bits first = ((bits >> 52) & 0x7ff) - bits.constant(1013);
  Bits word = first >> 6, shift = first & 63;
  auto multiply = [&](unsigned offset) {
    Bits digits = digitsOfTwoByPi(table, word, shift, offset);
    return arith::MulUIExtendedOp::create(b, integer.value, digits.value);
  };
  auto high = multiply(0), middle = multiply(1), low = multiply(2);
  auto sum = arith::AddUIExtendedOp::create(b, middle.getLow(), low.getHigh());
  Value carry = arith::ExtUIOp::create(b, b.getI64Type(), sum.getOverflow());
  Bits fraction = {&b, sum.getSum()};
  Bits upper =
      Bits{&b, high.getLow()} + Bits{&b, middle.getHigh()} + Bits{&b, carry};
  // `upper` counts units of 2^-62: the nearest whole number is the quadrant.
  Bits quadrant = (upper + upper.constant(uint64_t(1) << 61)) >> 62;
  upper = upper - (quadrant << 62);
  auto signOf = [&](Bits bits) -> Bits {
    return {&b, arith::ShRSIOp::create(b, bits.value, bits.constant(63).value)};
  };
  Bits isBelow = signOf(upper), isNegative = signOf(bits);
  upper = upper ^ isBelow;
  fraction = fraction ^ isBelow;
  auto toReal = [&](Bits bits, double unit) {
    Value number = arith::SIToFPOp::create(b, b.getF64Type(), bits.value);
    return Real{&b, number} * unit;
  };
  // In two parts, the first without error, times pi / 2 in two parts.
  Real lead = toReal(upper & ~uint64_t(0x3ff), 0x1p-62);
  Real tail = toReal(upper & 0x3ff, 0x1p-62) + toReal(fraction >> 1, 0x1p-125);
  constexpr double kHalfPi = 1.57079632679489655800e+00;
  constexpr double kHalfPiLow = 6.12323399573676603587e-17;
  Real remainder = fma(lead, x.constant(kHalfPi),
                       fma(tail, x.constant(kHalfPi), lead * kHalfPiLow));
  // Of -x both are those of x, negative.
  Bits sign = ((isBelow ^ isNegative) >> 63) << 63;
  return {(quadrant ^ isNegative) - isNegative,
          x.fromBits(remainder.bits() ^ sign)};
}

static Mask isLargeAngle(Real x) {
  Real magnitude = abs(x);
  return (magnitude > kLargeAngle) & (magnitude < kInfinity);
}

/// The parts of one number, the large way where `mask` says so.
static AngleParts choose(Mask mask, Real x, const AngleParts &parts) {
  AngleParts large = splitLargeAngle(select(mask, x, x.constant(kLargeAngle)));
  Value quadrant = arith::SelectOp::create(
      *x.b, mask.value, large.quadrant.value, parts.quadrant.value);
  return {{x.b, quadrant}, select(mask, large.remainder, parts.remainder)};
}

/// `parts` with those lanes of the vector x replaced that are large, one after
/// another: hardly any are.
static AngleParts replaceLargeAngles(Mask mask, Real x,
                                     const AngleParts &parts) {
  ImplicitLocOpBuilder &b = *x.b;
  int64_t lanes = llvm::cast<VectorType>(x.value.getType()).getNumElements();
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value one = arith::ConstantIndexOp::create(b, 1);
  Value count = arith::ConstantIndexOp::create(b, lanes);
  auto loop = scf::ForOp::create(
      b, zero, count, one,
      ValueRange{parts.quadrant.value, parts.remainder.value},
      [&](OpBuilder &builder, Location loc, Value lane, ValueRange carried) {
        ImplicitLocOpBuilder inner(loc, builder);
        auto at = [&](Value vector) -> Value {
          return vector::ExtractOp::create(inner, vector, lane);
        };
        AngleParts own =
            choose({&inner, at(mask.value)}, {&inner, at(x.value)},
                   {{&inner, at(carried[0])}, {&inner, at(carried[1])}});
        Value quadrant = vector::InsertOp::create(inner, own.quadrant.value,
                                                  carried[0], lane);
        Value remainder = vector::InsertOp::create(inner, own.remainder.value,
                                                   carried[1], lane);
        scf::YieldOp::create(inner, ValueRange{quadrant, remainder});
      });
  return {{&b, loop.getResult(0)}, {&b, loop.getResult(1)}};
}

/// Of any finite x. Large numbers cost a branch, which ordinary ones do not
/// take.
static AngleParts splitAngle(Real x) {
  ImplicitLocOpBuilder &b = *x.b;
  AngleParts parts = splitSmallAngle(x);
  Mask mask = isLargeAngle(x);
  auto vectorType = dyn_cast<VectorType>(x.value.getType());
  Value isAnyLarge = mask.value;
  if (vectorType)
    isAnyLarge =
        vector::ReductionOp::create(b, vector::CombiningKind::OR, mask.value);
  auto yield = [](ImplicitLocOpBuilder &b, const AngleParts &parts) {
    scf::YieldOp::create(
        b, ValueRange{parts.quadrant.value, parts.remainder.value});
  };
  auto branch = scf::IfOp::create(
      b, isAnyLarge,
      [&](OpBuilder &builder, Location loc) {
        ImplicitLocOpBuilder inner(loc, builder);
        Mask innerMask = {&inner, mask.value};
        Real innerX = {&inner, x.value};
        yield(inner, vectorType ? replaceLargeAngles(innerMask, innerX, parts)
                                : choose(innerMask, innerX, parts));
      },
      [&](OpBuilder &builder, Location loc) {
        ImplicitLocOpBuilder inner(loc, builder);
        yield(inner, parts);
      });
  return {{&b, branch.getResult(0)}, {&b, branch.getResult(1)}};
}

/// sin(r) for |r| <= pi / 4: the Taylor series to r^17 / 17!; the first term
/// left out is below 1e-19.
static Real sinOfRemainder(Real r) {
  Real z = r * r;
  return fma(r * z, polynomial(z, inverseFactorials(3, 2, 8, true)) * -1.0, r);
}

/// cos(r) for |r| <= pi / 4, to r^18 / 18!; the first term left out is below
/// 4e-21.
static Real cosOfRemainder(Real r) {
  Real z = r * r;
  Real tail = polynomial(z, inverseFactorials(4, 2, 8, true));
  Real half = z * 0.5;
  Real lead = 1.0 - half;
  // What rounding took from 1 - z / 2 is added back (fdlibm, k_cos.c).
  Real lost = (1.0 - lead) - half;
  return lead + fma(z * z, tail, lost);
}

/// The sine in quadrant 0, its cosine in 1, minus both in 2 and 3.
static Real sineInQuadrant(Bits quadrant, Real r) {
  Real result =
      select((quadrant & 1).isZero(), sinOfRemainder(r), cosOfRemainder(r));
  Bits sign = (quadrant & 2) << 62;
  return result.fromBits(result.bits() ^ sign);
}

/// sin: 2 ulp, for |x| <= 2^20 relative to max(|sin x|, 2^-53 |x|).
static Real sinF64(Real x) {
  AngleParts parts = splitAngle(x);
  return sineInQuadrant(parts.quadrant, parts.remainder);
}

static Real cosF64(Real x) {
  AngleParts parts = splitAngle(x);
  Bits next = parts.quadrant + parts.quadrant.constant(1);
  return sineInQuadrant(next, parts.remainder);
}

//===----------------------------------------------------------------------===//
// Powers
//===----------------------------------------------------------------------===//

namespace {

/// high + low, with |low| at most half a unit in the last place of high.
struct DoubleReal {
  Real high;
  Real low;
};

} // namespace

/// The upper 26 bits of x (Veltkamp 1968): products of such halves are exact,
/// with or without a fused multiply-add.
static Real upperHalf(Real x) {
  Real scaled = x * 134217729.0; // 2^27 + 1
  return scaled - (scaled - x);
}

/// lhs * rhs without error (Dekker 1971).
static DoubleReal exactProduct(Real lhs, Real rhs) {
  Real product = lhs * rhs;
  Real lhsHigh = upperHalf(lhs), rhsHigh = upperHalf(rhs);
  Real lhsLow = lhs - lhsHigh, rhsLow = rhs - rhsHigh;
  Real error =
      ((lhsHigh * rhsHigh - product) + lhsHigh * rhsLow + lhsLow * rhsHigh) +
      lhsLow * rhsLow;
  return {product, error};
}

/// lhs + rhs without error (Knuth, TAOCP vol. 2, 4.2.2, theorem B).
static DoubleReal exactSum(Real lhs, Real rhs) {
  Real sum = lhs + rhs;
  Real back = sum - lhs;
  return {sum, (lhs - (sum - back)) + (rhs - back)};
}

/// log of positive x with some 12 bits more than f64 has: 2 s is kept in two
/// parts, and the rest of the series is at most 1 % of it.
static DoubleReal logInTwoParts(Real x) {
  LogarithmParts parts = splitLogarithm(x);
  Real f = parts.fraction;
  DoubleReal divisor = exactSum(f, f.constant(2.0));
  Real s = f / divisor.high;
  DoubleReal product = exactProduct(s, divisor.high);
  Real sLow =
      ((f - product.high) - product.low - s * divisor.low) / divisor.high;
  Real rest = s * logarithmRest(s);
  // exponent * kLn2High is exact.
  DoubleReal sum = exactSum(parts.exponent * kLn2High, s * 2.0);
  Real low = sum.low + (rest + (sLow * 2.0 + parts.exponent * kLn2Low));
  return exactSum(sum.high, low);
}

/// exp(y log x) for positive x, finite log. The product's low part multiplies
/// the result by 1 + low.
static Real powOfPositive(Real x, Real y) {
  DoubleReal logarithm = logInTwoParts(x);
  // 1e150 leaves exactProduct room; such a y gives 0, 1 or infinity anyhow.
  Real exponent = clamp(y, -1e150, 1e150);
  DoubleReal product = exactProduct(logarithm.high, exponent);
  Real low = fma(logarithm.low, exponent, product.low);
  Real high = clamp(product.high, -760.0, 720.0);
  ExponentParts parts = splitExponent(high);
  // Where high was clamped, low says nothing.
  low = select(high == product.high, low, low.constant(0.0));
  Real q = expm1OfRemainder(parts.remainder);
  return scale((q + 1.0) + fma(q, low, low), parts.n);
}

/// pow as C has it (C11, F.9.4.4). 3 ulp for |y| <= 100; y multiplies what
/// error the logarithm's rest has, about 1e-18, so that 10 ulp are possible
/// where the result is near overflow.
static Real powF64(Real x, Real y) {
  Real magnitude = abs(x);
  Real result = powOfPositive(magnitude, y);
  Mask growsToInfinity = y > 0.0;
  Real ofZero = select(growsToInfinity, x.constant(0.0), x.constant(kInfinity));
  Real ofInfinity =
      select(growsToInfinity, x.constant(kInfinity), x.constant(0.0));
  result = select(magnitude == 0.0, ofZero, result);
  result = select(magnitude == kInfinity, ofInfinity, result);
  result = select(magnitude == 1.0, 1.0, result);

  Real whole = floor(y), halfWhole = floor(y * 0.5);
  Mask isWhole = whole == y;
  Mask isEven = (halfWhole * 2.0) == y;
  Real ofWhole = select(isEven, result, copySign(result, x));
  Real ofNegative = select(isWhole, ofWhole, result);
  Mask isNegative = {x.b, (x.bits() >> 63).isZero().value};
  result = select(isNegative, result, ofNegative);
  Real ofFraction = select(isWhole, result, result.constant(kNaN));
  Mask isFiniteNegative = (x < 0.0) & (x > -kInfinity);
  result = select(isFiniteNegative, ofFraction, result);

  Mask hasNaN = x.compare(arith::CmpFPredicate::UNO, y);
  result = select(hasNaN, kNaN, result);
  result = select(x == 1.0, 1.0, result);
  return select(y == 0.0, 1.0, result);
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

template <typename Op, Real (*function)(Real)>
struct ExpandF64 : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    Builder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, function({&b, op->getOperand(0)}).value);
    return success();
  }
};

/// f32 by way of f64, where no approximation in f32 is good enough: the
/// double's 29 bits more absorb every rounding, so that the result is right to
/// half a unit in the last place.
template <typename Op> struct ExpandInF64 : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op,
                                PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (getElementTypeOrSelf(type).isF64())
      return rewriter.notifyMatchFailure(op, "is f64 already");
    Location loc = op.getLoc();
    Type wide = rewriter.getF64Type();
    if (auto vector = dyn_cast<VectorType>(type))
      wide = vector.clone(wide);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(arith::ExtFOp::create(rewriter, loc, wide, operand));
    Value result = Op::create(rewriter, loc, wide, operands);
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, type, result);
    return success();
  }
};

struct ExpandPowF64 : OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op,
                                PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF64())
      return rewriter.notifyMatchFailure(op, "not f64");
    Builder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, powF64({&b, op.getLhs()}, {&b, op.getRhs()}).value);
    return success();
  }
};

} // namespace

void nnc::populateMathFunctionPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  // Before upstream's, which take f32 alone.
  const PatternBenefit kOwn(2);
  patterns
      .add<ExpandF64<math::ExpOp, expF64>, ExpandF64<math::ExpM1Op, expm1F64>,
           ExpandF64<math::TanhOp, tanhF64>, ExpandF64<math::LogOp, logF64>,
           ExpandF64<math::Log1pOp, log1pF64>, ExpandF64<math::ErfOp, erfF64>,
           ExpandF64<math::SinOp, sinF64>, ExpandF64<math::CosOp, cosF64>,
           ExpandPowF64>(context, kOwn);
  patterns.add<ExpandInF64<math::SinOp>, ExpandInF64<math::CosOp>,
               ExpandInF64<math::PowFOp>>(context, kOwn);
  populateMathPolynomialApproximationPatterns(patterns);
}
