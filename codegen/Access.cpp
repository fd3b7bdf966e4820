// See Access.h. Indices are followed from the reader to what it reads; a tensor
// that lies in memory is contiguous, so that a reshape changes the indices and
// not the place.
#include "codegen/Access.h"

#include "codegen/KernelForms.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Linear indices
//===----------------------------------------------------------------------===//

LinearIndex LinearIndex::loop(unsigned loop, size_t numLoops) {
  LinearIndex index = constant(BatchSize(), numLoops);
  index.strides[loop] = BatchSize(1);
  return index;
}

bool LinearIndex::isConstant() const {
  return llvm::all_of(strides,
                      [](BatchSize stride) { return stride.isZero(); });
}

std::optional<unsigned> LinearIndex::asLoop() const {
  for (unsigned number = 0; number < strides.size(); ++number)
    if (*this == loop(number, strides.size()))
      return number;
  return std::nullopt;
}

std::optional<LinearIndex> LinearIndex::times(BatchSize factor) const {
  std::optional<BatchSize> newBase = base.times(factor);
  if (!newBase)
    return std::nullopt;
  LinearIndex product{*newBase, {}};
  for (BatchSize stride : strides) {
    std::optional<BatchSize> next = stride.times(factor);
    if (!next)
      return std::nullopt;
    product.strides.push_back(*next);
  }
  return product;
}

std::optional<LinearIndex> LinearIndex::plus(const LinearIndex &other) const {
  std::optional<BatchSize> newBase = base.plus(other.base);
  if (!newBase)
    return std::nullopt;
  LinearIndex sum{*newBase, {}};
  for (auto [lhs, rhs] : llvm::zip_equal(strides, other.strides)) {
    std::optional<BatchSize> next = lhs.plus(rhs);
    if (!next)
      return std::nullopt;
    sum.strides.push_back(*next);
  }
  return sum;
}

Indices nnc::loopIndices(ArrayRef<BatchSize> loopSizes) {
  Indices indices;
  for (auto [loop, size] : llvm::enumerate(loopSizes))
    indices.push_back(size.isOne()
                          ? LinearIndex::constant(BatchSize(), loopSizes.size())
                          : LinearIndex::loop(loop, loopSizes.size()));
  return indices;
}

static std::optional<LinearIndex> evaluate(AffineExpr expr, const Indices &dims,
                                           size_t numLoops) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return LinearIndex::constant(BatchSize(constant.getValue()), numLoops);
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dims[dim.getPosition()];
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  auto lhs = evaluate(binary.getLHS(), dims, numLoops);
  if (!lhs)
    return std::nullopt;
  if (expr.getKind() == AffineExprKind::Add) {
    auto rhs = evaluate(binary.getRHS(), dims, numLoops);
    return rhs ? lhs->plus(*rhs) : std::nullopt;
  }
  // Affine expressions have their constants on the right.
  auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() != AffineExprKind::Mul || !factor)
    return std::nullopt;
  return lhs->times(BatchSize(factor.getValue()));
}

