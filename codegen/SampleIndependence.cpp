// Follows the one dimension that is the batch through the ops of a kernel: each
// must walk it by one parallel loop, the same for all operands.
#include "codegen/SampleIndependence.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nnc;

/// The dimension that is the batch; none where there is none.
static std::optional<unsigned> batchDim(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return std::nullopt;
  for (auto [dim, size] : llvm::enumerate(tensor.getShape()))
    if (ShapedType::isDynamic(size))
      return dim;
  return std::nullopt;
}

bool nnc::hasLeadingBatch(Type type) {
  std::optional<unsigned> dim = batchDim(type);
  if (!dim)
    return true;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(type).getShape();
  return llvm::all_of(shape.take_front(*dim),
                      [](int64_t size) { return size == 1; });
}

/// Whether the body says nothing of which sample it is at, and reads no tensor
/// that has samples by an index of its own.
static bool ignoresLoop(linalg::LinalgOp op, unsigned loop) {
  WalkResult result = op.getBlock()->walk([&](Operation *inner) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner);
        index && index.getDim() == loop)
      return WalkResult::interrupt();
    if (auto extract = dyn_cast<tensor::ExtractOp>(inner);
        extract && batchDim(extract.getTensor().getType()))
      return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return !result.wasInterrupted();
}

static bool isAlone(linalg::LinalgOp op) {
  std::optional<unsigned> batchLoop;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<unsigned> dim = batchDim(operand.get().getType());
    if (!dim)
      continue;
    auto loop = dyn_cast<AffineDimExpr>(
        op.getMatchingIndexingMap(&operand).getResult(*dim));
    if (!loop || (batchLoop && *batchLoop != loop.getPosition()))
      return false;
    batchLoop = loop.getPosition();
  }
  if (!batchLoop)
    return ignoresLoop(op, /*loop=*/-1u);
  if (op.getIteratorTypesArray()[*batchLoop] != utils::IteratorType::parallel)
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<unsigned> dim = batchDim(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, index] : llvm::enumerate(map.getResults()))
      if (dim != i && index.isFunctionOfDim(*batchLoop))
        return false;
  }
  return ignoresLoop(op, *batchLoop);
}

/// Whether a slice has all samples: begins at the first, and goes to the last.
static bool keepsSamples(OffsetSizeAndStrideOpInterface slice, Type whole) {
  std::optional<unsigned> dim = batchDim(whole);
  return !dim || (slice.getStaticOffsets()[*dim] == 0 &&
                  slice.getStaticStrides()[*dim] == 1 &&
                  ShapedType::isDynamic(slice.getStaticSizes()[*dim]));
}

/// Whether the batch stays the slowest of the dimensions that are one on the
/// other side.
static bool keepsBatchFirst(ArrayRef<ReassociationIndices> groups, Type split) {
  std::optional<unsigned> dim = batchDim(split);
  if (!dim)
    return true;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(split).getShape();
  for (const ReassociationIndices &group : groups)
    for (int64_t other : group) {
      if (other == int64_t(*dim))
        return true;
      if (llvm::is_contained(group, int64_t(*dim)) && shape[other] != 1)
        return false;
    }
  return true;
}

static bool isAlone(Operation &op) {
  return TypeSwitch<Operation *, bool>(&op)
      .Case([](linalg::LinalgOp op) { return isAlone(op); })
      .Case([](tensor::ExtractSliceOp op) {
        return keepsSamples(op, op.getSourceType());
      })
      .Case([](tensor::InsertSliceOp op) {
        return keepsSamples(op, op.getDestType());
      })
      .Case([](tensor::CollapseShapeOp op) {
        return keepsBatchFirst(op.getReassociationIndices(), op.getSrcType());
      })
      .Case([](tensor::ExpandShapeOp op) {
        return keepsBatchFirst(op.getReassociationIndices(),
                               op.getResultType());
      })
      .Case<arith::ConstantOp, tensor::EmptyOp, func::ReturnOp>(
          [](Operation *) { return true; })
      .Default([](Operation *) { return false; });
}

bool nnc::treatsSamplesAlone(func::FuncOp kernel) {
  FunctionType type = kernel.getFunctionType();
  if (!llvm::all_of(type.getInputs(), hasLeadingBatch) ||
      !llvm::all_of(type.getResults(), hasLeadingBatch))
    return false;
  // Its number is the size of something, and enters no value.
  bool isSizeAlone =
      llvm::all_of(kernel.getArgument(0).getUsers(), [](Operation *user) {
        return isa<tensor::EmptyOp, tensor::ExtractSliceOp,
                   tensor::InsertSliceOp, tensor::ExpandShapeOp>(user);
      });
  return isSizeAlone && llvm::all_of(kernel.getBody().front(),
                                     [](Operation &op) { return isAlone(op); });
}
