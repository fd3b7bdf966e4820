// See TileLoads.h. What depends on a row is computed before the loop over the
// terms, so that a step adds the part of the terms alone.
#include "codegen/cuda/TileLoads.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

/// Of what is read one by one, threads beside each other along a line: enough
/// for neighbours to share what the memory delivers at once, and so few that a
/// thread has several numbers of a line, whose address is computed once.
static constexpr int64_t kThreadsALine = 8;
/// Of vectors that are written number by number, across the lines of shared
/// memory, threads beside each other along what is read: as their numbers lie
/// four lines apart, 16 banks of 32, those of 16 lines beside them take each
/// bank once.
static constexpr int64_t kThreadsAcross = 2;
/// The widest that a thread reads.
static constexpr int64_t kVectorBytes = 16;

/// What the operand's elements are in shared memory.
static Type sharedType(const Contraction &contraction, const Element *element,
                       const Tiling &tiling) {
  return tiling.unit == TileUnit::Tensor16
             ? getElementTypeOrSelf(element->tensor.getType())
             : Type(contraction.type);
}

/// Whether neighbours along `axis` lie side by side, as far as the operand is
/// read and not computed.
static bool isContiguous(const Element *element, unsigned axis) {
  if (element->operand)
    return element->strides[axis].isOne();
  return llvm::any_of(element->inputs, [&](const Element *input) {
    return input && isContiguous(input, axis);
  });
}

static ReadDirection directionOf(const Contraction &contraction,
                                 const ContractionAxes &axes,
                                 const Element *element, const AxisGroup &group,
                                 int64_t maxLanes) {
  int64_t alongTerms = 1, alongRows = 1;
  unsigned k = contraction.axisK();
  if (!axes.summed.axes.empty() && axes.summed.axes.back() == k)
    alongTerms = vectorLanes(contraction, element, k, maxLanes);
  if (!group.axes.empty())
    alongRows = vectorLanes(contraction, element, group.axes.back(), maxLanes);
  bool alongDepth = alongTerms > alongRows ||
                    (alongTerms == alongRows && isContiguous(element, k));
  return {alongDepth, alongDepth ? alongTerms : alongRows};
}

static int64_t bytesOf(const Element *element) {
  Type type = getElementTypeOrSelf(element->tensor.getType());
  return std::max<int64_t>(type.getIntOrFloatBitWidth() / 8, 1);
}

bool nnc::isCopied(const Contraction &contraction, const ContractionAxes &axes,
                   const Element *element, const AxisGroup &group) {
  int64_t lanes = kVectorBytes / bytesOf(element);
  ReadDirection direction =
      directionOf(contraction, axes, element, group, lanes);
  return direction.lanes == lanes &&
         isCopy(element,
                direction.alongDepth ? contraction.axisK() : group.axes.back());
}

/// Elements beyond the tile's own before the next line, so that threads that
/// write or read lines side by side use other banks of shared memory (32 of 4
/// bytes), and vectors stay aligned. Eight lines of matrices are read at once,
/// 16 bytes each; of 32-bit numbers, four of each of eight lines, or eight of
/// each of four.
static int64_t paddingOf(const TileLayout &layout, TileUnit unit) {
  switch (unit) {
  case TileUnit::Scalar:
    return 4;
  case TileUnit::Tensor16:
    return 8;
  case TileUnit::Tensor32:
    return layout.alongDepth ? 4 : 8;
  }
  return 0;
}

TileLoad::TileLoad(GpuContractionPhase &phase, const Contraction &contraction,
                   const ContractionAxes &axes, const Element *element,
                   const AxisGroup &group, const Tiling &tiling, int64_t extent)
    : phase(phase), contraction(contraction), axes(axes), element(element),
      group(group), unit(tiling.unit), threads(tiling.threads()) {
  layout.type = sharedType(contraction, element, tiling);
  layout.extent = extent;
  layout.depth = tiling.shape.depth;
  int64_t perThread = std::max<int64_t>(extent * layout.depth / threads, 1);
  direction = directionOf(contraction, axes, element, group,
                          std::min(kVectorBytes / bytesOf(element), perThread));
  // What is not copied as it lies has rows side by side for sums of threads,
  // and either way for tensor cores.
  areCopied = tiling.stages > 0;
  layout.alongDepth =
      (unit != TileUnit::Scalar || areCopied) && direction.alongDepth;
  layout.isSwizzled = areCopied && unit == TileUnit::Tensor16;
  layout.stride = layout.alongDepth ? layout.depth : extent;
  if (!layout.isSwizzled)
    layout.stride += paddingOf(layout, unit);
  int64_t copies = std::max<int64_t>(tiling.stages, 2);
  memory = phase.shared(copies * layout.numElements(), layout.type);
}

/// Of 16 bytes each, eight pieces fill all banks: where a line has fewer, the
/// pieces of several lines do.
Value TileLayout::placeOf(GpuPhase &phase, Value row, Value term) const {
  Value line = alongDepth ? row : term, along = alongDepth ? term : row;
  Value begin = phase.multiply(line, stride);
  if (!isSwizzled)
    return phase.add(begin, along);
  constexpr int64_t piece = 8, perBanks = 8;
  int64_t perLine = std::min(stride / piece, perBanks);
  Value key = phase.remainder(phase.divide(line, perBanks / perLine), perLine);
  Value moved = arith::XOrIOp::create(phase.b, phase.divide(along, piece), key);
  return phase.add(begin, phase.add(phase.multiply(moved, piece),
                                    phase.remainder(along, piece)));
}

//===----------------------------------------------------------------------===//
// Who reads what
//===----------------------------------------------------------------------===//

