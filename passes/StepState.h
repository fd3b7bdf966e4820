// The scalars of state that a training step counts and reads, the numbers that
// random ops draw by them, and the first values of all state. For
// nnc-build-entry-points.
#ifndef NNC_PASSES_STEPSTATE_H
#define NNC_PASSES_STEPSTATE_H

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace nnc {

/// The scalars of an update: `step` and `learning_rate`, after the update's
/// name and a dot where it has one.
std::string counterNameOf(const RecipeUpdate &update);
std::string rateNameOf(const RecipeUpdate &update);

/// The scalar by which an update whose counter is `counter` knows the run:
/// kStepsPerEpochName or kRunStepsName, after the update's name and a dot where
/// it has one of its own.
std::string runScalarNameOf(llvm::StringRef counter, llvm::StringRef scalar,
                            const mlir::SymbolTable &symbols);

/// Whether a function is a step of training, which changes state.
bool trains(mlir::func::FuncOp function);

/// Declares the seed, the counters and learning rates of the recipe's updates,
/// and first_sample where it is needed. Fails after a diagnostic.
llvm::LogicalResult declareScalars(ModelOp model);

/// Declares `name` behind `after`: zeros, which @init assigns where there is
/// one. Fails after a diagnostic where something else is called so.
llvm::FailureOr<ParameterOp> declareZeros(ParameterOp after,
                                          llvm::StringRef name,
                                          mlir::RankedTensorType type,
                                          Role role,
                                          mlir::SymbolTable &symbols);

/// Gives each random op of the model the counter (seed and step) and a stream
/// of its own. The streams before belong to the parameters' initial values.
/// Fails after a diagnostic where one is in the step of a loop.
llvm::LogicalResult setCounters(ModelOp model);

/// Has the random ops of an entry point that is run batch by batch over a set
/// number their elements over the set, so that what a sample draws depends on
/// its place there, and neither on the batches nor on the steps of training.
void numberSamples(mlir::func::FuncOp function);

/// Makes @init: every parameter gets its initial value, except the seed, which
/// the session sets before. Fails after a diagnostic.
llvm::LogicalResult buildInit(ModelOp model);

} // namespace nnc

#endif // NNC_PASSES_STEPSTATE_H
