// See ContractionParts.h. Products follow one another in a chain of
// tensor.insert_slice that begins with zeros.
#include "codegen/ContractionParts.h"

#include "passes/BatchSize.h"

#include "mlir/IR/Matchers.h"

#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace mlir;
using namespace nnc;

bool nnc::isZeroTensor(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
  return matchPattern(tensor, m_AnyZeroFloat());
}

/// What a product is put into a tensor by, under whatever shape.
static tensor::InsertSliceOp findInsert(Value product) {
  while (product.hasOneUse()) {
    Operation *user = *product.user_begin();
    if (auto insert = dyn_cast<tensor::InsertSliceOp>(user))
      return insert.getSource() == product ? insert : tensor::InsertSliceOp();
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(
            user))
      break;
    product = user->getResult(0);
  }
  return {};
}

static bool isPlaced(tensor::InsertSliceOp insert) {
  auto isKnown = [&](int64_t dim) {
    return !insert.isDynamicOffset(dim) && !insert.isDynamicStride(dim);
  };
  return insert.getSourceType().getRank() == insert.getDestType().getRank() &&
         llvm::all_of(llvm::seq(insert.getDestType().getRank()), isKnown);
}

/// Elements from one of a product's to the next along `dim`: 0 where there is
/// only one.
static int64_t stepAlong(int64_t dim, tensor::InsertSliceOp insert) {
  return insert.getSourceType().getDimSize(dim) == 1
             ? 0
             : insert.getStaticStride(dim);
}

/// Whether no element along `dim` is both's: the steps of both never meet, or
/// one ends before the other begins.
static bool areDisjointAlong(int64_t dim, tensor::InsertSliceOp a,
                             tensor::InsertSliceOp b) {
  if (a.getStaticOffset(dim) > b.getStaticOffset(dim))
    std::swap(a, b);
  int64_t way = b.getStaticOffset(dim) - a.getStaticOffset(dim);
  int64_t step = std::gcd(stepAlong(dim, a), stepAlong(dim, b));
  int64_t size = a.getSourceType().getDimSize(dim);
  bool endsBefore =
      !ShapedType::isDynamic(size) && (size - 1) * stepAlong(dim, a) < way;
  return endsBefore || (step > 1 && way % step != 0);
}

static bool areDisjoint(tensor::InsertSliceOp a, tensor::InsertSliceOp b) {
  return llvm::any_of(llvm::seq(a.getDestType().getRank()),
                      [&](int64_t dim) { return areDisjointAlong(dim, a, b); });
}

static SmallVector<tensor::InsertSliceOp> inserts(const Products &found) {
  return llvm::map_to_vector(
      found.products, [](const Product &product) { return product.insert; });
}

/// Whether the products, of which no two meet, are all of the tensor.
static bool coverAll(const Products &found) {
  std::optional<BatchSize> sum(BatchSize(0));
  for (tensor::InsertSliceOp insert : inserts(found)) {
    std::optional<BatchSize> size =
        sizeOfShape(insert.getSourceType().getShape());
    sum = size && sum ? sum->plus(*size) : std::nullopt;
  }
  return sum &&
         sum == sizeOfShape(cast<ShapedType>(found.whole.getType()).getShape());
}

/// Sets `whole` and `rest` of products that are all put somewhere.
static LogicalResult findWhole(Products &found, Refusal &refusal) {
  auto several = [&] { return refusal.because("it has several reductions"); };
  Value first;
  for (Product &product : found.products) {
    if (!product.insert || !isPlaced(product.insert))
      return several();
    if (isZeroTensor(product.insert.getDest())) {
      if (first)
        return several();
      first = product.insert.getDest();
      found.whole = product.insert.getResult();
    }
  }
  if (!first)
    return several();
  // One follows the other, and nothing else sees what is between.
  for (size_t count = 1; count < found.products.size(); ++count) {
    auto next = llvm::find_if(found.products, [&](Product &product) {
      return product.insert.getDest() == found.whole;
    });
    if (next == found.products.end() || !found.whole.hasOneUse())
      return several();
    found.whole = next->insert.getResult();
  }
  for (auto [i, product] : llvm::enumerate(found.products))
    for (const Product &other : llvm::drop_begin(found.products, i + 1))
      if (!areDisjoint(product.insert, other.insert))
        return several();
  if (!coverAll(found))
    found.rest = first;
  return success();
}

