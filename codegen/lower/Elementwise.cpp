// Elementwise ops: one line an op where arith or math has the same operation.
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

/// The element type of a value in the dialect's sense, which has signs.
static Type elementType(Value value) {
  return getElementTypeOrSelf(value.getType());
}

/// An op whose elements `body(b, op, scalars)` computes one by one.
template <typename Op, typename Body>
static void addBody(Lowerings &lowerings, Body body) {
  static_assert(Op::template hasTrait<Elementwise>(),
                "passes fuse what its record calls elementwise");
  lowerings.add<Op>(
      [body](KernelBuilder &b, Op op, ValueRange operands) -> FailureOr<Value> {
        return b.elementwise(resultType(op), operands,
                             [&](ImplicitLocOpBuilder &b, ValueRange x) {
                               return body(b, op, x);
                             });
      });
}

template <typename ScalarOp>
static Value createScalar(ImplicitLocOpBuilder &b, ValueRange x) {
  return ScalarOp::create(b, TypeRange(x[0].getType()), x,
                          ArrayRef<NamedAttribute>());
}

/// An op that is one scalar op, chosen by the type of its first operand.
template <typename Op, typename FloatOp, typename SignedOp = FloatOp,
          typename UnsignedOp = SignedOp>
static void addScalar(Lowerings &lowerings) {
  addBody<Op>(lowerings, [](ImplicitLocOpBuilder &b, Op op, ValueRange x) {
    Type type = elementType(op->getOperand(0));
    if (isa<FloatType>(type))
      return createScalar<FloatOp>(b, x);
    return type.isUnsignedInteger() ? createScalar<UnsignedOp>(b, x)
                                    : createScalar<SignedOp>(b, x);
  });
}

//===----------------------------------------------------------------------===//
// Ops that are more than one scalar op
//===----------------------------------------------------------------------===//

static Value isEqual(ImplicitLocOpBuilder &b, Value x, double number) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x,
                               scalarConstant(b, x.getType(), number));
}

/// Quotients of integers are defined everywhere, where machines trap or differ:
/// x / 0 is 0, and the smallest number divided by -1 wraps around to itself.
static Value divide(ImplicitLocOpBuilder &b, DivOp op, ValueRange x) {
  Type type = x[0].getType();
  if (isa<FloatType>(type))
    return arith::DivFOp::create(b, x[0], x[1]);
  bool isUnsigned = elementType(op.getLhs()).isUnsignedInteger();
  Value zero = scalarConstant(b, type, 0), one = scalarConstant(b, type, 1);
  Value isZero = isEqual(b, x[1], 0);
  Value divisor = arith::SelectOp::create(b, isZero, one, x[1]);
  if (isUnsigned)
    return arith::SelectOp::create(b, isZero, zero,
                                   arith::DivUIOp::create(b, x[0], divisor));
  Value isMinusOne = isEqual(b, x[1], -1);
  divisor = arith::SelectOp::create(b, isMinusOne, one, divisor);
  Value quotient = arith::DivSIOp::create(b, x[0], divisor);
  Value negative = arith::SubIOp::create(b, zero, quotient);
  quotient = arith::SelectOp::create(b, isMinusOne, negative, quotient);
  return arith::SelectOp::create(b, isZero, zero, quotient);
}

static Value negate(ImplicitLocOpBuilder &b, NegOp op, ValueRange x) {
  if (isa<FloatType>(x[0].getType()))
    return arith::NegFOp::create(b, x[0]);
  return arith::SubIOp::create(b, scalarConstant(b, x[0].getType(), 0), x[0]);
}

static Value absolute(ImplicitLocOpBuilder &b, AbsOp op, ValueRange x) {
  Type type = elementType(op.getX());
  if (isa<FloatType>(type))
    return math::AbsFOp::create(b, x[0]);
  return type.isUnsignedInteger() ? x[0] : Value(math::AbsIOp::create(b, x[0]));
}

/// Of what is between -1 and 0 the whole part is -0.
static Value truncate(ImplicitLocOpBuilder &b, TruncOp, ValueRange x) {
  Value zero = scalarConstant(b, x[0].getType(), 0);
  Value isNegative =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x[0], zero);
  return arith::SelectOp::create(b, isNegative, math::CeilOp::create(b, x[0]),
                                 math::FloorOp::create(b, x[0]));
}

