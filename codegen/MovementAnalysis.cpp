// Recognizes the forms that codegen/lower/Movement.cpp gives to movement ops.
#include "codegen/MovementAnalysis.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Reshapes of contiguous tensors do not move anything.
static Value throughReshapes(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// Which operand of the kernel (the batch not counted) this is.
static std::optional<unsigned> operandOf(func::FuncOp kernel, Value value) {
  auto argument = dyn_cast<BlockArgument>(throughReshapes(value));
  if (!argument || argument.getOwner() != &kernel.getBody().front())
    return std::nullopt;
  return argument.getArgNumber() - 1;
}

static std::optional<TypedAttr> filledValue(Value value) {
  auto fill = value.getDefiningOp<linalg::FillOp>();
  TypedAttr attr;
  if (!fill || !fill.getOutputs()[0].getDefiningOp<tensor::EmptyOp>() ||
      !matchPattern(fill.getInputs()[0], m_Constant(&attr)))
    return std::nullopt;
  return attr;
}

static bool isConstant(Value value, int64_t expected) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) &&
         constant.getSExtValue() == expected;
}

namespace {

/// min(max(cast(source), 0), size - 1).
struct ClampedIndex {
  Value source;
  bool isUnsigned;
  int64_t size;
};

} // namespace

static std::optional<ClampedIndex> matchClamp(Value value) {
  auto minimum = value.getDefiningOp<arith::MinSIOp>();
  APInt last;
  if (!minimum || !matchPattern(minimum.getRhs(), m_ConstantInt(&last)))
    return std::nullopt;
  auto maximum = minimum.getLhs().getDefiningOp<arith::MaxSIOp>();
  if (!maximum || !isConstant(maximum.getRhs(), 0))
    return std::nullopt;
  int64_t size = last.getSExtValue() + 1;
  Value cast = maximum.getLhs();
  if (auto op = cast.getDefiningOp<arith::IndexCastOp>())
    return ClampedIndex{op.getIn(), false, size};
  if (auto op = cast.getDefiningOp<arith::IndexCastUIOp>())
    return ClampedIndex{op.getIn(), true, size};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// linalg.generic: transpose, broadcast, gather
//===----------------------------------------------------------------------===//

namespace {

class GenericAnalysis {
public:
  GenericAnalysis(func::FuncOp kernel, linalg::GenericOp op)
      : kernel(kernel), op(op),
        type(cast<RankedTensorType>(op.getResult(0).getType())) {}

  FailureOr<Copy> analyze();

private:
  bool hasForm();
  std::optional<Copy> loops();
  FailureOr<Copy> analyzePermutation();
  FailureOr<Copy> analyzeGather(tensor::ExtractOp extract);

  func::FuncOp kernel;
  linalg::GenericOp op;
  RankedTensorType type;
};

} // namespace

/// One input, one fresh output, all loops parallel and in the output's order.
bool GenericAnalysis::hasForm() {
  return op.getNumDpsInputs() == 1 && op.getNumDpsInits() == 1 &&
         op.getNumParallelLoops() == op.getNumLoops() &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() &&
         op.getDpsInitOperand(0)->get().getDefiningOp<tensor::EmptyOp>();
}

/// A loop for each dimension of the result, with its stride there.
std::optional<Copy> GenericAnalysis::loops() {
  std::optional<SmallVector<BatchSize>> strides =
      rowMajorStrides(type.getShape());
  if (!strides)
    return std::nullopt;
  Copy copy;
  for (auto [size, stride] : llvm::zip(type.getShape(), *strides))
    copy.dims.push_back(
        {BatchSize::ofDim(size), BatchSize(), stride, BatchSize()});
  return copy;
}

/// Adds a tensor's strides to the loops that its indexing map names.
static bool addStrides(Copy &copy, AffineMap map, RankedTensorType type,
                       BatchSize CopyDim::*member) {
  std::optional<SmallVector<BatchSize>> strides =
      rowMajorStrides(type.getShape());
  if (!strides)
    return false;
  for (auto [expr, stride] : llvm::zip(map.getResults(), *strides)) {
    // A constant 0 is a dimension of size 1 that is stretched.
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0)
        return false;
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return false;
    BatchSize &total = copy.dims[dim.getPosition()].*member;
    std::optional<BatchSize> sum = total.plus(stride);
    if (!sum)
      return false;
    total = *sum;
  }
  return true;
}

