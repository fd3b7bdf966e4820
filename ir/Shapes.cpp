// How shapes are spelled, which are supported, and axes.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Format.h"
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

std::string printDim(int64_t dim) {
  return ShapedType::isDynamic(dim) ? "batch" : std::to_string(dim);
}

std::string printShape(ArrayRef<int64_t> shape) {
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

std::string printDims(ArrayRef<int64_t> dims) {
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

const char *findShapeProblem(ArrayRef<int64_t> shape) {
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

TypeOrFailure makeTensor(const OpSite &site, ArrayRef<int64_t> shape,
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

LogicalResult appendType(SmallVectorImpl<Type> &types,
                         const TypesOrFailure &more) {
  if (failed(more))
    return failure();
  llvm::append_range(types, *more);
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

LogicalResult checkAxes(const OpSite &site, RankedTensorType x,
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

} // namespace nnc
