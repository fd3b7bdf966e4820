// What a model declares that it computes: the training steps with their losses
// and metrics, the groups of outputs, and which updates each step makes. For
// nnc-build-entry-points.
#ifndef NNC_PASSES_DECLAREDPARTS_H
#define NNC_PASSES_DECLAREDPARTS_H

#include "ir/Ops.h"

#include "llvm/ADT/SmallVector.h"

namespace nnc {

/// A training step, which has losses or metrics.
struct DeclaredStep {
  llvm::StringRef name; ///< Empty: the model's only one.
  llvm::SmallVector<LossOp> losses;
  llvm::SmallVector<MetricOp> metrics;
};

/// Outputs that are given together.
struct DeclaredGroup {
  llvm::StringRef name; ///< Empty: those of "predict".
  llvm::SmallVector<OutputOp> outputs;
};

/// Each in the order in which the model has the first of it.
struct DeclaredParts {
  llvm::SmallVector<DeclaredStep> steps;
  llvm::SmallVector<DeclaredGroup> groups;
};

DeclaredParts collectDeclared(ModelOp model);

/// The updates of every training step. A step that has none of its own makes
/// those that the recipe says for no step, under names that begin with its own.
llvm::SmallVector<RecipeUpdate> listUpdates(ModelOp model);

} // namespace nnc

#endif // NNC_PASSES_DECLAREDPARTS_H
