// The model before entry points are made of it: what its parts are computed
// from, and what is made explicit in it. For nnc-build-entry-points.
#ifndef NNC_PASSES_COMPLETEMODEL_H
#define NNC_PASSES_COMPLETEMODEL_H

#include "ir/Ops.h"

#include "llvm/ADT/DenseSet.h"

#include <string>

namespace nnc {

/// The ops that `values` are computed from, in no order.
llvm::DenseSet<mlir::Operation *>
findProducers(llvm::ArrayRef<mlir::Value> values);

/// The parameters among `producers` that training changes, in program order.
llvm::SmallVector<ReadOp>
findTrainable(ModelOp model,
              const llvm::DenseSet<mlir::Operation *> &producers);

/// Marks what the program's patterns and `patterns` match as frozen. Fails
/// after a diagnostic where one matches nothing.
llvm::LogicalResult freeze(ModelOp model, llvm::ArrayRef<std::string> patterns);

/// One read per parameter, before everything else: reads are then values that
/// any pass may move, since assignments come last.
void shareReads(ModelOp model);

/// Says on the model's integer arguments how many values they may take, so that
/// data out of range is found when it is read.
void setIndexLimits(ModelOp model);

/// Makes the attributes `l1` and `l2` of losses explicit.
void addPenalties(ModelOp model);

/// The sum of the model's losses, at its end, in the first one's element type;
/// null where it has none.
mlir::Value buildTotalLoss(ModelOp model, llvm::ArrayRef<LossOp> losses);

/// counts[label, prediction], and the input that has the labels, where one
/// does.
struct Confusion {
  mlir::Value counts;
  llvm::StringRef labels = "";
};

/// That of the first of `metrics` that decides among at most `maxClasses`
/// classes; null where none does.
Confusion findConfusion(llvm::ArrayRef<MetricOp> metrics, int64_t maxClasses);

} // namespace nnc

#endif // NNC_PASSES_COMPLETEMODEL_H