/// -1, 0 or 1; a NaN stays one.
static Value sign(ImplicitLocOpBuilder &b, SignOp op, ValueRange x) {
  Type type = x[0].getType();
  Value zero = scalarConstant(b, type, 0);
  Value one = scalarConstant(b, type, 1);
  if (isa<FloatType>(type)) {
    Value unit = math::CopySignOp::create(b, one, x[0]);
    Value isOrdered =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, x[0], zero);
    // Zero and NaN are what they were, except that -0 is an honest zero.
    Value rest = arith::AddFOp::create(b, x[0], zero);
    return arith::SelectOp::create(b, isOrdered, unit, rest);
  }
  bool isUnsigned = elementType(op.getX()).isUnsignedInteger();
  Value minusOne = scalarConstant(b, type, -1);
  Value isPositive = arith::CmpIOp::create(
      b, isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt,
      x[0], zero);
  Value isZero = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x[0], zero);
  Value rest = arith::SelectOp::create(b, isZero, zero, minusOne);
  return arith::SelectOp::create(b, isPositive, one, rest);
}

/// 1 / (1 + e^-x): where x is so negative that e^-x is infinite, it is 0, as
/// it should be.
static Value sigmoid(ImplicitLocOpBuilder &b, SigmoidOp op, ValueRange x) {
  Value one = scalarConstant(b, x[0].getType(), 1);
  Value exponential = math::ExpOp::create(b, arith::NegFOp::create(b, x[0]));
  return arith::DivFOp::create(b, one,
                               arith::AddFOp::create(b, one, exponential));
}

static Value clamp(ImplicitLocOpBuilder &b, ClampOp op, ValueRange x) {
  Type type = x[0].getType();
  Value min = scalarConstant(b, type, op.getMin().convertToDouble());
  Value max = scalarConstant(b, type, op.getMax().convertToDouble());
  return arith::MinimumFOp::create(b, arith::MaximumFOp::create(b, x[0], min),
                                   max);
}

static Value compare(ImplicitLocOpBuilder &b, CompareOp op, ValueRange x) {
  // In the order of nnc::Predicate: eq, ne, lt, le, gt, ge. A comparison with
  // NaN is false, except that `ne` is true.
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  static constexpr F kFloat[] = {F::OEQ, F::UNE, F::OLT,
                                 F::OLE, F::OGT, F::OGE};
  static constexpr I kSigned[] = {I::eq, I::ne, I::slt, I::sle, I::sgt, I::sge};
  static constexpr I kUnsigned[] = {I::eq,  I::ne,  I::ult,
                                    I::ule, I::ugt, I::uge};
  auto predicate = static_cast<size_t>(op.getPredicate());
  Type type = elementType(op.getLhs());
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(b, kFloat[predicate], x[0], x[1]);
  return arith::CmpIOp::create(
      b, type.isUnsignedInteger() ? kUnsigned[predicate] : kSigned[predicate],
      x[0], x[1]);
}

static Value selectScalar(ImplicitLocOpBuilder &b, SelectOp op, ValueRange x) {
  return arith::SelectOp::create(b, x[0], x[1], x[2]);
}

static Value logicalNot(ImplicitLocOpBuilder &b, LogicalNotOp op,
                        ValueRange x) {
  return arith::XOrIOp::create(b, x[0], scalarConstant(b, b.getI1Type(), 1));
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// Whether an integer grows with zeros: unsigned ones and booleans.
static bool isZeroExtended(Type type) {
  return type.isUnsignedInteger() || type.isInteger(1);
}

static Value castToBool(ImplicitLocOpBuilder &b, Value x) {
  Value zero = scalarConstant(b, x.getType(), 0);
  if (isa<FloatType>(x.getType()))
    return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x, zero);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, zero);
}

static Value castToFloat(ImplicitLocOpBuilder &b, Value x, Type from, Type to) {
  if (auto fromFloat = dyn_cast<FloatType>(x.getType())) {
    if (fromFloat.getWidth() < to.getIntOrFloatBitWidth())
      return arith::ExtFOp::create(b, to, x);
    return narrow(b, x, to);
  }
  if (isZeroExtended(from))
    return arith::UIToFPOp::create(b, to, x);
  return arith::SIToFPOp::create(b, to, x);
}