std::optional<Indices> nnc::compose(AffineMap map, const Indices &dims,
                                    size_t numLoops) {
  Indices indices;
  for (AffineExpr expr : map.getResults()) {
    std::optional<LinearIndex> index = evaluate(expr, dims, numLoops);
    if (!index)
      return std::nullopt;
    indices.push_back(std::move(*index));
  }
  return indices;
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

std::optional<LinearIndex>
nnc::flatten(const Indices &indices, ArrayRef<int64_t> shape, size_t numLoops) {
  LinearIndex number = LinearIndex::constant(BatchSize(), numLoops);
  for (auto [dim, index] : llvm::enumerate(indices)) {
    // A dimension that stays at 0 needs no stride, which may not exist.
    if (index.isConstant() && index.base.isZero())
      continue;
    std::optional<BatchSize> stride = sizeOfShape(shape.drop_front(dim + 1));
    std::optional<LinearIndex> part =
        stride ? index.times(*stride) : std::nullopt;
    std::optional<LinearIndex> sum = part ? number.plus(*part) : std::nullopt;
    if (!sum)
      return std::nullopt;
    number = std::move(*sum);
  }
  return number;
}

/// size / divisor, where that leaves nothing.
static std::optional<BatchSize> divide(BatchSize size, BatchSize divisor) {
  if (divisor.isZero() || size.factor % divisor.factor ||
      (divisor.perBatch && !size.perBatch))
    return std::nullopt;
  return BatchSize(size.factor / divisor.factor,
                   size.perBatch && !divisor.perBatch);
}

/// Whether `index` stays within [0, size) while every loop runs.
static bool isWithin(const LinearIndex &index, int64_t size,
                     ArrayRef<BatchSize> loopSizes) {
  if (index.isConstant() && index.base.isZero())
    return true;
  if (ShapedType::isDynamic(size)) {
    std::optional<unsigned> loop = index.asLoop();
    return loop && loopSizes[*loop] == BatchSize::ofDim(size);
  }
  // The smallest and the largest that it gets.
  std::optional<BatchSize> first = index.base, last = index.base;
  for (auto [stride, count] : llvm::zip_equal(index.strides, loopSizes)) {
    if (stride.isZero())
      continue;
    if (!count.isStatic())
      return false;
    std::optional<BatchSize> way = stride.times(count.factor - 1);
    std::optional<BatchSize> &end = stride.factor < 0 ? first : last;
    end = way && end ? end->plus(*way) : std::nullopt;
  }
  return first && last && first->isStatic() && last->isStatic() &&
         first->factor >= 0 && last->factor < size;
}

std::optional<Indices> nnc::unflatten(const LinearIndex &number,
                                      ArrayRef<int64_t> shape,
                                      ArrayRef<BatchSize> loopSizes) {
  // Of a tensor of one dimension, `?` may be more than the batch.
  if (shape.size() == 1)
    return Indices{number};
  std::optional<SmallVector<BatchSize>> strides = rowMajorStrides(shape);
  if (!strides)
    return std::nullopt;
  Indices indices(shape.size(),
                  LinearIndex::constant(BatchSize(), loopSizes.size()));
  // Adds what `amount` is in the outermost dimension that it is a multiple of.
  auto distribute = [&](BatchSize amount, auto member) {
    for (auto [dim, stride] : llvm::enumerate(*strides)) {
      std::optional<BatchSize> steps = divide(amount, stride);
      if (shape[dim] == 1 || !steps)
        continue;
      std::optional<BatchSize> sum = member(indices[dim]).plus(*steps);
      if (sum)
        member(indices[dim]) = *sum;
      return sum.has_value();
    }
    return amount.isZero();
  };
  for (unsigned loop = 0; loop < loopSizes.size(); ++loop)
    if (!distribute(number.strides[loop],
                    [&](LinearIndex &index) -> BatchSize & {
                      return index.strides[loop];
                    }))
      return std::nullopt;
  // The base, from the outermost dimension inwards.
  BatchSize rest = number.base;
  for (auto [dim, stride] : llvm::enumerate(*strides)) {
    if (rest.isZero() || shape[dim] == 1)
      continue;
    if (!rest.isStatic() || !stride.isStatic() || rest.factor < 0)
      return std::nullopt;
    indices[dim].base = BatchSize(rest.factor / stride.factor);
    rest = BatchSize(rest.factor % stride.factor);
  }
  for (auto [index, size] : llvm::zip_equal(indices, shape))
    if (!isWithin(index, size, loopSizes))
      return std::nullopt;
  return rest.isZero() ? std::optional(indices) : std::nullopt;
}

Value nnc::rootOf(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(
            op))
      break;
    tensor = op->getOperand(0);
  }
  return tensor;
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

