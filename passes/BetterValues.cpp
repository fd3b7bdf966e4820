// Tells metrics that measure errors from those that measure success.
#include "passes/BetterValues.h"

#include "ir/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

/// Metrics that are 0 where every prediction is right.
static constexpr llvm::StringLiteral kErrors[] = {"bits_per_byte",
                                                  "brier_score",
                                                  "expected_calibration_error",
                                                  "log_loss",
                                                  "mean_absolute_error",
                                                  "mean_squared_error",
                                                  "perplexity",
                                                  "root_mean_squared_error"};

llvm::StringRef findBetterValues(Value metric) {
  auto op = metric.getDefiningOp<Described>();
  if (!op)
    return "";
  const Signature &signature = op.getSignature();
  if (signature.category == Category::Loss)
    return "smaller";
  if (signature.category != Category::Metric)
    return "";
  return llvm::is_contained(kErrors, signature.name) ? "smaller" : "larger";
}

} // namespace nnc
