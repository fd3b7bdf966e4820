// What the phases of attention on a GPU share: a tile of scores in the
// registers of a block of threads. Its rows stay, and columns come by, a tile
// of them at a time, in shared memory. Threads stand in lines of half a warp: a
// line has neighbouring rows, a thread of it every sixteenth column, so that
// what is summed up along a row is that of lanes.
//
// In comments: T queries, S keys, D elements of a head of keys, E of values; R
// rows and C columns of a tile.
#ifndef NNC_CODEGEN_CUDA_ATTENTIONPHASE_H
#define NNC_CODEGEN_CUDA_ATTENTIONPHASE_H

#include "codegen/AttentionKernel.h"
#include "codegen/cuda/GpuModel.h"
#include "codegen/cuda/GpuPhase.h"

namespace nnc {

struct GpuAttentionTile {
  static constexpr int64_t kLines = 16, kLanes = 16;
  static constexpr int64_t kThreads = kLines * kLanes;

  int64_t rows, columns;

  /// Of one thread.
  int64_t ownRows() const { return rows / kLines; }
  int64_t ownColumns() const { return columns / kLanes; }
};

/// The largest tile that has room in shared memory; none where a head is too
/// large for any.
std::optional<GpuAttentionTile>
chooseAttentionTile(const AttentionKernel &attention, const GpuModel &model);

class GpuAttentionPhase : public GpuPhase {
protected:
  using Values = llvm::SmallVector<mlir::Value>;

  GpuAttentionPhase(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                    mlir::Operation *previous, const llvm::Twine &suffix,
                    const AttentionKernel &attention,
                    const GpuAttentionTile &tile);

  /// The rows of one head in a tensor [batch, length, heads, size]: element (i,
  /// j) is at first + i * stride + j.
  struct Head {
    BufferRef ref;
    mlir::RankedTensorType type;
    mlir::Value first;
    int64_t stride, length, size;
  };
  /// Rows in shared memory, of an odd stride: a column's elements are then in
  /// different banks.
  struct Rows {
    mlir::Value memory;
    int64_t count, size, stride;
  };
  /// Where a block is.
  struct Place {
    mlir::Value sample, head, kvHead;
  };
  /// Of a block whose rows are queries, from `firstQuery` on.
  Place placeOfQueries(mlir::Value &firstQuery);

  // Memory.
  Head headOf(BufferRef ref, mlir::Value sample, mlir::Value head);
  Head queries(const Place &place);
  Head keys(const Place &place);
  Head valuesOf(const Place &place);
  Head upstream(const Place &place);
  Rows rows(int64_t count, int64_t size);
  /// Rows of a head from `first` on; beyond its end, the last.
  void fill(const Rows &to, const Head &from, mlir::Value first);
  /// lse or delta of a query.
  mlir::Value numberOf(unsigned operand, const Place &place, mlir::Value query);

  // Tiles. Values of a thread: its columns of the first row, of the next, ..
  mlir::Value rowOf(int64_t number) const { return ownRows[number]; }
  mlir::Value columnOf(int64_t number) const { return ownColumns[number]; }
  /// Products of rows and columns: [R, C].
  Values products(const Rows &left, const Rows &right);
  /// sums [R, right.size] + weights [R, C] right [C, right.size].
  Values addWeighted(mlir::ValueRange sums, const Rows &weights,
                     const Rows &right);
  Values zeroSums(int64_t size);
  void put(mlir::ValueRange tile, const Rows &to);
  /// Sums [R, to.size] to the rows of a head from `first` on.
  void storeRows(mlir::ValueRange sums, const Head &to, mlir::Value first);
  /// The total of the lanes of a line, in all of them.
  mlir::Value
  acrossLanes(mlir::Value value,
              llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> join);

  // Scores (AttentionScores.cpp).
  struct Score {
    mlir::Value value;
    /// The derivative of the soft cap, and what dropout multiplies the weight
    /// by; null where there is none.
    mlir::Value bend, keep;
  };
  /// Reads what scores of a sample and a head need.
  void enter(const Place &place);
  /// The product of a query and a key as a score, -inf where it is not seen.
  Score scoreOf(const Place &place, mlir::Value query, mlir::Value key,
                mlir::Value product);
  /// The keys that some query of a tile's rows sees, and the queries that some
  /// key of its rows is seen by: whole tiles of columns.
  std::pair<mlir::Value, mlir::Value> keyRange(mlir::Value firstQuery);
  std::pair<mlir::Value, mlir::Value> queryRange(mlir::Value firstKey);

  // Arithmetic.
  mlir::Value constant(double value);
  mlir::Value plus(mlir::Value lhs, mlir::Value rhs);
  mlir::Value minus(mlir::Value lhs, mlir::Value rhs);
  mlir::Value times(mlir::Value lhs, mlir::Value rhs);
  mlir::Value exponential(mlir::Value x);

  /// Blocks for `length` rows of each of `heads` of each sample.
  Extent blocksOf(int64_t heads, int64_t length) const;

  mlir::func::FuncOp kernel;
  const AttentionKernel &attention;
  const AttentionSizes &sizes;
  const GpuAttentionTile &tile;
  mlir::Type compute;

private:
  mlir::RankedTensorType typeOf(BufferRef ref);
  mlir::Value element(const Rows &rows, mlir::Value row, mlir::Value column);
  mlir::Value loadOperand(unsigned operand, mlir::Value at);
  mlir::Value broadcastOperand(unsigned operand, const Place &place,
                               mlir::Value query, mlir::Value key);
  mlir::Value isSeen(const Place &place, mlir::Value query, mlir::Value key);
  mlir::Value keepFactor(const Place &place, mlir::Value query,
                         mlir::Value key);
  /// Positions are signed numbers of 32 bits.
  mlir::Value position(int64_t value);
  mlir::Value position(mlir::Value index);
  std::pair<mlir::Value, mlir::Value> wholeTiles(mlir::Value from,
                                                 mlir::Value to);

  mlir::Value lane;
  Values ownRows, ownColumns;
  /// Of the sample and the head that were entered; null where there is none.
  mlir::Value length, slope;
  Values counter;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ATTENTIONPHASE_H
