// See ScatterParts.h. In comments: N indices, W elements of a row. An index is
// sorted by the row that it names, and by its place among those of one row.
#include "codegen/cuda/ScatterParts.h"

#include "codegen/cuda/GpuPhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kThreads = 256;
static constexpr int64_t kWarp = 32;

/// Indices that are sorted by comparing each with each. An index then looks for
/// its place in the other tiles: with more tiles that is the larger work, with
/// larger ones this.
static constexpr int64_t kTile = 1024;
/// Steps of a binary search in a tile, of [0, kTile] places.
static constexpr int64_t kTileSteps = 11;
/// The same among as many as an i32 counts.
static constexpr int64_t kAllSteps = 32;

/// Sorted indices that one thread adds up, in one column.
static constexpr int64_t kPart = 16;

static constexpr int64_t kPlaceBytes = 4;

// The kernel's workspaces: rows and places of indices, sorted in tiles and then
// all; sums of parts, [parts, 2, W].
static constexpr BufferRef kTileRows = {BufferRef::Workspace, 0};
static constexpr BufferRef kTilePlaces = {BufferRef::Workspace, 1};
static constexpr BufferRef kRows = {BufferRef::Workspace, 2};
static constexpr BufferRef kPlaces = {BufferRef::Workspace, 3};
static constexpr BufferRef kPartials = {BufferRef::Workspace, 4};

bool nnc::sumsInGpuParts(const ScatterAdd &scatter) {
  return scatter.outer.isOne() && scatter.width.isStatic() &&
         scatter.rows.factor < INT32_MAX / 2 &&
         scatter.count.factor < INT32_MAX / 2;
}

namespace {

class PartsPhase : public GpuPhase {
public:
  PartsPhase(ImplicitLocOpBuilder &b, func::FuncOp kernel, Operation *previous,
             const Twine &suffix, const Movement &movement)
      : GpuPhase(b, kernel, previous, suffix), kernel(kernel),
        scatter(*movement.scatter), resultType(movement.result),
        width(value(scatter.width)) {}

  Value count() { return value(scatter.count); }

  /// The row that index number `at` names: what is outside, the nearest.
  Value rowOf(Value at) {
    Value index = load({BufferRef::Operand, scatter.indices},
                       operandType(scatter.indices), at);
    return indexWithin(index, scatter.isUnsigned, scatter.rows);
  }
  Value loadUpdate(Value at) {
    return load({BufferRef::Operand, scatter.updates},
                operandType(scatter.updates), at);
  }
  void storeResult(Value value, Value at) {
    store(value, {BufferRef::Result, 0}, resultType, at);
  }

  Value readPlace(BufferRef ref, Value at) {
    return arith::IndexCastOp::create(b, b.getIndexType(),
                                      load(ref, placesType(), at));
  }
  void writePlace(BufferRef ref, Value at, Value place) {
    store(arith::IndexCastOp::create(b, b.getI32Type(), place), ref,
          placesType(), at);
  }

  Value loadPartial(Value at) { return load(kPartials, partialsType(), at); }
  void storePartial(Value value, Value at) {
    store(value, kPartials, partialsType(), at);
  }
  /// Of a part's two sums, that of its first row where that begins before.
  Value partialAt(Value part, Value isWithin, Value column) {
    Value second = arith::IndexCastUIOp::create(b, b.getIndexType(), isWithin);
    return add(multiply(add(multiply(part, 2), second), width), column);
  }

  Value yes() { return arith::ConstantOp::create(b, b.getBoolAttr(true)); }
  Value no() { return arith::ConstantOp::create(b, b.getBoolAttr(false)); }
  Value isNot(Value condition) { return isEqual(condition, no()); }
  Value either(Value lhs, Value rhs) {
    return arith::OrIOp::create(b, lhs, rhs);
  }
  Value choosePlace(Value condition, Value onTrue, Value onFalse) {
    return arith::SelectOp::create(b, condition, onTrue, onFalse);
  }

