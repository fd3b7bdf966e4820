// Score tiles by tensor cores. A warp has some of a tile's rows and all of its
// columns, in the fragments of m16n8k16 (codegen/cuda/TensorSums.cpp): g is a
// thread's lane / 4 and t its lane % 4. A thread has rows g and g + 8 of 16,
// and columns 2 t and 2 t + 1 of each eight. So sums of products are where the
// next product has its left matrix: weights never leave the registers.
//
// Columns come by in two halves of shared memory: while one is read, the next
// tile is copied to the other.
#include "codegen/cuda/ScoreTiles.h"

#include "codegen/cuda/Attention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kWarp = 32;
/// A matrix on the left is 16 x 16, two on the right are 16 x 8.
static constexpr int64_t kMatrix = 16;
/// What one copy moves: 16 bytes.
static constexpr int64_t kCopied = 8;
/// Elements beyond a row's own, so that eight rows are in different banks.
static constexpr int64_t kPadding = 8;

/// Tiles are narrow where heads are so large that registers have no room for
/// what stays: it has memory of its own then.
static bool holdsInRegisters(int64_t columns) { return columns > kMatrix; }

/// What a phase shares: both halves of what comes by, and what stays there.
static int64_t sharedBytes(const AttentionKernel &attention, int64_t rows,
                           int64_t columns) {
  int64_t stride =
      attention.sizes.size + attention.sizes.valueSize + 2 * kPadding;
  int64_t numRows = 2 * columns + (holdsInRegisters(columns) ? 0 : rows);
  return numRows * stride * /*bytes=*/2;
}

std::optional<GpuAttentionTile>
nnc::chooseTensorScoreTile(const AttentionKernel &attention,
                           const GpuModel &model) {
  const AttentionSizes &sizes = attention.sizes;
  int64_t larger = std::max(sizes.size, sizes.valueSize);
  if (larger > kLargestGpuHalfHead || sizes.size % kMatrix ||
      sizes.valueSize % kMatrix)
    return std::nullopt;
  const bool isLarge = 2 * larger > kLargestGpuHalfHead;
  // Of 32 queries a warp loads half as much for a product. What a thread has in
  // registers are sums, scores, and what stays: of a gradient two of each.
  int64_t warps = 4, perWarp = kMatrix, columns = 64;
  if (attention.isGradient) {
    warps = isLarge ? 2 : 4;
    columns = isLarge ? 16 : 32;
  } else if (!isLarge && sizes.time > warps * perWarp) {
    perWarp *= 2;
  }
  for (; columns >= kMatrix; columns /= 2)
    if (sharedBytes(attention, warps * perWarp, columns) <= model.sharedBytes)
      return GpuAttentionTile{warps * perWarp, columns, warps * kWarp};
  return std::nullopt;
}

namespace {
class TensorScoreTiles : public ScoreTiles {
public:
  explicit TensorScoreTiles(GpuAttentionPhase &phase);

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
  /// Rows in shared memory, which both halves have as many of.
  struct Rows {
    Value memory;
    int64_t size, stride;
  };
  /// How many matrices a warp's rows are.
  int64_t numMatrices() const {
    return tile.rows / (tile.threads / kWarp * kMatrix);
  }
  /// The row of shared memory at which the half of a tile of columns begins.
  Value halfOf(Value first);
  void copy(const Head &from, Value first, const Rows &to, Value firstRow,
            int64_t count);
  Value endGroup();
  void waitFor(Value group, int32_t pending);

  Rows makeRows(int64_t count, int64_t size);
  Value loadHeld(const Rows &rows, int64_t matrix, int64_t term);
  enum class Side { Left, Right, RightTransposed };
  Value loadMatrices(const Rows &rows, Value row, Value column, Side side);
  void multiply(MutableArrayRef<Value> sums, ArrayRef<Value> left,
                const Rows &right, Value row, Value column, Side side);
  Value pack(Value low, Value high);

  Type elementType;
  bool isBf16 = false;
  Value lane, firstRow;
  /// Where the half is that products are of.
  Value half;
  SmallVector<Rows> passing;
  /// Rows that stay, as left matrices: of the first 16, along the terms, then
  /// of the next. None where they are loaded when they are needed.
  struct Held {
    Rows rows;
    Values matrices;
  };
  SmallVector<Held> held;
};
} // namespace

std::unique_ptr<ScoreTiles>
nnc::makeTensorScoreTiles(GpuAttentionPhase &phase) {
  return std::make_unique<TensorScoreTiles>(phase);
}