FailureOr<Copy> GenericAnalysis::analyzePermutation() {
  OpOperand *input = op.getDpsInputOperand(0);
  std::optional<unsigned> operand = operandOf(kernel, input->get());
  std::optional<Copy> copy = loops();
  if (!operand || !copy ||
      !addStrides(*copy, op.getMatchingIndexingMap(input),
                  cast<RankedTensorType>(input->get().getType()),
                  &CopyDim::source))
    return failure();
  copy->operand = *operand;
  return *copy;
}

FailureOr<Copy> GenericAnalysis::analyzeGather(tensor::ExtractOp extract) {
  auto table = cast<RankedTensorType>(extract.getTensor().getType());
  std::optional<unsigned> operand = operandOf(kernel, extract.getTensor());
  OpOperand *input = op.getDpsInputOperand(0);
  std::optional<unsigned> indices = operandOf(kernel, input->get());
  std::optional<Copy> copy = loops();
  std::optional<SmallVector<BatchSize>> strides =
      rowMajorStrides(table.getShape());
  if (!operand || !indices || !copy || !strides ||
      !addStrides(*copy, op.getMatchingIndexingMap(input),
                  cast<RankedTensorType>(input->get().getType()),
                  &CopyDim::index))
    return failure();
  copy->operand = *operand;
  for (auto [position, stride] : llvm::zip(extract.getIndices(), *strides)) {
    if (auto loop = position.getDefiningOp<linalg::IndexOp>()) {
      copy->dims[loop.getDim()].source = stride;
      continue;
    }
    std::optional<ClampedIndex> clamp = matchClamp(position);
    if (!clamp || clamp->source != op.getBlock()->getArgument(0) ||
        copy->gather)
      return failure();
    copy->gather =
        GatherIndex{*indices, clamp->isUnsigned, clamp->size, stride};
  }
  if (!copy->gather)
    return failure();
  return *copy;
}

FailureOr<Copy> GenericAnalysis::analyze() {
  if (!hasForm())
    return failure();
  Value yielded = op.getBlock()->getTerminator()->getOperand(0);
  if (yielded == op.getBlock()->getArgument(0))
    return analyzePermutation();
  if (auto extract = yielded.getDefiningOp<tensor::ExtractOp>())
    return analyzeGather(extract);
  return failure();
}

//===----------------------------------------------------------------------===//
// Slices: slice, pad, concat
//===----------------------------------------------------------------------===//

/// A loop for each dimension of a slice whose tensor has `whole` as its type:
/// the slice's strides and offset there, the part's strides on the other side.
static FailureOr<Copy> copyOfSlice(OffsetSizeAndStrideOpInterface slice,
                                   RankedTensorType whole,
                                   RankedTensorType part, bool isSource) {
  std::optional<SmallVector<BatchSize>> wholeStrides =
      rowMajorStrides(whole.getShape());
  std::optional<SmallVector<BatchSize>> partStrides =
      rowMajorStrides(part.getShape());
  // A slice that drops dimensions has other loops than its part.
  if (!wholeStrides || !partStrides || whole.getRank() != part.getRank())
    return failure();
  Copy copy;
  BatchSize &offset = isSource ? copy.sourceOffset : copy.destinationOffset;
  for (int64_t dim = 0; dim < whole.getRank(); ++dim) {
    if (slice.isDynamicOffset(dim) || slice.isDynamicStride(dim))
      return failure();
    BatchSize wholeStride = (*wholeStrides)[dim];
    std::optional<BatchSize> step =
        wholeStride.times(slice.getStaticStride(dim));
    std::optional<BatchSize> start =
        wholeStride.times(slice.getStaticOffset(dim));
    std::optional<BatchSize> sum = start ? offset.plus(*start) : std::nullopt;
    if (!step || !sum)
      return failure();
    offset = *sum;
    BatchSize partStride = (*partStrides)[dim];
    copy.dims.push_back({BatchSize::ofDim(part.getDimSize(dim)),
                         isSource ? *step : partStride,
                         isSource ? partStride : *step, BatchSize()});
  }
  return copy;
}

