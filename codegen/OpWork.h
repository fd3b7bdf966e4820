// What each op of a model, as written, comes to when it is compiled: counted on
// the kernels that the compiler makes of it, and on the memory plan.
#ifndef NNC_CODEGEN_OPWORK_H
#define NNC_CODEGEN_OPWORK_H

#include "codegen/Compile.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

#include <optional>
#include <vector>

namespace nnc {

/// At the largest batch.
struct OpWork {
  /// Of "predict", or of "eval_step" where the model has no output; and of all
  /// training steps, with the gradients of the op.
  double forwardFlop = 0, stepFlop = 0;
  /// Of what a training step computes on the way to the loss and keeps in
  /// memory for the way back.
  int64_t keptBytes = 0;
};

/// What a session allocates; `scratchBytes` for each thread.
struct PlannedBytes {
  int64_t stateBytes = 0, arenaBytes = 0, scratchBytes = 0;
};

struct ModelWork {
  int64_t batch = 0;
  /// Of the ops in the model's body, in their order.
  std::vector<OpWork> ops;
  /// What belongs to none of them: the optimizer.
  OpWork others;
  /// With training, where the model has a loss, and of a plan without.
  std::optional<PlannedBytes> training;
  PlannedBytes inference;
  int64_t optimizerStateBytes = 0;
  /// Parameters that training leaves as they are.
  llvm::StringSet<> frozen;
};

/// Counts the work of the one nnc.model in `module`, which is as written and
/// stays so but for its locations. Fails after a diagnostic.
mlir::FailureOr<ModelWork> countOpWork(mlir::ModuleOp module,
                                       const CompileOptions &options);

} // namespace nnc

#endif // NNC_CODEGEN_OPWORK_H
