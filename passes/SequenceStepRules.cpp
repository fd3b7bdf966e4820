// What each op becomes where it is computed for one position of a sequence:
// which dimension of its result counts positions, and what it needs of its
// operands.
#include "passes/SequenceStep.h"

#include "ir/Expr.h"
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

static int64_t rankOf(Value value) { return typeOf(value).getRank(); }

bool SequenceStep::isOfLastPosition(Operation &op) const {
  return llvm::all_of(op.getOperands(), [&](Value operand) {
    return !isStepped(operand) || !lookup(operand).axis;
  });
}

FailureOr<int64_t> SequenceStep::findDistance(Operation &op) {
  std::optional<int64_t> distance;
  for (Value operand : op.getOperands()) {
    if (!isStepped(operand))
      continue;
    AtPosition at = lookup(operand);
    if (!at.axis)
      return refuse(op, "it combines the last position with all");
    int64_t own = rankOf(operand) - 1 - *at.axis;
    if (distance.value_or(own) != own)
      return refuse(op, "it combines each position with each other; attention "
                        "is what may");
    distance = own;
  }
  return *distance;
}

LogicalResult SequenceStep::rewrite(Operation &op) {
  if (!llvm::any_of(op.getOperands(),
                    [&](Value operand) { return isStepped(operand); }))
    return copyWhole(op);
  if (op.hasAttr("stream"))
    return refuse(op, "it draws random numbers");
  return applyRule(op);
}

bool SequenceStep::hasRule(Operation &op) {
  return (isElementwise(&op) && op.getNumResults() == 1) ||
         isa<MatmulOp, ReshapeOp, TransposeOp, BroadcastOp, SliceOp, PadOp,
             ConcatOp, GatherOp, SizeOp, AttendOp, ScanOp, Reducing>(op);
}

LogicalResult SequenceStep::applyRule(Operation &op) {
  if (isOfLastPosition(op)) {
    SmallVector<Value> operands =
        llvm::map_to_vector(op.getOperands(), [&](Value operand) {
          return isStepped(operand) ? lookup(operand).value : whole(operand);
        });
    Operation *copied = copy(op, operands);
    if (!copied)
      return failure();
    for (auto [from, to] :
         llvm::zip_equal(op.getResults(), copied->getResults()))
      mapStepped(from, {to, std::nullopt});
    return success();
  }
  if (isElementwise(&op) && op.getNumResults() == 1)
    return rewriteElementwise(op);
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](MatmulOp op) { return rewriteMatmul(op); })
      .Case([&](ReshapeOp op) { return rewriteReshape(op); })
      .Case([&](TransposeOp op) { return rewriteTranspose(op); })
      .Case([&](BroadcastOp op) { return rewriteBroadcast(op); })
      .Case([&](SliceOp op) { return rewriteSlice(op); })
      .Case([&](PadOp op) { return rewritePad(op); })
      .Case([&](ConcatOp op) { return rewriteConcat(op); })
      .Case([&](GatherOp op) { return rewriteGather(op); })
      .Case([&](SizeOp op) { return rewriteSize(op); })
      .Case([&](AttendOp op) { return rewriteAttend(op); })
      .Case([&](ScanOp op) { return rewriteScan(op); })
      .Case([&](Reducing op) { return rewriteReduction(op); })
      .Default([&](Operation *op) {
        return refuse(*op, "nothing is known of what its results at a position "
                           "depend on");
      });
}

LogicalResult SequenceStep::rewriteElementwise(Operation &op) {
  FailureOr<int64_t> distance = findDistance(op);
  if (failed(distance))
    return failure();
  SmallVector<Value> operands =
      llvm::map_to_vector(op.getOperands(), [&](Value operand) {
        return operandAt(operand, *distance);
      });
  Operation *copied = copy(op, operands);
  if (!copied)
    return failure();
  setResult(op, copied, rankOf(op.getResult(0)) - 1 - *distance);
  return success();
}

/// What the dimension of a product's operand is, at `distance` from the right.
enum class ProductDim { Outer, Summed, Batch };

static ProductDim dimOf(int64_t distance, bool isSummedLast) {
  if (distance > 1)
    return ProductDim::Batch;
  return (distance == 0) == isSummedLast ? ProductDim::Summed
                                         : ProductDim::Outer;
}

