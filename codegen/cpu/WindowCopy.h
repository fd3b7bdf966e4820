// Copies the part of a padded or computed image that windows are about to read
// into scratch, where it lies as the whole would: windows then read it with the
// same strides, and without asking for bounds.
#ifndef NNC_CODEGEN_CPU_WINDOWCOPY_H
#define NNC_CODEGEN_CPU_WINDOWCOPY_H

#include "codegen/cpu/ContractionPhase.h"

namespace nnc {

/// The elements that are copied as one: neighbours along the last dimension, or
/// the last two.
int64_t lineSize(const TensorToCopy &source);

/// Elements of scratch for a copy of `count` neighbours, whole lines and room
/// for the last vector.
int64_t copiedSize(const TensorToCopy &source, int64_t count, int64_t lanes);

/// Copies the lines that hold elements [first, last] of `source` to the start
/// of `memory`, as elements of `type`. Returns the number of the element that
/// lies there.
mlir::Value emitWindowCopy(ContractionPhase &phase, const TensorToCopy &source,
                           mlir::Value first, mlir::Value last,
                           mlir::Value memory, mlir::FloatType type,
                           int64_t lanes);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_WINDOWCOPY_H
