// The sums of a tile by tensor cores. A warp multiplies matrices of 16 x 16 and
// 16 x 8 numbers (16 x 8 and 8 x 8 of 32 bits), of which each of its threads
// holds some: PTX's manual, "Matrix fragments for mma.m16n8k16" and m16n8k8.
// Below, g is a thread's lane / 4 and t its lane % 4.
#include "codegen/cuda/TensorSums.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kWarp = 32;
/// Rows and columns of what one instruction adds to.
static constexpr int64_t kRows = 16, kColumns = 8;

TensorSums::TensorSums(GpuContractionPhase &phase, const Tiling &tiling,
                       const TileLoad &lhs, const TileLoad &rhs)
    : phase(phase), b(phase.b), shape(tiling.shape), lhs(lhs), rhs(rhs),
      numTerms(tiling.unit == TileUnit::Tensor16 ? 16 : 8),
      warpRows(shape.rows / shape.teamRows),
      warpColumns(shape.columns / shape.teamColumns) {
  int64_t team = shape.teamRows * shape.teamColumns;
  Value warp = phase.divide(phase.thread(), kWarp);
  if (shape.slices > 1)
    warp = phase.remainder(warp, team);
  firstTerm = firstTermOfSlice(phase, shape, team * kWarp);
  lane = phase.remainder(phase.thread(), kWarp);
  row = phase.multiply(phase.divide(warp, shape.teamColumns), warpRows);
  column =
      phase.multiply(phase.remainder(warp, shape.teamColumns), warpColumns);
}

