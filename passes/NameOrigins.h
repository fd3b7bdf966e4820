// Which op of the model an op comes from: in its location, which stays with it
// through differentiation and expansion.
#ifndef NNC_PASSES_NAMEORIGINS_H
#define NNC_PASSES_NAMEORIGINS_H

#include "mlir/IR/Location.h"
#include "mlir/IR/Operation.h"

namespace nnc {

/// As nnc-name-origins left it: "softmax", "gradient of softmax". Empty where
/// it has not run.
llvm::StringRef originOf(mlir::Location location);

/// The location of what the gradient of `op` is made of.
mlir::Location gradientLocation(mlir::Operation *op);

} // namespace nnc

#endif // NNC_PASSES_NAMEORIGINS_H
