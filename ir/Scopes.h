// Scopes in locations: to which call of which layer or function of the source
// an op belongs, as its parameters' names say it ("block.3.attn").
#ifndef NNC_IR_SCOPES_H
#define NNC_IR_SCOPES_H

#include "mlir/IR/Location.h"

namespace nnc {

/// `location` with a scope, in place of the one that it may have: in IR,
/// loc(fused<"block.3">["model.nn":7:3]). Empty: without.
mlir::Location withScope(mlir::Location location, llvm::StringRef scope);

/// The first scope that is found in `location`; empty if there is none.
llvm::StringRef scopeOf(mlir::Location location);

/// `location` as it is without a scope.
mlir::Location withoutScope(mlir::Location location);

} // namespace nnc

#endif // NNC_IR_SCOPES_H
