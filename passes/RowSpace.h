// The two-dimensional space of a rows kernel: R rows, C columns. Where every
// sample of the batch is for itself, it has a space of its own.
//
// Leading dimensions are collapsed into R, trailing ones into C; a kernel
// without row-wise structure has C = 1, a flat space. The ops of a kernel are
// described by their loops alone, so that the same rules decide what is fused
// (on nnc ops) and what can be emitted (on linalg ops).
#ifndef NNC_PASSES_ROWSPACE_H
#define NNC_PASSES_ROWSPACE_H

#include "passes/BatchSize.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace nnc {

/// Along which axes of the space something varies: a set of two bits.
enum SpaceRole : unsigned {
  Scalar = 0,
  /// One element a row, [R].
  Row = 1,
  /// One element a column, [C].
  Column = 2,
  Full = Row | Column
};

/// One op as a loop nest.
struct SpaceOp {
  /// A tensor, and the loop that each of its dimensions runs with: -1 where
  /// only index 0 is used.
  struct Use {
    mlir::Value tensor;
    llvm::SmallVector<int64_t> loops;
  };

  /// Sizes of the loops, outermost first, and whether each reduces.
  llvm::SmallVector<int64_t> ranges;
  llvm::SmallVector<bool> isReduced;
  llvm::SmallVector<Use> uses;
  /// The columns that suit the op best, if the space may have them; 1 where it
  /// does not matter.
  int64_t wantedColumns = 1;

  // Found by inferRowSpace:
  /// The part of the space that the loops cover, and what of it they reduce.
  SpaceRole domain = Scalar;
  SpaceRole reduced = Scalar;
  /// For each loop the axis it belongs to; Scalar where it runs once.
  llvm::SmallVector<SpaceRole> loopAxes;
};

/// Whether a use can have no role in any space: it varies along loops that are
/// neither the outermost nor the innermost ones, [n, 1, c] of [n, h, c]. It is
/// read in memory, at places of its own, and is no part of the space.
bool isCutUse(const SpaceOp &op, const SpaceOp::Use &use);

struct RowSpace {
  /// Of one sample, where each has a space of its own.
  BatchSize rows{1};
  int64_t columns = 1;
  /// Of each tensor that an op uses, and of each result.
  llvm::DenseMap<mlir::Value, SpaceRole> roles;
};

/// Finds the space in which every op covers rows, columns, both or neither, and
/// every tensor has one role; the first of the ways to split the largest op's
/// loops, after those that an op wants. None where there is no such space, or
/// where an op reduces a vector of columns, for which there is no loop nest.
std::optional<RowSpace> inferRowSpace(llvm::MutableArrayRef<SpaceOp> ops,
                                      llvm::ArrayRef<mlir::Value> results);

/// The same of a space that each sample has for itself: the ops go through the
/// batch in their outermost loop, or do not depend on it; what is found is the
/// space inside of that loop. None where an op reduces the batch, or where a
/// result is not of samples.
std::optional<RowSpace> inferSampleSpace(llvm::MutableArrayRef<SpaceOp> ops,
                                         llvm::ArrayRef<mlir::Value> results);

/// Whether a tensor has other elements for each sample.
bool isOfSamples(mlir::Value tensor);

} // namespace nnc

#endif // NNC_PASSES_ROWSPACE_H
