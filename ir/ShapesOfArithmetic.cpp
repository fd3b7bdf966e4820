// Shape rules of elementwise ops, products and reductions.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// The size to which two sizes broadcast, or nothing if they do not.
static std::optional<int64_t> broadcastDim(int64_t lhs, int64_t rhs) {
  if (lhs == rhs || rhs == 1)
    return lhs;
  if (lhs == 1)
    return rhs;
  return std::nullopt;
}

LogicalResult broadcastInto(SmallVectorImpl<int64_t> &shape,
                            ArrayRef<int64_t> other,
                            std::pair<int64_t, int64_t> &conflict) {
  while (shape.size() < other.size())
    shape.insert(shape.begin(), 1);
  size_t offset = shape.size() - other.size();
  for (size_t i = 0; i < other.size(); ++i) {
    std::optional<int64_t> dim = broadcastDim(shape[offset + i], other[i]);
    if (!dim) {
      conflict = {shape[offset + i], other[i]};
      return failure();
    }
    shape[offset + i] = *dim;
  }
  return success();
}

InFlightDiagnostic reportShapes(const OpSite &site,
                                ArrayRef<NamedType> operands) {
  InFlightDiagnostic diagnostic = site.error() << "shapes do not broadcast: ";
  llvm::interleaveComma(operands, diagnostic, [&](NamedType operand) {
    diagnostic << operand.name << " is " << printType(operand.type);
  });
  return diagnostic;
}

static TypeOrFailure broadcastShapes(const OpSite &site,
                                     ArrayRef<NamedType> operands,
                                     Type elementType) {
  SmallVector<int64_t> shape;
  std::pair<int64_t, int64_t> conflict;
  for (NamedType operand : operands)
    if (failed(broadcastInto(shape, operand.type.getShape(), conflict)))
      return reportShapes(site, operands)
             << " (" << printDim(conflict.first) << " against "
             << printDim(conflict.second) << ')';
  return makeTensor(site, shape, elementType);
}

LogicalResult checkElementTypes(const OpSite &site, NamedType lhs,
                                NamedType rhs) {
  Type expected = lhs.type.getElementType();
  if (rhs.type.getElementType() == expected)
    return success();
  // A conversion to a float loses least: suggest it for the other one.
  bool castLhs =
      !isa<FloatType>(expected) && isa<FloatType>(rhs.type.getElementType());
  Type to = castLhs ? rhs.type.getElementType() : expected;
  return site.error() << "element types differ: " << lhs.name << " is "
                      << printType(lhs.type) << ", " << rhs.name << " is "
                      << printType(rhs.type) << "; did you mean cast("
                      << (castLhs ? lhs.name : rhs.name) << ", "
                      << printElementType(to) << ")?";
}

TypeOrFailure inferElementwise(const OpSite &site,
                               ArrayRef<NamedType> operands) {
  for (NamedType operand : operands.drop_front())
    if (failed(checkElementTypes(site, operands.front(), operand)))
      return failure();
  return broadcastShapes(site, operands,
                         operands.front().type.getElementType());
}

TypeOrFailure inferSelect(const OpSite &site, RankedTensorType condition,
                          RankedTensorType onTrue, RankedTensorType onFalse) {
  NamedType trueOperand{"on_true", onTrue}, falseOperand{"on_false", onFalse};
  if (failed(checkElementTypes(site, trueOperand, falseOperand)))
    return failure();
  return broadcastShapes(site,
                         {{"condition", condition}, trueOperand, falseOperand},
                         onTrue.getElementType());
}

static bool isElementType(Type type) {
  if (isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type))
    return true;
  return type.isSignlessInteger(1) || type.isSignlessInteger(32) ||
         type.isSignlessInteger(64) || type.isUnsignedInteger(8) ||
         type.isUnsignedInteger(32);
}

LogicalResult checkElementType(const OpSite &site, Type type) {
  if (isElementType(type))
    return success();
  return site.error() << printType(type)
                      << " is no element type: expected one of f32, f64, f16, "
                         "bf16, i32, i64, u8, bool";
}

TypeOrFailure inferCast(const OpSite &site, RankedTensorType x,
                        Type elementType) {
  if (failed(checkElementType(site, elementType)))
    return failure();
  return RankedTensorType::get(x.getShape(), elementType);
}