TensorScoreTiles::TensorScoreTiles(GpuAttentionPhase &phase)
    : ScoreTiles(phase, /*lanes=*/4), elementType(phase.elementType()),
      isBf16(elementType.isBF16()),
      lane(phase.remainder(phase.thread(), kWarp)) {
  Value warp = phase.divide(phase.thread(), kWarp);
  firstRow = phase.multiply(warp, numMatrices() * kMatrix);
  Value g = phase.divide(lane, 4);
  Value t = phase.multiply(phase.remainder(lane, 4), 2);
  for (int64_t below = 0; below < numMatrices() * kMatrix; below += 8)
    ownRows.push_back(phase.add(phase.add(firstRow, g), below));
  for (int64_t beside = 0; beside < tile.columns; beside += 8)
    for (int64_t next : {0, 1})
      ownColumns.push_back(phase.add(t, beside + next));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void TensorScoreTiles::reserve(ArrayRef<int64_t> sizes) {
  for (int64_t size : sizes)
    passing.push_back(makeRows(2 * tile.columns, size));
}

Value TensorScoreTiles::halfOf(Value first) {
  Value number = phase.remainder(phase.divide(first, tile.columns), 2);
  return phase.multiply(number, tile.columns);
}

/// Rows of a head from `first` on, beyond its end the last, to rows of shared
/// memory.
void TensorScoreTiles::copy(const Head &from, Value first, const Rows &to,
                            Value firstRow, int64_t count) {
  int64_t perRow = to.size / kCopied, numCopies = count * perRow;
  Value source = phase.buffer(from.ref, from.type);
  Value last = phase.index(from.length - 1);
  auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
  for (int64_t done = 0; done < numCopies; done += tile.threads) {
    Value number = phase.add(phase.thread(), done);
    bool isCut = done + tile.threads > numCopies;
    Value exists =
        isCut ? phase.isLess(number, phase.index(numCopies))
              : Value(arith::ConstantOp::create(b, b.getBoolAttr(true)));
    phase.when(exists, [&] {
      Value row = phase.divide(number, perRow);
      Value column = phase.multiply(phase.remainder(number, perRow), kCopied);
      Value sourceRow = phase.minimum(phase.add(first, row), last);
      Value start =
          phase.add(from.first, phase.multiply(sourceRow, from.stride));
      Value target = phase.multiply(phase.add(firstRow, row), to.stride);
      nvgpu::DeviceAsyncCopyOp::create(
          b, token, to.memory, ValueRange(phase.add(target, column)), source,
          ValueRange(phase.add(start, column)), b.getIndexAttr(kCopied),
          /*srcElements=*/Value(), /*bypassL1=*/b.getUnitAttr());
    });
  }
}

/// Of the copies that this thread has begun since the group before.
Value TensorScoreTiles::endGroup() {
  auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
  return nvgpu::DeviceAsyncCreateGroupOp::create(b, token, ValueRange());
}

/// Until at most so many groups are under way, in all threads.
void TensorScoreTiles::waitFor(Value group, int32_t pending) {
  nvgpu::DeviceAsyncWaitOp::create(b, group, b.getI32IntegerAttr(pending));
  phase.barrier();
}

TensorScoreTiles::Rows TensorScoreTiles::makeRows(int64_t count, int64_t size) {
  int64_t stride = size + kPadding;
  return {phase.shared(count * stride, elementType), size, stride};
}

/// Into registers, through the memory of what comes by later; large heads have
/// no room there, and stay in memory of their own.
unsigned TensorScoreTiles::hold(const Head &head, Value first,
                                unsigned beside) {
  const bool isKept = holdsInRegisters(tile.columns);
  Rows rows = isKept ? passing[beside] : makeRows(tile.rows, head.size);
  phase.barrier();
  copy(head, first, rows, phase.index(0), tile.rows);
  waitFor(endGroup(), 0);
  held.push_back({rows, {}});
  Values matrices;
  for (int64_t matrix = 0; isKept && matrix < numMatrices(); ++matrix)
    for (int64_t term = 0; term < rows.size; term += kMatrix)
      matrices.push_back(loadHeld(rows, matrix, term));
  held.back().matrices = matrices;
  return held.size() - 1;
}

Value TensorScoreTiles::loadHeld(const Rows &rows, int64_t matrix,
                                 int64_t term) {
  return loadMatrices(rows, phase.add(firstRow, matrix * kMatrix),
                      phase.index(term), Side::Left);
}

ScoreTiles::Values TensorScoreTiles::forEach(
    std::pair<Value, Value> range, ArrayRef<Head> heads, ValueRange carried,
    llvm::function_ref<Values(Value, ValueRange)> emitBody) {
  Value from = range.first, to = range.second;
  auto fetch = [&](Value first) {
    phase.when(phase.isLess(first, to), [&] {
      for (auto [rows, head] : llvm::zip_equal(passing, heads))
        copy(head, first, rows, halfOf(first), tile.columns);
    });
    return endGroup();
  };
  // All have read what was there before.
  phase.barrier();
  fetch(from);
  return phase.loop(from, to, phase.index(tile.columns), carried,
                    [&](Value first, ValueRange values) {
                      Value next = fetch(phase.add(first, tile.columns));
                      waitFor(next, 1);
                      half = halfOf(first);
                      Values results = emitBody(first, values);
                      // The tile after the next will be where this one was.
                      phase.barrier();
                      return results;
                    });
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

/// Four matrices of 8 x 8 numbers from a row and a column of shared memory on.
/// Lane l says where line l % 8 of matrix l / 8 is. On the left, those of a row
/// of matrices are 0 and 2; on the right 0 and 1 are the terms of eight
/// columns, which are rows of shared memory where it is not transposed.
Value TensorScoreTiles::loadMatrices(const Rows &rows, Value row, Value column,
                                     Side side) {
  Value line = phase.remainder(lane, 8);
  Value odd = phase.multiply(phase.remainder(phase.divide(lane, 8), 2), 8);
  Value upper = phase.multiply(phase.divide(lane, 16), 8);
  bool oddIsRow = side != Side::Right;
  row = phase.add(row, phase.add(line, oddIsRow ? odd : upper));
  column = phase.add(column, oddIsRow ? upper : odd);
  Value at = phase.add(phase.multiply(row, rows.stride), column);
  StringRef function = side == Side::RightTransposed
                           ? "load_matrices_transposed"
                           : "load_matrices";
  return phase.call(function, {phase.anySize(rows.memory), at},
                    VectorType::get(4, b.getI32Type()));
}

/// Adds products of left matrices, which are below each other, and of one on
/// the right to two neighbouring sums of each.
void TensorScoreTiles::multiply(MutableArrayRef<Value> sums,
                                ArrayRef<Value> left, const Rows &right,
                                Value row, Value column, Side side) {
  Value matrices = loadMatrices(right, row, column, side);
  SmallVector<Value> parts;
  for (int64_t i = 0; i < 4; ++i)
    parts.push_back(vector::ExtractOp::create(b, matrices, i));
  StringRef function = isBf16 ? "multiply_bf16" : "multiply_f16";
  size_t perMatrix = sums.size() / left.size();
  for (auto [number, matrix] : llvm::enumerate(left))
    for (size_t beside : {0, 1}) {
      Value &sum = sums[number * perMatrix + beside];
      sum = phase.call(function,
                       {sum, matrix, parts[2 * beside], parts[2 * beside + 1]},
                       sum.getType());
    }
}

/// Two neighbours as 16-bit numbers.
Value TensorScoreTiles::pack(Value low, Value high) {
  return phase.call(isBf16 ? "pair_bf16" : "pair_f16", {low, high},
                    b.getI32Type());
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Sums of 16 x 8: four of a thread's. Those of 16 rows, then of the next.
ScoreTiles::Values TensorScoreTiles::zeroSums(int64_t size) {
  auto type = VectorType::get(4, b.getF32Type());
  Value zeros = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return Values(numMatrices() * size / 8, zeros);
}

ScoreTiles::Values TensorScoreTiles::products(unsigned heldNumber,
                                              unsigned passingNumber) {
  const Rows &right = passing[passingNumber];
  const Held &stays = held[heldNumber];
  int64_t numTerms = right.size / kMatrix, perMatrix = tile.columns / 8;
  Values sums = zeroSums(tile.columns);
  for (int64_t term = 0; term < numTerms; ++term) {
    SmallVector<Value> left;
    for (int64_t matrix = 0; matrix < numMatrices(); ++matrix)
      left.push_back(stays.matrices.empty()
                         ? loadHeld(stays.rows, matrix, term * kMatrix)
                         : stays.matrices[matrix * numTerms + term]);
    for (int64_t column = 0; column < tile.columns; column += kMatrix) {
      SmallVector<Value> two;
      for (int64_t matrix = 0; matrix < numMatrices(); ++matrix)
        for (int64_t beside : {0, 1})
          two.push_back(sums[matrix * perMatrix + column / 8 + beside]);
      multiply(two, left, right, phase.add(half, column),
               phase.index(term * kMatrix), Side::Right);
      for (int64_t matrix = 0; matrix < numMatrices(); ++matrix)
        for (int64_t beside : {0, 1})
          sums[matrix * perMatrix + column / 8 + beside] =
              two[matrix * 2 + beside];
    }
  }
  Values scores;
  for (int64_t row = 0; row < 2 * numMatrices(); ++row)
    for (int64_t column = 0; column < tile.columns; ++column)
      if (column % 8 < 2)
        scores.push_back(
            vector::ExtractOp::create(b, sums[row / 2 * perMatrix + column / 8],
                                      row % 2 * 2 + column % 8));
  return scores;
}

ScoreTiles::Values TensorScoreTiles::addWeighted(ValueRange sums,
                                                 ValueRange weights,
                                                 unsigned passingNumber) {
  const Rows &right = passing[passingNumber];
  int64_t perMatrix = right.size / 8, perRow = ownColumns.size();
  Values next(sums);
  for (int64_t term = 0; term < tile.columns; term += kMatrix) {
    SmallVector<Value> left;
    for (int64_t matrix = 0; matrix < numMatrices(); ++matrix) {
      SmallVector<Value> pairs;
      for (int64_t later : {0, 8})
        for (int64_t below : {0, 1}) {
          int64_t at = (2 * matrix + below) * perRow + (term + later) / 4;
          pairs.push_back(pack(weights[at], weights[at + 1]));
        }
      left.push_back(vector::FromElementsOp::create(
          b, VectorType::get(4, b.getI32Type()), pairs));
    }
    for (int64_t column = 0; column < right.size; column += kMatrix) {
      SmallVector<Value> two;
      for (int64_t matrix = 0; matrix < numMatrices(); ++matrix)
        for (int64_t beside : {0, 1})
          two.push_back(next[matrix * perMatrix + column / 8 + beside]);
      multiply(two, left, right, phase.add(half, term), phase.index(column),
               Side::RightTransposed);
      for (int64_t matrix = 0; matrix < numMatrices(); ++matrix)
        for (int64_t beside : {0, 1})
          next[matrix * perMatrix + column / 8 + beside] =
              two[matrix * 2 + beside];
    }
  }
  return next;
}

ScoreTiles::Values TensorScoreTiles::scaleRows(ValueRange sums,
                                               ValueRange factors) {
  size_t perMatrix = sums.size() / numMatrices();
  Values scaled;
  for (auto [number, sum] : llvm::enumerate(sums)) {
    size_t row = number / perMatrix * 2;
    Value lanes[] = {factors[row], factors[row], factors[row + 1],
                     factors[row + 1]};
    scaled.push_back(phase.times(
        sum, vector::FromElementsOp::create(b, cast<VectorType>(sum.getType()),
                                            ValueRange(lanes))));
  }
  return scaled;
}

void TensorScoreTiles::storeRows(ValueRange sums, const Head &to, Value first) {
  int64_t perMatrix = to.size / 8;
  Value memory = phase.buffer(to.ref, to.type);
  auto pair = VectorType::get(2, b.getF32Type());
  auto stored = VectorType::get(2, elementType);
  for (size_t number = 0; number < ownRows.size(); ++number) {
    Value row = phase.add(first, ownRows[number]);
    Value exists =
        to.length % tile.rows
            ? phase.isLess(row, phase.index(to.length))
            : Value(arith::ConstantOp::create(b, b.getBoolAttr(true)));
    phase.when(exists, [&] {
      Value start = phase.add(to.first, phase.multiply(row, to.stride));
      for (int64_t i = 0; i < perMatrix; ++i) {
        Value four = sums[number / 2 * perMatrix + i];
        int64_t from = number % 2 * 2;
        Value two[] = {vector::ExtractOp::create(b, four, from),
                       vector::ExtractOp::create(b, four, from + 1)};
        Value at = phase.add(start, phase.add(ownColumns.front(), 8 * i));
        Value full = vector::FromElementsOp::create(b, pair, ValueRange(two));
        vector::StoreOp::create(b, arith::TruncFOp::create(b, stored, full),
                                memory, at);
      }
    });
  }
}
