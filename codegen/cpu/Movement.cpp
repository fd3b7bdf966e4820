// Emits movement kernels: nests of copies whose innermost loop moves vectors.
//
// The outermost loop of a nest is the parallel one; calls write disjoint parts
// of the result, so that any split gives the same bytes.
#include "codegen/cpu/Movement.h"

#include "codegen/MovementAnalysis.h"
#include "codegen/ScheduleKernels.h"
#include "codegen/Vectorize.h"
#include "codegen/cpu/CpuPhase.h"
#include "codegen/cpu/Transpose.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace nnc;

/// Bytes that are worth handing to another thread: some microseconds' copying.
static constexpr int64_t kGrainBytes = 32 << 10;

//===----------------------------------------------------------------------===//
// Preparing copies
//===----------------------------------------------------------------------===//

/// Whether the loop `inner` continues where `outer` would: one loop then serves
/// both.
static bool canMerge(const CopyDim &outer, const CopyDim &inner) {
  auto continues = [&](BatchSize CopyDim::*member) {
    std::optional<BatchSize> whole = (inner.*member).times(inner.size);
    return whole == outer.*member;
  };
  return outer.size.times(inner.size) && continues(&CopyDim::source) &&
         continues(&CopyDim::destination) && continues(&CopyDim::index);
}

/// Drops loops of one iteration and merges neighbours, but leaves the first
/// `numKept` dimensions alone.
static void simplify(Copy &copy, unsigned numKept) {
  SmallVector<CopyDim> dims(copy.dims.begin(), copy.dims.begin() + numKept);
  for (const CopyDim &dim : ArrayRef(copy.dims).drop_front(numKept)) {
    if (dim.size.is(1))
      continue;
    if (dims.size() <= numKept || !canMerge(dims.back(), dim)) {
      dims.push_back(dim);
      continue;
    }
    CopyDim &last = dims.back();
    last = {*last.size.times(dim.size), dim.source, dim.destination, dim.index};
  }
  if (dims.empty())
    dims.push_back({BatchSize(1), BatchSize(1), BatchSize(1), BatchSize()});
  copy.dims = dims;
}

/// Whether the last two loops transpose a matrix: the last one runs along the
/// destination, the one before along the source.
static bool endsInTranspose(ArrayRef<CopyDim> dims) {
  if (dims.size() < 2)
    return false;
  const CopyDim &along = dims.back(), &across = dims[dims.size() - 2];
  return along.destination.is(1) && across.source.is(1) && !along.source.is(0);
}

/// Moves the loop that runs along the source next to the last, if the last one
/// jumps in the source.
static void bringTransposeTogether(Copy &copy) {
  CopyDim last = copy.dims.back();
  if (last.source.is(1) || last.source.is(0) || !last.destination.is(1))
    return;
  for (unsigned i = 0; i + 1 < copy.dims.size(); ++i)
    if (copy.dims[i].source.is(1)) {
      CopyDim across = copy.dims[i];
      copy.dims.erase(copy.dims.begin() + i);
      copy.dims.insert(copy.dims.end() - 1, across);
      return;
    }
}

//===----------------------------------------------------------------------===//
// Emission
//===----------------------------------------------------------------------===//

namespace {

/// The half-open interval of a loop.
struct Range {
  Value begin;
  Value end;
};

/// Where a nest stands in the source, the destination and the indices.
struct Position {
  Value source;
  Value destination;
  Value index;
};

/// The loops of one phase.
class CopyEmitter {
public:
  CopyEmitter(func::FuncOp kernel, const Movement &movement,
              const CpuModel &model, const Twine &name);

  void emitFill(TypedAttr value, Range range, BatchSize perIteration);
  void emitCopy(const Copy &copy);

  Range parallelRange() { return {phase.begin(), phase.end()}; }
  /// Closes the function; `extent` iterations of `elements` each.
  Phase finish(BatchSize extent, BatchSize elements);

private:
  Value operand(unsigned index);
  Value advance(Value base, Value index, BatchSize stride);
  Position advance(const Position &position, Value index, const CopyDim &dim);
  Range wholeOf(const CopyDim &dim) { return {zero, phase.value(dim.size)}; }

  void loop(Range range, int64_t step, function_ref<void(Value)> body);
  Value roundDown(Range range, int64_t step);

