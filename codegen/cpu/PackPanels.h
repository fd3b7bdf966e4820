// Copies strips of a contraction's operand into panels that the microtile reads
// in one stream.
#ifndef NNC_CODEGEN_CPU_PACKPANELS_H
#define NNC_CODEGEN_CPU_PACKPANELS_H

#include "codegen/cpu/ContractionPhase.h"

namespace nnc {

/// One side of a contraction, cut into panels of `width` along `axis` (M or N).
/// In memory a panel is [K][width], K all its axes as one; what lies beyond the
/// axis' size is padding with any value.
struct PanelSource {
  const Contraction &contraction;
  const Element *element;
  unsigned axis;
  int64_t width;
  int64_t lanes;

  BatchSize size() const { return contraction.sizes[axis]; }
  /// Outer axes of the contraction along which the operand differs.
  llvm::SmallVector<unsigned> outerAxes() const {
    llvm::SmallVector<unsigned> axes;
    for (unsigned outer = 0; outer < contraction.numOuter; ++outer)
      if (element->dependsOn(outer))
        axes.push_back(outer);
    return axes;
  }
  bool hasTail() const {
    return !size().isStatic() || size().factor % width != 0;
  }
};

/// Emits the packing of panel number `panel` to `memory` at `offset`, for all
/// of K. `point` gives the outer axes.
void emitPackPanel(ContractionPhase &phase, const PanelSource &source,
                   Point point, mlir::Value panel, mlir::Value memory,
                   mlir::Value offset);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_PACKPANELS_H
