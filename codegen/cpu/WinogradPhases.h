// What Winograd's convolution runs: a phase that transforms the filter, and one
// that transforms the image tile by tile, multiplies and transforms back.
#ifndef NNC_CODEGEN_CPU_WINOGRADPHASES_H
#define NNC_CODEGEN_CPU_WINOGRADPHASES_H

#include "codegen/cpu/WinogradTiles.h"

namespace nnc {

/// y from 16 products for each tile, where the sum has 36. With K channels of
/// the image and N of the result:
///
///   filter [16][K][N], image [16][tiles][K], product [16][tiles][N]
struct Winograd : WinogradTiles {
  /// A microtile's sums: `height` tiles of `vectors` vectors.
  int64_t height, vectors;
  /// Tiles that a thread transforms at once.
  int64_t block;
  /// Shares of the panels of the filter, each of which transforms the tiles for
  /// itself: else there would be few indices for many threads.
  int64_t panelGroups;

  explicit Winograd(WinogradTiles tiles) : WinogradTiles(std::move(tiles)) {}

  int64_t k() const { return numChannels(); }
  int64_t n() const { return contraction.n().factor; }
  int64_t width() const { return vectors * lanes; }
  int64_t numPanels() const { return n() / width(); }
  /// Channels of the largest share.
  int64_t groupWidth() const {
    return llvm::divideCeil(numPanels(), panelGroups) * width();
  }
  /// No less than there are: a ceiling of multiples has no other form.
  Extent extent() const {
    BatchSize count = *numTiles().times(panelGroups);
    Extent extent = Extent::of(count, block);
    extent.constant += panelGroups * (block - 1);
    return extent;
  }
  /// From one transformed tile to the next: no power of two, whose multiples
  /// would share their places in a cache.
  int64_t tileStride() const { return k() + lanes; }
  /// Elements of a thread's scratch: transformed tiles, then products.
  int64_t imageScratch() const { return kProducts * block * tileStride(); }
  int64_t productScratch() const { return kProducts * block * groupWidth(); }
  /// Elements of scratch for the filter's transform.
  int64_t filterScratch() const { return kTaps * lanes * width(); }
};

/// Emits the transform of the filter to `memory` as [16][N / width][K][width].
/// An index of the phase is `lanes` channels of K of one panel of `width`.
void emitFilterTransform(ContractionPhase &phase, const Winograd &winograd,
                         mlir::Value memory);

/// Emits the products with a transformed filter. An index of the phase is
/// `block` tiles and a share of the panels, and the last may have none.
void emitWinogradProducts(ContractionPhase &phase, const Winograd &winograd,
                          mlir::Value filter);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINOGRADPHASES_H
