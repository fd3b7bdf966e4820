// Ops of rows kernels whose elements are each reduced over a window of an
// operand in memory, as pooling is: a loop nest for each chunk, in the order of
// the reference.
#include "codegen/RowsValues.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <functional>

using namespace mlir;
using namespace nnc;

/// Whether the chunk's lanes lie together in memory: along the axis of the
/// lanes only the innermost loop moves, by one, or none ends within a chunk.
bool RowsValues::isContiguous(const RowsOp &op, const WindowRead &read) const {
  SpaceRole lanesAxis = rows.columns == 1 ? Row : Column;
  SmallVector<int64_t> ranges = linalg::GenericOp(op.op).getStaticLoopRanges();
  SmallVector<unsigned> loops;
  for (unsigned loop = 0; loop < ranges.size(); ++loop)
    if (op.loopAxes[loop] == lanesAxis)
      loops.push_back(loop);
  if (loops.empty() || !read.place.strides[loops.back()].isOne())
    return false;
  int64_t innermost = ranges[loops.back()];
  return loops.size() == 1 ||
         (!ShapedType::isDynamic(innermost) && innermost % chunk.lanes == 0);
}

/// base + the sum of strides[l] * indices[l]; in each lane, if any index is.
Value RowsValues::placeOf(const WindowRead &read, ValueRange indices) {
  auto onLanes = [&](Value value, Value other) {
    return isa<VectorType>(other.getType())
               ? broadcastToLanes(b, b.getLoc(), value, chunk.lanes)
               : value;
  };
  Value place = phase->value(read.place.base);
  for (auto [stride, index] : llvm::zip(read.place.strides, indices)) {
    if (stride.isZero())
      continue;
    Value term = phase->multiply(index, onLanes(phase->value(stride), index));
    place = phase->add(onLanes(place, term), onLanes(term, place));
  }
  return place;
}

/// The element of an input at a place of the window, for the chunk.
Value RowsValues::readWindow(RowsOp &op, const WindowRead &read,
                             ArrayRef<Value> windowIndices) {
  auto type = cast<RankedTensorType>(read.tensor.getType());
  readInWindows.insert(read.tensor.getArgNumber() - 1);
  operandReads[read.tensor.getArgNumber() - 1] = time;
  Value from = buffer({BufferRef::Operand, read.tensor.getArgNumber() - 1});
  bool areTogether = chunk.lanes && isContiguous(op, read);
  SmallVector<Value> indices = loopIndices(op, /*perLane=*/!areTogether);
  for (auto [loop, index] : llvm::zip(op.windowLoops, windowIndices))
    indices[loop] = index;
  Value place = placeOf(read, indices);
  if (areTogether)
    return loadVector(b, b.getLoc(), from, place, chunk.lanes,
                      type.getElementType(), chunk.mask);
  if (!isa<VectorType>(place.getType()))
    return loadScalar(b, b.getLoc(), from, place, type.getElementType());
  // Lanes that do not exist read what does.
  if (chunk.mask) {
    Value last = phase->subtract(phase->value(*sizeOfShape(type.getShape())),
                                 phase->index(1));
    place = phase->minimum(place,
                           broadcastToLanes(b, b.getLoc(), last, chunk.lanes));
  }
  return gatherVector(b, b.getLoc(), from, place, type.getElementType());
}

/// The body at one place of the window; `outside` are its arguments that are
/// not read in the window.
Accumulators RowsValues::accumulateWindow(RowsOp &op, ValueRange outside,
                                          ArrayRef<Value> windowIndices,
                                          ValueRange sums) {
  SmallVector<Value> arguments(outside);
  for (const WindowRead &read : op.windowReads)
    arguments[read.input] = readWindow(op, read, windowIndices);
  llvm::copy(sums, arguments.begin() + op.op.getNumDpsInputs());
  SmallVector<Value> indices = loopIndices(op);
  for (auto [loop, index] : llvm::zip(op.windowLoops, windowIndices))
    indices[loop] = index;
  Accumulators next =
      vectorizeBody(b, op.op, arguments, indices, chunk.lanes, phase->scalars);
  for (auto [value, sum] : llvm::zip(next, sums))
    if (isa<VectorType>(sum.getType()))
      value = broadcastToLanes(b, b.getLoc(), value, chunk.lanes);
  return next;
}

void RowsValues::evaluateWindow(RowsOp &op) {
  SmallVector<Value> outside = arguments(op);
  Accumulators sums;
  for (auto [root, init] : llvm::zip(op.op->getResults(), op.op.getOutputs())) {
    Value value = get(init);
    if (isVector(rows.roleOf(root)))
      value = broadcastToLanes(b, b.getLoc(), value, chunk.lanes);
    sums.push_back(value);
  }
  SmallVector<int64_t> ranges = op.op.getStaticLoopRanges();
  SmallVector<Value> windowIndices;
  std::function<Accumulators(ValueRange)> emit =
      [&](ValueRange carried) -> Accumulators {
    unsigned depth = windowIndices.size();
    if (depth == op.windowLoops.size())
      return accumulateWindow(op, outside, windowIndices, carried);
    return phase->loop(
        phase->index(0), phase->index(ranges[op.windowLoops[depth]]),
        phase->index(1), carried, [&](Value at, ValueRange inner) {
          windowIndices.push_back(at);
          Accumulators next = emit(inner);
          windowIndices.pop_back();
          return next;
        });
  };
  for (auto [root, sum] : llvm::zip(op.op->getResults(), emit(sums)))
    set(root, sum);
}
