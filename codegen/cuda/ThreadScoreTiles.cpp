// Score tiles by multiply-adds. Threads stand in lines of half a warp: a line
// has neighbouring rows, a thread of it every sixteenth column, so that what is
// summed up along a row is that of lanes.
#include "codegen/cuda/ScoreTiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

/// Of an H100.
static constexpr int64_t kMultiprocessors = 132;
static constexpr int64_t kLines = 16, kLanes = 16, kThreads = kLines * kLanes;

/// An odd stride has a column's elements in different banks.
static int64_t oddStride(int64_t size) { return size | 1; }

/// What the larger of an op's phases shares.
static int64_t sharedElements(const AttentionKernel &attention, int64_t rows,
                              int64_t columns) {
  int64_t keyStride = oddStride(attention.sizes.size),
          valueStride = oddStride(attention.sizes.valueSize);
  int64_t scores = rows * oddStride(columns);
  if (attention.isGradient)
    return (rows + columns) * (keyStride + valueStride) + 2 * scores;
  return (rows + columns) * keyStride + columns * valueStride + scores;
}

/// What a thread reads of shared memory, for the blocks that a multiprocessor
/// has one after another: for a term of a tile one number for each row and each
/// column of its own, and one more for the tile's barriers.
static double readsOf(const AttentionKernel &attention, int64_t batch,
                      int64_t rows, int64_t columns) {
  const AttentionSizes &sizes = attention.sizes;
  int64_t longest = std::max(sizes.time, sizes.keys);
  double blocks =
      double(batch) * sizes.kvHeads * llvm::divideCeil(longest, rows);
  return std::ceil(blocks / kMultiprocessors) *
         double(llvm::divideCeil(longest, columns)) *
         (rows / kLines + columns / kLanes + 1);
}

std::optional<GpuAttentionTile>
nnc::chooseThreadScoreTile(const AttentionKernel &attention, int64_t batch,
                           const GpuModel &model) {
  static constexpr std::pair<int64_t, int64_t> kTiles[] = {
      {64, 64}, {64, 32}, {32, 32}, {32, 16}, {16, 16}};
  int64_t longest = std::max(attention.sizes.time, attention.sizes.keys);
  int64_t elementBytes = attention.elementType.getIntOrFloatBitWidth() / 8;
  std::optional<GpuAttentionTile> best;
  double fewest = std::numeric_limits<double>::infinity();
  for (auto [rows, columns] : kTiles) {
    // Half of its rows would be idle.
    bool isTooLarge = rows > kLines && rows / 2 >= longest;
    if (isTooLarge || sharedElements(attention, rows, columns) * elementBytes >
                          model.sharedBytes)
      continue;
    double reads = readsOf(attention, batch, rows, columns);
    if (reads >= fewest)
      continue;
    fewest = reads;
    best = {rows, columns, kThreads};
  }
  return best;
}

namespace {
class ThreadScoreTiles : public ScoreTiles {
public:
  explicit ThreadScoreTiles(GpuAttentionPhase &phase);

  void reserve(ArrayRef<int64_t> sizes) override;
  unsigned hold(const Head &head, Value first, unsigned beside) override;
  Values
  forEach(std::pair<Value, Value> range, ArrayRef<Head> heads,
          ValueRange carried,
          llvm::function_ref<Values(Value, ValueRange)> emitBody) override;
  Values products(unsigned held, unsigned passing) override;
  Values zeroSums(int64_t size) override;
  Values addWeighted(ValueRange sums, ValueRange weights,
                     unsigned passing) override;
  Values scaleRows(ValueRange sums, ValueRange factors) override;
  void storeRows(ValueRange sums, const Head &to, Value first) override;

private:
  /// Rows in shared memory.
  struct Rows {
    Value memory;
    int64_t count, size, stride;
  };
  Rows makeRows(int64_t count, int64_t size);
  void fill(const Rows &to, const Head &from, Value first);
  Value element(const Rows &rows, Value row, Value column);
  void put(ValueRange tile, const Rows &to);

  Value lane;
  SmallVector<Rows> held, passing;
};
} // namespace

std::unique_ptr<ScoreTiles>
nnc::makeThreadScoreTiles(GpuAttentionPhase &phase) {
  return std::make_unique<ThreadScoreTiles>(phase);
}

