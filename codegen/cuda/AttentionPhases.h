// The phases of attention on a GPU: forward, and the two of its gradient.
#ifndef NNC_CODEGEN_CUDA_ATTENTIONPHASES_H
#define NNC_CODEGEN_CUDA_ATTENTIONPHASES_H

#include "codegen/cuda/AttentionPhase.h"

namespace nnc {

/// A softmax while its keys come by: what has been summed up is scaled down
/// whenever a larger score comes (Milakov and Gimelshein 2018,
/// arXiv:1805.02867).
class GpuAttentionForward : public GpuAttentionPhase {
public:
  GpuAttentionForward(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                      const AttentionKernel &attention,
                      const GpuAttentionTile &tile);

  Phase emit();

private:
  Values addBlock(const Place &place, mlir::Value firstQuery,
                  mlir::Value firstKey, mlir::ValueRange carried);
  Values emitWeights(const Place &place, mlir::Value firstQuery,
                     mlir::Value firstKey, Values &maxima, Values &totals);
  void storeResults(const Place &place, mlir::Value firstQuery,
                    mlir::ValueRange carried);

  /// [R, D], [C, D], [C, E], [R, C].
  Rows query, key, value, weights;
};

/// A block of threads has rows of queries, or of keys: it alone writes their
/// gradients, in an order that depends on the shape alone (Dao 2023,
/// arXiv:2307.08691).
class GpuAttentionGradient : public GpuAttentionPhase {
protected:
  GpuAttentionGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                       mlir::Operation *previous, const llvm::Twine &suffix,
                       const AttentionKernel &attention,
                       const GpuAttentionTile &tile);

  struct Weight {
    /// After dropout, and the gradient by the product of query and key.
    mlir::Value kept, gradient;
  };
  /// Given the products of q and k, and of dy and v.
  Weight weightOf(const Place &place, mlir::Value query, mlir::Value key,
                  mlir::Value product, mlir::Value upstreamProduct,
                  mlir::Value lse, mlir::Value delta);
};

class GpuQueryGradient : public GpuAttentionGradient {
public:
  GpuQueryGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                   mlir::Operation *previous, const AttentionKernel &attention,
                   const GpuAttentionTile &tile);

  Phase emit();

private:
  Values addBlock(const Place &place, mlir::Value firstQuery,
                  mlir::Value firstKey, mlir::ValueRange sums);

  /// [R, D], [R, E], [C, D], [C, E], [R, C].
  Rows query, dy, key, value, scores;
  /// Of the thread's rows.
  Values lse, delta;
};

class GpuKeyGradient : public GpuAttentionGradient {
public:
  GpuKeyGradient(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
                 const AttentionKernel &attention,
                 const GpuAttentionTile &tile);

  Phase emit();

private:
  Values addHead(Place place, mlir::Value firstKey, mlir::ValueRange sums);
  Values addBlock(const Place &place, mlir::Value firstQuery,
                  mlir::Value firstKey, mlir::ValueRange sums);
  void emitTile(const Place &place, mlir::Value firstQuery,
                mlir::Value firstKey);

  /// [R, D], [R, E], [C, D], [C, E], [R, C], [R, C].
  Rows key, value, query, dy, weights, scores;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ATTENTIONPHASES_H
