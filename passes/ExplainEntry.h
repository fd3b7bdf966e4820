// The entry point "explain": what explains an output by gradients, made of a
// copy of "predict". For nnc-build-entry-points.
#ifndef NNC_PASSES_EXPLAINENTRY_H
#define NNC_PASSES_EXPLAINENTRY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc {

/// Adds to `function`, which returns a model's outputs:
///
/// - an argument "NAME.upstream" for each floating-point output NAME, of its
///   type: what the output is multiplied by before everything is summed;
/// - "NAME.gradient", of that sum for each floating-point input. An input of
///   integers that is only ever cast to floating point becomes an argument of
///   that type, so that it has a gradient, and values between integers;
/// - "LAYER.layer" and "LAYER.layer_gradient" of `layer`: the result of the last op whose
///   parameters are called "LAYER.…". Of no name: the last tensor of
///   [batch, height, width, channels] that spans more than one place, if any.
///
/// Fails after a diagnostic that names what there is.
llvm::LogicalResult completeExplainEntry(mlir::func::FuncOp function,
                                         llvm::StringRef layer);

} // namespace nnc

#endif // NNC_PASSES_EXPLAINENTRY_H
