// Ops of rows kernels whose elements are each reduced over a window of an
// operand in memory, as pooling is: a loop nest for each chunk, in the order of
// the reference.
#include "codegen/RowsValues.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <functional>

using namespace mlir;
using namespace nnc;

/// A window of up to as many elements is written out: the places in it are then
/// known where the code is made.
static constexpr int64_t kMostUnrolled = 32;

/// By how much the place moves from one of the chunk's lanes to the next: along
/// the axis of the lanes only the innermost loop moves it, or none ends within
/// a chunk. None where lanes are not alike.
std::optional<BatchSize> RowsValues::laneStride(const RowsOp &op,
                                                const WindowRead &read) const {
  SpaceRole lanesAxis = rows.columns == 1 ? Row : Column;
  SmallVector<int64_t> ranges = linalg::GenericOp(op.op).getStaticLoopRanges();
  SmallVector<unsigned> loops;
  for (unsigned loop = 0; loop < ranges.size(); ++loop)
    if (op.loopAxes[loop] == lanesAxis)
      loops.push_back(loop);
  if (loops.empty())
    return std::nullopt;
  unsigned innermost = loops.back();
  bool isElsewhere = llvm::any_of(read.quotients,
                                  [&](const LoopQuotient &quotient) {
                                    return quotient.loop == innermost;
                                  }) ||
                     llvm::any_of(read.bounds, [&](const Bound &bound) {
                       return bound.index.dependsOn(innermost);
                     });
  bool isAlone =
      loops.size() == 1 || (!ShapedType::isDynamic(ranges[innermost]) &&
                            ranges[innermost] % chunk.lanes == 0);
  if (isElsewhere || !isAlone)
    return std::nullopt;
  return read.place.strides[innermost];
}

/// Whether the chunk's lanes read one element, or neighbours.
bool RowsValues::areTogether(const RowsOp &op, const WindowRead &read) const {
  if (!chunk.lanes)
    return false;
  std::optional<BatchSize> stride = laneStride(op, read);
  return stride && (stride->isOne() || stride->isZero());
}

Value RowsValues::onLanesOf(Value value, Value other) {
  return isa<VectorType>(other.getType())
             ? broadcastToLanes(b, b.getLoc(), value, chunk.lanes)
             : value;
}

/// base + the sum of strides[l] * indices[l]; in each lane, if any index is.
Value RowsValues::evaluate(const LinearIndex &index, ValueRange indices) {
  Value place = phase->value(index.base);
  for (auto [stride, index] : llvm::zip(index.strides, indices)) {
    if (stride.isZero())
      continue;
    Value term = phase->multiply(index, onLanesOf(phase->value(stride), index));
    place = phase->add(onLanesOf(place, term), onLanesOf(term, place));
  }
  return place;
}

/// Where the window of the chunk is: the loops, of which those of the window
/// are at `at`, and then the quotients.
SmallVector<Value> RowsValues::windowIndices(RowsOp &op, const WindowRead &read,
                                             ArrayRef<Value> at) {
  SmallVector<Value> indices =
      loopIndices(op, /*perLane=*/!areTogether(op, read));
  for (auto [loop, index] : llvm::zip(op.windowLoops, at))
    indices[loop] = index;
  for (const LoopQuotient &quotient : read.quotients) {
    Value index = indices[quotient.loop];
    if (quotient.offset)
      index =
          phase->add(index, onLanesOf(phase->index(quotient.offset), index));
    indices.push_back(
        phase->divide(index, onLanesOf(phase->index(quotient.divisor), index)));
  }
  return indices;
}

/// Whether the element that is read exists, in each lane if that varies; null
/// where all do.
Value RowsValues::isInBounds(const WindowRead &read, ValueRange indices) {
  Value all;
  for (const Bound &bound : read.bounds) {
    Value index = evaluate(bound.index, indices);
    Value holds = phase->isLess( // of what is negative as well
        index, onLanesOf(phase->value(bound.size), index));
    all =
        all ? phase->both(onLanesOf(all, holds), onLanesOf(holds, all)) : holds;
  }
  return all;
}

/// Whether all elements of the window exist, of a chunk whose lanes are as one:
/// an index is the least and the most at an end of each loop. Null where the
/// window has no bounds.
Value RowsValues::isWholeWindow(RowsOp &op, const WindowRead &read) {
  Value all;
  SmallVector<int64_t> ranges = op.op.getStaticLoopRanges();
  for (const Bound &bound : read.bounds)
    for (bool isMost : {false, true}) {
      SmallVector<Value> ends;
      for (unsigned loop : op.windowLoops) {
        bool isRising = bound.index.strides[loop].factor > 0;
        ends.push_back(phase->index(isRising == isMost ? ranges[loop] - 1 : 0));
      }
      Value index = evaluate(bound.index, windowIndices(op, read, ends));
      Value holds = phase->isLess(index, phase->value(bound.size));
      all = all ? phase->both(all, holds) : holds;
    }
  return all;
}