  /// The sum over all threads of a warp, of a number of each.
  Value addOfWarp(Value number) {
    Value sum = arith::IndexCastOp::create(b, b.getI32Type(), number);
    for (int64_t mask = kWarp / 2; mask > 0; mask /= 2)
      sum = arith::AddIOp::create(b, sum, shuffle(sum, mask));
    return arith::IndexCastOp::create(b, b.getIndexType(), sum);
  }

  func::FuncOp kernel;
  const ScatterAdd &scatter;
  RankedTensorType resultType;
  Value width;

private:
  RankedTensorType operandType(unsigned operand) {
    return cast<RankedTensorType>(kernel.getArgumentTypes()[operand + 1]);
  }
  RankedTensorType placesType() {
    return RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type());
  }
  RankedTensorType partialsType() {
    return RankedTensorType::get({ShapedType::kDynamic},
                                 resultType.getElementType());
  }
};

} // namespace

static void emitZeros(PartsPhase &phase, Value element) {
  Type type = phase.resultType.getElementType();
  phase.storeResult(
      arith::ConstantOp::create(phase.b, phase.b.getZeroAttr(type)), element);
}

/// The index of each warp to its place in its tile: behind those that are
/// before it, of which each thread of the warp counts some.
static void emitTileSort(PartsPhase &phase, Value) {
  Value number = phase.add(phase.multiply(phase.block(), kThreads / kWarp),
                           phase.divide(phase.thread(), kWarp)),
        lane = phase.remainder(phase.thread(), kWarp);
  Value at = phase.minimum(number, phase.add(phase.count(), -1));
  Value row = phase.rowOf(at);
  Value first = phase.multiply(phase.divide(at, kTile), kTile);
  Value last = phase.minimum(phase.add(first, kTile), phase.count());
  auto countSmaller = [&](Value i, ValueRange sums) -> SmallVector<Value> {
    Value other = phase.rowOf(i);
    Value isBefore = phase.either(
        phase.isLess(other, row),
        phase.both(phase.isEqual(other, row), phase.isLess(i, at)));
    return {phase.choosePlace(isBefore, phase.add(sums[0], 1), sums[0])};
  };
  Value own = phase.loop(phase.add(first, lane), last, phase.index(kWarp),
                         phase.index(0), countSmaller)[0];
  Value before = phase.addOfWarp(own);
  Value isFirst = phase.isEqual(lane, phase.index(0));
  phase.when(phase.both(isFirst, phase.isLess(number, phase.count())), [&] {
    Value place = phase.add(first, before);
    phase.writePlace(kTileRows, place, row);
    phase.writePlace(kTilePlaces, place, at);
  });
}

/// How many of `size` sorted rows from `first` on are below `row`, or are it
/// where `orEqual`; in `steps` that halve them.
static Value countBelow(PartsPhase &phase, BufferRef rows, Value first,
                        Value size, int64_t steps, Value row, Value orEqual) {
  Value inits[] = {phase.index(0), size};
  // All before low are below, all from high on are not.
  auto halve = [&](Value, ValueRange range) -> SmallVector<Value> {
    Value low = range[0], high = range[1];
    Value middle = phase.divide(phase.add(low, high), 2);
    Value isOpen = phase.isLess(low, high);
    Value at = phase.add(first, phase.minimum(middle, phase.add(size, -1)));
    Value other = phase.readPlace(rows, at);
    Value isBelow =
        phase.either(phase.isLess(other, row),
                     phase.both(orEqual, phase.isEqual(other, row)));
    Value raises = phase.both(isOpen, isBelow);
    Value lowers = phase.both(isOpen, phase.isNot(isBelow));
    return {phase.choosePlace(raises, phase.add(middle, 1), low),
            phase.choosePlace(lowers, middle, high)};
  };
  return phase.loop(phase.index(0), phase.index(steps), phase.index(1), inits,
                    halve)[0];
}

