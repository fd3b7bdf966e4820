// See ScatterParts.h. In comments: N indices, R rows of the result, W elements
// of a row; `order` are the places of the indices, sorted by row.
#include "codegen/cpu/ScatterParts.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/ScatterRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnc;

/// Sorted indices of a part. A row with more of them than that is added up by
/// several threads; the sums of its parts cost as much as one index in as many.
static constexpr int64_t kPart = 64;

/// Places in i32.
static constexpr int64_t kPlaceBytes = 4;

// The kernel's workspaces.
static constexpr BufferRef kStarts = {BufferRef::Workspace, 0}; // [R + 2]
static constexpr BufferRef kOrder = {BufferRef::Workspace, 1};  // [N]
static constexpr BufferRef kPartials = {BufferRef::Workspace,
                                        2}; // [parts, 2, W]

bool nnc::sumsInParts(const ScatterAdd &scatter) {
  return scatter.outer.isOne() &&
         scatter.count.estimate(kTypicalBatch) > kPart &&
         scatter.width.isStatic() && scatter.rows.factor < INT32_MAX / 2 &&
         scatter.count.factor < INT32_MAX / 2;
}

namespace {

/// A phase over the sorted indices.
class PartsPhase : public ScatterRows {
public:
  using ScatterRows::ScatterRows;

  Value count() { return value(scatter.count); }

  Value readPlace(BufferRef ref, Value at) {
    Value place = memref::LoadOp::create(b, places(ref), at);
    return arith::IndexCastOp::create(b, b.getIndexType(), place);
  }
  void writePlace(BufferRef ref, Value at, Value place) {
    place = arith::IndexCastOp::create(b, b.getI32Type(), place);
    memref::StoreOp::create(b, place, places(ref), at);
  }

  /// Once sorted: the row of sorted index `at`, and where in the order the
  /// indices of a row begin and end.
  Value rowAt(Value at) { return loadRow(readPlace(kOrder, at)); }
  Value beginOf(Value row) { return readPlace(kStarts, row); }
  Value endOf(Value row) { return readPlace(kStarts, add(row, 1)); }

  Value partials() {
    return buffer(kPartials, MemRefType::get({ShapedType::kDynamic}, element));
  }
  /// Where the sum of a row's indices in a part lies: of one that begins before
  /// the part or with it, or within it.
  Value partialAt(Value part, Value row) {
    Value isWithin = isLess(multiply(part, kPart), beginOf(row));
    Value second = arith::IndexCastUIOp::create(b, b.getIndexType(), isWithin);
    return multiply(add(multiply(part, 2), second), width);
  }

  /// to[at..] = the sum of the updates of sorted indices [first, last).
  void sumUpdates(Value first, Value last, Value to, Value at) {
    auto updateAt = [&](Value i) {
      return multiply(readPlace(kOrder, i), width);
    };
    copyRow(updates(), updateAt(first), to, at);
    loop(add(first, 1), last, 1,
         [&](Value i) { addRow(updates(), updateAt(i), to, at); });
  }

private:
  Value places(BufferRef ref) {
    return buffer(ref, MemRefType::get({ShapedType::kDynamic}, b.getI32Type()));
  }
};

} // namespace

/// Counting sort (Knuth, TAOCP vol. 3, 5.2): equal indices stay in their order.
/// Counts stand two places behind their row, and starts one, until all indices
/// have their place.
static void emitSort(PartsPhase &phase) {
  Value zero = phase.index(0), rows = phase.value(phase.scatter.rows);
  Value numStarts = phase.add(rows, 2);
  auto increase = [&](Value at) {
    Value old = phase.readPlace(kStarts, at);
    phase.writePlace(kStarts, at, phase.add(old, 1));
    return old;
  };
  phase.loop(zero, numStarts, 1,
             [&](Value i) { phase.writePlace(kStarts, i, zero); });
  phase.loop(zero, phase.count(), 1,
             [&](Value i) { increase(phase.add(phase.loadRow(i), 2)); });
  phase.loop(phase.index(2), numStarts, 1, [&](Value i) {
    Value before = phase.readPlace(kStarts, phase.add(i, -1));
    phase.writePlace(kStarts, i,
                     phase.add(before, phase.readPlace(kStarts, i)));
  });
  phase.loop(zero, phase.count(), 1, [&](Value i) {
    Value at = increase(phase.add(phase.loadRow(i), 1));
    phase.writePlace(kOrder, at, i);
  });
}

/// Whether the indices [first, last) of a row lie in several parts.
static Value isSplit(PartsPhase &phase, Value first, Value last) {
  return phase.isLess(phase.divide(first, kPart),
                      phase.divide(phase.add(last, -1), kPart));
}

