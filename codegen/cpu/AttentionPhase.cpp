// Memory, changes of place and products of a phase of attention.
#include "codegen/cpu/AttentionPhase.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/Transpose.h"
#include "codegen/lower/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

// A tile's sums, its vectors and a factor are in registers at once. As many
// chains of sums as two units of four cycles want are 8: more hide the loads.
// Few queries, as one token's, fill one vector at most.
AttentionTiling::AttentionTiling(const AttentionKernel &attention,
                                 const CpuModel &model)
    : lanes(model.lanes(computeType(attention.elementType))),
      vectors(attention.sizes.time <= lanes ? 1 : 2),
      rows((model.vectorRegisters >= 32 ? 16 : 8) / vectors), keys(64) {}

AttentionPhase::AttentionPhase(ImplicitLocOpBuilder &b, func::FuncOp kernel,
                               const AttentionKernel &attention,
                               const AttentionTiling &tiling,
                               const Twine &suffix)
    : b(b), kernel(kernel), attention(attention), tiling(tiling),
      phase(b, kernel, kernel, suffix),
      compute(computeType(attention.elementType)) {}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

AttentionPhase::Matrix AttentionPhase::Matrix::from(AttentionPhase &in,
                                                    Value row) const {
  Matrix moved = *this;
  moved.first = in.phase.add(first, in.phase.multiply(row, stride));
  return moved;
}

AttentionPhase::Matrix AttentionPhase::scratchOf(int64_t rows, int64_t columns,
                                                 Type element) {
  constexpr int64_t kAlignment = 64;
  int64_t bytes = rows * columns * element.getIntOrFloatBitWidth() / 8;
  Value memory =
      phase.scratch(scratchBytes, MemRefType::get({rows * columns}, element));
  scratchBytes += llvm::alignTo(bytes, kAlignment);
  return {memory, phase.index(0), columns, element};
}

AttentionPhase::Matrix AttentionPhase::scratch(int64_t rows, int64_t columns) {
  return scratchOf(rows, columns, compute);
}

RankedTensorType AttentionPhase::operandType(unsigned number) {
  return cast<RankedTensorType>(kernel.getFunctionType().getInput(number + 1));
}

Value AttentionPhase::operand(unsigned number) {
  return phase.buffer({BufferRef::Operand, number}, operandType(number));
}

AttentionPhase::Matrix AttentionPhase::headOf(BufferRef ref,
                                              RankedTensorType type,
                                              Value sample, Value head) {
  Value memory = phase.buffer(ref, type);
  int64_t length = type.getDimSize(1), size = type.getDimSize(3);
  int64_t stride = type.getDimSize(2) * size;
  Value first = phase.add(phase.multiply(sample, length * stride),
                          phase.multiply(head, size));
  return {memory, first, stride, type.getElementType()};
}

std::pair<unsigned, int64_t> AttentionPhase::keyOperand() const {
  return attention.k ? std::pair(*attention.k, int64_t(0))
                     : std::pair(*attention.q, attention.sizes.heads);
}

std::pair<unsigned, int64_t> AttentionPhase::valueOperand() const {
  auto [operand, head] = keyOperand();
  return attention.v ? std::pair(*attention.v, int64_t(0))
                     : std::pair(operand, head + attention.sizes.kvHeads);
}

AttentionPhase::Matrix AttentionPhase::queries(const Place &place) {
  return headOf({BufferRef::Operand, *attention.q}, operandType(*attention.q),
                place.sample, place.head)
      .from(*this, place.firstQuery);
}

AttentionPhase::Matrix AttentionPhase::keys(const Place &place) {
  auto [number, head] = keyOperand();
  return headOf({BufferRef::Operand, number}, operandType(number), place.sample,
                phase.add(place.kvHead, head));
}

AttentionPhase::Matrix AttentionPhase::valuesOf(const Place &place) {
  auto [number, head] = valueOperand();
  return headOf({BufferRef::Operand, number}, operandType(number), place.sample,
                phase.add(place.kvHead, head));
}

Value AttentionPhase::loadScalar(Value memory, Value at, Type element) {
  return widen(b, nnc::loadScalar(b, b.getLoc(), memory, at, element));
}

void AttentionPhase::storeScalar(Value memory, Value at, Type element,
                                 Value value) {
  nnc::storeScalar(b, b.getLoc(), narrow(b, value, element), memory, at);
}

