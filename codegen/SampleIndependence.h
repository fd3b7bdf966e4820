// Whether a kernel computes each sample from that sample alone.
#ifndef NNC_CODEGEN_SAMPLEINDEPENDENCE_H
#define NNC_CODEGEN_SAMPLEINDEPENDENCE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc {

/// Whether the batch, if there is one, is the type's first dimension, and so a
/// sample one part of its memory. Dimensions of size 1 may come before it.
bool hasLeadingBatch(mlir::Type type);

/// Whether `kernel`, as linalg, may be called with some of the samples, at
/// their places in operands and results, in place of all: the batch leads in
/// each of them, no element depends on another sample, on which sample it is,
/// or on how many there are. What has no batch is the same whichever samples
/// there are.
bool treatsSamplesAlone(mlir::func::FuncOp kernel);

} // namespace nnc

#endif // NNC_CODEGEN_SAMPLEINDEPENDENCE_H