FailureOr<Indices> nnc::sliceIndices(OffsetSizeAndStrideOpInterface slice,
                                     const llvm::SmallBitVector &dropped,
                                     const Indices &indices, size_t numLoops,
                                     Refusal &refusal) {
  Indices whole;
  unsigned next = 0;
  for (unsigned dim = 0; dim < slice.getMixedOffsets().size(); ++dim) {
    if (slice.isDynamicOffset(dim) || slice.isDynamicStride(dim))
      return refusal.because("a slice begins or steps where only a run knows");
    LinearIndex start =
        LinearIndex::constant(BatchSize(slice.getStaticOffset(dim)), numLoops);
    std::optional<LinearIndex> index = start;
    if (!dropped.test(dim)) {
      index = indices[next++].times(BatchSize(slice.getStaticStride(dim)));
      index = index ? index->plus(start) : std::nullopt;
    }
    if (!index)
      return refusal.because("a slice's index has no form that can be counted");
    whole.push_back(std::move(*index));
  }
  return whole;
}

//===----------------------------------------------------------------------===//
// Following an access
//===----------------------------------------------------------------------===//

namespace {

class Tracer {
public:
  Tracer(Value tensor, const Indices &indices, ArrayRef<BatchSize> loopSizes,
         Refusal &refusal, Value end)
      : loopSizes(loopSizes), refusal(refusal), end(end) {
    access.tensor = tensor;
    access.indices = indices;
  }

  FailureOr<Access> run();

private:
  LogicalResult step(Operation *op);
  void throughReshape(Value source);
  LogicalResult throughSlice(tensor::ExtractSliceOp op);
  LogicalResult throughPadding(tensor::InsertSliceOp op);
  LogicalResult throughCopy(linalg::GenericOp op);
  LogicalResult throughGather(const GatherForm &gather);
  LogicalResult place();
  ArrayRef<int64_t> shape() {
    return cast<RankedTensorType>(access.tensor.getType()).getShape();
  }

  Access access;
  ArrayRef<BatchSize> loopSizes;
  Refusal &refusal;
  Value end;
  bool isAtEnd = false;
};

} // namespace

/// Sets the place from the indices.
LogicalResult Tracer::place() {
  std::optional<LinearIndex> number =
      flatten(*access.indices, shape(), loopSizes.size());
  if (!number)
    return refusal.because("an element's place depends on the batch squared");
  access.place = std::move(*number);
  return success();
}

/// The place stays.
void Tracer::throughReshape(Value source) {
  access.tensor = source;
  access.indices = unflatten(access.place, shape(), loopSizes);
}

LogicalResult Tracer::throughSlice(tensor::ExtractSliceOp op) {
  FailureOr<Indices> whole = sliceIndices(
      op, op.getDroppedDims(), *access.indices, loopSizes.size(), refusal);
  if (failed(whole))
    return failure();
  access.tensor = op.getSource();
  access.indices = std::move(*whole);
  return place();
}

/// What every element of a tensor equals.
static OpFoldResult splatOf(Value tensor) {
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    return fill.getInputs()[0];
  SplatElementsAttr splat;
  if (matchPattern(tensor, m_Constant(&splat)))
    return splat.getSplatValue<Attribute>();
  return {};
}

/// A tensor put into one that is the same everywhere. Several paddings of one
/// element must agree.
LogicalResult Tracer::throughPadding(tensor::InsertSliceOp op) {
  OpFoldResult padding = splatOf(op.getDest());
  if (!padding || op.getSourceType().getRank() != op.getDestType().getRank()) {
    isAtEnd = true;
    return success();
  }
  if (access.padding && access.padding != padding)
    return refusal.because("an operand is padded with two values");
  access.padding = padding;
  for (unsigned dim = 0; dim < access.indices->size(); ++dim) {
    if (op.isDynamicOffset(dim) || op.isDynamicStride(dim))
      return refusal.because("padding begins where only a run knows");
    int64_t size = op.getSourceType().getDimSize(dim);
    if (op.getStaticStride(dim) != 1 && size != 1)
      return refusal.because("an operand has padding between its elements");
    LinearIndex &index = (*access.indices)[dim];
    std::optional<LinearIndex> moved = index.plus(LinearIndex::constant(
        BatchSize(-op.getStaticOffset(dim)), loopSizes.size()));
    if (!moved)
      return refusal.because("padding begins at a place that depends on the "
                             "batch");
    index = std::move(*moved);
    if (size != op.getDestType().getDimSize(dim))
      access.bounds.push_back({index, BatchSize::ofDim(size)});
  }
  access.tensor = op.getSource();
  return place();
}