/// `value` in the type of sums, if it is of 16 bits.
Value AttentionPhase::extendedTo(Value value) {
  auto type = cast<VectorType>(value.getType());
  if (type.getElementType() == compute)
    return value;
  return arith::ExtFOp::create(b, type.clone(compute), value);
}

Value AttentionPhase::loadVector(const Matrix &from, Value row, Value column,
                                 int64_t lanes) {
  Value at = phase.add(phase.add(from.first, phase.multiply(row, from.stride)),
                       column);
  Value mask = lanes == tiling.lanes
                   ? Value()
                   : phase.mask(phase.index(lanes), tiling.lanes);
  return extendedTo(nnc::loadVector(b, b.getLoc(), from.memory, at,
                                    tiling.lanes, from.element, mask));
}

void AttentionPhase::storeVector(const Matrix &to, Value row, Value column,
                                 Value vector) {
  Value at =
      phase.add(phase.add(to.first, phase.multiply(row, to.stride)), column);
  if (to.element != compute)
    vector = arith::TruncFOp::create(
        b, VectorType::get(tiling.lanes, to.element), vector);
  nnc::storeVector(b, b.getLoc(), vector, to.memory, at);
}

AttentionPhase::Values AttentionPhase::loadRow(const Matrix &from, Value row) {
  Values vectors;
  for (int64_t v = 0; v < tiling.vectors; ++v)
    vectors.push_back(
        loadVector(from, row, phase.index(v * tiling.lanes), tiling.lanes));
  return vectors;
}

void AttentionPhase::storeRow(const Matrix &to, Value row, ValueRange vectors) {
  for (auto [v, vector] : llvm::enumerate(vectors))
    storeVector(to, row, phase.index(v * tiling.lanes), vector);
}

