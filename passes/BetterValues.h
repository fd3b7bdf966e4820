// Which values of a metric are better: what a run that stops by itself goes by.
#ifndef NNC_PASSES_BETTERVALUES_H
#define NNC_PASSES_BETTERVALUES_H

#include "mlir/IR/Value.h"

namespace nnc {

/// Of a result that is a metric: "larger" or "smaller". Absent: nothing says.
inline constexpr llvm::StringLiteral kBetterAttr = "nnc.better";

/// By the op that computes it: smaller ones of losses and of metrics that
/// measure errors, larger ones of other metrics. Empty for any other op.
llvm::StringRef findBetterValues(mlir::Value metric);

} // namespace nnc

#endif // NNC_PASSES_BETTERVALUES_H
