// Values without operands: fills, and the indices of a loop.
#include "codegen/lower/Lowering.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace nnc;

/// A splat is a fill, which its users read as a scalar.
static FailureOr<Value> lowerConstant(KernelBuilder &b, ConstantOp op,
                                      ValueRange operands) {
  auto value = cast<DenseElementsAttr>(op.getValue());
  RankedTensorType type = resultType(op);
  if (!value.isSplat())
    return Value(arith::ConstantOp::create(
        b, DenseElementsAttr::getFromRawBuffer(type, value.getRawData())));
  Type scalar = type.getElementType();
  TypedAttr attribute =
      isa<FloatType>(scalar)
          ? cast<TypedAttr>(value.getSplatValue<FloatAttr>())
          : TypedAttr(b.getIntegerAttr(scalar, value.getSplatValue<APInt>()));
  return b.fill(type, arith::ConstantOp::create(b, attribute));
}

static FailureOr<Value> lowerIota(KernelBuilder &b, IotaOp op,
                                  ValueRange operands) {
  RankedTensorType type = resultType(op);
  int64_t axis = op.getAxis();
  return b.elementwise(
      type, {}, [&](ImplicitLocOpBuilder &b, ValueRange) -> Value {
        Value index = linalg::IndexOp::create(b, axis);
        Type scalar = type.getElementType();
        if (isa<IntegerType>(scalar))
          return arith::IndexCastOp::create(b, scalar, index);
        Value integer = arith::IndexCastOp::create(b, b.getI64Type(), index);
        return arith::SIToFPOp::create(b, computeType(scalar), integer);
      });
}

void nnc::addConstantLowerings(Lowerings &lowerings) {
  lowerings.add<ConstantOp>(lowerConstant);
  lowerings.add<IotaOp>(lowerIota);
}