/// Zeros in the first rows.
void AttentionPhase::fill(const Matrix &matrix, Value rows, int64_t columns) {
  int64_t whole = llvm::alignDown(columns, tiling.lanes);
  Value zero = constant(0.0);
  phase.loop(phase.index(0), rows, 1, [&](Value row) {
    phase.loop(
        phase.index(0), phase.index(whole), tiling.lanes,
        [&](Value column) { storeVector(matrix, row, column, splat(zero)); });
    Value start = phase.add(matrix.first, phase.multiply(row, matrix.stride));
    for (int64_t column = whole; column < columns; ++column)
      storeScalar(matrix.memory, phase.add(start, column), matrix.element,
                  zero);
  });
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

Value AttentionPhase::constant(double value) {
  return scalarConstant(b, compute, value);
}

Value AttentionPhase::splat(Value scalar) {
  return vector::BroadcastOp::create(b, vectorType(), scalar);
}

Value AttentionPhase::add(Value lhs, Value rhs) {
  return arith::AddFOp::create(b, lhs, rhs);
}

Value AttentionPhase::subtract(Value lhs, Value rhs) {
  return arith::SubFOp::create(b, lhs, rhs);
}

Value AttentionPhase::multiply(Value lhs, Value rhs) {
  return arith::MulFOp::create(b, lhs, rhs);
}

Value AttentionPhase::exponential(Value x) { return math::ExpOp::create(b, x); }

AttentionPhase::Values AttentionPhase::zeros(int64_t count) {
  return Values(count, splat(constant(0.0)));
}

//===----------------------------------------------------------------------===//
// Changing places
//===----------------------------------------------------------------------===//

/// Squares of [0, size), which is whole vectors.
void AttentionPhase::transposeSquares(const Matrix &from, Value numRows,
                                      Value size, double factor,
                                      const Matrix &to) {
  Value last = phase.subtract(numRows, phase.index(1));
  Value scale = splat(constant(factor));
  phase.loop(phase.index(0), size, tiling.lanes, [&](Value column) {
    phase.loop(
        phase.index(0), phase.index(tiling.queries()), tiling.lanes,
        [&](Value firstRow) {
          Values square;
          for (int64_t i = 0; i < tiling.lanes; ++i) {
            Value row = phase.minimum(phase.add(firstRow, i), last);
            square.push_back(loadVector(from, row, column, tiling.lanes));
          }
          square = transposeInRegisters(b, b.getLoc(), square);
          for (auto [i, vector] : llvm::enumerate(square))
            storeVector(to, phase.add(column, i), firstRow,
                        factor == 1.0 ? vector : multiply(vector, scale));
        });
  });
}

void AttentionPhase::transposeIn(const Matrix &from, Value numRows, Value size,
                                 double factor, const Matrix &to) {
  auto square = VectorType::get({tiling.lanes, tiling.lanes}, compute);
  Value whole = phase.index(0);
  if (canTransposeInRegisters(square)) {
    whole = phase.subtract(size, phase.remainder(size, tiling.lanes));
    transposeSquares(from, numRows, whole, factor, to);
  }
  Value last = phase.subtract(numRows, phase.index(1));
  phase.loop(phase.index(0), phase.index(tiling.queries()), 1, [&](Value row) {
    Value source = phase.multiply(phase.minimum(row, last), from.stride);
    phase.loop(whole, size, 1, [&](Value column) {
      Value at = phase.add(phase.add(from.first, source), column);
      Value value =
          multiply(loadScalar(from.memory, at, from.element), constant(factor));
      Value target = phase.add(phase.multiply(column, to.stride), row);
      storeScalar(to.memory, phase.add(to.first, target), to.element, value);
    });
  });
}

/// Squares of [0, size), which is whole vectors, of one vector of queries.
void AttentionPhase::transposeSquaresOut(const Matrix &from, Value factor,
                                         int64_t size, int64_t firstRow,
                                         Value numRows, const Matrix &to) {
  phase.loop(phase.index(0), phase.index(size), tiling.lanes,
             [&](Value column) {
               Values rows;
               for (int64_t i = 0; i < tiling.lanes; ++i)
                 rows.push_back(
                     multiply(loadVector(from, phase.add(column, i),
                                         phase.index(firstRow), tiling.lanes),
                              factor));
               rows = transposeInRegisters(b, b.getLoc(), rows);
               for (auto [i, vector] : llvm::enumerate(rows)) {
                 Value row = phase.index(firstRow + i), value = vector;
                 phase.when(phase.isLess(row, numRows),
                            [&] { storeVector(to, row, column, value); });
               }
             });
}

void AttentionPhase::transposeOut(const Matrix &from, ValueRange factors,
                                  int64_t size, Value numRows,
                                  const Matrix &to) {
  auto square = VectorType::get({tiling.lanes, tiling.lanes}, compute);
  int64_t whole =
      canTransposeInRegisters(square) ? llvm::alignDown(size, tiling.lanes) : 0;
  if (whole)
    for (auto [v, factor] : llvm::enumerate(factors))
      transposeSquaresOut(from, factor, whole, v * tiling.lanes, numRows, to);
  if (whole == size)
    return;
  phase.loop(phase.index(whole), phase.index(size), 1, [&](Value column) {
    Values row = loadRow(from, column);
    for (auto [value, factor] : llvm::zip(row, factors))
      value = multiply(value, factor);
    storeRow(from, column, row);
  });
  phase.loop(phase.index(0), numRows, 1, [&](Value row) {
    phase.loop(phase.index(whole), phase.index(size), 1, [&](Value column) {
      Value source = phase.add(phase.multiply(column, from.stride), row);
      Value value =
          loadScalar(from.memory, phase.add(from.first, source), from.element);
      Value target = phase.add(phase.multiply(row, to.stride), column);
      storeScalar(to.memory, phase.add(to.first, target), to.element, value);
    });
  });
}

AttentionPhase::Matrix AttentionPhase::widened(const Matrix &from, Value rows,
                                               int64_t columns,
                                               const Matrix &to) {
  if (from.element == compute)
    return from;
  copyRows(from, rows, columns, to);
  return to;
}

void AttentionPhase::copyRows(const Matrix &from, Value rows, int64_t columns,
                              const Matrix &to) {
  int64_t whole = llvm::alignDown(columns, tiling.lanes);
  phase.loop(phase.index(0), rows, 1, [&](Value row) {
    phase.loop(phase.index(0), phase.index(whole), tiling.lanes,
               [&](Value column) {
                 storeVector(to, row, column,
                             loadVector(from, row, column, tiling.lanes));
               });
    phase.loop(phase.index(whole), phase.index(columns), 1, [&](Value column) {
      Value source = phase.add(phase.multiply(row, from.stride), column);
      Value target = phase.add(phase.multiply(row, to.stride), column);
      storeScalar(
          to.memory, phase.add(to.first, target), to.element,
          loadScalar(from.memory, phase.add(from.first, source), from.element));
    });
  });
}

Extent AttentionPhase::extentOf(int64_t perSample) const {
  return Extent::of(BatchSize(ShapedType::isDynamic(attention.sizes.batch)
                                  ? perSample
                                  : attention.sizes.batch * perSample,
                              ShapedType::isDynamic(attention.sizes.batch)));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

AttentionPhase::Values AttentionPhase::addProducts(const Factors &left,
                                                   const Vectors &right,
                                                   Value count,
                                                   ValueRange sums) {
  int64_t rows = int64_t(sums.size()) / right.count;
  return phase.loop(
      phase.index(0), count, phase.index(1), sums,
      [&](Value term, ValueRange carried) {
        Values vectors, totals(carried);
        for (int64_t v = 0; v < right.count; ++v)
          vectors.push_back(loadVector(
              right.rows, term, phase.add(right.column, v * tiling.lanes),
              v + 1 < right.count ? tiling.lanes : right.lastLanes));
        // What is known is added last: it becomes part of the instruction.
        Value start =
            phase.add(left.first, phase.multiply(term, left.termStride));
        for (int64_t row = 0; row < rows; ++row) {
          Value at = phase.add(start, row * left.rowStride);
          Value factor = splat(loadScalar(left.memory, at, left.element));
          for (int64_t v = 0; v < right.count; ++v) {
            Value &total = totals[row * right.count + v];
            total = vector::FMAOp::create(b, factor, vectors[v], total);
          }
        }
        return totals;
      });
}

AttentionPhase::Values AttentionPhase::forTiles(
    Value count, int64_t total, ValueRange inits,
    llvm::function_ref<Values(Value, int64_t, ValueRange)> emitTile) {
  int64_t rest = total % tiling.rows;
  Value numRest = phase.remainder(count, tiling.rows);
  Value whole = rest ? phase.subtract(count, numRest) : count;
  Values carried = phase.loop(phase.index(0), whole, phase.index(tiling.rows),
                              inits, [&](Value first, ValueRange values) {
                                return emitTile(first, tiling.rows, values);
                              });
  if (!rest)
    return carried;
  Value hasRest = phase.isLess(phase.index(0), numRest);
  if (carried.empty()) {
    phase.when(hasRest, [&] { emitTile(whole, rest, {}); });
    return {};
  }
  return phase.choose(
      hasRest, ValueRange(carried).getTypes(),
      [&] { return emitTile(whole, rest, carried); }, [&] { return carried; });
}

void AttentionPhase::addToRows(const Matrix &to, Value numRows, int64_t total,
                               int64_t size, const Factors &left,
                               const Matrix &right, Value count) {
  auto emitChunk = [&](Value column, int64_t columns) {
    Vectors vectors{right, column,
                    int64_t(llvm::divideCeil(columns, tiling.lanes)),
                    (columns - 1) % tiling.lanes + 1};
    forTiles(numRows, total, {}, [&](Value first, int64_t rows, ValueRange) {
      emitRowsTile(to, first, rows, left, vectors, count);
      return Values();
    });
  };
  int64_t width = tiling.queries(), whole = llvm::alignDown(size, width);
  phase.loop(phase.index(0), phase.index(whole), width,
             [&](Value column) { emitChunk(column, width); });
  if (whole < size)
    emitChunk(phase.index(whole), size - whole);
}

/// A tile of addToRows.
void AttentionPhase::emitRowsTile(const Matrix &to, Value first, int64_t rows,
                                  Factors left, const Vectors &vectors,
                                  Value count) {
  left.first = phase.add(left.first, phase.multiply(first, left.rowStride));
  auto lanesOf = [&](int64_t v) {
    return v + 1 < vectors.count ? tiling.lanes : vectors.lastLanes;
  };
  auto columnOf = [&](int64_t v) {
    return phase.add(vectors.column, v * tiling.lanes);
  };
  Values sums;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t v = 0; v < vectors.count; ++v)
      sums.push_back(
          loadVector(to, phase.add(first, row), columnOf(v), lanesOf(v)));
  sums = addProducts(left, vectors, count, sums);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t v = 0; v < vectors.count; ++v) {
      Value at = phase.add(
          phase.add(to.first, phase.multiply(phase.add(first, row), to.stride)),
          columnOf(v));
      Value mask = lanesOf(v) == tiling.lanes
                       ? Value()
                       : phase.mask(phase.index(lanesOf(v)), tiling.lanes);
      nnc::storeVector(b, b.getLoc(), sums[row * vectors.count + v], to.memory,
                       at, mask);
    }
}