static FailureOr<Copy> analyzeExtract(func::FuncOp kernel,
                                      tensor::ExtractSliceOp op) {
  std::optional<unsigned> operand = operandOf(kernel, op.getSource());
  FailureOr<Copy> copy =
      copyOfSlice(op, op.getSourceType(), op.getType(), /*isSource=*/true);
  if (!operand || failed(copy))
    return failure();
  copy->operand = *operand;
  return copy;
}

/// A chain of insertions, the last first, into an empty or filled tensor.
static LogicalResult analyzeInserts(func::FuncOp kernel,
                                    tensor::InsertSliceOp op,
                                    Movement &movement) {
  std::optional<unsigned> operand = operandOf(kernel, op.getSource());
  FailureOr<Copy> copy =
      copyOfSlice(op, op.getDestType(), op.getSourceType(), /*isSource=*/false);
  if (!operand || failed(copy))
    return failure();
  copy->operand = *operand;
  Value destination = op.getDest();
  if (auto inner = destination.getDefiningOp<tensor::InsertSliceOp>()) {
    if (failed(analyzeInserts(kernel, inner, movement)))
      return failure();
  } else if (std::optional<TypedAttr> value = filledValue(destination)) {
    movement.fill = Fill{*value};
  } else if (!destination.getDefiningOp<tensor::EmptyOp>()) {
    return failure();
  }
  movement.copies.push_back(*copy);
  return success();
}

//===----------------------------------------------------------------------===//
// scatter_add
//===----------------------------------------------------------------------===//

/// The loops of a nest, outermost first, that each carry one tensor.
static SmallVector<scf::ForOp> nestOf(scf::ForOp outermost) {
  SmallVector<scf::ForOp> loops{outermost};
  while (true) {
    Block *body = loops.back().getBody();
    auto inner = dyn_cast<scf::ForOp>(&body->front());
    if (!inner || inner->getNextNode() != body->getTerminator())
      return loops;
    loops.push_back(inner);
  }
}

/// Whether the loops run over the whole of `updates` and carry one tensor.
static bool isPlainNest(func::FuncOp kernel, ArrayRef<scf::ForOp> loops,
                        RankedTensorType updates) {
  if (static_cast<int64_t>(loops.size()) != updates.getRank())
    return false;
  for (unsigned depth = 0; depth < loops.size(); ++depth) {
    scf::ForOp loop = loops[depth];
    bool carriesOne = loop.getInitArgs().size() == 1;
    if (!carriesOne || !isConstant(loop.getLowerBound(), 0) ||
        !isConstant(loop.getStep(), 1))
      return false;
    int64_t size = updates.getDimSize(depth);
    bool isWhole = ShapedType::isDynamic(size)
                       ? loop.getUpperBound() == kernel.getArgument(0)
                       : isConstant(loop.getUpperBound(), size);
    scf::ForOp outer = depth == 0 ? scf::ForOp() : loops[depth - 1];
    bool carriesOn =
        !outer || loop.getInitArgs()[0] == outer.getRegionIterArg(0);
    if (!isWhole || !carriesOn)
      return false;
  }
  return true;
}

static bool areLoops(ValueRange values, ArrayRef<scf::ForOp> loops) {
  if (values.size() != loops.size())
    return false;
  return llvm::all_of(llvm::zip(values, loops), [](auto pair) {
    scf::ForOp loop = std::get<1>(pair);
    return std::get<0>(pair) == loop.getInductionVar();
  });
}