//===----------------------------------------------------------------------===//
// Gaps
//===----------------------------------------------------------------------===//

namespace {

/// Every so many places of a tensor, from each of the first ones on.
struct Grid {
  SmallVector<int64_t> sizes, strides;

  int64_t numParts() const {
    int64_t count = 1;
    for (int64_t stride : strides)
      count = llvm::SaturatingMultiply<uint64_t>(count, stride);
    return count;
  }
  /// Where part `number` begins.
  SmallVector<int64_t> offsetsOf(int64_t number) const {
    SmallVector<int64_t> offsets(strides.size());
    for (int64_t dim = strides.size() - 1; dim >= 0; --dim) {
      offsets[dim] = number % strides[dim];
      number /= strides[dim];
    }
    return offsets;
  }
  SmallVector<int64_t> shapeFrom(ArrayRef<int64_t> offsets) const {
    SmallVector<int64_t> shape;
    for (auto [size, stride, offset] : llvm::zip(sizes, strides, offsets))
      shape.push_back(ShapedType::isDynamic(size)
                          ? size
                          : (size - offset + stride - 1) / stride);
    return shape;
  }
};

} // namespace

/// The grid that each of the products is a part of.
static std::optional<Grid> findGrid(const Products &found) {
  Grid grid;
  llvm::append_range(grid.sizes,
                     cast<ShapedType>(found.whole.getType()).getShape());
  grid.strides.assign(grid.sizes.size(), 1);
  for (tensor::InsertSliceOp insert : inserts(found))
    for (auto [dim, stride] : llvm::enumerate(grid.strides))
      stride = std::max(stride, insert.getStaticStride(dim));
  for (auto [size, stride] : llvm::zip(grid.sizes, grid.strides))
    if (stride > 1 && (ShapedType::isDynamic(size) || stride > size))
      return std::nullopt;
  auto isPart = [&](tensor::InsertSliceOp insert) {
    ArrayRef<int64_t> offsets = insert.getStaticOffsets();
    auto isBefore = [](auto pair) {
      return std::get<0>(pair) < std::get<1>(pair);
    };
    return llvm::all_of(llvm::zip(offsets, grid.strides), isBefore) &&
           insert.getSourceType().getShape() ==
               ArrayRef(grid.shapeFrom(offsets));
  };
  return llvm::all_of(inserts(found), isPart) ? std::optional(grid)
                                              : std::nullopt;
}

std::optional<SmallVector<Gap>> nnc::findGaps(const Products &products) {
  // More would be long code for each element.
  constexpr int64_t kMostParts = 16;
  std::optional<Grid> grid = findGrid(products);
  if (!grid || grid->numParts() > kMostParts)
    return std::nullopt;
  SmallVector<Gap> gaps;
  for (int64_t number = 0; number < grid->numParts(); ++number) {
    SmallVector<int64_t> offsets = grid->offsetsOf(number),
                         shape = grid->shapeFrom(offsets);
    auto isThere = [&](tensor::InsertSliceOp insert) {
      return insert.getStaticOffsets() == ArrayRef(offsets);
    };
    auto isAlike = [&](tensor::InsertSliceOp insert) {
      return insert.getSourceType().getShape() == ArrayRef(shape);
    };
    SmallVector<tensor::InsertSliceOp> all = inserts(products);
    if (llvm::any_of(all, isThere))
      continue;
    auto alike = llvm::find_if(all, isAlike);
    if (alike == all.end())
      return std::nullopt;
    Gap gap{unsigned(alike - all.begin()), std::move(offsets)};
    for (auto [step, from] : llvm::zip(gap.shift, alike->getStaticOffsets()))
      step -= from;
    gaps.push_back(std::move(gap));
  }
  return gaps;
}

FailureOr<Products> nnc::findProducts(func::FuncOp kernel, Refusal &refusal) {
  Products found;
  for (auto op : kernel.getBody().front().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      found.products.push_back({op,
                                op.getNumResults() == 1
                                    ? findInsert(op.getResult(0))
                                    : tensor::InsertSliceOp(),
                                {}});
  if (found.products.empty())
    return refusal.because("it has no reduction");
  if (found.products.size() == 1 && !found.products[0].insert) {
    found.whole = found.products[0].op.getResult(0);
    return found;
  }
  if (failed(findWhole(found, refusal)))
    return failure();
  return found;
}
