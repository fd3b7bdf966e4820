// Copies the part of a padded or computed image that windows are about to read
// into scratch, where it lies as the whole would: windows then read it with the
// same strides, and without asking for bounds.
#ifndef NNC_CODEGEN_CPU_WINDOWCOPY_H
#define NNC_CODEGEN_CPU_WINDOWCOPY_H

#include "codegen/cpu/ContractionPhase.h"

#include <optional>

namespace nnc {

/// The elements that are copied as one: neighbours along the last dimension, or
/// the last two.
int64_t lineSize(const TensorToCopy &source);

/// Elements of scratch for a copy of `count` neighbours, whole lines and room
/// for the last vector.
int64_t copiedSize(const TensorToCopy &source, int64_t count, int64_t lanes);

/// Columns along the last dimension that are copied apart: panel number `i`
/// begins at column i * width, or earlier so that it has all of its own, and
/// lies `size` elements behind the one before.
struct CopiedPanels {
  int64_t width;
  int64_t size;
  mlir::Value from, to;
  /// Panels that are copied at a time, which divides their number.
  int64_t together = 1;
};

/// Copies the lines that hold elements [first, last] of `source` to the start
/// of `memory`, in the type of the sums. Returns the number of the element that
/// lies there: of the whole tensor, or with panels, of a panel of all rows.
mlir::Value emitWindowCopy(ContractionPhase &phase, const TensorToCopy &source,
                           mlir::Value first, mlir::Value last,
                           mlir::Value memory, int64_t lanes,
                           std::optional<CopiedPanels> panels = {});

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINDOWCOPY_H