TypeOrFailure inferConstant(const OpSite &site, ElementsAttr value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !isa<DenseElementsAttr>(value))
    return site.error() << "the value is no dense tensor";
  if (failed(checkElementType(site, type.getElementType())))
    return failure();
  return makeTensor(site, type.getShape(), type.getElementType());
}

TypeOrFailure inferIota(const OpSite &site, ArrayRef<int64_t> shape,
                        int64_t axis, Type elementType) {
  if (failed(checkElementType(site, elementType)))
    return failure();
  TypeOrFailure type = makeType(site, shape, elementType);
  if (failed(type))
    return failure();
  if (axis < 0 || axis >= type->getRank())
    return site.error() << "axis " << axis << " is out of range: the shape is "
                        << printShape(type->getShape());
  return type;
}

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

namespace {
/// One operand of a matrix product: its dimensions before the last two, and the
/// last two as they are multiplied.
struct Matrix {
  ArrayRef<int64_t> batch;
  int64_t rows;
  int64_t columns;

  Matrix(RankedTensorType type, bool transpose) {
    ArrayRef<int64_t> shape = type.getShape();
    batch = shape.drop_back(2);
    rows = shape[shape.size() - 2];
    columns = shape[shape.size() - 1];
    if (transpose)
      std::swap(rows, columns);
  }
};
} // namespace

LogicalResult checkMatrix(const OpSite &site, NamedType operand) {
  if (operand.type.getRank() >= 2)
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected at least 2 dimensions";
}

static InFlightDiagnostic reportInner(const OpSite &site, NamedType lhs,
                                      NamedType rhs, int64_t lhsInner,
                                      int64_t rhsInner, bool transposeHelps) {
  InFlightDiagnostic diagnostic = site.error();
  diagnostic << "inner dimensions differ: lhs is " << printType(lhs.type)
             << " (" << printDim(lhsInner) << "), rhs is "
             << printType(rhs.type) << " (" << printDim(rhsInner) << ')';
  if (transposeHelps)
    diagnostic << "; did you mean transpose(rhs)?";
  return diagnostic;
}

TypeOrFailure inferMatmul(const OpSite &site, RankedTensorType lhs,
                          RankedTensorType rhs, bool transposeLhs,
                          bool transposeRhs, bool reduceBatch) {
  NamedType left{"lhs", lhs}, right{"rhs", rhs};
  if (failed(checkElementTypes(site, left, right)) ||
      failed(checkMatrix(site, left)) || failed(checkMatrix(site, right)))
    return failure();
  Matrix a(lhs, transposeLhs), b(rhs, transposeRhs);
  if (a.columns != b.rows)
    return reportInner(site, left, right, a.columns, b.rows,
                       a.columns == b.columns);

  SmallVector<int64_t> shape = llvm::to_vector(a.batch);
  std::pair<int64_t, int64_t> conflict;
  if (reduceBatch) {
    if (a.batch != b.batch)
      return site.error() << "leading dimensions differ: lhs is "
                          << printType(lhs) << ", rhs is " << printType(rhs)
                          << "; reduce_batch sums over equal ones";
    shape.clear();
  } else if (failed(broadcastInto(shape, b.batch, conflict))) {
    return reportShapes(site, {left, right})
           << " (" << printDim(conflict.first) << " against "
           << printDim(conflict.second) << ')';
  }
  shape.push_back(a.rows);
  shape.push_back(b.columns);
  return makeTensor(site, shape, lhs.getElementType());
}

//===----------------------------------------------------------------------===//
// Reduction
//===----------------------------------------------------------------------===//

TypeOrFailure inferReduction(const OpSite &site, RankedTensorType x,
                             ArrayRef<int64_t> axes, bool keepDims) {
  if (failed(checkAxes(site, x, axes)))
    return failure();
  SmallVector<int64_t> reduced = resolveAxes(x.getRank(), axes);
  SmallVector<int64_t> shape;
  for (auto [i, dim] : llvm::enumerate(x.getShape())) {
    if (!llvm::is_contained(reduced, int64_t(i)))
      shape.push_back(dim);
    else if (keepDims)
      shape.push_back(1);
  }
  return makeTensor(site, shape, x.getElementType());
}

TypeOrFailure inferSize(const OpSite &site, RankedTensorType x,
                        ArrayRef<int64_t> axes) {
  if (failed(checkAxes(site, x, axes)))
    return failure();
  return RankedTensorType::get({}, x.getElementType());
}

} // namespace nnc
