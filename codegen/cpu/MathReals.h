// Arithmetic on f64 scalars and vectors as C++ spells it, for functions that
// are written as their formulas.
#ifndef NNC_CODEGEN_CPU_MATHREALS_H
#define NNC_CODEGEN_CPU_MATHREALS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <limits>

namespace nnc::reals {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A boolean for each lane.
struct Mask {
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value value;

  Mask operator&(Mask other) const {
    return {b, mlir::arith::AndIOp::create(*b, value, other.value)};
  }
};

/// 64 bits for each lane.
struct Bits {
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value value;

  Bits constant(uint64_t bits) const {
    mlir::Type type = value.getType();
    llvm::APInt integer(64, bits);
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(type))
      return {b, mlir::arith::ConstantOp::create(
                     *b, mlir::DenseElementsAttr::get(vector, integer))};
    return {b, mlir::arith::ConstantOp::create(
                   *b, b->getIntegerAttr(type, integer))};
  }
  Bits operator+(Bits other) const {
    return {b, mlir::arith::AddIOp::create(*b, value, other.value)};
  }
  Bits operator-(Bits other) const {
    return {b, mlir::arith::SubIOp::create(*b, value, other.value)};
  }
  Bits operator&(uint64_t mask) const {
    return {b, mlir::arith::AndIOp::create(*b, value, constant(mask).value)};
  }
  Bits operator|(uint64_t mask) const {
    return {b, mlir::arith::OrIOp::create(*b, value, constant(mask).value)};
  }
  Bits operator^(Bits other) const {
    return {b, mlir::arith::XOrIOp::create(*b, value, other.value)};
  }
  Bits operator<<(unsigned count) const {
    return {b, mlir::arith::ShLIOp::create(*b, value, constant(count).value)};
  }
  Bits operator>>(unsigned count) const {
    return {b, mlir::arith::ShRUIOp::create(*b, value, constant(count).value)};
  }
  Mask isZero() const {
    return {b, mlir::arith::CmpIOp::create(*b, mlir::arith::CmpIPredicate::eq,
                                           value, constant(0).value)};
  }
};

/// An f64 for each lane. A double becomes a constant of the same lanes.
struct Real {
  mlir::ImplicitLocOpBuilder *b;
  mlir::Value value;

  Real constant(double number) const {
    mlir::Type type = value.getType();
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(type))
      return {b, mlir::arith::ConstantOp::create(
                     *b, mlir::DenseElementsAttr::get(vector,
                                                      llvm::APFloat(number)))};
    return {b, mlir::arith::ConstantOp::create(*b, b->getF64FloatAttr(number))};
  }
  Bits bits() const {
    mlir::Type type = b->getI64Type();
    if (auto vector = llvm::dyn_cast<mlir::VectorType>(value.getType()))
      type = vector.clone(type);
    return {b, mlir::arith::BitcastOp::create(*b, type, value)};
  }
  /// The number that `bits` encode.
  Real fromBits(Bits bits) const {
    return {b, mlir::arith::BitcastOp::create(*b, value.getType(), bits.value)};
  }
  Mask compare(mlir::arith::CmpFPredicate predicate, Real other) const {
    return {b, mlir::arith::CmpFOp::create(*b, predicate, value, other.value)};
  }
};

inline Real operator+(Real lhs, Real rhs) {
  return {lhs.b, mlir::arith::AddFOp::create(*lhs.b, lhs.value, rhs.value)};
}
inline Real operator-(Real lhs, Real rhs) {
  return {lhs.b, mlir::arith::SubFOp::create(*lhs.b, lhs.value, rhs.value)};
}
inline Real operator*(Real lhs, Real rhs) {
  return {lhs.b, mlir::arith::MulFOp::create(*lhs.b, lhs.value, rhs.value)};
}
inline Real operator/(Real lhs, Real rhs) {
  return {lhs.b, mlir::arith::DivFOp::create(*lhs.b, lhs.value, rhs.value)};
}
inline Real operator+(Real lhs, double rhs) { return lhs + lhs.constant(rhs); }
inline Real operator-(Real lhs, double rhs) { return lhs - lhs.constant(rhs); }
inline Real operator*(Real lhs, double rhs) { return lhs * lhs.constant(rhs); }
inline Real operator-(double lhs, Real rhs) { return rhs.constant(lhs) - rhs; }

