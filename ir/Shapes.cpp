// Shape rules. Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/Shapes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// Spelling
//===----------------------------------------------------------------------===//

std::string printElementType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() == 1)
      return "bool";
    return (integer.isUnsigned() ? "u" : "i") +
           std::to_string(integer.getWidth());
  }
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

static std::string printDim(int64_t dim) {
  return ShapedType::isDynamic(dim) ? "batch" : std::to_string(dim);
}

static std::string printShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + printDim(shape[i]);
  return text + "]";
}

std::string printType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return printElementType(type);
  std::string element = printElementType(tensor.getElementType());
  return tensor.getRank() == 0 ? element
                               : element + printShape(tensor.getShape());
}

static std::string printDims(ArrayRef<int64_t> dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

std::string printNumber(double number) {
  // The fewest digits that tell it from its neighbours.
  for (int digits = 6;; ++digits) {
    SmallString<32> text;
    llvm::raw_svector_ostream(text) << llvm::format("%.*g", digits, number);
    double read;
    if (digits == 17 || !std::isfinite(number) ||
        (!text.str().getAsDouble(read) && read == number))
      return text.str().str();
  }
}

bool fitsIn(double number, FloatType type) {
  if (!std::isfinite(number))
    return true;
  APFloat rounded(number);
  bool losesInfo;
  rounded.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
  return rounded.isFinite();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// Keeps products of sizes, element sizes and the batch well inside int64_t.
static constexpr int64_t kMaxElements = int64_t(1) << 40;

/// Why `shape` is not supported, or null.
static const char *findShapeProblem(ArrayRef<int64_t> shape) {
  if (llvm::count(shape, ShapedType::kDynamic) > 1)
    return "has more than one batch dimension";
  int64_t elements = 1;
  for (int64_t dim : shape) {
    if (ShapedType::isDynamic(dim))
      continue;
    if (dim < 1)
      return "has an empty dimension";
    if (dim > kMaxElements || elements > kMaxElements / dim)
      return "has more than 2^40 elements a sample";
    elements *= dim;
  }
  return nullptr;
}

bool hasSupportedSize(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && !tensor.getEncoding() &&
         !findShapeProblem(tensor.getShape());
}

/// As makeType, for a shape whose batch is kDynamic.
static TypeOrFailure makeTensor(const OpSite &site, ArrayRef<int64_t> shape,
                                Type elementType) {
  if (const char *problem = findShapeProblem(shape))
    return site.error() << "the result's shape " << printShape(shape) << ' '
                        << problem;
  return RankedTensorType::get(shape, elementType);
}

TypeOrFailure makeType(const OpSite &site, ArrayRef<int64_t> shape,
                       Type elementType) {
  SmallVector<int64_t> dims;
  for (int64_t dim : shape) {
    if (dim < 1 && dim != -1)
      return site.error() << "shape " << printDims(shape)
                          << " has the dimension " << dim
                          << ": expected a size above 0, or batch";
    dims.push_back(dim == -1 ? ShapedType::kDynamic : dim);
  }
  return makeTensor(site, dims, elementType);
}

TypeOrFailure withElementType(TypeOrFailure type, Type elementType) {
  if (failed(type))
    return failure();
  return RankedTensorType::get(type->getShape(), elementType);
}

SmallVector<int64_t> toDims(ArrayRef<int64_t> shape) {
  return llvm::map_to_vector(shape, [](int64_t dim) {
    return ShapedType::isDynamic(dim) ? int64_t(-1) : dim;
  });
}

LogicalResult operandType(const OpSite &site, ValueRange values, StringRef name,
                          RankedTensorType &type) {
  if (values.empty())
    return success();
  type = dyn_cast<RankedTensorType>(values.front().getType());
  if (type)
    return success();
  return site.error() << name << " is " << printType(values.front().getType())
                      << ": expected a tensor";
}

LogicalResult operandType(const OpSite &site, ValueRange values, StringRef name,
                          SmallVector<RankedTensorType> &types) {
  for (Value value : values) {
    types.emplace_back();
    if (failed(operandType(site, ValueRange(value), name, types.back())))
      return failure();
  }
  return success();
}

LogicalResult appendType(SmallVectorImpl<Type> &types, TypeOrFailure type) {
  if (failed(type))
    return failure();
  types.push_back(*type);
  return success();
}

//===----------------------------------------------------------------------===//
// Axes
//===----------------------------------------------------------------------===//

LogicalResult checkAxis(const OpSite &site, RankedTensorType x, int64_t axis) {
  if (-x.getRank() <= axis && axis < x.getRank())
    return success();
  return site.error() << "axis " << axis << " is out of range: x is "
                      << printType(x) << " (rank " << x.getRank() << ')';
}

static LogicalResult checkAxes(const OpSite &site, RankedTensorType x,
                               ArrayRef<int64_t> axes) {
  SmallVector<bool> seen(x.getRank(), false);
  for (int64_t axis : axes) {
    if (failed(checkAxis(site, x, axis)))
      return failure();
    bool &named = seen[resolveAxis(x.getRank(), axis)];
    if (named)
      return site.error() << "axis " << axis << " is named twice in "
                          << printDims(axes);
    named = true;
  }
  return success();
}

int64_t resolveAxis(int64_t rank, int64_t axis) {
  return axis < 0 ? axis + rank : axis;
}

SmallVector<int64_t> resolveAxes(int64_t rank, ArrayRef<int64_t> axes) {
  if (axes.empty())
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  SmallVector<int64_t> resolved = llvm::map_to_vector(
      axes, [&](int64_t axis) { return resolveAxis(rank, axis); });
  llvm::sort(resolved);
  return resolved;
}

SmallVector<int64_t> resolvePermutation(int64_t rank,
                                        ArrayRef<int64_t> permutation) {
  if (!permutation.empty() || rank < 2)
    return llvm::to_vector(permutation);
  SmallVector<int64_t> swapped = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(swapped[rank - 2], swapped[rank - 1]);
  return swapped;
}

SmallVector<int64_t> resolveDims(int64_t rank, ArrayRef<int64_t> values,
                                 int64_t value) {
  return values.empty() ? SmallVector<int64_t>(rank, value)
                        : llvm::to_vector(values);
}

SmallVector<int64_t> invertPermutation(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, axis] : llvm::enumerate(permutation))
    inverse[axis] = i;
  return inverse;
}

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