SmallVector<Value> TensorSums::start() {
  Value zeros = phase.zero(b.getF32Type(), 4);
  return SmallVector<Value>(warpRows / kRows * (warpColumns / kColumns), zeros);
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

/// The element of a row (or column) and a term in a half of shared memory.
Value TensorSums::placeOf(const TileLoad &operand, Value half, Value row,
                          Value term) {
  const TileLayout &layout = operand.getLayout();
  return phase.add(layout.placeOf(phase, row, term),
                   phase.multiply(half, layout.numElements()));
}

/// Four matrices of 8 x 8 16-bit numbers, of each of which this thread gets
/// numbers 2 t and 2 t + 1 of row (or column) g: those of rows 0 to 7 and 8 to
/// 15 and terms 0 to 7 and 8 to 15 from `row` and `term` on. Lane l says where
/// line l % 8 of matrix l / 8 is.
Value TensorSums::loadMatrices(const TileLoad &operand, Value half, Value row,
                               Value term, bool rowsFirst) {
  Value line = phase.remainder(lane, 8);
  Value first = phase.multiply(phase.remainder(phase.divide(lane, 8), 2), 8);
  Value second = phase.multiply(phase.divide(lane, 16), 8);
  Value rowOfMatrix = rowsFirst ? first : second;
  Value termOfMatrix = rowsFirst ? second : first;
  bool alongDepth = operand.getLayout().alongDepth;
  Value &lined = alongDepth ? rowOfMatrix : termOfMatrix;
  lined = phase.add(lined, line);
  Value place = placeOf(operand, half, phase.add(row, rowOfMatrix),
                        phase.add(term, termOfMatrix));
  return phase.call(alongDepth ? "load_matrices" : "load_matrices_transposed",
                    {phase.anySize(operand.getMemory()), place},
                    VectorType::get(4, b.getI32Type()));
}

/// The bits of one number of 32.
Value TensorSums::loadBits(const TileLoad &operand, Value half, Value row,
                           Value term) {
  Value number = memref::LoadOp::create(b, operand.getMemory(),
                                        placeOf(operand, half, row, term));
  if (operand.isCopied())
    number = phase.call("round_to_tf32", number, number.getType());
  return arith::BitcastOp::create(b, b.getI32Type(), number);
}

/// Of rows g and g + 8: terms t, and t + 4.
Value TensorSums::loadLeft(Value half, Value row, Value term) {
  if (numTerms == 16)
    return loadMatrices(lhs, half, row, term, /*rowsFirst=*/true);
  Value g = phase.add(row, phase.divide(lane, 4)),
        t = phase.add(term, phase.remainder(lane, 4));
  SmallVector<Value> bits;
  for (int64_t later : {0, 4})
    for (int64_t below : {0, 8})
      bits.push_back(
          loadBits(lhs, half, phase.add(g, below), phase.add(t, later)));
  return vector::FromElementsOp::create(b, VectorType::get(4, b.getI32Type()),
                                        bits);
}

/// Of columns g and g + 8, two pieces each.
SmallVector<Value> TensorSums::loadRight(Value half, Value column, Value term) {
  SmallVector<Value> bits;
  if (numTerms == 16) {
    Value matrices = loadMatrices(rhs, half, column, term, /*rowsFirst=*/false);
    for (int64_t matrix = 0; matrix < 4; ++matrix)
      bits.push_back(vector::ExtractOp::create(b, matrices, matrix));
    return bits;
  }
  Value g = phase.add(column, phase.divide(lane, 4)),
        t = phase.add(term, phase.remainder(lane, 4));
  for (int64_t beside : {0, 8})
    for (int64_t later : {0, 4})
      bits.push_back(
          loadBits(rhs, half, phase.add(g, beside), phase.add(t, later)));
  return bits;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

StringRef TensorSums::instruction() {
  if (numTerms == 8)
    return "multiply_tf32";
  return lhs.getLayout().type.isBF16() ? "multiply_bf16" : "multiply_f16";
}

SmallVector<Value> TensorSums::add(ValueRange sums, Value half) {
  auto addTerms = [&](Value number, ValueRange sums) {
    Value term = phase.add(firstTerm, number);
    SmallVector<Value> left, right, next;
    for (int64_t below = 0; below < warpRows; below += kRows)
      left.push_back(loadLeft(half, phase.add(row, below), term));
    for (int64_t beside = 0; beside < warpColumns; beside += 2 * kColumns)
      llvm::append_range(right,
                         loadRight(half, phase.add(column, beside), term));
    for (Value matrix : left)
      for (size_t i = 0; i < right.size(); i += 2) {
        Value sum = sums[next.size()];
        next.push_back(phase.call(instruction(),
                                  {sum, matrix, right[i], right[i + 1]},
                                  sum.getType()));
      }
    return next;
  };
  SmallVector<Value> added =
      phase.loop(phase.index(0), phase.index(shape.depth / shape.slices),
                 phase.index(numTerms), sums, addTerms);
  added.front().getDefiningOp()->setAttr("nnc.unroll", b.getUnitAttr());
  return added;
}

/// Sums 0 and 1 of a thread are columns 2 t and 2 t + 1 of row g; 2 and 3 of
/// row g + 8.
SmallVector<TileRow> TensorSums::rowsOf(ValueRange sums) {
  Value g = phase.add(row, phase.divide(lane, 4));
  Value t = phase.add(column, phase.multiply(phase.remainder(lane, 4), 2));
  SmallVector<TileRow> rows;
  int64_t perRow = warpColumns / kColumns;
  auto pair = VectorType::get(2, b.getF32Type());
  for (int64_t below = 0; below < warpRows; below += 8) {
    rows.push_back({phase.add(g, below), {}});
    int64_t first = below % kRows == 0 ? 0 : 2;
    for (int64_t number = 0; number < perRow; ++number) {
      Value four = sums[below / kRows * perRow + number];
      Value lanes[] = {vector::ExtractOp::create(b, four, first),
                       vector::ExtractOp::create(b, four, first + 1)};
      rows.back().pieces.push_back(
          {phase.add(t, number * kColumns),
           vector::FromElementsOp::create(b, pair, ValueRange(lanes))});
    }
  }
  return rows;
}