// Comparisons are false where a side is NaN.
inline Mask operator<(Real lhs, double rhs) {
  return lhs.compare(mlir::arith::CmpFPredicate::OLT, lhs.constant(rhs));
}
inline Mask operator>(Real lhs, double rhs) {
  return lhs.compare(mlir::arith::CmpFPredicate::OGT, lhs.constant(rhs));
}
inline Mask operator==(Real lhs, double rhs) {
  return lhs.compare(mlir::arith::CmpFPredicate::OEQ, lhs.constant(rhs));
}
inline Mask operator==(Real lhs, Real rhs) {
  return lhs.compare(mlir::arith::CmpFPredicate::OEQ, rhs);
}

inline Real select(Mask mask, Real then, Real otherwise) {
  return {mask.b, mlir::arith::SelectOp::create(*mask.b, mask.value, then.value,
                                                otherwise.value)};
}
inline Real select(Mask mask, double then, Real otherwise) {
  return select(mask, otherwise.constant(then), otherwise);
}

/// a * b + c, rounded once where the target can.
inline Real fma(Real lhs, Real rhs, Real addend) {
  return {lhs.b, mlir::math::FmaOp::create(*lhs.b, lhs.value, rhs.value,
                                           addend.value)};
}

inline Real abs(Real x) {
  return {x.b, mlir::math::AbsFOp::create(*x.b, x.value)};
}

inline Real floor(Real x) {
  return {x.b, mlir::math::FloorOp::create(*x.b, x.value)};
}

inline Real copySign(Real magnitude, Real sign) {
  return {sign.b,
          mlir::math::CopySignOp::create(*sign.b, magnitude.value, sign.value)};
}

/// x within [low, high]; a NaN stays one.
inline Real clamp(Real x, double low, double high) {
  mlir::Value above =
      mlir::arith::MaximumFOp::create(*x.b, x.value, x.constant(low).value);
  return {x.b,
          mlir::arith::MinimumFOp::create(*x.b, above, x.constant(high).value)};
}

/// The sum of coefficients[i] * x^i, by Horner's rule.
inline Real polynomial(Real x, llvm::ArrayRef<double> coefficients) {
  Real sum = x.constant(coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = fma(sum, x, x.constant(coefficient));
  return sum;
}

/// 1 / (first)!, 1 / (first + step)!, ... with alternating signs if
/// `alternate`.
inline llvm::SmallVector<double> inverseFactorials(unsigned first,
                                                   unsigned step,
                                                   unsigned count,
                                                   bool alternate) {
  llvm::SmallVector<double> result;
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
inline constexpr double kRoundingShift = 0x1.8p52;

/// A whole number below 2^31 in magnitude, as a float and with its integer in
/// the low bits of `shifted`.
struct Whole {
  Real number;
  Real shifted;
};

/// The whole number nearest to x.
inline Whole roundToWhole(Real x) {
  Real shifted = x + kRoundingShift;
  return {shifted - kRoundingShift, shifted};
}

/// 2^n for n from -1022 to 1023.
inline Real powerOfTwo(Whole n) {
  return n.number.fromBits((n.shifted.bits() << 52) +
                           n.shifted.bits().constant(uint64_t(1023) << 52));
}

/// x * 2^n for any n: in two steps, each of which is representable.
inline Real scale(Real x, Whole n) {
  Whole half = roundToWhole(n.number * 0.5);
  Whole rest = roundToWhole(n.number - half.number);
  return x * powerOfTwo(half) * powerOfTwo(rest);
}

} // namespace nnc::reals

#endif // NNC_CODEGEN_CPU_MATHREALS_H
