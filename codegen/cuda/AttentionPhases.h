// The phases of attention on a GPU: forward, and the two of its gradient.
#ifndef NNC_CODEGEN_CUDA_ATTENTIONPHASES_H
#define NNC_CODEGEN_CUDA_ATTENTIONPHASES_H

#include "codegen/cuda/ScoreTiles.h"

namespace nnc {

/// Who has a tile of scores, and multiplies.
using MakeScoreTiles =
    llvm::function_ref<std::unique_ptr<ScoreTiles>(GpuAttentionPhase &)>;

/// A softmax while its keys come by: what has been summed up is scaled down
/// whenever a larger score comes (Milakov and Gimelshein 2018,
/// arXiv:1805.02867).
class GpuAttentionForward : public GpuAttentionPhase {
public:
  GpuAttentionForward(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                      const AttentionKernel &attention,
                      const GpuAttentionTile &tile, MakeScoreTiles makeTiles);

  Phase emit();

private:
  Values addBlock(const Place &place, mlir::Value firstQuery,
                  mlir::Value firstKey, mlir::ValueRange carried);
  Values weigh(llvm::ArrayRef<Score> scores, Values &maxima, Values &totals,
               Values &scales);
  void storeResults(const Place &place, mlir::Value firstQuery,
                    mlir::ValueRange carried);

  std::unique_ptr<ScoreTiles> tiles;
  unsigned query = 0;
};

/// A block of threads has rows of queries, or of keys: it alone writes their
/// gradients, in an order that depends on the shape alone (Dao 2023,
/// arXiv:2307.08691).
class GpuAttentionGradient : public GpuAttentionPhase {
protected:
  GpuAttentionGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                       mlir::Operation *previous, const llvm::Twine &suffix,
                       const AttentionKernel &attention,
                       const GpuAttentionTile &tile, MakeScoreTiles makeTiles);

  struct Weight {
    /// After dropout, and the gradient by the product of query and key.
    mlir::Value kept, gradient;
  };
  /// Given a score and the product of dy and v.
  Weight weightOf(const Score &score, mlir::Value upstreamProduct,
                  mlir::Value base, mlir::Value delta);
  /// The base of a row's powers that are its weights.
  mlir::Value baseOfWeights(const Place &place, mlir::Value query);
  /// Sums of gradients, by the product of query and key, times the scale.
  Values scaled(mlir::ValueRange sums);

  std::unique_ptr<ScoreTiles> tiles;
};

class GpuQueryGradient : public GpuAttentionGradient {
public:
  GpuQueryGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                   mlir::Operation *previous, const AttentionKernel &attention,
                   const GpuAttentionTile &tile, MakeScoreTiles makeTiles);

  Phase emit();

private:
  Values addBlock(const Place &place, mlir::Value firstQuery,
                  mlir::Value firstKey, mlir::ValueRange sums);

  unsigned query = 0, dy = 0;
  /// Of the thread's rows.
  Values bases, delta;
};

class GpuKeyGradient : public GpuAttentionGradient {
public:
  GpuKeyGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                 const AttentionKernel &attention, const GpuAttentionTile &tile,
                 MakeScoreTiles makeTiles);

  Phase emit();

private:
  Values addHead(Place place, mlir::Value firstKey, mlir::ValueRange sums);
  Values addBlock(const Place &place, mlir::Value firstQuery,
                  mlir::Value firstKey, mlir::ValueRange sums);
  void storeResults(const Place &place, mlir::Value firstKey,
                    mlir::ValueRange sums);

  unsigned key = 0, value = 0;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ATTENTIONPHASES_H
