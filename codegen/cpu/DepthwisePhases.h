// The phases of a product in which each channel is for itself: by place, where
// a sum has the few taps of a window, or by tap, where it has all places.
#ifndef NNC_CODEGEN_CPU_DEPTHWISEPHASES_H
#define NNC_CODEGEN_CPU_DEPTHWISEPHASES_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/cpu/ContractionPhase.h"
#include "codegen/cpu/PaddedFactor.h"

namespace nnc {

/// out[.., m, c] = sum over k.. of image[.., m, k.., c] * other[.., m, k.., c],
/// with M, K and what is walked around K as in struct Contraction, N of one
/// element, and c an outer axis.
struct Depthwise {
  Contraction contraction;
  /// c.
  unsigned channels;
  /// The other outer axes, outermost first.
  llvm::SmallVector<unsigned> outer;
  /// The left factor within its padding.
  const Element *image;
  int64_t lanes;
  int64_t vectorRegisters;

  const llvm::SmallVector<Bound> &bounds() const {
    return contraction.lhs->bounds;
  }
  BatchSize numChannels() const { return contraction.sizes[channels]; }
  /// Indices [first, end) of `axis` for which no bound along it fails, wherever
  /// the axes of `others` stand; all where none depends on it.
  std::pair<int64_t, int64_t> interior(unsigned axis,
                                       llvm::ArrayRef<unsigned> others) const;
  bool isBounded(unsigned axis) const {
    return llvm::any_of(bounds(), [&](const Bound &bound) {
      return bound.index.dependsOn(axis);
    });
  }
};

/// Emits the sums of all taps for each place of M, an index of the phase for
/// each place of the outer axes.
struct PlacesExtent {
  Extent extent;
  int64_t grain;
};
PlacesExtent emitDepthwisePlaces(ContractionPhase &phase,
                                 const Depthwise &depthwise);

/// The sums of all places for each tap: M and the outer axes are taps.
struct DepthwiseTaps {
  const Depthwise &depthwise;
  /// The terms of a sum are shared out, in order, to so many partial sums.
  int64_t parts;
  /// Vectors of channels whose sums wait in registers.
  int64_t vectors;
  /// Steps of the last axis around K whose terms are added up one after
  /// another.
  int64_t steps;

  explicit DepthwiseTaps(const Depthwise &depthwise);
  int64_t width() const { return vectors * depthwise.lanes; }
  int64_t numTaps() const;
  int64_t numBlocks() const {
    return llvm::divideCeil(depthwise.numChannels().factor, width());
  }
  /// Elements of the partial sums: [parts][blocks][taps][width].
  int64_t numPartialSums() const {
    return parts * numBlocks() * numTaps() * width();
  }
  /// Elements of a thread's scratch: three sums a tap.
  int64_t scratch() const { return 3 * numTaps() * width(); }
};

/// Emits the partial sums, an index of the phase for each part and block.
void emitPartialTaps(ContractionPhase &phase, const DepthwiseTaps &taps,
                     mlir::Value partialSums);
/// Emits what is computed of their sums, an index of the phase for each tap.
void emitTaps(ContractionPhase &phase, const DepthwiseTaps &taps,
              mlir::Value partialSums);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_DEPTHWISEPHASES_H
