// From a step that uses what it likes to a loop with operands.
#include "ir/ScanBuilder.h"

#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {

ScanBuilder::ScanBuilder(ImplicitLocOpBuilder &outer, ValueRange carried,
                         ValueRange over, int64_t steps, bool reverse)
    : outer(outer), initial(carried), over(over), steps(steps),
      reverse(reverse) {
  Block &block = region.emplaceBlock();
  for (Value value : initial)
    block.addArgument(value.getType(), value.getLoc());
  for (Value value : this->over) {
    auto type = llvm::cast<RankedTensorType>(value.getType());
    block.addArgument(RankedTensorType::get(type.getShape().drop_front(),
                                            type.getElementType()),
                      value.getLoc());
  }
}

/// Replaces what the region uses from outside by arguments, and returns it.
SmallVector<Value> ScanBuilder::captureValues() {
  llvm::SetVector<Value> captured;
  auto isOutside = [&](Value value) {
    return !region.isAncestor(value.getParentRegion());
  };
  region.walk([&](Operation *op) {
    captured.insert_range(
        llvm::make_filter_range(op->getOperands(), isOutside));
  });
  OpBuilder inside(outer.getContext());
  inside.setInsertionPointToStart(&body());
  SmallVector<Value> operands;
  for (Value value : captured) {
    Value inner;
    if (auto constant = value.getDefiningOp<ConstantOp>()) {
      inner = inside.clone(*constant)->getResult(0);
    } else {
      operands.push_back(value);
      inner = body().addArgument(value.getType(), value.getLoc());
    }
    value.replaceUsesWithIf(inner, [&](OpOperand &use) {
      return region.isAncestor(use.getOwner()->getParentRegion());
    });
  }
  return operands;
}

ScanOp ScanBuilder::finish(ValueRange next, ValueRange kept) {
  SmallVector<Value> yielded(next);
  llvm::append_range(yielded, kept);
  OpBuilder atEnd(outer.getContext());
  atEnd.setInsertionPointToEnd(&body());
  auto yield = YieldOp::create(atEnd, outer.getLoc(), yielded);
  SmallVector<Value> with = captureValues();
  SmallVector<Type> types;
  for (Value value : yield.getValues().drop_front(initial.size()))
    types.push_back(value.getType());
  auto scan = ScanOp::create(outer, initial, over, with, types, steps, reverse);
  Block &empty = scan.getBody().front();
  for (auto [argument, inner] :
       llvm::zip_equal(body().getArguments(), empty.getArguments()))
    argument.replaceAllUsesWith(inner);
  empty.getOperations().splice(empty.end(), body().getOperations());
  return scan;
}

//===----------------------------------------------------------------------===//
// What a step is about
//===----------------------------------------------------------------------===//

Expr isWithinLengths(Expr lengths, int64_t steps) {
  ImplicitLocOpBuilder &b = lengths.builder();
  // In u8, step 256 would be step 0.
  Expr step = iota(b, {steps, 1}, 0, b.getI32Type());
  return step < reshape(narrowIndices(lengths, steps + 1), {1, lengths.dim(0)});
}

Expr selectSamples(Expr mask, Expr onTrue, Expr onFalse) {
  SmallVector<int64_t> dims(onTrue.rank(), 1);
  dims.front() = mask.dim(0);
  return select(reshape(mask, dims), onTrue, onFalse);
}

SmallVector<int64_t> frontPermutation(int64_t rank, int64_t axis) {
  SmallVector<int64_t> permutation = {axis};
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis)
      permutation.push_back(i);
  return permutation;
}

Expr moveToFront(Expr x, int64_t axis) {
  if (axis == 0)
    return x;
  return transpose(x, frontPermutation(x.rank(), axis));
}

Expr moveFromFront(Expr x, int64_t axis) {
  if (axis == 0)
    return x;
  SmallVector<int64_t> permutation;
  for (int64_t i = 1; i <= axis; ++i)
    permutation.push_back(i);
  permutation.push_back(0);
  for (int64_t i = axis + 1; i < x.rank(); ++i)
    permutation.push_back(i);
  return transpose(x, permutation);
}

} // namespace nnc
