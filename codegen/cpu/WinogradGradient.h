// The gradient of a convolution by its filter with Winograd's products: the
// transposed form of codegen/cpu/WinogradPhases.h.
#ifndef NNC_CODEGEN_CPU_WINOGRADGRADIENT_H
#define NNC_CODEGEN_CPU_WINOGRADGRADIENT_H

#include "codegen/cpu/WinogradTiles.h"

namespace nnc {

/// dw from 16 products for each tile, where the sum has 36. With M channels of
/// the image and N of dy, a block of which a thread has at once:
///
///   image [16][tiles][M], dy [16][tiles][N], sums [16][M][N]
struct WinogradGradient : WinogradTiles {
  /// What the right factor is.
  const Element *other;
  /// Channels of a block.
  int64_t blockM, blockN;
  /// A microtile's sums: `height` channels of M by `vectors` vectors of N.
  int64_t height, vectors;
  /// Tiles that are transformed at once, and whose terms are added up one after
  /// another.
  int64_t block;
  /// The tiles are shared out, in order, to so many partial sums.
  int64_t parts;

  explicit WinogradGradient(WinogradTiles tiles)
      : WinogradTiles(std::move(tiles)) {}

  int64_t m() const { return numChannels(); }
  int64_t n() const { return contraction.n().factor; }
  int64_t width() const { return vectors * lanes; }
  int64_t numBlocksM() const { return m() / blockM; }
  int64_t numBlocksN() const { return n() / blockN; }
  /// From one transformed tile to the next: see struct Winograd.
  int64_t strideM() const { return blockM + lanes; }
  int64_t strideN() const { return blockN + lanes; }
  /// Elements of a thread's scratch.
  int64_t imageScratch() const { return kProducts * block * strideM(); }
  int64_t otherScratch() const { return kProducts * block * strideN(); }
  int64_t sumScratch() const { return kProducts * blockM * blockN; }
  /// Elements of the partial sums: [parts][9][M][N]; none where there is one.
  int64_t numPartialSums() const {
    return parts == 1 ? 0 : parts * kTaps * m() * n();
  }
};

/// Emits the sums, an index of the phase for each part and block of channels:
/// to `partialSums`, or to the results where there is one part.
void emitGradientProducts(ContractionPhase &phase,
                          const WinogradGradient &gradient,
                          mlir::Value partialSums);
/// Emits the results of partial sums, an index of the phase for each tap and
/// channel of M.
void emitGradientResults(ContractionPhase &phase,
                         const WinogradGradient &gradient,
                         mlir::Value partialSums);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINOGRADGRADIENT_H
