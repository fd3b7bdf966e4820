// The two phases of attention: forward, and its gradient.
#ifndef NNC_CODEGEN_CPU_ATTENTIONPHASES_H
#define NNC_CODEGEN_CPU_ATTENTIONPHASES_H

#include "codegen/cpu/AttentionPhase.h"

namespace nnc {

/// A softmax while its keys come by, block after block (Milakov and Gimelshein
/// 2018, arXiv:1805.02867): what has been summed up is scaled down whenever a
/// larger score comes.
class AttentionForward : public AttentionPhase {
public:
  AttentionForward(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                   const AttentionKernel &attention,
                   const AttentionTiling &tiling);

  void emit(ScheduledKernel &scheduled);

private:
  void emitQueries(const Place &place);
  Values emitBlock(const Place &place, mlir::Value firstKey,
                   mlir::Value numKeys, mlir::ValueRange carried);
  Values emitScores(const Place &place, mlir::Value firstKey,
                    mlir::Value numKeys, mlir::ValueRange maxima);
  Values emitPowers(mlir::Value numKeys, mlir::ValueRange maxima,
                    mlir::ValueRange totals);
  void emitValues(const Place &place, mlir::Value firstKey, mlir::Value numKeys,
                  mlir::ValueRange scales);
  void emitResults(const Place &place, mlir::ValueRange maxima,
                   mlir::ValueRange totals);

  mlir::Value numBlocks;
  /// [D, Q] scaled, [E, Q], and scores, then weights, [keys of a block, Q].
  Matrix query, mixed, weights;
  /// Logarithms of a block's sums: [1, Q].
  Matrix logarithms;
  /// Where the tensors have 16 bits: keys and values of a block.
  Matrix wideKeys, wideValues;
};

/// Scores are computed anew; of a block of queries and keys, all that follows
/// from them is added where it belongs (Dao 2023, arXiv:2307.08691, algorithm
/// 2).
class AttentionGradient : public AttentionPhase {
public:
  AttentionGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                    const AttentionKernel &attention,
                    const AttentionTiling &tiling);

  void emit(ScheduledKernel &scheduled);

private:
  void emitKeysOfHead(Place place);
  void emitQueries(const Place &place);
  void emitBlock(const Place &place, mlir::Value firstKey, mlir::Value numKeys);
  void emitWeights(const Place &place, mlir::Value firstKey, mlir::Value row,
                   int64_t numRows, Values products);
  void emitScoreGradients(mlir::Value row, int64_t numRows, Values products);
  void addBlock(const Place &place, mlir::Value firstKey, mlir::Value numKeys,
                const Matrix &keyRows);
  void loadRows(const Place &place);
  /// A head of the gradient of q, and of what has keys or values.
  Matrix resultHead(unsigned number, const Place &place, mlir::Value head);
  Matrix keyGradient(const Place &place);
  Matrix valueGradient(const Place &place);

  /// [D, Q] scaled, [E, Q], [D, Q]: queries, dy and dq.
  Matrix query, upstream, queryGradient;
  /// [keys of a block, Q]: weights after dropout, gradients of scores.
  Matrix weights, scores;
  /// [rows of a tile, Q]: weights before dropout, derivatives of the soft cap.
  Matrix powers, bends;
  /// lse and delta of a block's queries: [2, Q].
  Matrix rows;
  /// Where the tensors have 16 bits: what is read in products, and all sums of
  /// a head of keys.
  Matrix wideKeys, wideValues, wideQueries, wideUpstream;
  Matrix keySums, valueSums;
  bool isNarrow;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ATTENTIONPHASES_H