/// Towards zero; beyond the integers of `type` the nearest of them, and 0 for
/// NaN. What a machine makes of those differs.
static Value roundToInteger(ImplicitLocOpBuilder &b, Value x, bool isUnsigned,
                            IntegerType type) {
  unsigned width = type.getWidth();
  APInt least =
      isUnsigned ? APInt::getMinValue(width) : APInt::getSignedMinValue(width);
  APInt largest =
      isUnsigned ? APInt::getMaxValue(width) : APInt::getSignedMaxValue(width);
  // Powers of two, or zero, which every float type holds.
  Value low = scalarConstant(b, x.getType(),
                             isUnsigned ? 0 : std::ldexp(-1.0, width - 1));
  Value end = scalarConstant(b, x.getType(),
                             std::ldexp(1.0, isUnsigned ? width : width - 1));
  using F = arith::CmpFPredicate;
  Value isLow = arith::CmpFOp::create(b, F::OLT, x, low);
  Value isHigh = arith::CmpFOp::create(b, F::OGE, x, end);
  Value isInside =
      arith::AndIOp::create(b, arith::CmpFOp::create(b, F::OGE, x, low),
                            arith::CmpFOp::create(b, F::OLT, x, end));
  Value inside = arith::SelectOp::create(b, isInside, x,
                                         scalarConstant(b, x.getType(), 0));
  Value rounded = isUnsigned ? Value(arith::FPToUIOp::create(b, type, inside))
                             : Value(arith::FPToSIOp::create(b, type, inside));
  auto constant = [&](const APInt &value) {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
  };
  rounded = arith::SelectOp::create(b, isHigh, constant(largest), rounded);
  return arith::SelectOp::create(b, isLow, constant(least), rounded);
}

static Value castToInteger(ImplicitLocOpBuilder &b, Value x, Type from,
                           Type to) {
  Type type = signlessType(to);
  if (isa<FloatType>(x.getType()))
    return roundToInteger(b, x, to.isUnsignedInteger(),
                          llvm::cast<IntegerType>(type));
  unsigned fromWidth = x.getType().getIntOrFloatBitWidth();
  unsigned toWidth = type.getIntOrFloatBitWidth();
  if (fromWidth == toWidth)
    return x;
  if (fromWidth > toWidth)
    return arith::TruncIOp::create(b, type, x);
  return isZeroExtended(from) ? Value(arith::ExtUIOp::create(b, type, x))
                              : Value(arith::ExtSIOp::create(b, type, x));
}

static Value castScalar(ImplicitLocOpBuilder &b, CastOp op, ValueRange x) {
  Type from = elementType(op.getX());
  Type to = elementType(op.getResult());
  if (from == to)
    return x[0];
  if (to.isInteger(1))
    return castToBool(b, x[0]);
  if (isa<FloatType>(to))
    return castToFloat(b, x[0], from, computeType(to));
  return castToInteger(b, x[0], from, to);
}

void nnc::addElementwiseLowerings(Lowerings &lowerings) {
  // Op, then the scalar op for floats, signed and unsigned integers.
  addScalar<AddOp, arith::AddFOp, arith::AddIOp>(lowerings);
  addScalar<SubOp, arith::SubFOp, arith::SubIOp>(lowerings);
  addScalar<MulOp, arith::MulFOp, arith::MulIOp>(lowerings);
  addScalar<PowOp, math::PowFOp>(lowerings);
  addScalar<MaximumOp, arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(
      lowerings);
  addScalar<MinimumOp, arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(
      lowerings);
  addScalar<ExpOp, math::ExpOp>(lowerings);
  addScalar<LogOp, math::LogOp>(lowerings);
  addScalar<Log1pOp, math::Log1pOp>(lowerings);
  addScalar<Expm1Op, math::ExpM1Op>(lowerings);
  addScalar<TanhOp, math::TanhOp>(lowerings);
  addScalar<ErfOp, math::ErfOp>(lowerings);
  addScalar<SqrtOp, math::SqrtOp>(lowerings);
  addScalar<RsqrtOp, math::RsqrtOp>(lowerings);
  addScalar<SinOp, math::SinOp>(lowerings);
  addScalar<CosOp, math::CosOp>(lowerings);
  addScalar<FloorOp, math::FloorOp>(lowerings);
  addScalar<CeilOp, math::CeilOp>(lowerings);
  addScalar<RoundOp, math::RoundEvenOp>(lowerings);
  addScalar<LogicalAndOp, arith::AndIOp>(lowerings);
  addScalar<LogicalOrOp, arith::OrIOp>(lowerings);

  addBody<DivOp>(lowerings, divide);
  addBody<NegOp>(lowerings, negate);
  addBody<AbsOp>(lowerings, absolute);
  addBody<SignOp>(lowerings, sign);
  addBody<TruncOp>(lowerings, truncate);
  addBody<SigmoidOp>(lowerings, sigmoid);
  addBody<ClampOp>(lowerings, clamp);
  addBody<CompareOp>(lowerings, compare);
  addBody<SelectOp>(lowerings, selectScalar);
  addBody<LogicalNotOp>(lowerings, logicalNot);
  addBody<CastOp>(lowerings, castScalar);

  lowerings.add<StopGradientOp>(
      [](KernelBuilder &, StopGradientOp, ValueRange x) -> FailureOr<Value> {
        return x[0];
      });
}