/// Broadcasts `shape` with that of the operand, in place.
static LogicalResult broadcastInto(SmallVectorImpl<int64_t> &shape,
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

static InFlightDiagnostic reportShapes(const OpSite &site,
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

static LogicalResult checkElementTypes(const OpSite &site, NamedType lhs,
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

static LogicalResult checkElementType(const OpSite &site, Type type) {
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

static LogicalResult checkMatrix(const OpSite &site, NamedType operand) {
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

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

/// The number of elements a sample; sizes have been checked before.
static int64_t countStatic(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    if (!ShapedType::isDynamic(dim))
      count *= dim;
  return count;
}

TypeOrFailure inferReshape(const OpSite &site, RankedTensorType x,
                           ArrayRef<int64_t> shape) {
  TypeOrFailure type = makeType(site, shape, x.getElementType());
  if (failed(type))
    return failure();
  if (const char *problem = findShapeProblem(x.getShape()))
    return site.error() << "x is " << printType(x) << " and " << problem;
  int64_t from = countStatic(x.getShape()), to = countStatic(type->getShape());
  if (from == to && x.hasStaticShape() == type->hasStaticShape())
    return type;
  auto count = [](int64_t elements, bool isStatic) {
    return (isStatic ? "" : "batch * ") + std::to_string(elements);
  };
  return site.error() << "the number of elements changes: x is " << printType(x)
                      << " (" << count(from, x.hasStaticShape())
                      << "), shape is " << printShape(type->getShape()) << " ("
                      << count(to, type->hasStaticShape()) << ')';
}

TypeOrFailure inferTranspose(const OpSite &site, RankedTensorType x,
                             ArrayRef<int64_t> permutation) {
  if (permutation.empty() && x.getRank() < 2)
    return site.error() << "x is " << printType(x)
                        << ": expected at least 2 dimensions";
  SmallVector<int64_t> resolved = resolvePermutation(x.getRank(), permutation);
  SmallVector<int64_t> sorted = resolved;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq<int64_t>(0, x.getRank())))
    return site.error() << "permutation " << printDims(permutation)
                        << " does not name each dimension of x once: x is "
                        << printType(x) << " (rank " << x.getRank() << ')';
  SmallVector<int64_t> shape = llvm::map_to_vector(
      resolved, [&](int64_t axis) { return x.getDimSize(axis); });
  return makeTensor(site, shape, x.getElementType());
}

TypeOrFailure inferBroadcastTo(const OpSite &site, RankedTensorType x,
                               ArrayRef<int64_t> shape) {
  TypeOrFailure type = makeType(site, shape, x.getElementType());
  if (failed(type))
    return failure();
  SmallVector<int64_t> result = llvm::to_vector(x.getShape());
  std::pair<int64_t, int64_t> conflict;
  if (succeeded(broadcastInto(result, type->getShape(), conflict)) &&
      ArrayRef<int64_t>(result) == type->getShape())
    return type;
  return site.error() << "x does not broadcast to the shape: x is "
                      << printType(x) << ", shape is "
                      << printShape(type->getShape());
}

/// Succeeds if `values` has an entry for each dimension of x.
static LogicalResult checkPerDim(const OpSite &site, RankedTensorType x,
                                 StringRef name, ArrayRef<int64_t> values) {
  if (int64_t(values.size()) == x.getRank())
    return success();
  return site.error() << name << " has " << values.size() << " entries: x is "
                      << printType(x) << " (rank " << x.getRank() << ')';
}

static bool isSliceInRange(int64_t dim, int64_t start, int64_t size,
                           int64_t stride) {
  if (ShapedType::isDynamic(dim))
    return start == 0 && size == -1 && stride == 1;
  return 0 <= start && start < dim && 1 <= size && size <= dim && 1 <= stride &&
         stride <= kMaxElements && start + (size - 1) <= dim - 1 &&
         (size == 1 || stride <= (dim - 1 - start) / (size - 1));
}

TypeOrFailure inferSlice(const OpSite &site, RankedTensorType x,
                         ArrayRef<int64_t> starts, ArrayRef<int64_t> sizes,
                         ArrayRef<int64_t> strides) {
  SmallVector<int64_t> steps = resolveDims(x.getRank(), strides, 1);
  if (failed(checkPerDim(site, x, "starts", starts)) ||
      failed(checkPerDim(site, x, "sizes", sizes)) ||
      failed(checkPerDim(site, x, "strides", steps)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < x.getRank(); ++i) {
    int64_t dim = x.getDimSize(i);
    if (!isSliceInRange(dim, starts[i], sizes[i], steps[i]))
      return site.error() << "the slice leaves x in dimension " << i
                          << ": x is " << printType(x) << ", start is "
                          << starts[i] << ", size is " << sizes[i]
                          << ", stride is " << steps[i]
                          << (ShapedType::isDynamic(dim)
                                  ? "; the batch is taken whole"
                                  : "");
    shape.push_back(ShapedType::isDynamic(dim) ? dim : sizes[i]);
  }
  return makeTensor(site, shape, x.getElementType());
}

static bool isPadInRange(int64_t dim, int64_t low, int64_t high,
                         int64_t interior) {
  if (ShapedType::isDynamic(dim))
    return low == 0 && high == 0 && interior == 0;
  auto inRange = [](int64_t value) {
    return 0 <= value && value < kMaxElements;
  };
  return inRange(low) && inRange(high) && inRange(interior) &&
         (interior == 0 || dim <= kMaxElements / (interior + 1));
}

TypeOrFailure inferPad(const OpSite &site, RankedTensorType x,
                       ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                       ArrayRef<int64_t> interior) {
  SmallVector<int64_t> between = resolveDims(x.getRank(), interior, 0);
  if (failed(checkPerDim(site, x, "low", low)) ||
      failed(checkPerDim(site, x, "high", high)) ||
      failed(checkPerDim(site, x, "interior", between)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < x.getRank(); ++i) {
    int64_t dim = x.getDimSize(i);
    if (!isPadInRange(dim, low[i], high[i], between[i]))
      return site.error() << "cannot pad dimension " << i << " of x: x is "
                          << printType(x) << ", low is " << low[i]
                          << ", high is " << high[i] << ", interior is "
                          << between[i]
                          << (ShapedType::isDynamic(dim)
                                  ? "; the batch is not padded"
                                  : "");
    shape.push_back(ShapedType::isDynamic(dim)
                        ? dim
                        : low[i] + high[i] + dim + (dim - 1) * between[i]);
  }
  return makeTensor(site, shape, x.getElementType());
}

/// Succeeds if `other` can stand beside `first` along `axis`.
static LogicalResult checkConcatOperand(const OpSite &site,
                                        RankedTensorType first,
                                        RankedTensorType other, size_t index,
                                        int64_t axis) {
  bool fits = first.getElementType() == other.getElementType() &&
              first.getRank() == other.getRank();
  for (int64_t i = 0; fits && i < first.getRank(); ++i)
    fits = i == axis || first.getDimSize(i) == other.getDimSize(i);
  if (fits)
    return success();
  return site.error() << "inputs differ outside of axis " << axis
                      << ": input 0 is " << printType(first) << ", input "
                      << index << " is " << printType(other);
}

TypeOrFailure inferConcat(const OpSite &site, ArrayRef<RankedTensorType> inputs,
                          int64_t axis) {
  if (inputs.empty())
    return site.error() << "there is no input: expected at least one";
  RankedTensorType first = inputs.front();
  if (failed(checkAxis(site, first, axis)))
    return failure();
  axis = resolveAxis(first.getRank(), axis);
  int64_t total = 0;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (failed(checkConcatOperand(site, first, input, i, axis)))
      return failure();
    if (input.isDynamicDim(axis))
      return site.error() << "axis " << axis << " is the batch of input " << i
                          << ", which is " << printType(input)
                          << ": expected a static dimension";
    total += std::min(input.getDimSize(axis), kMaxElements + 1);
    if (total > kMaxElements)
      break; // makeTensor reports it.
  }
  SmallVector<int64_t> shape = llvm::to_vector(first.getShape());
  shape[axis] = total;
  return makeTensor(site, shape, first.getElementType());
}

TypeOrFailure inferGather(const OpSite &site, RankedTensorType table,
                          RankedTensorType indices, int64_t axis) {
  if (failed(checkAxis(site, table, axis)))
    return failure();
  axis = resolveAxis(table.getRank(), axis);
  SmallVector<int64_t> shape = llvm::to_vector(table.getShape());
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin() + axis, indices.getShape().begin(),
               indices.getShape().end());
  return makeTensor(site, shape, table.getElementType());
}

TypeOrFailure inferScatterAdd(const OpSite &site, RankedTensorType indices,
                              RankedTensorType updates, int64_t size,
                              int64_t axis) {
  int64_t rank = updates.getRank() - indices.getRank() + 1;
  int64_t place = resolveAxis(rank, axis);
  bool fits =
      rank >= 1 && 0 <= place && place < rank &&
      updates.getShape().slice(place, indices.getRank()) == indices.getShape();
  if (!fits)
    return site.error() << "updates do not hold the dimensions of the indices "
                           "at axis "
                        << axis << ": updates is " << printType(updates)
                        << ", indices is " << printType(indices);
  SmallVector<int64_t> dims = toDims(updates.getShape());
  dims.erase(dims.begin() + place, dims.begin() + place + indices.getRank());
  dims.insert(dims.begin() + place, size);
  return makeType(site, dims, updates.getElementType());
}

//===----------------------------------------------------------------------===//
// Random and neural
//===----------------------------------------------------------------------===//

static TypeOrFailure makeFloat(const OpSite &site, ArrayRef<int64_t> shape,
                               std::optional<Type> elementType) {
  Type element =
      elementType.value_or(Float32Type::get(site.location.getContext()));
  if (!isa<FloatType>(element) || failed(checkElementType(site, element)))
    return site.error() << "type is " << printType(element)
                        << ": expected one of f32, f64, f16, bf16";
  return makeType(site, shape, element);
}

TypeOrFailure inferRandom(const OpSite &site, ArrayRef<int64_t> shape,
                          std::optional<Type> elementType) {
  return makeFloat(site, shape, elementType);
}

TypeOrFailure inferAlongAxis(const OpSite &site, RankedTensorType x,
                             int64_t axis) {
  if (failed(checkAxis(site, x, axis)))
    return failure();
  return x;
}

/// Succeeds if the operand is [size], of the element type of x.
static LogicalResult checkRow(const OpSite &site, NamedType row,
                              RankedTensorType x, int64_t size) {
  auto expected = RankedTensorType::get({size}, x.getElementType());
  if (row.type == expected)
    return success();
  return site.error() << row.name << " is " << printType(row.type)
                      << ": expected " << printType(expected);
}

TypeOrFailure inferLayerNorm(const OpSite &site, RankedTensorType x,
                             RankedTensorType scale, RankedTensorType bias) {
  if (x.getRank() == 0 || x.isDynamicDim(x.getRank() - 1))
    return site.error() << "x is " << printType(x)
                        << ": expected a last dimension that is not the batch";
  int64_t size = x.getShape().back();
  if (failed(checkRow(site, {"scale", scale}, x, size)) ||
      failed(checkRow(site, {"bias", bias}, x, size)))
    return failure();
  return x;
}

TypeOrFailure inferDense(const OpSite &site, RankedTensorType x,
                         RankedTensorType weight, RankedTensorType bias) {
  NamedType input{"x", x}, matrix{"weight", weight};
  if (failed(checkElementTypes(site, input, matrix)) ||
      failed(checkMatrix(site, input)))
    return failure();
  if (weight.getRank() != 2)
    return site.error() << "weight is " << printType(weight)
                        << ": expected 2 dimensions";
  if (x.getShape().back() != weight.getDimSize(0))
    return site.error() << "inner dimensions differ: x is " << printType(x)
                        << " (" << printDim(x.getShape().back())
                        << "), weight is " << printType(weight) << " ("
                        << printDim(weight.getDimSize(0)) << ')';
  if (bias && failed(checkRow(site, {"bias", bias}, x, weight.getDimSize(1))))
    return failure();
  SmallVector<int64_t> shape = llvm::to_vector(x.getShape());
  shape.back() = weight.getDimSize(1);
  return makeTensor(site, shape, x.getElementType());
}

TypeOrFailure inferFlatten(const OpSite &site, RankedTensorType x) {
  if (x.getRank() == 0)
    return site.error() << "x is " << printType(x)
                        << ": expected at least 1 dimension";
  ArrayRef<int64_t> rest = x.getShape().drop_front();
  if (llvm::is_contained(rest, ShapedType::kDynamic) &&
      llvm::any_of(rest, [](int64_t dim) {
        return dim != 1 && !ShapedType::isDynamic(dim);
      }))
    return site.error() << "x is " << printType(x)
                        << ": expected the batch as its first dimension";
  if (llvm::is_contained(rest, ShapedType::kDynamic))
    return makeTensor(site, {x.getDimSize(0), ShapedType::kDynamic},
                      x.getElementType());
  return makeTensor(site, {x.getDimSize(0), countStatic(rest)},
                    x.getElementType());
}

TypeOrFailure inferOneHot(const OpSite &site, RankedTensorType x,
                          int64_t classes, std::optional<Type> elementType) {
  if (classes < 1 || classes > kMaxElements)
    return site.error() << "classes is " << classes << ": expected at least 1";
  SmallVector<int64_t> shape = toDims(x.getShape());
  shape.push_back(classes);
  return makeFloat(site, shape, elementType);
}

//===----------------------------------------------------------------------===//
// Losses and metrics
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> dropTrailingOnes(ArrayRef<int64_t> shape) {
  while (!shape.empty() && shape.back() == 1)
    shape = shape.drop_back();
  return shape;
}

static TypeOrFailure makeScalar(RankedTensorType like) {
  return RankedTensorType::get({}, like.getElementType());
}

TypeOrFailure inferPairwise(const OpSite &site, NamedType prediction,
                            RankedTensorType target) {
  if (dropTrailingOnes(prediction.type.getShape()) ==
      dropTrailingOnes(target.getShape()))
    return makeScalar(prediction.type);
  return site.error() << "shapes differ: " << prediction.name << " is "
                      << printType(prediction.type) << ", target is "
                      << printType(target);
}

static bool isIntegerTarget(RankedTensorType logits, RankedTensorType target) {
  return logits.getRank() > 0 && !isa<FloatType>(target.getElementType()) &&
         dropTrailingOnes(logits.getShape().drop_back()) ==
             dropTrailingOnes(target.getShape());
}

static bool isOneHotTarget(RankedTensorType logits, RankedTensorType target) {
  return isa<FloatType>(target.getElementType()) &&
         logits.getShape() == target.getShape();
}

TypeOrFailure inferClassification(const OpSite &site, NamedType logits,
                                  RankedTensorType target) {
  RankedTensorType type = logits.type;
  if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1))
    return site.error()
           << logits.name << " is " << printType(type)
           << ": expected a last dimension, of classes, that is not the "
              "batch";
  if (isIntegerTarget(type, target) || isOneHotTarget(type, target))
    return makeScalar(type);
  InFlightDiagnostic diagnostic = site.error();
  diagnostic << "target does not fit: " << logits.name << " is "
             << printType(type) << ", target is " << printType(target)
             << "; expected integers "
             << printShape(type.getShape().drop_back()) << " or floats "
             << printShape(type.getShape());
  return diagnostic;
}

bool isClassification(RankedTensorType logits, RankedTensorType target) {
  return logits.getRank() > 0 && logits.getShape().back() > 1 &&
         (isIntegerTarget(logits, target) || isOneHotTarget(logits, target));
}

TypeOrFailure inferAccuracy(const OpSite &site, RankedTensorType prediction,
                            RankedTensorType target) {
  NamedType operand{"prediction", prediction};
  if (isClassification(prediction, target))
    return makeScalar(prediction);
  bool isBinary = dropTrailingOnes(prediction.getShape()) ==
                      dropTrailingOnes(target.getShape()) &&
                  dropTrailingOnes(prediction.getShape()).size() <= 1;
  return isBinary ? makeScalar(prediction)
                  : inferClassification(site, operand, target);
}

TypeOrFailure inferUpdate(const OpSite &site, RankedTensorType param,
                          ArrayRef<NamedType> others) {
  for (NamedType other : others)
    if (other.type != param)
      return site.error() << other.name << " is " << printType(other.type)
                          << ", param is " << printType(param)
                          << ": expected the same type";
  return param;
}

} // namespace nnc