/// What is at `at` of the tiles to its place among all.
static void emitMerge(PartsPhase &phase, Value at) {
  Value row = phase.readPlace(kTileRows, at);
  Value tile = phase.divide(at, kTile);
  Value within = phase.subtract(at, phase.multiply(tile, kTile));
  auto addTile = [&](Value other, ValueRange sums) -> SmallVector<Value> {
    Value isOwn = phase.isEqual(other, tile);
    Value first = phase.multiply(other, kTile);
    Value size =
        phase.minimum(phase.index(kTile), phase.subtract(phase.count(), first));
    Value below = countBelow(phase, kTileRows, first, size, kTileSteps, row,
                             /*orEqual=*/phase.isLess(other, tile));
    return {
        phase.add(sums[0], phase.choosePlace(isOwn, phase.index(0), below))};
  };
  Value numTiles = phase.divideUp(phase.count(), kTile);
  Value place =
      phase.loop(phase.index(0), numTiles, phase.index(1), within, addTile)[0];
  phase.writePlace(kRows, place, row);
  phase.writePlace(kPlaces, place, phase.readPlace(kTilePlaces, at));
}

/// Whether the row of sorted index `at` is that of the index before it.
static Value continues(PartsPhase &phase, Value at) {
  Value isFirst = phase.isEqual(at, phase.index(0));
  Value before = phase.choosePlace(isFirst, at, phase.add(at, -1));
  return phase.both(phase.isNot(isFirst),
                    phase.isEqual(phase.readPlace(kRows, before),
                                  phase.readPlace(kRows, at)));
}

/// Column `column` of part `part`: the sum of each of its rows, to the result
/// where the row lies within the part.
static void emitParts(PartsPhase &phase, Value part, Value column) {
  Value first = phase.multiply(part, kPart);
  Value last = phase.minimum(phase.add(first, kPart), phase.count());
  auto updateOf = [&](Value i) {
    Value place = phase.readPlace(kPlaces, i);
    return phase.loadUpdate(
        phase.add(phase.multiply(place, phase.width), column));
  };
  auto storeRow = [&](Value row, Value sum) {
    phase.storeResult(sum, phase.add(phase.multiply(row, phase.width), column));
  };
  Value isFromBefore = continues(phase, first);
  Value inits[] = {phase.readPlace(kRows, first), updateOf(first),
                   isFromBefore};
  auto addIndex = [&](Value i, ValueRange carried) -> SmallVector<Value> {
    Value row = phase.readPlace(kRows, i),
          isSame = phase.isEqual(row, carried[0]);
    phase.when(phase.isNot(isSame), [&] {
      phase.when(carried[2], [&] {
        phase.storePartial(carried[1],
                           phase.partialAt(part, phase.no(), column));
      });
      phase.when(phase.isNot(carried[2]),
                 [&] { storeRow(carried[0], carried[1]); });
    });
    Value update = updateOf(i);
    Value sum = arith::AddFOp::create(phase.b, carried[1], update);
    sum = arith::SelectOp::create(phase.b, isSame, sum, update);
    return {row, sum, phase.both(isSame, carried[2])};
  };
  SmallVector<Value> end =
      phase.loop(phase.add(first, 1), last, phase.index(1), inits, addIndex);
  // The last row may go on in the next part.
  Value isEnd = phase.isEqual(last, phase.count());
  Value next = phase.choosePlace(isEnd, first, last);
  Value goesOn = phase.both(phase.isNot(isEnd), continues(phase, next));
  Value isSplit = phase.either(end[2], goesOn);
  phase.when(isSplit, [&] {
    phase.storePartial(end[1],
                       phase.partialAt(part, phase.isNot(end[2]), column));
  });
  phase.when(phase.isNot(isSplit), [&] { storeRow(end[0], end[1]); });
}