  void emitNest(Copy copy, ArrayRef<CopyDim> dims, Position position,
                Range range);
  void emitRow(const Copy &copy, const CopyDim &dim, Position position,
               Range range);
  void emitTranspose(const Copy &copy, const CopyDim &across,
                     const CopyDim &along, Position position, Range range);
  void emitSquare(Value source, const Copy &copy, Position position,
                  const CopyDim &across, const CopyDim &along, int64_t size);
  Value gatheredPosition(const GatherIndex &gather, Value index);
  void copyElement(const Copy &copy, Position position);
  void storeSplat(Value value, Value start, Range range);
  Value loadIndex(unsigned indices, bool isUnsigned, BatchSize size, Value at);
  VectorType vectorType();

  func::FuncOp kernel;
  const Movement &movement;
  const CpuModel &model;
  ImplicitLocOpBuilder b;
  CpuPhase phase;
  Type element;
  Value result, zero;
};

} // namespace

CopyEmitter::CopyEmitter(func::FuncOp kernel, const Movement &movement,
                         const CpuModel &model, const Twine &name)
    : kernel(kernel), movement(movement), model(model),
      b(kernel.getLoc(), kernel.getContext()), phase(b, kernel, kernel, name),
      element(storageType(movement.result.getElementType())),
      result(phase.buffer({BufferRef::Result, 0}, movement.result)),
      zero(phase.index(0)) {}

Value CopyEmitter::operand(unsigned index) {
  return phase.buffer(
      {BufferRef::Operand, index},
      cast<RankedTensorType>(kernel.getArgumentTypes()[index + 1]));
}

Phase CopyEmitter::finish(BatchSize extent, BatchSize elements) {
  // With the batch unknown, one sample's worth of bytes decides.
  int64_t bytes = elements.factor * ((element.getIntOrFloatBitWidth() + 7) / 8);
  return phase.finish("movement", Extent::of(extent),
                      kGrainBytes / std::max<int64_t>(1, bytes));
}

/// base + index * stride.
Value CopyEmitter::advance(Value base, Value index, BatchSize stride) {
  if (stride.is(0))
    return base;
  return phase.add(base, phase.multiply(index, phase.value(stride)));
}

Position CopyEmitter::advance(const Position &position, Value index,
                              const CopyDim &dim) {
  return {advance(position.source, index, dim.source),
          advance(position.destination, index, dim.destination),
          advance(position.index, index, dim.index)};
}

void CopyEmitter::loop(Range range, int64_t step,
                       function_ref<void(Value)> body) {
  phase.loop(range.begin, range.end, step, body);
}

/// begin + the largest multiple of `step` up to end.
Value CopyEmitter::roundDown(Range range, int64_t step) {
  Value length = phase.subtract(range.end, range.begin);
  return phase.subtract(range.end, phase.remainder(length, step));
}

VectorType CopyEmitter::vectorType() {
  return VectorType::get({model.lanes(element)}, element);
}

void CopyEmitter::storeSplat(Value value, Value start, Range range) {
  VectorType type = vectorType();
  Value splat = vector::BroadcastOp::create(b, type, value);
  Value middle = roundDown(range, type.getNumElements());
  loop({range.begin, middle}, type.getNumElements(), [&](Value i) {
    Value at = phase.add(start, i);
    vector::StoreOp::create(b, splat, result, at);
  });
  loop({middle, range.end}, 1, [&](Value i) {
    Value at = phase.add(start, i);
    memref::StoreOp::create(b, value, result, at);
  });
}

