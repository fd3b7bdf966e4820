// Reverse accumulation through a block: which ops take part, and the sum over
// the uses of a value.
#ifndef NNC_PASSES_GRADIENTS_H
#define NNC_PASSES_GRADIENTS_H

#include "ir/Dialect.h"
#include "ir/Expr.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace nnc {

/// The ops through which results depend on the values asked about.
struct Path {
  /// In program order.
  llvm::SmallVector<mlir::Operation *> ops;
  /// The values that vary smoothly with a value asked about.
  llvm::DenseSet<mlir::Value> active;
};

/// The path in `block`, before `end` if that is given, from `variables` to
/// `results`.
Path findPath(mlir::Block *block, mlir::Operation *end,
              mlir::ValueRange variables, mlir::ValueRange results);

/// Why `op` has no gradient; empty if it has one.
llvm::StringRef whyNoGradient(mlir::Operation *op);

/// A tensor of `like`'s type that holds `value` everywhere.
mlir::Value buildSplat(mlir::ImplicitLocOpBuilder &b, mlir::Value like,
                       double value);

/// The gradient for each value, as far as it is known.
class Gradients {
public:
  /// `builder` stays where gradients are to be built.
  explicit Gradients(mlir::OpBuilder &builder) : builder(builder) {}

  /// Null where it is zero.
  mlir::Value lookup(mlir::Value value) const { return sums.lookup(value); }

  /// Adds `gradient`, which may still have the shape that `value` was broadcast
  /// to.
  void add(mlir::Location loc, mlir::Value value, mlir::Value gradient);

  /// Adds what each op of `path` passes on to its active operands, from the
  /// last to the first. A loop over time is replaced by one that keeps more.
  llvm::LogicalResult propagate(const Path &path);

private:
  llvm::LogicalResult propagate(mlir::Operation *op, const Path &path);

  mlir::OpBuilder &builder;
  llvm::DenseMap<mlir::Value, mlir::Value> sums;
};

} // namespace nnc

#endif // NNC_PASSES_GRADIENTS_H
