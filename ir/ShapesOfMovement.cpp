// Shape rules of ops that move elements.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

int64_t countStatic(ArrayRef<int64_t> shape) {
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

} // namespace nnc
