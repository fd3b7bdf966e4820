// Transposes squares in registers. x86 shuffles cheaply within lanes of 128
// bits, and moves whole lanes; so 4x4 blocks are transposed within lanes first
// (unpack by one, then by two elements), and the lanes among registers then.
#include "codegen/cpu/Transpose.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

/// Elements of 32 bits in a lane of 128.
static constexpr int64_t kLane = 4;

bool nnc::canTransposeInRegisters(VectorType type) {
  if (type.getRank() != 2 || type.isScalable() ||
      type.getElementTypeBitWidth() != 32)
    return false;
  int64_t size = type.getDimSize(0);
  return type.getDimSize(1) == size && (size == 4 || size == 8 || size == 16);
}

static Value shuffle(OpBuilder &b, Location loc, Value lhs, Value rhs,
                     ArrayRef<int64_t> mask) {
  return vector::ShuffleOp::create(b, loc, lhs, rhs, mask);
}

/// In each lane, groups of `group` elements taken by turns from the low
/// (`half` 0) or high (1) half of that lane of two vectors: unpcklps and
/// unpckhps for one, unpcklpd and unpckhpd for two elements.
static Value unpack(OpBuilder &b, Location loc, Value lhs, Value rhs,
                    int64_t size, int64_t group, int64_t half) {
  SmallVector<int64_t> mask;
  for (int64_t lane = 0; lane < size; lane += kLane)
    for (int64_t start = 0; start < kLane / 2; start += group)
      for (int64_t side : {int64_t(0), size})
        for (int64_t i = 0; i < group; ++i)
          mask.push_back(side + lane + half * kLane / 2 + start + i);
  return shuffle(b, loc, lhs, rhs, mask);
}

/// Transposes the 4x4 block in each lane of four rows.
static void transposeWithinLanes(OpBuilder &b, Location loc,
                                 MutableArrayRef<Value> rows, int64_t size) {
  Value low01 = unpack(b, loc, rows[0], rows[1], size, 1, 0);
  Value high01 = unpack(b, loc, rows[0], rows[1], size, 1, 1);
  Value low23 = unpack(b, loc, rows[2], rows[3], size, 1, 0);
  Value high23 = unpack(b, loc, rows[2], rows[3], size, 1, 1);
  rows[0] = unpack(b, loc, low01, low23, size, 2, 0);
  rows[1] = unpack(b, loc, low01, low23, size, 2, 1);
  rows[2] = unpack(b, loc, high01, high23, size, 2, 0);
  rows[3] = unpack(b, loc, high01, high23, size, 2, 1);
}

/// Exchanges the upper of each pair of blocks of `block` elements in lhs with
/// the lower one in rhs.
static void exchangeBlocks(OpBuilder &b, Location loc, Value &lhs, Value &rhs,
                           int64_t size, int64_t block) {
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < size; ++i) {
    bool upper = i & block;
    low.push_back(upper ? size + i - block : i);
    high.push_back(upper ? size + i : i + block);
  }
  Value newLhs = shuffle(b, loc, lhs, rhs, low);
  rhs = shuffle(b, loc, lhs, rhs, high);
  lhs = newLhs;
}

SmallVector<Value> nnc::transposeInRegisters(OpBuilder &b, Location loc,
                                             ArrayRef<Value> rows) {
  auto size = static_cast<int64_t>(rows.size());
  SmallVector<Value> result(rows);
  for (int64_t row = 0; row < size; row += kLane)
    transposeWithinLanes(
        b, loc, MutableArrayRef<Value>(result).slice(row, kLane), size);
  for (int64_t block = kLane; block < size; block *= 2)
    for (int64_t row = 0; row < size; ++row)
      if (!(row & block))
        exchangeBlocks(b, loc, result[row], result[row + block], size, block);
  return result;
}