/// y[.., 1, n] = sum_k row[.., 1, k] * rhs[n, k] as a sum along the rows of
/// rhs, which are then read as they lie, once.
static Value multiplyRow(ImplicitLocOpBuilder &b, Value row, Value rhs,
                         RankedTensorType result) {
  Type type = result.getElementType();
  Type ofSums = type.getIntOrFloatBitWidth() < 32 ? b.getF32Type() : type;
  Expr factor =
      nnc::cast(reshape(Expr(b, row), {typeOf(rhs).getDimSize(1)}), ofSums);
  Expr sums = sum(factor * nnc::cast(Expr(b, rhs), ofSums), {1});
  return reshape(nnc::cast(sums, type), result.getShape());
}

LogicalResult SequenceStep::rewriteMatmul(MatmulOp op) {
  const bool areBoth = isStepped(op.getLhs()) && isStepped(op.getRhs());
  FailureOr<int64_t> distance = findDistance(*op);
  if (failed(distance))
    return failure();
  const bool isLhs = isStepped(op.getLhs());
  ProductDim dim =
      dimOf(*distance, isLhs ? !op.getTransposeLhs() : op.getTransposeRhs());
  if (dim == ProductDim::Summed ||
      (dim == ProductDim::Batch && op.getReduceBatch()))
    return refuse(*op, "it sums over positions");
  const bool isBatch = dim == ProductDim::Batch;
  if (areBoth && !isBatch)
    return refuse(*op, "it combines each position with each other; attention "
                       "is what may");
  auto operand = [&](Value value) {
    return isBatch || isStepped(value) ? operandAt(value, *distance)
                                       : whole(value);
  };
  Operation *copied = copy(*op, {operand(op.getLhs()), operand(op.getRhs())});
  if (!copied)
    return failure();
  // Rows of y are those of lhs, columns those of rhs.
  int64_t ofResult = isBatch ? *distance : isLhs ? 1 : 0;
  const int64_t axis = rankOf(op.getY()) - 1 - ofResult;
  auto product = cast<MatmulOp>(copied);
  RankedTensorType row = typeOf(product.getLhs());
  const bool isOneRow = row.getNumElements() == row.getShape().back();
  if (isOneRow && isLhs && op.getTransposeRhs() && !op.getTransposeLhs() &&
      rankOf(op.getRhs()) == 2) {
    ImplicitLocOpBuilder b(op.getLoc(), builder);
    Value y =
        multiplyRow(b, product.getLhs(), product.getRhs(), product.getType());
    mapStepped(op.getY(), {y, axis});
    copied->erase();
    return success();
  }
  setResult(*op, copied, axis);
  return success();
}

/// How many elements, in samples, come before dimension `axis` of the shape.
static std::pair<int64_t, int64_t> sizeBefore(ArrayRef<int64_t> shape,
                                              int64_t axis) {
  int64_t elements = 1, batches = 0;
  for (int64_t size : shape.take_front(axis))
    if (ShapedType::isDynamic(size))
      ++batches;
    else
      elements *= size;
  return {elements, batches};
}

LogicalResult SequenceStep::rewriteReshape(ReshapeOp op) {
  AtPosition at = lookup(op.getX());
  ArrayRef<int64_t> from = typeOf(op.getX()).getShape();
  ArrayRef<int64_t> to = typeOf(op.getY()).getShape();
  for (int64_t axis = 0; axis < int64_t(to.size()); ++axis) {
    if (to[axis] != from[*at.axis] ||
        sizeBefore(to, axis) != sizeBefore(from, *at.axis))
      continue;
    Operation *copied = copy(*op, at.value, withSize(*op, "shape", axis, 1));
    if (!copied)
      return failure();
    setResult(*op, copied, axis);
    return success();
  }
  return refuse(*op, "it puts positions and another dimension together");
}

LogicalResult SequenceStep::rewriteTranspose(TransposeOp op) {
  AtPosition at = lookup(op.getX());
  Operation *copied = copy(*op, at.value);
  if (!copied)
    return failure();
  SmallVector<int64_t> permutation = op.getResolvedPermutation();
  setResult(*op, copied,
            llvm::find(permutation, *at.axis) - permutation.begin());
  return success();
}

