// A function of the part of a model that some of its values need: what every
// entry point begins as. For nnc-build-entry-points.
#ifndef NNC_PASSES_MODELFUNCTION_H
#define NNC_PASSES_MODELFUNCTION_H

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace nnc {

/// A result of an entry point.
struct EntryResult {
  mlir::Value value;
  llvm::StringRef name;
  llvm::StringRef kind;
  /// Of a confusion matrix: the input whose values name its classes.
  llvm::StringRef classesOf = "";
  /// Which values of a metric are better; empty: as the op says that makes it.
  llvm::StringRef better = "";
};

/// Makes the function `name` of the part of `model` that computes `results`. It
/// returns them, and takes the arguments that they need. `mapping` receives
/// what became of the model's values. Fails after a diagnostic where something
/// else of the program is called so.
mlir::FailureOr<mlir::func::FuncOp>
buildFunction(ModelOp model, llvm::StringRef name,
              llvm::ArrayRef<EntryResult> results, mlir::IRMapping &mapping);

} // namespace nnc

#endif // NNC_PASSES_MODELFUNCTION_H
