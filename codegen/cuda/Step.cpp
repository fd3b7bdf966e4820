// See Step.h. At each step threads wait for sums: so several have a sum's terms
// where each would have many, and each adds up a few rows of them.
#include "codegen/cuda/Step.h"

#include "codegen/KernelForms.h"
#include "codegen/cuda/Elements.h"
#include "codegen/cuda/ElementsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace nnc;

/// Terms that a thread adds up side by side, so that none waits for the one
/// before it: an addition takes four clocks.
static constexpr int64_t kLanes = 4;
/// Threads of a block that has a sample.
static constexpr int64_t kMostThreads = 512;

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

//===----------------------------------------------------------------------===//
// Sums by several threads
//===----------------------------------------------------------------------===//

/// The loop over the terms of a plain sum of floats, if `op` is one: its body
/// adds something to what it yields.
static std::optional<unsigned> termsOf(linalg::GenericOp op) {
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  if (reductions.size() != 1 || op.getNumResults() != 1 ||
      op.hasIndexSemantics() ||
      !op.getBody()->getOps<tensor::ExtractOp>().empty())
    return std::nullopt;
  BlockArgument sum = op.getRegionOutputArgs().front();
  auto add = op.getBody()
                 ->getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  bool isSum = add && sum.hasOneUse() && *sum.user_begin() == add;
  bool isStatic =
      !ShapedType::isDynamic(op.getStaticLoopRanges()[reductions.front()]);
  bool isPlain = llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
    return map.isProjectedPermutation();
  });
  return isSum && isStatic && isPlain ? std::optional(reductions.front())
                                      : std::nullopt;
}

/// How many threads have the terms of a sum: so few that each has enough, in
/// whole warps a sample. None if that cannot be.
static std::optional<int64_t> chooseSlices(linalg::GenericOp sum,
                                           unsigned terms) {
  auto type = cast<RankedTensorType>(sum->getResult(0).getType());
  int64_t sums = numElements(type).perBatch;
  int64_t count = sum.getStaticLoopRanges()[terms], slices = 1;
  while (sums * slices * 2 <= kMostThreads && count / slices > kTermsKept)
    slices *= 2;
  // Threads of a warp shuffle.
  while (slices > 1 && slices <= 32 && sums * slices % 32)
    slices *= 2;
  bool fits = sums && slices <= 32 && count % (slices * kLanes) == 0;
  return fits ? std::optional(slices) : std::nullopt;
}

/// `tensor` with the terms, which are its dimension `dim`, as rows of a slice's
/// lanes.
static Value splitTerms(ImplicitLocOpBuilder &b, Value tensor, unsigned dim,
                        int64_t slices) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape(type.getShape());
  int64_t rows = shape[dim] / (slices * kLanes);
  shape[dim] = rows;
  shape.insert(shape.begin() + dim + 1, {slices, kLanes});
  SmallVector<ReassociationIndices> parts;
  for (int64_t i = 0, at = 0; i < type.getRank(); ++i) {
    parts.push_back({at++});
    if (i == dim) {
      parts.back().push_back(at++);
      parts.back().push_back(at++);
    }
  }
  return tensor::ExpandShapeOp::create(
      b, RankedTensorType::get(shape, type.getElementType()), tensor, parts);
}

/// The sum with loops over rows, slices and lanes in place of that over terms.
/// Weights that are more than a thread keeps are copied, so that threads beside
/// each other read what lies side by side.
static void sliceSum(linalg::GenericOp sum, unsigned terms, int64_t slices,
                     llvm::function_ref<bool(Value)> isWeight) {
  ImplicitLocOpBuilder b(sum.getLoc(), sum);
  unsigned numLoops = sum.getNumLoops();
  bool keeps = sum.getStaticLoopRanges()[terms] <= slices * kTermsKept;
  SmallVector<AffineMap> maps;
  SmallVector<Value> operands;
  for (OpOperand &operand : sum->getOpOperands()) {
    SmallVector<AffineExpr> indices(
        sum.getMatchingIndexingMap(&operand).getResults());
    Value tensor = operand.get();
    auto *split = llvm::find(indices, b.getAffineDimExpr(terms));
    if (split != indices.end()) {
      unsigned dim = split - indices.begin();
      // Of one slice, terms in the first dimension are in order.
      bool isCopied = !keeps && isWeight(tensor) && (slices > 1 || dim > 0);
      tensor = splitTerms(b, tensor, dim, slices);
      indices.insert(
          indices.begin() + dim + 1,
          {b.getAffineDimExpr(numLoops), b.getAffineDimExpr(numLoops + 1)});
      if (isCopied) {
        SmallVector<int64_t> order{dim, dim + 2};
        for (int64_t i = 0; i < int64_t(indices.size()); ++i)
          if (i < dim || i > dim + 2)
            order.push_back(i);
        order.push_back(dim + 1);
        tensor = transpose(b, tensor, order);
        indices =
            llvm::map_to_vector(order, [&](int64_t i) { return indices[i]; });
      }
    }
    operands.push_back(tensor);
    maps.push_back(AffineMap::get(numLoops + 2, 0, indices, b.getContext()));
  }
  SmallVector<utils::IteratorType> kinds = sum.getIteratorTypesArray();
  kinds.append(2, utils::IteratorType::reduction);
  auto sliced = linalg::GenericOp::create(b, sum.getResultTypes(),
                                          ArrayRef(operands).drop_back(),
                                          operands.back(), maps, kinds);
  sliced.getRegion().takeBody(sum.getRegion());
  sliced->setAttr(kSlicesAttr, b.getI64IntegerAttr(slices));
  sum->replaceAllUsesWith(sliced);
  sum.erase();
}

/// Gives sums their slices, or else the weights in the order in which threads
/// read them.
static void layOutWeights(func::FuncOp kernel) {
  SmallVector<linalg::GenericOp> sums;
  kernel.walk([&](linalg::GenericOp op) { sums.push_back(op); });
  auto isWeight = [&](Value value) { return isInvariant(value, kernel); };
  for (linalg::GenericOp sum : sums)
    if (std::optional<unsigned> loop = threadLoop(sum)) {
      std::optional<unsigned> terms = termsOf(sum);
      std::optional<int64_t> slices =
          terms ? chooseSlices(sum, *terms) : std::nullopt;
      if (slices) {
        sliceSum(sum, *terms, *slices, isWeight);
        continue;
      }
      for (OpOperand *operand : sum.getDpsInputOperands()) {
        std::optional<unsigned> dim =
            dimToMove(sum.getMatchingIndexingMap(operand), *loop);
        if (dim && isWeight(operand->get()))
          moveToLast(sum, *operand, *dim);
      }
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
