// Whether a kernel of linalg ops is a rows kernel, and how each of its tensors
// lies in the kernel's two-dimensional space.
//
// R rows, C columns. Leading dimensions are collapsed into R, trailing ones
// into C. A kernel without row-wise structure has C = 1: its space is flat.
#ifndef NNC_CODEGEN_CPU_ROWSANALYSIS_H
#define NNC_CODEGEN_CPU_ROWSANALYSIS_H

#include "codegen/Target.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/MapVector.h"

namespace nnc {

/// Along which axes of the space a tensor varies: a set of two bits.
enum Role : unsigned {
  Scalar = 0,
  /// One element a row, [R].
  Row = 1,
  /// One element a column, [C].
  Column = 2,
  Full = Row | Column
};

/// A number of elements: count, or count * batch.
struct Size {
  int64_t count = 1;
  bool perBatch = false;

  bool operator==(const Size &other) const {
    return count == other.count && perBatch == other.perBatch;
  }
  Size operator*(const Size &other) const {
    return {count * other.count, perBatch || other.perBatch};
  }
  /// The size, divided by `divisor` and rounded up.
  Extent extent(int64_t divisor = 1) const {
    return perBatch ? Extent{0, count, divisor} : Extent{count, 0, divisor};
  }
};

/// One op of a rows kernel.
struct RowsOp {
  mlir::linalg::GenericOp op;
  /// The part of the space that its loops cover, and the axes of it that it
  /// reduces.
  Role domain = Scalar;
  Role reduced = Scalar;
  /// For each loop: the axis it belongs to (Row or Column), or Scalar where it
  /// runs once.
  llvm::SmallVector<Role> loopAxes;
  /// Barriers across rows that must pass before the result is known.
  unsigned stage = 0;
};

/// A kernel's ops and tensors in its space.
struct RowsKernel {
  Size rows;
  int64_t columns = 1;
  /// In the order of the function.
  llvm::MapVector<mlir::Operation *, RowsOp> ops;
  /// Of every tensor that is a root (see rootOf) and not uniform.
  llvm::DenseMap<mlir::Value, Role> roles;
  /// What the kernel returns, as roots.
  llvm::SmallVector<mlir::Value> results;

  Role roleOf(mlir::Value tensor) const { return roles.lookup(tensor); }
  RowsOp *definition(mlir::Value tensor);
  unsigned stageOf(mlir::Value tensor);
};

/// The tensor that holds the same elements in the same order: `tensor` before
/// it was reshaped.
mlir::Value rootOf(mlir::Value tensor);

/// The scalar that every element of `root` equals; null if there is no such.
/// An attribute where the tensor is a splat constant.
mlir::OpFoldResult uniformValue(mlir::Value root);

/// The op of the body of a reduction's `result` that combines two partial
/// results; null for the reductions that have none (the index of a maximum).
mlir::Operation *combinerOf(mlir::linalg::GenericOp op, unsigned result);

/// Whether `op` gives a maximum (or minimum) and its first index, so that
/// lanes can be combined by comparing values and then indices. The comparison
/// is returned through `comparison`: true where the new element wins.
bool isArgReduction(mlir::linalg::GenericOp op,
                    mlir::arith::CmpFPredicate &comparison);

/// Whether the value that enters result `result` of the op is used by its body.
bool usesInit(mlir::linalg::GenericOp op, unsigned result);

/// Finds the space of a kernel. Fails, silently, where it has none.
mlir::FailureOr<RowsKernel> analyzeRows(mlir::func::FuncOp kernel);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ROWSANALYSIS_H
