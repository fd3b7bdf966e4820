// What Winograd's convolution runs: a phase that transforms the filter, and one
// that transforms the image tile by tile, multiplies and transforms back.
#ifndef NNC_CODEGEN_CPU_WINOGRADPHASES_H
#define NNC_CODEGEN_CPU_WINOGRADPHASES_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cpu/ContractionPhase.h"

namespace nnc {

/// One of the two dimensions that windows have.
struct WindowDim {
  unsigned position, tap; // axes of the contraction
  /// The next tap is at the place before.
  bool isReversed;
};

/// F(2 x 2, 3 x 3) of Winograd (S. Winograd, Arithmetic Complexity of
/// Computations, SIAM 1980; Lavin and Gray, arXiv:1509.09308, section 4.1): 2 x
/// 2 places of the result from 4 x 4 of the image by 16 products, where the sum
/// has 36. With K channels of the image and N of the result:
///
///   filter [16][K][N], image [16][tiles][K], product [16][tiles][N]
struct Winograd {
  Contraction contraction;
  WindowDim rows, columns;
  /// The other outer axes.
  llvm::SmallVector<unsigned> images;
  /// What the image is within its padding of zeros.
  const Element *image;

  int64_t lanes;
  /// A microtile's sums: `height` tiles of `vectors` vectors.
  int64_t height, vectors;
  /// Tiles that a thread transforms at once.
  int64_t tiles;

  static constexpr int64_t kProducts = 16;
  static constexpr int64_t kTaps = 9;

  int64_t k() const { return contraction.sizes[contraction.axisK()].factor; }
  int64_t n() const { return contraction.n().factor; }
  int64_t width() const { return vectors * lanes; }
  int64_t numPanels() const { return n() / width(); }
  /// Of a dimension, the last of which may be half.
  int64_t numTiles(const WindowDim &dim) const {
    return (contraction.sizes[dim.position].factor + 1) / 2;
  }
  /// Of all images.
  BatchSize numTiles() const;
  /// From one transformed tile to the next: no power of two, whose multiples
  /// would share their places in a cache.
  int64_t tileStride() const { return k() + lanes; }
  /// Elements of a thread's scratch: transformed tiles, then products.
  int64_t imageScratch() const { return kProducts * tiles * tileStride(); }
  int64_t productScratch() const { return kProducts * tiles * width(); }
  /// Elements of scratch for the filter's transform.
  int64_t filterScratch() const { return kTaps * lanes * width(); }
};

/// Emits the transform of the filter to `memory` as [N / width][16][K][width].
/// An index of the phase is `lanes` channels of K of one panel of `width`.
void emitFilterTransform(ContractionPhase &phase, const Winograd &winograd,
                         mlir::Value memory);

/// Emits the products with a transformed filter. An index of the phase is
/// `tiles` tiles.
void emitWinogradProducts(ContractionPhase &phase, const Winograd &winograd,
                          mlir::Value filter);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINOGRADPHASES_H