static FailureOr<ScatterAdd> analyzeScatter(func::FuncOp kernel,
                                            scf::ForOp outermost) {
  SmallVector<scf::ForOp> loops = nestOf(outermost);
  Operation *terminator = loops.back().getBody()->getTerminator();
  auto insert = terminator->getOperand(0).getDefiningOp<tensor::InsertOp>();
  if (!insert || insert.getDest() != loops.back().getRegionIterArg(0))
    return failure();
  auto sum = insert.getScalar().getDefiningOp<arith::AddFOp>();
  if (!sum)
    return failure();
  auto old = sum.getLhs().getDefiningOp<tensor::ExtractOp>();
  auto update = sum.getRhs().getDefiningOp<tensor::ExtractOp>();
  if (!old || !update || old.getTensor() != insert.getDest() ||
      old.getIndices() != insert.getIndices() ||
      !areLoops(update.getIndices(), loops))
    return failure();

  // position = (outer loops, clamped index, inner loops)
  auto type = cast<RankedTensorType>(insert.getDest().getType());
  auto updates = cast<RankedTensorType>(update.getTensor().getType());
  // Sums of 16 bits are kept in 32 first, which is more than movement.
  bool isSummable =
      type.getElementType().isF32() || type.getElementType().isF64();
  if (!isSummable || !isPlainNest(kernel, loops, updates))
    return failure();
  std::optional<ClampedIndex> clamp;
  unsigned axis = 0;
  for (; axis < insert.getIndices().size() && !clamp; ++axis)
    clamp = matchClamp(insert.getIndices()[axis]);
  if (!clamp)
    return failure();
  --axis;
  auto index = clamp->source.getDefiningOp<tensor::ExtractOp>();
  if (!index)
    return failure();
  unsigned numIndexDims = index.getIndices().size();
  ArrayRef<scf::ForOp> all = loops;
  unsigned innerStart = axis + numIndexDims;
  if (innerStart > loops.size() ||
      !areLoops(insert.getIndices().take_front(axis), all.take_front(axis)) ||
      !areLoops(index.getIndices(), all.slice(axis, numIndexDims)) ||
      !areLoops(insert.getIndices().drop_front(axis + 1),
                all.drop_front(innerStart)))
    return failure();

  ArrayRef<int64_t> shape = updates.getShape();
  std::optional<BatchSize> outer = sizeOfShape(shape.take_front(axis));
  std::optional<BatchSize> count = sizeOfShape(shape.slice(axis, numIndexDims));
  std::optional<BatchSize> width = sizeOfShape(shape.drop_front(innerStart));
  std::optional<unsigned> indexOperand = operandOf(kernel, index.getTensor());
  std::optional<unsigned> updateOperand = operandOf(kernel, update.getTensor());
  std::optional<TypedAttr> initial = filledValue(outermost.getInitArgs()[0]);
  if (!outer || !count || !width || !indexOperand || !updateOperand ||
      !initial || !matchPattern(*initial, m_AnyZeroFloat()) ||
      clamp->size != type.getDimSize(axis) || !count->times(*width))
    return failure();
  return ScatterAdd{*indexOperand, *updateOperand, clamp->isUnsigned,
                    *outer,        *count,         clamp->size,
                    *width};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

FailureOr<Movement> nnc::analyzeMovement(func::FuncOp kernel) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  if (terminator->getNumOperands() != 1)
    return failure();
  Value result = throughReshapes(terminator->getOperand(0));
  Operation *op = result.getDefiningOp();
  if (!op)
    return failure();
  Movement movement;
  movement.result = cast<RankedTensorType>(result.getType());
  if (!sizeOfShape(movement.result.getShape()))
    return failure();
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    if (failed(analyzeInserts(kernel, insert, movement)))
      return failure();
    return movement;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    FailureOr<ScatterAdd> scatter = analyzeScatter(kernel, loop);
    if (failed(scatter))
      return failure();
    movement.scatter = *scatter;
    return movement;
  }
  if (std::optional<TypedAttr> value = filledValue(result)) {
    movement.fill = Fill{*value};
    return movement;
  }
  FailureOr<Copy> copy = failure();
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    copy = GenericAnalysis(kernel, generic).analyze();
  else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    copy = analyzeExtract(kernel, slice);
  if (failed(copy))
    return failure();
  movement.copies.push_back(*copy);
  return movement;
}
