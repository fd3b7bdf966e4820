// Sine and cosine of any angle: the nearest multiple of pi / 2 is taken off,
// and what is left goes through a series.
#include "codegen/cpu/MathAngles.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;
using namespace nnc::reals;

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

Real nnc::sinF64(Real x) {
  AngleParts parts = splitAngle(x);
  return sineInQuadrant(parts.quadrant, parts.remainder);
}

Real nnc::cosF64(Real x) {
  AngleParts parts = splitAngle(x);
  Bits next = parts.quadrant + parts.quadrant.constant(1);
  return sineInQuadrant(next, parts.remainder);
}
