// Values at one position, and copies of ops for them.
#include "passes/SequenceStep.h"

#include "passes/EntryPoints.h"

#include "ir/Expr.h"
#include "ir/Initializer.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

/// A value is followed through so many ops to find it at one position; from
/// there on it is computed for all, and one is read.
static constexpr unsigned kMostOpsFollowed = 32;

SequenceStep::SequenceStep(ModuleOp module, func::FuncOp step,
                           int64_t sequences, int64_t length)
    : module(module), builder(OpBuilder::atBlockEnd(&step.front())),
      sequences(sequences), length(length) {}

void SequenceStep::mapWhole(Value value, Value replacement) {
  wholes[value] = replacement;
}

void SequenceStep::mapStepped(Value value, AtPosition at) {
  stepped[value] = at;
}

LogicalResult SequenceStep::refuse(Operation &op, const Twine &why) {
  return OpSite(op.getLoc(), op.getName().stripDialect()).error()
         << "cannot be computed token by token: " << why;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

ParameterOp SequenceStep::declareState(const Twine &name, RankedTensorType type,
                                       Location loc) {
  OpBuilder b = OpBuilder::atBlockBegin(module.getBody());
  for (auto parameter : module.getOps<ParameterOp>())
    b.setInsertionPointAfter(parameter);
  return ParameterOp::create(b, loc, b.getStringAttr(name), TypeAttr::get(type),
                             makeInitializer(b.getContext(), "zeros", {}),
                             RoleAttr::get(b.getContext(), Role::generation));
}

Value SequenceStep::position() {
  if (positionValue)
    return positionValue;
  auto type = RankedTensorType::get({}, builder.getI32Type());
  Location loc = builder.getBlock()->getParentOp()->getLoc();
  declareState(kPositionName, type, loc);
  OpBuilder atStart = OpBuilder::atBlockBegin(builder.getBlock());
  return positionValue = ReadOp::create(atStart, loc, type, kPositionName);
}

void SequenceStep::finish() {
  if (!positionValue)
    return;
  ImplicitLocOpBuilder b(positionValue.getLoc(), builder);
  AssignOp::create(b, kPositionName, Value(Expr(b, positionValue) + 1.0));
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

LogicalResult SequenceStep::inferTypes(Operation *op) {
  auto inference = dyn_cast<InferTypeOpInterface>(op);
  if (!inference)
    return success();
  SmallVector<Type> types;
  if (failed(inference.inferReturnTypes(
          op->getContext(), op->getLoc(), op->getOperands(),
          op->getAttrDictionary(), op->getPropertiesStorage(), op->getRegions(),
          types)))
    return failure();
  for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
    result.setType(type);
  return success();
}

void SequenceStep::fixBatch(Operation *op) {
  for (StringRef name : {"shape", "sizes"}) {
    auto sizes = op->getAttrOfType<DenseI64ArrayAttr>(name);
    if (!sizes)
      continue;
    auto known = llvm::to_vector(sizes.asArrayRef());
    llvm::replace(known, int64_t(-1), sequences);
    op->setAttr(name, builder.getDenseI64ArrayAttr(known));
  }
}

Operation *SequenceStep::copy(Operation &op, ValueRange operands,
                              ArrayRef<NamedAttribute> changes) {
  Operation *copied = builder.insert(op.clone());
  copied->setOperands(operands);
  for (NamedAttribute change : changes)
    copied->setAttr(change.getName(), change.getValue());
  fixBatch(copied);
  return succeeded(inferTypes(copied)) ? copied : nullptr;
}

NamedAttribute SequenceStep::withSize(Operation &op, StringRef name,
                                      int64_t index, int64_t size) {
  auto sizes =
      llvm::to_vector(op.getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef());
  sizes[index] = size;
  return builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(sizes));
}

LogicalResult SequenceStep::copyWhole(Operation &op) {
  if (auto scan = dyn_cast<ScanOp>(op))
    return copyScan(scan);
  SmallVector<Value> operands = llvm::map_to_vector(
      op.getOperands(), [&](Value operand) { return whole(operand); });
  Operation *copied = copy(op, operands);
  if (!copied)
    return failure();
  for (auto [from, to] : llvm::zip_equal(op.getResults(), copied->getResults()))
    wholes[from] = to;
  return success();
}

void SequenceStep::setResult(Operation &op, Operation *copied,
                             std::optional<int64_t> axis) {
  stepped[op.getResult(0)] = {copied->getResult(0), axis};
}

//===----------------------------------------------------------------------===//
// What does not depend on the tokens
//===----------------------------------------------------------------------===//

static int64_t rankOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

static int64_t sizeOf(Value value, int64_t axis) {
  return cast<RankedTensorType>(value.getType()).getDimSize(axis);
}

Value SequenceStep::operandAt(Value operand, int64_t distance) {
  if (auto found = stepped.find(operand); found != stepped.end())
    return found->second.value;
  int64_t axis = rankOf(operand) - 1 - distance;
  return axis < 0 ? whole(operand) : restrict(operand, axis);
}

Value SequenceStep::restrict(Value value, int64_t axis, unsigned depth) {
  if (sizeOf(value, axis) != length || length == 1)
    return whole(value);
  usesPosition = true;
  if (depth < kMostOpsFollowed)
    if (Value found = restrictProducer(value, axis, depth + 1))
      return found;
  ImplicitLocOpBuilder b(value.getLoc(), builder);
  Expr here = reshape(Expr(b, position()), {1});
  return gather(Expr(b, whole(value)), here, axis);
}

/// Null where it is not known how the op that makes `value` makes one position
/// of it.
Value SequenceStep::restrictProducer(Value value, int64_t axis,
                                     unsigned depth) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return nullptr;
  ImplicitLocOpBuilder b(value.getLoc(), builder);
  if (auto iota = dyn_cast<IotaOp>(op)) {
    NamedAttribute shape = withSize(*op, "shape", axis, 1);
    if (resolveAxis(rankOf(value), iota.getAxis()) == axis) {
      SmallVector<int64_t> ones(rankOf(value), 1);
      Expr here = reshape(Expr(b, position()), ones);
      return nnc::cast(here, getElementTypeOrSelf(value.getType()));
    }
    Operation *copied = copy(*op, {}, shape);
    return copied ? copied->getResult(0) : Value();
  }
  if (!isElementwise(op) || op->getNumResults() != 1)
    return nullptr;
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    int64_t own = axis - (rankOf(value) - rankOf(operand));
    operands.push_back(own < 0 ? whole(operand)
                               : restrict(operand, own, depth));
  }
  Operation *copied = copy(*op, operands);
  return copied ? copied->getResult(0) : Value();
}

} // namespace nnc