/// Sets iterations [begin, end), `perIteration` elements each, to `value`.
void CopyEmitter::emitFill(TypedAttr value, Range range,
                           BatchSize perIteration) {
  // As it lies in memory: bools in 8 bits, 16-bit floats as integers.
  TypedAttr stored = value;
  if (value.getType().isInteger(1))
    stored = b.getI8IntegerAttr(!cast<IntegerAttr>(value).getValue().isZero());
  else if (value.getType() != element)
    stored = b.getIntegerAttr(
        element, cast<FloatAttr>(value).getValue().bitcastToAPInt());
  Value scalar = arith::ConstantOp::create(b, stored);
  Value first = advance(zero, range.begin, perIteration);
  Value last = advance(zero, range.end, perIteration);
  storeSplat(scalar, zero, {first, last});
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

Value CopyEmitter::loadIndex(unsigned indices, bool isUnsigned, BatchSize size,
                             Value at) {
  Value index = memref::LoadOp::create(b, operand(indices), at);
  return phase.indexWithin(index, isUnsigned, size);
}

void CopyEmitter::copyElement(const Copy &copy, Position position) {
  Value source = position.source;
  if (const std::optional<GatherIndex> &gather = copy.gather)
    source = advance(source,
                     loadIndex(gather->operand, gather->isUnsigned,
                               gather->size, position.index),
                     gather->stride);
  Value value = memref::LoadOp::create(b, operand(copy.operand), source);
  memref::StoreOp::create(b, value, result, position.destination);
}

/// The innermost loop: vectors where both sides lie together, one value in all
/// lanes where the source stands still, and else element by element.
void CopyEmitter::emitRow(const Copy &copy, const CopyDim &dim,
                          Position position, Range range) {
  auto copyElements = [&](Range part) {
    loop(part, 1,
         [&](Value i) { copyElement(copy, advance(position, i, dim)); });
  };
  bool isVector = !copy.gather && dim.destination.is(1);
  if (isVector && dim.source.is(0)) {
    Value value =
        memref::LoadOp::create(b, operand(copy.operand), position.source);
    return storeSplat(value, position.destination, range);
  }
  if (!isVector || !dim.source.is(1))
    return copyElements(range);
  VectorType type = vectorType();
  Value middle = roundDown(range, type.getNumElements());
  loop({range.begin, middle}, type.getNumElements(), [&](Value i) {
    Position at = advance(position, i, dim);
    Value part =
        vector::LoadOp::create(b, type, operand(copy.operand), at.source);
    vector::StoreOp::create(b, part, result, at.destination);
  });
  copyElements({middle, range.end});
}

/// Moves a square of `size` x `size` elements by way of registers. Its rows lie
/// along the source, its columns along the destination.
void CopyEmitter::emitSquare(Value source, const Copy &copy, Position position,
                             const CopyDim &across, const CopyDim &along,
                             int64_t size) {
  auto type = VectorType::get({size}, element);
  SmallVector<Value> rows;
  for (int64_t i = 0; i < size; ++i) {
    Value at = advance(position.source, phase.index(i), along.source);
    rows.push_back(vector::LoadOp::create(b, type, source, at));
  }
  for (auto [i, column] :
       llvm::enumerate(transposeInRegisters(b, b.getLoc(), rows))) {
    Value at =
        advance(position.destination, phase.index(i), across.destination);
    vector::StoreOp::create(b, column, result, at);
  }
}

/// The two innermost loops of a transposition, in squares; `range` is the part
/// of `across` to run.
void CopyEmitter::emitTranspose(const Copy &copy, const CopyDim &across,
                                const CopyDim &along, Position position,
                                Range range) {
  // 16x16 would need every register of AVX-512 and gains nothing: the stores
  // are what counts.
  int64_t size = std::min<int64_t>(model.lanes(element), 8);
  Value source = operand(copy.operand);
  Range inner = wholeOf(along);
  auto copyElements = [&](Range outerPart, Range innerPart) {
    loop(outerPart, 1, [&](Value i) {
      Position row = advance(position, i, across);
      loop(innerPart, 1,
           [&](Value j) { copyElement(copy, advance(row, j, along)); });
    });
  };
  if (element.getIntOrFloatBitWidth() != 32)
    return copyElements(range, inner);
  Value middle = roundDown(range, size), innerMiddle = roundDown(inner, size);
  loop({range.begin, middle}, size, [&](Value i) {
    Position strip = advance(position, i, across);
    loop({inner.begin, innerMiddle}, size, [&](Value j) {
      emitSquare(source, copy, advance(strip, j, along), across, along, size);
    });
    copyElements({i, phase.add(i, phase.index(size))},
                 {innerMiddle, inner.end});
  });
  copyElements({middle, range.end}, inner);
}

/// The loops `dims`, of which the first runs over `range`.
void CopyEmitter::emitNest(Copy copy, ArrayRef<CopyDim> dims, Position position,
                           Range range) {
  auto hasNoIndex = [](const CopyDim &dim) { return dim.index.is(0); };
  // Once no loop below changes the index, it is read and added.
  if (copy.gather && llvm::all_of(dims, hasNoIndex)) {
    Value index = loadIndex(copy.gather->operand, copy.gather->isUnsigned,
                            copy.gather->size, position.index);
    position.source = advance(position.source, index, copy.gather->stride);
    copy.gather.reset();
  }
  if (dims.empty())
    return copyElement(copy, position);
  if (dims.size() == 1)
    return emitRow(copy, dims[0], position, range);
  if (dims.size() == 2 && !copy.gather && endsInTranspose(dims))
    return emitTranspose(copy, dims[0], dims[1], position, range);
  loop(range, 1, [&](Value i) {
    emitNest(copy, dims.drop_front(), advance(position, i, dims[0]),
             wholeOf(dims[1]));
  });
}

void CopyEmitter::emitCopy(const Copy &copy) {
  bool startsLate = copy.gather && !copy.gather->offset.isZero();
  Position start{phase.value(copy.sourceOffset),
                 phase.value(copy.destinationOffset),
                 startsLate ? phase.value(copy.gather->offset) : zero};
  emitNest(copy, copy.dims, start, parallelRange());
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

/// Elements that one iteration of the outermost loop writes.
static BatchSize elementsPerIteration(const Copy &copy) {
  BatchSize elements(1);
  for (const CopyDim &dim : ArrayRef(copy.dims).drop_front())
    elements = elements.times(dim.size).value_or(elements);
  return elements;
}

/// The analysis has made sure that the whole result has a size.
static BatchSize sizeOf(RankedTensorType type, unsigned firstDim) {
  return *sizeOfShape(type.getShape().drop_front(firstDim));
}

/// Whether all parts of a result with several have the same outermost loop, so
/// that one phase makes each slice whole.
static bool sharesOutermostLoop(const Movement &movement) {
  if (movement.result.getRank() < 2)
    return false;
  BatchSize outer = sizeOf(movement.result, 0),
            inner = sizeOf(movement.result, 1);
  return llvm::all_of(movement.copies, [&](const Copy &copy) {
    return copy.dims.front().destination == inner &&
           copy.dims.front().size.times(inner) == outer;
  });
}

static Phase finishFill(CopyEmitter &emitter, const Movement &movement) {
  emitter.emitFill(movement.fill->value, emitter.parallelRange(), BatchSize(1));
  return emitter.finish(sizeOf(movement.result, 0), BatchSize(1));
}

/// All parts in one phase over the outermost dimension.
static Phase scheduleTogether(func::FuncOp kernel, Movement &movement,
                              const CpuModel &model) {
  BatchSize rowElements = sizeOf(movement.result, 1);
  BatchSize extent = movement.copies.front().dims.front().size;
  CopyEmitter emitter(kernel, movement, model, "movement");
  if (movement.fill)
    emitter.emitFill(movement.fill->value, emitter.parallelRange(),
                     rowElements);
  for (Copy &copy : movement.copies) {
    simplify(copy, /*numKept=*/1);
    emitter.emitCopy(copy);
  }
  return emitter.finish(extent, rowElements);
}

static Phase scheduleCopy(func::FuncOp kernel, const Movement &movement,
                          Copy copy, const CpuModel &model, const Twine &name) {
  simplify(copy, /*numKept=*/0);
  if (!copy.gather)
    bringTransposeTogether(copy);
  CopyEmitter emitter(kernel, movement, model, name);
  emitter.emitCopy(copy);
  return emitter.finish(copy.dims.front().size, elementsPerIteration(copy));
}

FailureOr<ScheduledKernel> nnc::scheduleMovement(func::FuncOp kernel,
                                                 const CpuModel &model,
                                                 Refusal &refusal) {
  FailureOr<Movement> movement = analyzeMovement(kernel, refusal);
  if (failed(movement))
    return failure();
  if (movement->scatter)
    return refusal.because("it adds up rows by index");
  ScheduledKernel scheduled;
  unsigned numParts = movement->copies.size() + movement->fill.has_value();
  if (numParts > 1 && sharesOutermostLoop(*movement)) {
    scheduled.phases.push_back(scheduleTogether(kernel, *movement, model));
    return scheduled;
  }
  if (movement->fill) {
    CopyEmitter emitter(kernel, *movement, model, "movement.fill");
    scheduled.phases.push_back(finishFill(emitter, *movement));
  }
  for (auto [index, copy] : llvm::enumerate(movement->copies))
    scheduled.phases.push_back(scheduleCopy(kernel, *movement, copy, model,
                                            "movement." + Twine(index)));
  return scheduled;
}