LogicalResult SequenceStep::rewriteBroadcast(BroadcastOp op) {
  AtPosition at = lookup(op.getX());
  int64_t axis = *at.axis + rankOf(op.getY()) - rankOf(op.getX());
  Operation *copied = copy(*op, at.value, withSize(*op, "shape", axis, 1));
  if (!copied)
    return failure();
  setResult(*op, copied, axis);
  return success();
}

LogicalResult SequenceStep::rewriteSlice(SliceOp op) {
  AtPosition at = lookup(op.getX());
  const int64_t axis = *at.axis;
  const int64_t start = op.getStarts()[axis];
  const int64_t size = typeOf(op.getY()).getDimSize(axis);
  const bool isAll = size == length && op.getResolvedStrides()[axis] == 1;
  const bool isLast = size == 1 && start == length - 1;
  if (!isAll && !isLast)
    return refuse(*op,
                  "it takes some positions: all may be taken, or the last");
  Operation *copied =
      copy(*op, at.value,
           {withSize(*op, "starts", axis, 0), withSize(*op, "sizes", axis, 1)});
  if (!copied)
    return failure();
  setResult(*op, copied, isAll ? std::optional(axis) : std::nullopt);
  return success();
}

LogicalResult SequenceStep::rewritePad(PadOp op) {
  AtPosition at = lookup(op.getX());
  if (op.getLow()[*at.axis] || op.getHigh()[*at.axis] ||
      op.getResolvedInterior()[*at.axis])
    return refuse(*op, "it moves positions");
  Operation *copied = copy(*op, at.value);
  if (!copied)
    return failure();
  setResult(*op, copied, at.axis);
  return success();
}

LogicalResult SequenceStep::rewriteConcat(ConcatOp op) {
  FailureOr<int64_t> distance = findDistance(*op);
  if (failed(distance))
    return failure();
  const int64_t axis = rankOf(op.getY()) - 1 - *distance;
  if (op.getResolvedAxis() == axis)
    return refuse(*op, "it moves positions");
  SmallVector<Value> operands =
      llvm::map_to_vector(op.getInputs(), [&](Value operand) {
        return operandAt(operand, *distance);
      });
  Operation *copied = copy(*op, operands);
  if (!copied)
    return failure();
  setResult(*op, copied, axis);
  return success();
}

LogicalResult SequenceStep::rewriteGather(GatherOp op) {
  const bool isTable = isStepped(op.getTable());
  const int64_t along = op.getResolvedAxis();
  if (isTable && isStepped(op.getIndices()))
    return refuse(*op, "it takes elements of positions by those of others");
  AtPosition at = lookup(isTable ? op.getTable() : op.getIndices());
  if (isTable && *at.axis == along)
    return refuse(*op, "it takes some positions");
  Operation *copied = copy(*op, {isTable ? at.value : whole(op.getTable()),
                                 isTable ? whole(op.getIndices()) : at.value});
  if (!copied)
    return failure();
  int64_t axis = !isTable           ? along + *at.axis
                 : *at.axis < along ? *at.axis
                                    : *at.axis + rankOf(op.getIndices()) - 1;
  setResult(*op, copied, axis);
  return success();
}

LogicalResult SequenceStep::rewriteReduction(Reducing op) {
  Value x = op->getOperand(0);
  AtPosition at = lookup(x);
  SmallVector<int64_t> axes = op.getReducedAxes();
  if (llvm::is_contained(axes, *at.axis))
    return refuse(*op, "it combines positions");
  Operation *copied = copy(*op, at.value);
  if (!copied)
    return failure();
  const bool isKept = rankOf(op->getResult(0)) == rankOf(x);
  int64_t before =
      llvm::count_if(axes, [&](int64_t a) { return a < *at.axis; });
  setResult(*op, copied, isKept ? *at.axis : *at.axis - before);
  return success();
}

/// It depends on the shape alone, which is that of the whole sequence.
LogicalResult SequenceStep::rewriteSize(SizeOp op) {
  double size = 1;
  for (int64_t axis : op.getReducedAxes()) {
    int64_t own = typeOf(op.getX()).getDimSize(axis);
    size *= ShapedType::isDynamic(own) ? sequences : own;
  }
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  mapWhole(op.getY(), constant(b, size, typeOf(op.getY()).getElementType()));
  return success();
}

} // namespace nnc
