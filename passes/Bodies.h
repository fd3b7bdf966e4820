// The blocks that passes go through one at a time.
#ifndef NNC_PASSES_BODIES_H
#define NNC_PASSES_BODIES_H

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc {

/// Calls `visit` with the body of `function`, and with the steps of the loops
/// in it. Nothing may be moved from one to another: a step is isolated.
inline void forEachBody(mlir::func::FuncOp function,
                        llvm::function_ref<void(mlir::Block &)> visit) {
  if (function.isDeclaration())
    return;
  function.walk([&](ScanOp scan) { visit(scan.getBody().front()); });
  visit(function.front());
}

} // namespace nnc

#endif // NNC_PASSES_BODIES_H
