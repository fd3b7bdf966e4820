// Which tensors of a kernel are put into memory, and which of those share a
// phase.
#include "codegen/cuda/ElementsScheduler.h"

#include "codegen/Access.h"
#include "codegen/KernelForms.h"
#include "codegen/Reference.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

/// Scalar operations that may be repeated rather than put into memory, which
/// costs a launch of some microseconds, a store and a load.
static constexpr int64_t kCheapOps = 8;

void ElementsScheduler::collectNeeded(Operation *op) {
  if (!op || op->getBlock() != &kernel.getBody().front() || !needed.insert(op))
    return;
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      collectNeeded(operand.getDefiningOp());
  });
}

/// How many elements of its operands one of a sum's is made of, at least.
static int64_t countTerms(linalg::GenericOp op) {
  SmallVector<unsigned> reductions;
  op.getReductionDims(reductions);
  int64_t terms = 1;
  for (unsigned dim : reductions)
    if (int64_t size = op.getStaticLoopRanges()[dim];
        !ShapedType::isDynamic(size))
      terms *= size;
  return terms;
}

/// Scalar operations for one element, as far back as memory.
int64_t ElementsScheduler::costOf(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!op || planned.contains(rootOf(tensor)) ||
      isa<linalg::FillOp, tensor::EmptyOp, arith::ConstantOp>(op))
    return 0;
  int64_t cost = 1;
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    cost =
        (generic.getBody()->getOperations().size() - 1) * countTerms(generic);
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (isa<RankedTensorType>(operand.getType()) &&
          operand.getParentBlock() == op->getBlock())
        cost += costOf(operand);
  });
  return cost;
}

/// Whether the results of an op that are read need not be in memory.
bool ElementsScheduler::isComputedWhereRead(Operation &op) {
  if (isa<linalg::FillOp, tensor::EmptyOp, arith::ConstantOp,
          tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op))
    return true;
  if (isa<scf::ForOp>(op) || separately || op.hasAttr(kStoredAttr))
    return false;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  bool isReduction = generic && generic.getNumReductionLoops();
  if (!isReduction && llvm::all_of(op.getResults(), [&](Value result) {
        return costOf(result) <= kCheapOps;
      }))
    return true;
  if (op.getNumResults() != 1 || !op.getResult(0).hasOneUse())
    return false;
  // The one reader must not ask for an element twice, and have as many threads.
  auto reader = dyn_cast<linalg::GenericOp>(*op.user_begin());
  if (!reader)
    return !isReduction &&
           isa<tensor::InsertSliceOp, tensor::ExtractSliceOp>(*op.user_begin());
  AffineMap map = reader.getMatchingIndexingMap(&*op.getResult(0).use_begin());
  return map.isPermutation() && !(isReduction && reader.getNumReductionLoops());
}

void ElementsScheduler::planStored() {
  Operation *terminator = kernel.getBody().front().getTerminator();
  for (Value result : terminator->getOperands())
    if (Value root = rootOf(result); root.getDefiningOp())
      planned.insert(root);
  for (Operation &op : kernel.getBody().front()) {
    bool isTensor =
        llvm::any_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>);
    if (!needed.contains(&op) || !isTensor || isComputedWhereRead(op))
      continue;
    for (Value result : op.getResults())
      if (isa<RankedTensorType>(result.getType()) && !result.use_empty())
        planned.insert(result);
  }
}

/// The buffer of the first result that is `tensor`, or a new workspace.
BufferRef ElementsScheduler::destinationOf(Value tensor) {
  Operation *terminator = kernel.getBody().front().getTerminator();
  for (auto [number, result] : llvm::enumerate(terminator->getOperands()))
    if (rootOf(result) == tensor)
      return {BufferRef::Result, unsigned(number)};
  scheduled.workspaceBytes.push_back(sizeBytes(tensorType(tensor)));
  return {BufferRef::Workspace, unsigned(scheduled.workspaceBytes.size() - 1)};
}

/// Whether an element of `tensor` needs elements of the group at other places
/// than its own; `isWhole`: the element is at the place of the phase's.
bool ElementsScheduler::mixesElements(Value tensor, bool isWhole) {
  if (group.contains(tensor))
    return !isWhole;
  Operation *op = tensor.getDefiningOp();
  if (!op || stored.contains(tensor))
    return false;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic) {
    bool isReshape =
        isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op);
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return mixesElements(operand, isWhole && isReshape);
    });
  }
  bool mixes = false;
  isWhole &=
      generic.getIndexingMapMatchingResult(cast<OpResult>(tensor)).isIdentity();
  for (OpOperand &operand : op->getOpOperands())
    mixes |= mixesElements(
        operand.get(),
        isWhole && generic.getMatchingIndexingMap(&operand).isIdentity());
  op->walk([&](tensor::ExtractOp extract) {
    mixes |= mixesElements(extract.getTensor(), /*isWhole=*/false);
  });
  return mixes;
}

/// Whether anything but the group's own tensors needs a tensor of the group.
bool ElementsScheduler::isReadOutside(Value tensor) {
  Block &block = kernel.getBody().front();
  return llvm::any_of(tensor.getUsers(), [&](Operation *inner) {
    Operation *user = block.findAncestorOpInBlock(*inner);
    if (isa<func::ReturnOp>(user))
      return true;
    return llvm::any_of(user->getResults(), [&](Value result) {
      if (group.contains(result))
        return false;
      return planned.contains(result) || isReadOutside(result);
    });
  });
}
