// Chooses which ops of a model compute in 16 bits, as `precision` in its recipe
// asks and their records allow: products and what lies between them do, where
// it halves the memory traffic; sums, normalisations, losses and metrics keep
// 32 bits, and so do parameters, their gradients and the optimizer's state. The
// choice is made on the model as written, so that the backward pass, evaluation
// and prediction follow it.
#include "passes/Passes.h"

#include "ir/Ops.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_LOWERPRECISIONPASS
#include "passes/Passes.h.inc"

namespace {

/// What `precision` of a model asks for, op by op.
class Lowering {
public:
  Lowering(ModelOp model, FloatType low)
      : model(model), low(low), full(Float32Type::get(low.getContext())) {}

  LogicalResult run();

private:
  LogicalResult convert(Operation *op);
  FloatType typeFor(Operation *op) const;
  Value as(FloatType type, Value value, Location loc);
  void narrow(Value result);

  ModelOp model;
  FloatType low, full;
  /// What each value is in the other type.
  llvm::DenseMap<Value, Value> others;
};

} // namespace

static FloatType floatTypeOf(Value value) {
  return dyn_cast<FloatType>(getElementTypeOrSelf(value.getType()));
}

static Precision precisionOf(Operation *op) {
  auto described = dyn_cast<Described>(op);
  return described ? described.getSignature().precision : Precision::Full;
}

/// The type that the operands of `op` are to have.
FloatType Lowering::typeFor(Operation *op) const {
  switch (precisionOf(op)) {
  case Precision::Low:
    return low;
  case Precision::Follow:
    return llvm::any_of(op->getOperands(),
                        [&](Value x) { return floatTypeOf(x) == low; })
               ? low
               : full;
  case Precision::Full:
  case Precision::Inner:
    return full;
  }
  llvm_unreachable("an op has one of three precisions");
}

Value Lowering::as(FloatType type, Value value, Location loc) {
  FloatType from = floatTypeOf(value);
  if (from == type || (from != low && from != full))
    return value;
  Value &other = others[value];
  if (other)
    return other;
  OpBuilder builder(model.getContext());
  // Beside the value, where every user sees it.
  builder.setInsertionPointAfterValue(value);
  Value made = CastOp::create(builder, loc, value, TypeAttr::get(type));
  other = made;
  others[made] = value;
  return made;
}

/// Has the users of a result read it in 16 bits.
void Lowering::narrow(Value result) {
  OpBuilder builder(model.getContext());
  builder.setInsertionPointAfterValue(result);
  auto cast =
      CastOp::create(builder, result.getLoc(), result, TypeAttr::get(low));
  result.replaceAllUsesExcept(cast, cast);
}

LogicalResult Lowering::convert(Operation *op) {
  // What has no result states something of the model: a loss, an output.
  FloatType type = typeFor(op);
  bool isNarrowed = precisionOf(op) == Precision::Inner &&
                    floatTypeOf(op->getOperand(0)) == low;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(as(type, operand, op->getLoc()));
  op->setOperands(operands);
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  if (!inference)
    return success();
  SmallVector<Type> types;
  if (failed(inference.inferReturnTypes(
          op->getContext(), op->getLoc(), operands, op->getAttrDictionary(),
          op->getPropertiesStorage(), op->getRegions(), types)))
    return failure();
  for (auto [result, inferred] : llvm::zip(op->getResults(), types))
    result.setType(inferred);
  if (isNarrowed)
    narrow(op->getResult(0));
  return success();
}

LogicalResult Lowering::run() {
  for (Operation &op : llvm::make_early_inc_range(model.getBody().front()))
    // A cast says what it converts to.
    if (!isa<CastOp>(op) && failed(convert(&op)))
      return failure();
  return success();
}

namespace {
struct LowerPrecisionPass : impl::LowerPrecisionPassBase<LowerPrecisionPass> {
  void runOnOperation() override {
    for (auto model : getOperation().getOps<ModelOp>()) {
      auto precision =
          dyn_cast_or_null<TypeAttr>(model.getRecipe().get("precision"));
      auto type =
          precision ? dyn_cast<FloatType>(precision.getValue()) : FloatType();
      if (type && type.getWidth() == 16 && failed(Lowering(model, type).run()))
        return signalPassFailure();
    }
  }
};
} // namespace

} // namespace nnc
