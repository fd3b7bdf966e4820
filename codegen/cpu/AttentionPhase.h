// What the phases of attention share: blocks of queries by keys, of which
// vectors run along queries. A product of such a block then reads keys, values
// and their gradients where they lie, an element at a time, in all lanes; a
// maximum and a sum over keys are those of lanes; and what belongs to a query
// is a lane. Only queries, and what comes out for them, change place.
//
// In comments: T queries, S keys, D elements of a head of keys, E of values, Q
// queries of a block.
#ifndef NNC_CODEGEN_CPU_ATTENTIONPHASE_H
#define NNC_CODEGEN_CPU_ATTENTIONPHASE_H

#include "codegen/AttentionKernel.h"
#include "codegen/cpu/CpuModel.h"
#include "codegen/cpu/CpuPhase.h"

namespace nnc {

struct AttentionTiling {
  AttentionTiling(const AttentionKernel &attention, const CpuModel &model);

  int64_t lanes;
  /// Vectors of queries in a block.
  int64_t vectors;
  /// Rows of a tile of sums in registers, each of `vectors`.
  int64_t rows;
  /// Keys of a block, a multiple of rows.
  int64_t keys;

  int64_t queries() const { return lanes * vectors; }
};

class AttentionPhase {
protected:
  AttentionPhase(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                 const AttentionKernel &attention,
                 const AttentionTiling &tiling, const llvm::Twine &suffix);

  /// A matrix in memory: element (i, j) is at first + i * stride + j.
  struct Matrix {
    mlir::Value memory, first;
    int64_t stride;
    mlir::Type element;

    Matrix from(AttentionPhase &in, mlir::Value row) const;
  };
  /// A number for each of some rows and terms, at first + row * rowStride +
  /// term * termStride.
  struct Factors {
    mlir::Value memory, first;
    int64_t rowStride, termStride;
    mlir::Type element;
  };
  /// Row i of a matrix as the terms' factors that lie in vectors.
  struct Vectors {
    Matrix rows;
    /// Of `rows`, from this column on.
    mlir::Value column;
    int64_t count;
    /// Lanes of the last vector.
    int64_t lastLanes;
  };
  using Values = llvm::SmallVector<mlir::Value>;

  /// Where the block's sample, heads and queries are.
  struct Place {
    mlir::Value sample, head, kvHead, firstQuery, numQueries;
  };

  // Memory.
  Matrix scratch(int64_t rows, int64_t columns);
  Matrix scratchOf(int64_t rows, int64_t columns, mlir::Type element);
  mlir::RankedTensorType operandType(unsigned number);
  mlir::Value operand(unsigned number);
  /// A head of an operand [batch, length, heads, size], or of a result that is
  /// like it.
  Matrix headOf(BufferRef ref, mlir::RankedTensorType type, mlir::Value sample,
                mlir::Value head);
  Matrix queries(const Place &place);
  Matrix keys(const Place &place);
  Matrix valuesOf(const Place &place);
  /// Which operand has the keys or values, and which head of it is the first.
  std::pair<unsigned, int64_t> keyOperand() const;
  std::pair<unsigned, int64_t> valueOperand() const;

  mlir::Value loadVector(const Matrix &from, mlir::Value row,
                         mlir::Value column, int64_t lanes);
  void storeVector(const Matrix &to, mlir::Value row, mlir::Value column,
                   mlir::Value vector);
  mlir::Value loadScalar(mlir::Value memory, mlir::Value at,
                         mlir::Type element);
  void storeScalar(mlir::Value memory, mlir::Value at, mlir::Type element,
                   mlir::Value value);
  /// The block's vectors in row `row` of a matrix [.., Q].
  Values loadRow(const Matrix &from, mlir::Value row);
  void storeRow(const Matrix &to, mlir::Value row, mlir::ValueRange vectors);
  void fill(const Matrix &matrix, mlir::Value rows, int64_t columns);

  // Changing places.
  /// to[j, i] = from[i, j] * factor for `size` columns j and all Q rows i of a
  /// block; rows from `numRows` on repeat the last.
  void transposeIn(const Matrix &from, mlir::Value numRows, mlir::Value size,
                   double factor, const Matrix &to);
  void transposeIn(const Matrix &from, mlir::Value numRows, int64_t size,
                   double factor, const Matrix &to) {
    transposeIn(from, numRows, phase.index(size), factor, to);
  }
  /// to[i, j] = from[j, i] * factors[i], for `numRows` rows i.
  void transposeOut(const Matrix &from, mlir::ValueRange factors, int64_t size,
                    mlir::Value numRows, const Matrix &to);
  /// `rows` x `columns` of a matrix in the type that sums have, in scratch;
  /// itself if it has that type.
  Matrix widened(const Matrix &from, mlir::Value rows, int64_t columns,
                 const Matrix &to);

