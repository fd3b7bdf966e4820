// See MovementAnalysis.h. Where an element comes from is its access; what is
// asked here is only whether a kernel is made of such.
#include "codegen/MovementAnalysis.h"

#include "codegen/Access.h"
#include "codegen/KernelForms.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

static RankedTensorType typeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType());
}

/// Which operand of the kernel (the batch not counted) `argument` is.
static unsigned operandOf(BlockArgument argument) {
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

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

/// The copy of `part` to the places that `destination` gives for its elements,
/// in a tensor of `shape`. A loop a dimension of `part`.
static FailureOr<Copy>
copyOf(Value part, ArrayRef<int64_t> shape, Refusal &refusal,
       llvm::function_ref<FailureOr<Indices>(const Indices &)> destination) {
  SmallVector<BatchSize> sizes =
      llvm::map_to_vector(typeOf(part).getShape(),
                          [](int64_t dim) { return BatchSize::ofDim(dim); });
  Indices loops;
  for (unsigned loop = 0; loop < sizes.size(); ++loop)
    loops.push_back(LinearIndex::loop(loop, sizes.size()));
  FailureOr<Indices> target = destination(loops);
  FailureOr<Access> source = traceAccess(part, loops, sizes, refusal);
  if (failed(target) || failed(source))
    return failure();
  std::optional<LinearIndex> place = flatten(*target, shape, sizes.size());
  if (!place)
    return refusal.because("an element's place depends on the batch squared");
  auto argument = dyn_cast<BlockArgument>(source->tensor);
  if (!argument)
    return refusal.because("it computes elements");
  if (!source->bounds.empty())
    return refusal.because("it moves padding");

  Copy copy{operandOf(argument), source->place.base, place->base, {}, {}};
  const std::optional<IndexLoad> &load = source->load;
  for (unsigned loop = 0; loop < sizes.size(); ++loop)
    copy.dims.push_back({sizes[loop], source->place.strides[loop],
                         place->strides[loop],
                         load ? load->place.strides[loop] : BatchSize()});
  if (load)
    copy.gather = GatherIndex{operandOf(load->indices), load->place.base,
                              load->isUnsigned, load->size, load->stride};
  return copy;
}

/// A chain of insertions, the last first, into an empty or filled tensor.
static LogicalResult analyzeInserts(tensor::InsertSliceOp op,
                                    Movement &movement, Refusal &refusal) {
  auto destination = [&](const Indices &loops) {
    return sliceIndices(op, op.getDroppedDims(), loops,
                        op.getSourceType().getRank(), refusal);
  };
  FailureOr<Copy> copy =
      copyOf(op.getSource(), op.getDestType().getShape(), refusal, destination);
  if (failed(copy))
    return failure();
  Value below = op.getDest();
  if (auto inner = below.getDefiningOp<tensor::InsertSliceOp>()) {
    if (failed(analyzeInserts(inner, movement, refusal)))
      return failure();
  } else if (std::optional<TypedAttr> value = filledValue(below)) {
    movement.fill = Fill{*value};
  } else if (!below.getDefiningOp<tensor::EmptyOp>()) {
    return refusal.because("it puts a part into a tensor that exists");
  }
  movement.copies.push_back(*copy);
  return success();
}

//===----------------------------------------------------------------------===//
// scatter_add
//===----------------------------------------------------------------------===//

static FailureOr<ScatterAdd> analyzeScatter(scf::ForOp loop, Refusal &refusal) {
  std::optional<ScatterAddForm> form = scatterAddForm(loop);
  if (!form)
    return refusal.because("a loop builds it element by element");
  auto indices = dyn_cast<BlockArgument>(rootOf(form->indices));
  auto updates = dyn_cast<BlockArgument>(rootOf(form->updates));
  if (!indices || !updates)
    return refusal.because("what a scatter_add adds is computed");
  // Sums of 16 bits are kept in 32 first, which is more than movement.
  RankedTensorType type = typeOf(loop.getResult(0));
  std::optional<TypedAttr> initial = filledValue(loop.getInitArgs()[0]);
  if (typeOf(updates).getElementType() != type.getElementType() ||
      !(type.getElementType().isF32() || type.getElementType().isF64()) ||
      !initial || !matchPattern(*initial, m_AnyZeroFloat()))
    return refusal.because("a scatter_add's sums are not of its result's type, "
                           "or do not begin at zero");
  ArrayRef<int64_t> shape = typeOf(form->updates).getShape();
  int64_t rank = typeOf(form->indices).getRank();
  std::optional<BatchSize> outer = sizeOfShape(shape.take_front(form->axis)),
                           count = sizeOfShape(shape.slice(form->axis, rank)),
                           width =
                               sizeOfShape(shape.drop_front(form->axis + rank));
  BatchSize rows = BatchSize::ofDim(type.getDimSize(form->axis));
  if (!outer || !count || !width || !count->times(*width) ||
      !rows.times(*width))
    return refusal.because("a scatter_add's size depends on the batch squared");
  return ScatterAdd{operandOf(indices),
                    operandOf(updates),
                    form->isUnsigned,
                    *outer,
                    *count,
                    rows,
                    *width};
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// A kernel whose only result is `result`.
static LogicalResult analyzeResult(Value result, Movement &movement,
                                   Refusal &refusal) {
  if (auto insert = result.getDefiningOp<tensor::InsertSliceOp>())
    return analyzeInserts(insert, movement, refusal);
  if (auto loop = result.getDefiningOp<scf::ForOp>()) {
    FailureOr<ScatterAdd> scatter = analyzeScatter(loop, refusal);
    if (succeeded(scatter))
      movement.scatter = *scatter;
    return scatter;
  }
  if (std::optional<TypedAttr> value = filledValue(result)) {
    movement.fill = Fill{*value};
    return success();
  }
  FailureOr<Copy> copy =
      copyOf(result, movement.result.getShape(), refusal,
             [](const Indices &loops) { return FailureOr<Indices>(loops); });
  if (succeeded(copy))
    movement.copies.push_back(*copy);
  return copy;
}

FailureOr<Movement> nnc::analyzeMovement(func::FuncOp kernel,
                                         Refusal &refusal) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  if (terminator->getNumOperands() != 1)
    return refusal.because("it has several results");
  Value result = rootOf(terminator->getOperand(0));
  if (!result.getDefiningOp())
    return refusal.because("its result is an operand");
  Movement movement;
  movement.result = typeOf(result);
  if (!sizeOfShape(movement.result.getShape()))
    return refusal.because("its result's size depends on the batch squared");
  if (failed(analyzeResult(result, movement, refusal)))
    return failure();
  return movement;
}