/// An op that moves elements and does nothing to them.
LogicalResult Tracer::throughCopy(linalg::GenericOp op) {
  Block *body = op.getBody();
  auto argument = dyn_cast<BlockArgument>(body->getTerminator()->getOperand(0));
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  bool isCopy = op.getNumResults() == 1 && argument &&
                body->getOperations().size() == 1 &&
                argument.getArgNumber() < op.getNumDpsInputs() &&
                op.getNumReductionLoops() == 0 && outMap.isPermutation();
  isAtEnd = !isCopy;
  if (!isCopy)
    return success();
  OpOperand *input = op.getDpsInputOperand(argument.getArgNumber());
  AffineMap map =
      op.getMatchingIndexingMap(input).compose(inversePermutation(outMap));
  std::optional<Indices> indices =
      compose(map, *access.indices, loopSizes.size());
  if (!indices)
    return refusal.because("an operand's index is no sum of loops");
  access.tensor = input->get();
  access.indices = std::move(*indices);
  return place();
}

/// y[outer.., i.., inner..] = table[outer.., indices[i..], inner..]
LogicalResult Tracer::throughGather(const GatherForm &gather) {
  ArrayRef<LinearIndex> all = *access.indices;
  auto indicesType = cast<RankedTensorType>(gather.indices.getType());
  auto tableType = cast<RankedTensorType>(gather.table.getType());
  int64_t axis = gather.axis, rank = indicesType.getRank();
  FailureOr<Access> load = traceAccess(
      gather.indices, Indices(all.slice(axis, rank)), loopSizes, refusal);
  if (failed(load))
    return failure();
  auto argument = dyn_cast<BlockArgument>(load->tensor);
  if (!argument || !load->bounds.empty() || load->load)
    return refusal.because("the indices of a gather are computed");
  if (access.load)
    return refusal.because("an element is gathered twice");
  std::optional<BatchSize> stride =
      sizeOfShape(tableType.getShape().drop_front(axis + 1));
  if (!stride || !isa<BlockArgument>(rootOf(gather.table)))
    return refusal.because("the table of a gather is computed");
  access.load = {argument, load->place, gather.isUnsigned,
                 BatchSize::ofDim(tableType.getDimSize(axis)), *stride};
  Indices indices(all.take_front(axis));
  indices.push_back(LinearIndex::constant(BatchSize(), loopSizes.size()));
  llvm::append_range(indices, all.drop_front(axis + rank));
  access.tensor = gather.table;
  access.indices = std::move(indices);
  return place();
}

LogicalResult Tracer::step(Operation *op) {
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op)) {
    throughReshape(op->getOperand(0));
    return success();
  }
  // Beyond here indices are needed.
  isAtEnd = !access.indices;
  if (isAtEnd)
    return success();
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return throughSlice(slice);
  if (auto padded = dyn_cast<tensor::InsertSliceOp>(op))
    return throughPadding(padded);
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (auto gather = generic ? gatherForm(generic) : std::nullopt)
    return throughGather(*gather);
  if (generic)
    return throughCopy(generic);
  isAtEnd = true;
  return success();
}

FailureOr<Access> Tracer::run() {
  if (failed(place()))
    return failure();
  while (Operation *op = access.tensor.getDefiningOp()) {
    if (access.tensor == end)
      break;
    if (failed(step(op)))
      return failure();
    if (isAtEnd)
      break;
  }
  return std::move(access);
}

FailureOr<Access> nnc::traceAccess(Value tensor, const Indices &indices,
                                   ArrayRef<BatchSize> loopSizes,
                                   Refusal &refusal, Value end) {
  return Tracer(tensor, indices, loopSizes, refusal, end).run();
}
