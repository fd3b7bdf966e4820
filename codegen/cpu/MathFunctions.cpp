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

#include "codegen/cpu/MathAngles.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nnc;
using namespace nnc::reals;

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
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
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
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
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