void TileLoad::locate(Value first, const GpuPoint &point) {
  placeVectors(point);
  for (Vector &vector : vectors) {
    Value row = phase.add(first, vector.row);
    vector.isRow = phase.isWithin(row, group.size, layout.extent);
    // Copies are of any row that exists: what becomes of it is never stored.
    if (areCopied && group.size.factor % layout.extent != 0)
      row = phase.minimum(
          row, phase.subtract(
                   phase.value(group.size),
                   phase.index(direction.alongDepth ? 1 : direction.lanes)));
    phase.locate(group, row, vector.point);
    for (unsigned axis = 0; axis < contraction.axisK(); ++axis)
      vector.point.outsideAxes |= 1u << axis;
  }
}

/// Vectors are dealt to threads in the order of memory. Sizes of tiles and
/// blocks are powers of two.
void TileLoad::placeVectors(const GpuPoint &point) {
  const int64_t lanes = direction.lanes;
  int64_t perLine =
      (direction.alongDepth ? layout.depth : layout.extent) / lanes;
  int64_t numLines = direction.alongDepth ? layout.extent : layout.depth;
  int64_t threadsALine = std::min(perLine, threads);
  if (lanes == 1)
    threadsALine =
        std::min(threadsALine, std::max(kThreadsALine, threads / numLines));
  int64_t beside = threadsALine, linesAtOnce = threads / threadsALine;
  if (lanes > 1 && direction.alongDepth != layout.alongDepth) {
    beside = std::min(perLine, kThreadsAcross);
    linesAtOnce = std::min(numLines, threads / beside);
    threadsALine = threads / linesAtOnce;
  }
  Value along = phase.remainder(phase.thread(), beside),
        line = phase.divide(phase.thread(), beside);
  if (beside < threadsALine) {
    Value further = phase.divide(line, linesAtOnce);
    along = phase.add(along, phase.multiply(further, beside));
    line = phase.remainder(line, linesAtOnce);
  }
  for (int64_t later = 0; later < numLines; later += linesAtOnce)
    for (int64_t further = 0; further < perLine; further += threadsALine) {
      Value first = phase.multiply(phase.add(along, further), lanes),
            ofLine = phase.add(line, later);
      Vector vector{direction.alongDepth ? ofLine : first,
                    direction.alongDepth ? first : ofLine, Value(), point};
      if (lanes > 1) {
        vector.point.vectorAxis =
            direction.alongDepth ? contraction.axisK() : group.axes.back();
        vector.point.lanes = lanes;
      }
      vectors.push_back(std::move(vector));
    }
}

//===----------------------------------------------------------------------===//
// Reading and writing
//===----------------------------------------------------------------------===//

/// Where a whole step lies within one run of the innermost axis, the division
/// of its number is the same for all threads.
GpuPoint TileLoad::pointOf(unsigned number, const TileStep &step) {
  const Vector &vector = vectors[number];
  GpuPoint point = vector.point;
  point.loop = step.loop;
  unsigned k = contraction.axisK();
  BatchSize innermost = contraction.sizes[k];
  bool isOneRun = innermost.isStatic() && innermost.factor % layout.depth == 0;
  if (isOneRun)
    phase.locate(axes.summed, step.first, point, vector.term);
  else
    phase.locate(axes.summed, phase.add(step.first, vector.term), point);
  return point;
}

SmallVector<Value> TileLoad::read(const TileStep &step) {
  SmallVector<Value> values;
  for (unsigned number = 0; number < vectors.size(); ++number) {
    const Vector &vector = vectors[number];
    Value isTerm = phase.isLess(phase.add(step.first, vector.term), step.end);
    values.push_back(phase.elementOrZero(element, pointOf(number, step),
                                         phase.both(vector.isRow, isTerm)));
  }
  return values;
}

/// Zeros where a step is none. Without a branch, so that what is computed of
/// places is computed while tensor cores work.
void TileLoad::copy(const TileStep &step, Value stage) {
  Value begin = phase.multiply(stage, layout.numElements());
  bool isWhole = axes.summed.size.factor % layout.depth == 0;
  for (auto [number, vector] : llvm::enumerate(vectors)) {
    Value term = isWhole ? step.first : phase.add(step.first, vector.term);
    Value at = phase.add(begin, layout.placeOf(phase, vector.row, vector.term));
    phase.beginCopy(element, pointOf(number, step),
                    phase.isLess(term, step.end), memory, at);
  }
}

/// `value` as it is in shared memory.
Value TileLoad::convert(Value value) {
  ImplicitLocOpBuilder &b = phase.b;
  Type type = layout.type;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  if (value.getType() != type)
    value = arith::ExtFOp::create(b, type, value);
  return unit == TileUnit::Tensor32 ? phase.call("round_to_tf32", value, type)
                                    : value;
}

void TileLoad::write(ValueRange values, Value half) {
  ImplicitLocOpBuilder &b = phase.b;
  Value begin = phase.multiply(half, layout.numElements());
  const int64_t lanes = direction.lanes;
  bool isVector = lanes > 1 && direction.alongDepth == layout.alongDepth;
  for (auto [vector, read] : llvm::zip(vectors, values)) {
    Value value = convert(read);
    Value line = layout.alongDepth ? vector.row : vector.term;
    Value along = layout.alongDepth ? vector.term : vector.row;
    Value at =
        phase.add(begin, phase.add(phase.multiply(line, layout.stride), along));
    if (isVector) {
      vector::StoreOp::create(b, value, memory, at);
    } else if (lanes == 1) {
      memref::StoreOp::create(b, value, memory, at);
    } else {
      for (int64_t lane = 0; lane < lanes; ++lane) {
        Value one = vector::ExtractOp::create(b, value, lane);
        memref::StoreOp::create(b, one, memory,
                                phase.add(at, lane * layout.stride));
      }
    }
  }
}