/// The parts of the row that begins in part `part` and goes on in the next.
static void emitJoin(PartsPhase &phase, Value part, Value column) {
  Value first = phase.multiply(part, kPart), after = phase.add(first, kPart);
  auto addParts = [&](Value row) {
    Value end = countBelow(phase, kRows, phase.index(0), phase.count(),
                           kAllSteps, row, phase.yes());
    Value begin = phase.loadPartial(phase.partialAt(part, phase.yes(), column));
    auto addPart = [&](Value other, ValueRange sums) -> SmallVector<Value> {
      Value partial =
          phase.loadPartial(phase.partialAt(other, phase.no(), column));
      return {arith::AddFOp::create(phase.b, sums[0], partial)};
    };
    Value sum = phase.loop(phase.add(part, 1), phase.divideUp(end, kPart),
                           phase.index(1), begin, addPart)[0];
    phase.storeResult(sum, phase.add(phase.multiply(row, phase.width), column));
  };
  phase.when(phase.isLess(after, phase.count()), [&] {
    Value row = phase.readPlace(kRows, after);
    Value isFromBefore =
        phase.both(continues(phase, first),
                   phase.isEqual(phase.readPlace(kRows, first), row));
    Value begins =
        phase.both(continues(phase, after), phase.isNot(isFromBefore));
    phase.when(begins, [&] { addParts(row); });
  });
}

//===----------------------------------------------------------------------===//
// The phases
//===----------------------------------------------------------------------===//

namespace {
/// Adds phases to a kernel, each with a thread for each of some elements.
struct PhaseList {
  func::FuncOp kernel;
  const Movement &movement;
  ImplicitLocOpBuilder b;
  Operation *previous;
  ScheduledKernel scheduled;

  PhaseList(func::FuncOp kernel, const Movement &movement)
      : kernel(kernel), movement(movement),
        b(kernel.getLoc(), kernel.getContext()), previous(kernel) {}

  /// `total`: as many threads as it says, or more.
  void add(StringRef suffix, Extent total,
           function_ref<void(PartsPhase &, Value)> emit) {
    PartsPhase phase(b, kernel, previous, suffix, movement);
    emit(phase, phase.globalThread(kThreads));
    scheduled.phases.push_back(
        phase.finish("scatter", divideUp(total, kThreads), kThreads));
    previous = scheduled.phases.back().function;
  }
};
} // namespace

ScheduledKernel nnc::scheduleGpuScatterParts(func::FuncOp kernel,
                                             const Movement &movement) {
  const ScatterAdd &scatter = *movement.scatter;
  PhaseList list(kernel, movement);
  Extent count = Extent::of(scatter.count);
  auto forIndices = [](auto emit) {
    return [emit](PartsPhase &phase, Value thread) {
      phase.when(phase.isLess(thread, phase.count()),
                 [&] { emit(phase, thread); });
    };
  };
  auto forParts = [](auto emit) {
    return [emit](PartsPhase &phase, Value thread) {
      Value part = phase.divide(thread, phase.width);
      Value numParts = phase.divideUp(phase.count(), kPart);
      phase.when(phase.isLess(part, numParts), [&] {
        emit(phase, part, phase.remainder(thread, phase.width));
      });
    };
  };
  list.add("zeros", numElements(movement.result),
           [&](PartsPhase &phase, Value thread) {
             Value total = phase.value(numElements(movement.result));
             phase.when(phase.isLess(thread, total),
                        [&] { emitZeros(phase, thread); });
           });
  list.add("sort", {count.constant * kWarp, count.perBatch * kWarp, 1},
           emitTileSort);
  list.add("merge", count, forIndices(emitMerge));
  // A column of each part, of which there are at most (N + kPart - 1) / kPart.
  int64_t width = scatter.width.factor;
  Extent columns = {(count.constant + kPart - 1) * width,
                    count.perBatch * width, kPart};
  list.add("scatter", columns, forParts(emitParts));
  list.add("join", columns, forParts(emitJoin));

  int64_t elementBytes =
      movement.result.getElementType().getIntOrFloatBitWidth() / 8;
  Extent places = {count.constant * kPlaceBytes, count.perBatch * kPlaceBytes,
                   1};
  Extent partials = {columns.constant * 2 * elementBytes,
                     columns.perBatch * 2 * elementBytes, kPart};
  list.scheduled.workspaceBytes = {places, places, places, places, partials};
  return std::move(list.scheduled);
}
