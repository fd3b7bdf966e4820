// See Step.h.
#include "codegen/cuda/Step.h"

#include "codegen/KernelForms.h"
#include "codegen/cuda/Elements.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace nnc;

/// The loop that neighbouring threads are at neighbouring iterations of: the
/// last dimension of what a sum makes. None where there is no such loop.
static std::optional<unsigned> threadLoop(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumResults() != 1)
    return std::nullopt;
  AffineMap map = op.getIndexingMapMatchingResult(op->getResult(0));
  if (map.getNumResults() == 0)
    return std::nullopt;
  auto last = dyn_cast<AffineDimExpr>(map.getResults().back());
  return last ? std::optional(last.getPosition()) : std::nullopt;
}

/// Which dimension of an operand follows that loop where it is not the last.
static std::optional<unsigned> dimToMove(AffineMap map, unsigned loop) {
  if (!map.isProjectedPermutation())
    return std::nullopt;
  for (auto [dim, index] : llvm::enumerate(map.getResults()))
    if (cast<AffineDimExpr>(index).getPosition() == loop)
      return dim + 1 == map.getNumResults() ? std::nullopt
                                            : std::optional<unsigned>(dim);
  return std::nullopt;
}

/// `tensor` with its dimensions in the order `from`, in memory.
static Value transpose(ImplicitLocOpBuilder &b, Value tensor,
                       ArrayRef<int64_t> from) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto shape = llvm::map_to_vector(
      from, [&](int64_t dim) { return type.getDimSize(dim); });
  Value empty = tensor::EmptyOp::create(b, shape, type.getElementType());
  SmallVector<AffineExpr> read(from.size());
  for (auto [loop, dim] : llvm::enumerate(from))
    read[dim] = b.getAffineDimExpr(loop);
  AffineMap maps[] = {AffineMap::get(from.size(), 0, read, b.getContext()),
                      b.getMultiDimIdentityMap(from.size())};
  SmallVector<utils::IteratorType> loops(from.size(),
                                         utils::IteratorType::parallel);
  auto copy = linalg::GenericOp::create(
      b, empty.getType(), tensor, empty, maps, loops,
      [](OpBuilder &builder, Location loc, ValueRange arguments) {
        linalg::YieldOp::create(builder, loc, arguments[0]);
      });
  copy->setAttr(kStoredAttr, b.getUnitAttr());
  return copy.getResult(0);
}

static bool isInvariant(Value value, func::FuncOp kernel) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getOwner()->getParentOp() == kernel &&
         kernel.getArgAttr(argument.getArgNumber(), kInvariantAttr);
}

/// Has the sum read a copy of the operand, whose dimension `dim` is the last.
static void moveToLast(linalg::GenericOp sum, OpOperand &operand,
                       unsigned dim) {
  AffineMap map = sum.getMatchingIndexingMap(&operand);
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < map.getNumResults(); ++i)
    if (i != dim)
      order.push_back(i);
  order.push_back(dim);
  auto indices =
      llvm::map_to_vector(order, [&](int64_t i) { return map.getResult(i); });
  ImplicitLocOpBuilder b(sum.getLoc(), sum);
  operand.set(transpose(b, operand.get(), order));
  SmallVector<AffineMap> maps = sum.getIndexingMapsArray();
  maps[operand.getOperandNumber()] =
      AffineMap::get(map.getNumDims(), 0, indices, b.getContext());
  sum.setIndexingMapsAttr(b.getAffineMapArrayAttr(maps));
}

/// Gives sums the weights in the order in which threads read them.
static void layOutWeights(func::FuncOp kernel) {
  SmallVector<linalg::GenericOp> sums;
  kernel.walk([&](linalg::GenericOp op) { sums.push_back(op); });
  for (linalg::GenericOp sum : sums)
    if (std::optional<unsigned> loop = threadLoop(sum))
      for (OpOperand *operand : sum.getDpsInputOperands()) {
        std::optional<unsigned> dim =
            dimToMove(sum.getMatchingIndexingMap(operand), *loop);
        if (dim && isInvariant(operand->get(), kernel))
          moveToLast(sum, *operand, *dim);
      }
}

FailureOr<ScheduledKernel> nnc::scheduleStep(func::FuncOp kernel,
                                             const GpuModel &model,
                                             Refusal &refusal) {
  // Phases go behind the kernel that they are made of, which is left as it is.
  OpBuilder builder(kernel);
  builder.setInsertionPointAfter(kernel);
  auto prepared = cast<func::FuncOp>(builder.clone(*kernel));
  layOutWeights(prepared);
  FailureOr<ScheduledKernel> scheduled =
      scheduleElements(prepared, model, /*separately=*/false, refusal);
  prepared.erase();
  if (succeeded(scheduled))
    scheduled->isStep = true;
  return scheduled;
}
