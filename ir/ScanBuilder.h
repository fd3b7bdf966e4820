// Loops over time as they are written: a step is built op by op, and uses
// values from outside as it likes.
#ifndef NNC_IR_SCANBUILDER_H
#define NNC_IR_SCANBUILDER_H

#include "ir/Expr.h"
#include "ir/Ops.h"

namespace nnc {

/// A plan's loop has no more, as plan.fbs has it.
inline constexpr int64_t kMostSteps = int64_t(1) << 24;

/// nnc.scan under construction. Ops of a step are built at the end of `body`.
class ScanBuilder {
public:
  /// `over` are tensors [steps, ..]. The loop will stand where `outer` does.
  ScanBuilder(mlir::ImplicitLocOpBuilder &outer, mlir::ValueRange carried,
              mlir::ValueRange over, int64_t steps, bool reverse);

  mlir::Block &body() { return region.front(); }
  /// Within a step.
  mlir::Value carried(unsigned index) { return body().getArgument(index); }
  mlir::Value slice(unsigned index) {
    return body().getArgument(initial.size() + index);
  }

  /// The loop, when its step is complete: `next` is carried into the step that
  /// follows, `kept` is kept of each. What a step uses from outside becomes an
  /// operand; constants are copied.
  ScanOp finish(mlir::ValueRange next, mlir::ValueRange kept);

private:
  llvm::SmallVector<mlir::Value> captureValues();

  mlir::ImplicitLocOpBuilder &outer;
  llvm::SmallVector<mlir::Value> initial, over;
  int64_t steps;
  bool reverse;
  mlir::Region region;
};

/// [steps, batch], true where a step is one of the first `lengths` [batch] of
/// its sample.
Expr isWithinLengths(Expr lengths, int64_t steps);

/// Rows of `onTrue` where `mask` [batch] is true, and of `onFalse`, which may
/// be a scalar, elsewhere.
Expr selectSamples(Expr mask, Expr onTrue, Expr onFalse);

/// Which dimension of a tensor of `rank` comes where when `axis` is in front.
llvm::SmallVector<int64_t> frontPermutation(int64_t rank, int64_t axis);

/// Dimension `axis` in front of the others, and back there.
Expr moveToFront(Expr x, int64_t axis);
Expr moveFromFront(Expr x, int64_t axis);

} // namespace nnc

#endif // NNC_IR_SCANBUILDER_H
