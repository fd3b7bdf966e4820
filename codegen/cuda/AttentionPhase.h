// What the phases of attention on a GPU share: where a block of threads is, and
// what scores are. Who has which part of a tile of scores, and its products,
// are codegen/cuda/ScoreTiles.h.
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
  int64_t rows, columns, threads;
};

class GpuAttentionPhase : public GpuPhase {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  /// The rows of one head in a tensor [batch, length, heads, size]: element (i,
  /// j) is at first + i * stride + j.
  struct Head {
    BufferRef ref;
    mlir::RankedTensorType type;
    mlir::Value first;
    int64_t stride, length, size;
  };

  // Arithmetic of what is summed up: of f32 or f64.
  mlir::Value constant(double value);
  mlir::Value plus(mlir::Value lhs, mlir::Value rhs);
  mlir::Value minus(mlir::Value lhs, mlir::Value rhs);
  mlir::Value times(mlir::Value lhs, mlir::Value rhs);

  // Powers of e, of scores less a base of their row. Of 16-bit numbers by a
  // power of two, which a GPU has an instruction for: it is off by the exponent
  // times the precision of f32, and so by much less than they are.
  mlir::Value baseOf(mlir::Value score);
  mlir::Value power(mlir::Value score, mlir::Value base);

  /// Of queries, keys and values.
  mlir::Type elementType() const { return attention.elementType; }

  const GpuAttentionTile &tile;
  const mlir::Type compute;

protected:
  GpuAttentionPhase(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                    mlir::Operation *previous, const llvm::Twine &suffix,
                    const AttentionKernel &attention,
                    const GpuAttentionTile &tile);

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
  /// lse or delta of a query.
  mlir::Value numberOf(unsigned operand, const Place &place, mlir::Value query);

  // Scores (AttentionScores.cpp).
  struct Score {
    /// In units of scoreUnit().
    mlir::Value value;
    /// The derivative of the soft cap, and what dropout multiplies the weight
    /// by; null where there is none.
    mlir::Value bend, keep;
  };
  /// The scale, where powers are of products that are nothing but scaled: their
  /// exponents are then one multiplication and addition each. Else 1.
  double scoreUnit() const;
  /// Reads what scores of a sample and a head need.
  void enter(const Place &place);
  /// Some queries and keys, all in a tile that begins with the first of each.
  struct Pairs {
    mlir::Value firstQuery, firstKey;
    int64_t numQueries, numKeys;
    llvm::SmallVector<std::pair<mlir::Value, mlir::Value>> all;
  };
  /// Pairs of a thread whose rows are queries, or keys.
  Pairs pairsOf(mlir::ValueRange rows, mlir::ValueRange columns,
                mlir::Value firstRow, mlir::Value firstColumn,
                bool rowsAreQueries);
  /// Products of queries and keys as scores, -inf where a key is not seen.
  llvm::SmallVector<Score> scoresOf(const Place &place, const Pairs &pairs,
                                    mlir::ValueRange products);
  /// The keys that some query of a tile's rows sees, and the queries that some
  /// key of its rows is seen by: whole tiles of columns.
  std::pair<mlir::Value, mlir::Value> keyRange(mlir::Value firstQuery);
  std::pair<mlir::Value, mlir::Value> queryRange(mlir::Value firstKey);

  /// Blocks for `length` rows of each of `heads` of each sample.
  Extent blocksOf(int64_t heads, int64_t length) const;

  mlir::func::FuncOp kernel;
  const AttentionKernel &attention;
  const AttentionSizes &sizes;

private:
  mlir::RankedTensorType typeOf(BufferRef ref);
  mlir::Value loadOperand(unsigned operand, mlir::Value at);
  mlir::Value broadcastOperand(unsigned operand, const Place &place,
                               mlir::Value query, mlir::Value key);
  Score scoreOf(const Place &place, mlir::Value query, mlir::Value key,
                mlir::Value product);
  bool isAllSeen() const;
  mlir::Value isSeen(const Place &place, mlir::Value query, mlir::Value key);
  mlir::Value areSeen(const Pairs &pairs);
  mlir::Value keepFactor(const Place &place, mlir::Value query,
                         mlir::Value key);
  /// Positions are signed numbers of 32 bits.
  mlir::Value position(int64_t value);
  mlir::Value position(mlir::Value index);
  std::pair<mlir::Value, mlir::Value> wholeTiles(mlir::Value from,
                                                 mlir::Value to);

  /// Of the sample and the head that were entered; null where there is none.
  mlir::Value length, slope;
  Values counter;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ATTENTIONPHASE_H
