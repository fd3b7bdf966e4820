// Whether a kernel of linalg ops is a rows kernel, and how each of its tensors
// lies in the kernel's two-dimensional space.
// (passes/RowSpace.h).
#ifndef NNC_CODEGEN_ROWSANALYSIS_H
#define NNC_CODEGEN_ROWSANALYSIS_H

#include "codegen/Access.h"
#include "codegen/Refusal.h"
#include "codegen/Target.h"
#include "passes/RowSpace.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include "llvm/ADT/MapVector.h"

namespace nnc {

/// (loop + offset) / divisor: the first of the windows with a stride that cover
/// an element.
struct LoopQuotient {
  unsigned loop;
  int64_t offset, divisor;
};

/// An input of an op that is read in memory, at other places than that of the
/// element that is computed.
struct WindowRead {
  /// Its number.
  unsigned input;
  mlir::BlockArgument tensor;
  /// The element's row-major number, by the op's loops and then the quotients.
  LinearIndex place;
  /// Where one fails, the element is `padding`.
  llvm::SmallVector<Bound> bounds;
  mlir::OpFoldResult padding;
  llvm::SmallVector<LoopQuotient> quotients;
};

/// One op of a rows kernel, and its place in the space.
struct RowsOp : SpaceOp {
  mlir::linalg::GenericOp op;
  /// Loops that reduce within a window around each element (pooling). They lie
  /// on no axis: in the space the op is elementwise.
  llvm::SmallVector<unsigned> windowLoops;
  llvm::SmallVector<WindowRead, 1> windowReads;
  bool isReadInWindow(unsigned input) const {
    return llvm::any_of(windowReads, [input](const WindowRead &read) {
      return read.input == input;
    });
  }
  /// Whether the op asks where in the space it is.
  bool readsPlaces() const {
    return mlir::linalg::GenericOp(op).hasIndexSemantics() ||
           !windowLoops.empty() || !windowReads.empty();
  }
  /// Barriers across rows that must pass before the result is known.
  unsigned stage = 0;
  /// Whether the result waits for a reduction along its row, in its stage.
  bool followsRowReduction = false;
};

/// How many elements of its operands an element of the op takes.
int64_t windowSize(const RowsOp &op);

/// A kernel's ops and tensors in its space.
struct RowsKernel {
  /// Each sample has a space of its own, and the kernel goes through them: what
  /// isOfSamples has elements for each, one after another.
  bool isOfSamples = false;
  BatchSize rows{1};
  int64_t columns = 1;
  /// In the order of the function.
  llvm::MapVector<mlir::Operation *, RowsOp> ops;
  /// Of every tensor that is a root (see rootOf) and not uniform.
  llvm::DenseMap<mlir::Value, SpaceRole> roles;
  /// What the kernel returns, as roots.
  llvm::SmallVector<mlir::Value> results;

  /// Scalar of what is uniform, or has no value: analyzeRows has made sure that
  /// every other tensor has a role.
  SpaceRole roleOf(mlir::Value tensor) const { return roles.lookup(tensor); }
  RowsOp *definition(mlir::Value tensor);
  unsigned stageOf(mlir::Value tensor);
  bool followsRowReduction(mlir::Value tensor);
  /// The number of rows, divided by `divisor` and rounded up.
  Extent numRows(int64_t divisor = 1) const {
    return Extent::of(rows, divisor);
  }
};

mlir::Type elementTypeOf(mlir::Value tensor);
/// Of one element: whole bytes.
int64_t elementBytes(mlir::Type elementType);
int64_t elementBytes(mlir::Value tensor);

/// The scalar that every element of `root` equals; null if there is no such.
/// An attribute where the tensor is a splat constant.
mlir::OpFoldResult uniformValue(mlir::Value root);

/// The op of the body of a reduction's `result` that combines two partial
/// results; null for the reductions that have none (the index of a maximum).
mlir::Operation *combinerOf(mlir::linalg::GenericOp op, unsigned result);

/// Whether the body of `op` reads its input of that number: one may be there
/// for its shape alone, as a window's is.
bool readsInput(mlir::linalg::GenericOp op, unsigned input);

/// Whether the value that enters result `result` of the op is used by its body.
bool usesInit(mlir::linalg::GenericOp op, unsigned result);

/// Finds the space of a kernel, or of each sample, or says why there is none.
mlir::FailureOr<RowsKernel> analyzeRows(mlir::func::FuncOp kernel,
                                        Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_ROWSANALYSIS_H