ThreadScoreTiles::ThreadScoreTiles(GpuAttentionPhase &phase)
    : ScoreTiles(phase, kLanes), lane(phase.remainder(phase.thread(), kLanes)) {
  Value line = phase.divide(phase.thread(), kLanes);
  int64_t numRows = tile.rows / kLines;
  for (int64_t i = 0; i < numRows; ++i)
    ownRows.push_back(phase.add(phase.multiply(line, numRows), i));
  for (int64_t first = 0; first < tile.columns; first += kLanes)
    ownColumns.push_back(phase.add(lane, first));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

ThreadScoreTiles::Rows ThreadScoreTiles::makeRows(int64_t count, int64_t size) {
  int64_t stride = oddStride(size);
  return {phase.shared(count * stride, phase.compute), count, size, stride};
}

Value ThreadScoreTiles::element(const Rows &rows, Value row, Value column) {
  return memref::LoadOp::create(
      b, rows.memory, phase.add(phase.multiply(row, rows.stride), column));
}

void ThreadScoreTiles::reserve(ArrayRef<int64_t> sizes) {
  for (int64_t size : sizes)
    passing.push_back(makeRows(tile.columns, size));
}

unsigned ThreadScoreTiles::hold(const Head &head, Value first,
                                unsigned beside) {
  held.push_back(makeRows(tile.rows, head.size));
  fill(held.back(), head, first);
  return held.size() - 1;
}

/// Rows of a head from `first` on; beyond its end, the last.
void ThreadScoreTiles::fill(const Rows &to, const Head &from, Value first) {
  int64_t count = to.count * to.size;
  Value last = phase.index(from.length - 1);
  auto copy = [&](Value step) {
    Value at = phase.add(phase.multiply(step, kThreads), phase.thread());
    Value exists =
        count % kThreads
            ? phase.isLess(at, phase.index(count))
            : Value(arith::ConstantOp::create(b, b.getBoolAttr(true)));
    phase.when(exists, [&] {
      Value row = phase.divide(at, to.size);
      Value column = phase.remainder(at, to.size);
      Value source = phase.minimum(phase.add(first, row), last);
      Value start = phase.add(from.first, phase.multiply(source, from.stride));
      Value value = phase.load(from.ref, from.type, phase.add(start, column));
      memref::StoreOp::create(
          b, value, to.memory,
          phase.add(phase.multiply(row, to.stride), column));
    });
  };
  phase.loop(phase.index(0), phase.index(llvm::divideCeil(count, kThreads)), 1,
             copy);
}

ScoreTiles::Values ThreadScoreTiles::forEach(
    std::pair<Value, Value> range, ArrayRef<Head> heads, ValueRange carried,
    llvm::function_ref<Values(Value, ValueRange)> emitBody) {
  return phase.loop(range.first, range.second, phase.index(tile.columns),
                    carried, [&](Value first, ValueRange values) {
                      // All have read what was there before.
                      phase.barrier();
                      for (auto [to, from] : llvm::zip_equal(passing, heads))
                        fill(to, from, first);
                      phase.barrier();
                      return emitBody(first, values);
                    });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

ScoreTiles::Values ThreadScoreTiles::products(unsigned heldNumber,
                                              unsigned passingNumber) {
  const Rows &left = held[heldNumber], &right = passing[passingNumber];
  Values zeros(ownRows.size() * ownColumns.size(), phase.constant(0.0));
  return phase.loop(phase.index(0), phase.index(left.size), phase.index(1),
                    zeros, [&](Value term, ValueRange sums) {
                      Values rowFactors, columnFactors, next;
                      for (Value row : ownRows)
                        rowFactors.push_back(element(left, row, term));
                      for (Value column : ownColumns)
                        columnFactors.push_back(element(right, column, term));
                      for (Value row : rowFactors)
                        for (Value column : columnFactors)
                          next.push_back(phase.plus(sums[next.size()],
                                                    phase.times(row, column)));
                      return next;
                    });
}

ScoreTiles::Values ThreadScoreTiles::zeroSums(int64_t size) {
  int64_t columns = llvm::divideCeil(size, kLanes);
  return Values(ownRows.size() * columns, phase.constant(0.0));
}

void ThreadScoreTiles::put(ValueRange values, const Rows &to) {
  for (Value row : ownRows)
    for (Value column : ownColumns) {
      memref::StoreOp::create(
          b, values.front(), to.memory,
          phase.add(phase.multiply(row, to.stride), column));
      values = values.drop_front();
    }
}

ScoreTiles::Values ThreadScoreTiles::addWeighted(ValueRange sums,
                                                 ValueRange weights,
                                                 unsigned passingNumber) {
  const Rows &right = passing[passingNumber];
  Rows left = makeRows(tile.rows, tile.columns);
  put(weights, left);
  phase.barrier();
  Values columns;
  for (int64_t first = 0; first < right.size; first += kLanes) {
    Value column = phase.add(lane, first);
    if (first + kLanes > right.size)
      column = phase.minimum(column, phase.index(right.size - 1));
    columns.push_back(column);
  }
  return phase.loop(phase.index(0), phase.index(tile.columns), phase.index(1),
                    sums, [&](Value term, ValueRange sums) {
                      Values factors, next;
                      for (Value column : columns)
                        factors.push_back(element(right, term, column));
                      for (Value row : ownRows) {
                        Value weight = element(left, row, term);
                        for (Value factor : factors)
                          next.push_back(phase.plus(
                              sums[next.size()], phase.times(weight, factor)));
                      }
                      return next;
                    });
}

ScoreTiles::Values ThreadScoreTiles::scaleRows(ValueRange sums,
                                               ValueRange factors) {
  size_t perRow = sums.size() / ownRows.size();
  Values scaled;
  for (Value sum : sums)
    scaled.push_back(phase.times(sum, factors[scaled.size() / perRow]));
  return scaled;
}

void ThreadScoreTiles::storeRows(ValueRange sums, const Head &to, Value first) {
  Value always = arith::ConstantOp::create(b, b.getBoolAttr(true));
  int64_t count = llvm::divideCeil(to.size, kLanes);
  for (Value own : ownRows) {
    Value row = phase.add(first, own);
    Value exists = to.length % tile.rows
                       ? phase.isLess(row, phase.index(to.length))
                       : always;
    ValueRange ofRow = sums.take_front(count);
    sums = sums.drop_front(count);
    phase.when(exists, [&] {
      Value start = phase.add(to.first, phase.multiply(row, to.stride));
      for (int64_t i = 0; i < count; ++i) {
        Value column = phase.add(lane, i * kLanes);
        bool isCut = (i + 1) * kLanes > to.size;
        phase.when(
            isCut ? phase.isLess(column, phase.index(to.size)) : always, [&] {
              phase.store(ofRow[i], to.ref, to.type, phase.add(start, column));
            });
      }
    });
  }
}