/// Rows that have no index, or whose indices lie in one part.
static void emitWholeRows(PartsPhase &phase) {
  phase.loop(phase.begin(), phase.end(), 1, [&](Value row) {
    Value first = phase.beginOf(row), last = phase.endOf(row);
    Value at = phase.multiply(row, phase.width);
    Value isEmpty = phase.isEqual(first, last);
    phase.when(isEmpty, [&] { phase.clear(phase.result(), at, phase.width); });
    Value isWhole = phase.isEqual(phase.divide(first, kPart),
                                  phase.divide(phase.add(last, -1), kPart));
    phase.when(phase.both(phase.isLess(first, last), isWhole),
               [&] { phase.sumUpdates(first, last, phase.result(), at); });
  });
}

/// What each part adds to rows that lie in several: its first and its last.
static void emitPartials(PartsPhase &phase) {
  phase.loop(phase.begin(), phase.end(), 1, [&](Value part) {
    Value first = phase.multiply(part, kPart);
    Value last = phase.minimum(phase.add(first, kPart), phase.count());
    auto sumRow = [&](Value row) {
      Value begin = phase.beginOf(row), end = phase.endOf(row);
      Value from = arith::MaxSIOp::create(phase.b, begin, first);
      phase.when(isSplit(phase, begin, end), [&] {
        phase.sumUpdates(from, phase.minimum(end, last), phase.partials(),
                         phase.partialAt(part, row));
      });
    };
    Value firstRow = phase.rowAt(first);
    Value lastRow = phase.rowAt(phase.add(last, -1));
    sumRow(firstRow);
    phase.when(phase.isLess(firstRow, lastRow), [&] { sumRow(lastRow); });
  });
}

/// The sums of parts of the row that begins in a part and ends in a later one.
static void emitJoin(PartsPhase &phase) {
  phase.loop(phase.begin(), phase.end(), 1, [&](Value part) {
    Value after = phase.multiply(phase.add(part, 1), kPart);
    phase.when(phase.isLess(after, phase.count()), [&] {
      Value row = phase.rowAt(phase.add(after, -1));
      Value begin = phase.beginOf(row), end = phase.endOf(row);
      Value beginsHere = phase.isEqual(phase.divide(begin, kPart), part);
      phase.when(phase.both(beginsHere, phase.isLess(after, end)), [&] {
        Value at = phase.multiply(row, phase.width);
        phase.copyRow(phase.partials(), phase.partialAt(part, row),
                      phase.result(), at);
        Value last = phase.divideUp(end, kPart);
        phase.loop(phase.add(part, 1), last, 1, [&](Value other) {
          phase.addRow(phase.partials(), phase.partialAt(other, row),
                       phase.result(), at);
        });
      });
    });
  });
}

ScheduledKernel nnc::scheduleScatterParts(func::FuncOp kernel,
                                          const Movement &movement,
                                          const CpuModel &model) {
  const ScatterAdd &scatter = *movement.scatter;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  Operation *previous = kernel;
  auto addPhase = [&](StringRef suffix, Extent extent, int64_t grain,
                      function_ref<void(PartsPhase &)> emit) {
    PartsPhase phase(b, kernel, previous, suffix, movement, model);
    emit(phase);
    scheduled.phases.push_back(phase.finish("scatter", extent, grain));
    previous = scheduled.phases.back().function;
  };
  int64_t rowBytes = std::max<int64_t>(
      1, scatter.width.factor *
             movement.result.getElementType().getIntOrFloatBitWidth() / 8);
  int64_t rowGrain = kScatterGrainBytes / rowBytes;
  Extent parts = Extent::of(scatter.count, kPart);
  addPhase("sort", Extent{1}, 1, [](PartsPhase &phase) {
    // Of an empty range nothing is to be done.
    phase.when(phase.isLess(phase.begin(), phase.end()),
               [&] { emitSort(phase); });
  });
  addPhase("scatter", Extent::of(scatter.rows), rowGrain, emitWholeRows);
  addPhase("partials", parts, rowGrain / kPart, emitPartials);
  addPhase("join", parts, rowGrain, emitJoin);

  auto bytesOf = [](BatchSize size, int64_t more, int64_t bytes) {
    Extent extent = Extent::of(size);
    return Extent{(extent.constant + more) * bytes, extent.perBatch * bytes, 1};
  };
  // Two rows a part, of which there are at most N / kPart + 1.
  Extent partials = bytesOf(scatter.count, kPart, 2 * rowBytes);
  partials.divisor = kPart;
  scheduled.workspaceBytes = {bytesOf(scatter.rows, 2, kPlaceBytes),
                              bytesOf(scatter.count, 0, kPlaceBytes), partials};
  return scheduled;
}