  void copyRows(const Matrix &from, mlir::Value rows, int64_t columns,
                const Matrix &to);

  // Products.
  /// Of `count` terms, each row's factor times the vectors, added to `sums`: a
  /// row's vectors after those of the row before.
  Values addProducts(const Factors &left, const Vectors &right,
                     mlir::Value count, mlir::ValueRange sums);
  /// `emitTile` for the tiles of [0, count), a part of `total` rows that ends
  /// where they do or between tiles: first row, number of rows, what is
  /// carried.
  Values forTiles(mlir::Value count, int64_t total, mlir::ValueRange inits,
                  llvm::function_ref<Values(mlir::Value first, int64_t rows,
                                            mlir::ValueRange carried)>
                      emitTile);
  /// to[i, :] += sum over t of left(i, t) * right[t, :], `size` columns, for
  /// `numRows` rows, a part of `total`, and `count` terms.
  void addToRows(const Matrix &to, mlir::Value numRows, int64_t total,
                 int64_t size, const Factors &left, const Matrix &right,
                 mlir::Value count);
  Values zeros(int64_t count);

  // Scores (AttentionScores.cpp).
  void reserveScores();
  /// The keys that some query of the block sees: [first, second), whole tiles.
  std::pair<mlir::Value, mlir::Value> keyRange(const Place &place);
  /// Before the tiles of a block of keys: what masks and biases have for it,
  /// and which weights are dropped.
  void prepareBlock(const Place &place, mlir::Value firstKey,
                    mlir::Value numKeys);
  /// Products of a tile's queries and keys as scores, in place: -inf where a
  /// key is not seen. `bends` gets the derivatives of the soft cap, if there is
  /// one.
  void makeScores(const Place &place, mlir::Value firstKey, mlir::Value row,
                  int64_t rows, Values &products, Values *bends);
  /// What dropout multiplies weights of key `row` of the block by.
  Values keepFactors(mlir::Value row);

  /// Samples times `perSample`.
  Extent extentOf(int64_t perSample) const;

  // Arithmetic.
  mlir::VectorType vectorType() const {
    return mlir::VectorType::get(tiling.lanes, compute);
  }
  mlir::Value constant(double value);
  mlir::Value splat(mlir::Value scalar);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs);
  mlir::Value exponential(mlir::Value x);

  mlir::ImplicitLocOpBuilder &b;
  mlir::func::FuncOp kernel;
  const AttentionKernel &attention;
  const AttentionTiling &tiling;
  CpuPhase phase;
  /// What is computed in.
  mlir::Type compute;
  int64_t scratchBytes = 0;

private:
  mlir::Value extendedTo(mlir::Value value);
  void emitRowsTile(const Matrix &to, mlir::Value first, int64_t rows,
                    Factors left, const Vectors &vectors, mlir::Value count);
  void transposeSquares(const Matrix &from, mlir::Value numRows,
                        mlir::Value size, double factor, const Matrix &to);
  std::optional<Matrix> biasRows(const Place &place, mlir::Value firstKey);
  void transposeSquaresOut(const Matrix &from, mlir::Value factor, int64_t size,
                           int64_t firstRow, mlir::Value numRows,
                           const Matrix &to);
  mlir::Value lengthOf(const Place &place);
  mlir::Value positionsOf(const Place &place, int64_t vector);
  mlir::Value isSeen(const Place &place, int64_t vector, mlir::Value key);
  mlir::Value slopeTimesDistance(const Place &place, int64_t vector,
                                 mlir::Value key);
  void fillAddends(const Place &place, mlir::Value firstKey,
                   mlir::Value numKeys);
  void fillWords(const Place &place, mlir::Value lane, mlir::Value firstKey,
                 mlir::Value numKeys, mlir::ValueRange counter);
  void fillKept(const Place &place, mlir::Value firstKey, mlir::Value numKeys);
  mlir::Value broadcastAt(unsigned operand, const Place &place,
                          mlir::Value query, mlir::Value key);

  /// [keys of a block, Q]: what is added to scores, and what dropout multiplies
  /// weights by; null where there is none. The latter by query, as they are
  /// drawn.
  std::optional<Matrix> addends, kept, words;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ATTENTIONPHASE_H