/// The element of an input at a place of the window, for the chunk; `isWhole`:
/// it is known to exist.
Value RowsValues::readWindow(RowsOp &op, const WindowRead &read,
                             ArrayRef<Value> at, bool isWhole) {
  auto type = cast<RankedTensorType>(read.tensor.getType());
  readInWindows.insert(read.tensor.getArgNumber() - 1);
  operandReads[read.tensor.getArgNumber() - 1] = time;
  Value from = buffer({BufferRef::Operand, read.tensor.getArgNumber() - 1});
  SmallVector<Value> indices = windowIndices(op, read, at);
  Value place = evaluate(read.place, indices);
  Value exists = isWhole ? Value() : isInBounds(read, indices);
  // What does not exist is read where something does.
  if (exists) {
    place = onLanesOf(place, exists);
    place = arith::SelectOp::create(b, exists, place,
                                    onLanesOf(phase->index(0), place));
  }
  Value element;
  if (areTogether(op, read) && laneStride(op, read)->isOne()) {
    element = loadVector(b, b.getLoc(), from, place, chunk.lanes,
                         type.getElementType(), chunk.mask);
  } else if (!isa<VectorType>(place.getType())) {
    element = loadScalar(b, b.getLoc(), from, place, type.getElementType());
  } else {
    // So do lanes that do not exist.
    if (chunk.mask) {
      Value last = phase->subtract(phase->value(*sizeOfShape(type.getShape())),
                                   phase->index(1));
      place = phase->minimum(place, onLanesOf(last, place));
    }
    element = gatherVector(b, b.getLoc(), from, place, type.getElementType());
  }
  if (!exists)
    return element;
  Value padding = onLanesOf(uniform(read.padding), element);
  return arith::SelectOp::create(b, exists, element, padding);
}

/// The body at one place of the window; `outside` are its arguments that are
/// not read in the window.
Accumulators RowsValues::accumulateWindow(RowsOp &op, ValueRange outside,
                                          ArrayRef<Value> at, ValueRange sums,
                                          bool isWhole) {
  SmallVector<Value> arguments(outside);
  for (const WindowRead &read : op.windowReads)
    arguments[read.input] = readWindow(op, read, at, isWhole);
  llvm::copy(sums, arguments.begin() + op.op.getNumDpsInputs());
  SmallVector<Value> indices = loopIndices(op);
  for (auto [loop, index] : llvm::zip(op.windowLoops, at))
    indices[loop] = index;
  Accumulators next =
      vectorizeBody(b, op.op, arguments, indices, chunk.lanes, phase->scalars);
  for (auto [value, sum] : llvm::zip(next, sums))
    value = onLanesOf(value, sum);
  return next;
}

/// The body at all places of the window, in the order of its loops, which a
/// small one needs no loops for.
Accumulators RowsValues::reduceWindow(RowsOp &op, ValueRange outside,
                                      ValueRange inits, bool isWhole) {
  SmallVector<int64_t> ranges = op.op.getStaticLoopRanges();
  bool isUnrolled = windowSize(op) <= kMostUnrolled;
  SmallVector<Value> at;
  std::function<Accumulators(ValueRange)> emit =
      [&](ValueRange carried) -> Accumulators {
    unsigned depth = at.size();
    if (depth == op.windowLoops.size())
      return accumulateWindow(op, outside, at, carried, isWhole);
    auto emitAt = [&](Value index, ValueRange inner) {
      at.push_back(index);
      Accumulators next = emit(inner);
      at.pop_back();
      return next;
    };
    int64_t range = ranges[op.windowLoops[depth]];
    if (!isUnrolled)
      return phase->loop(phase->index(0), phase->index(range), phase->index(1),
                         carried, emitAt);
    Accumulators sums(carried);
    for (int64_t index = 0; index < range; ++index)
      sums = emitAt(phase->index(index), sums);
    return sums;
  };
  return emit(inits);
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
  Value isWhole;
  bool areAsOne = llvm::all_of(op.windowReads, [&](const WindowRead &read) {
    return !chunk.lanes || areTogether(op, read);
  });
  // All reads are of the same places.
  if (areAsOne && !op.windowReads.empty())
    isWhole = isWholeWindow(op, op.windowReads.front());
  if (isWhole)
    sums = phase->choose(
        isWhole, TypeRange(ValueRange(sums)),
        [&] { return reduceWindow(op, outside, sums, /*isWhole=*/true); },
        [&] { return reduceWindow(op, outside, sums, /*isWhole=*/false); });
  else
    sums = reduceWindow(op, outside, sums, /*isWhole=*/false);
  for (auto [root, sum] : llvm::zip(op.op->getResults(), sums))
    set(root, sum);
}
