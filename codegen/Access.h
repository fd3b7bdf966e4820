// Where an element of a kernel's tensors lies, as a function of the loops
// around it: a base and a stride a loop, seen through reshapes, slices,
// transposition, padding (bounds, within which it lies) and gathers (an index
// to be loaded).
//
// An access does not care which kind of kernel it stands in: a window is two
// loops on one dimension, a split of heads is strides.
#ifndef NNC_CODEGEN_ACCESS_H
#define NNC_CODEGEN_ACCESS_H

#include "codegen/Refusal.h"
#include "passes/BatchSize.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/ADT/SmallBitVector.h"

namespace nnc {

/// base + the sum of strides[l] * l over the loops l.
struct LinearIndex {
  BatchSize base;
  llvm::SmallVector<BatchSize> strides;

  static LinearIndex constant(BatchSize base, size_t numLoops) {
    return {base, llvm::SmallVector<BatchSize>(numLoops)};
  }
  /// The loop itself.
  static LinearIndex loop(unsigned loop, size_t numLoops);

  bool dependsOn(unsigned loop) const { return !strides[loop].isZero(); }
  bool isConstant() const;
  /// The loop that this is, and nothing more.
  std::optional<unsigned> asLoop() const;
  std::optional<LinearIndex> times(BatchSize factor) const;
  std::optional<LinearIndex> plus(const LinearIndex &other) const;
  bool operator==(const LinearIndex &other) const {
    return base == other.base && strides == other.strides;
  }
};

/// One a dimension of a tensor.
using Indices = llvm::SmallVector<LinearIndex>;

/// Each of the loops, as the index of a dimension: none moves where it runs
/// once.
Indices loopIndices(llvm::ArrayRef<BatchSize> loopSizes);

/// `map` of `dims`; none where an index is no sum of multiples.
std::optional<Indices> compose(mlir::AffineMap map, const Indices &dims,
                               size_t numLoops);

/// The row-major number of the element; none where it has no such form.
std::optional<LinearIndex>
flatten(const Indices &indices, llvm::ArrayRef<int64_t> shape, size_t numLoops);

/// The opposite of flatten, for loops that run within [0, size); none where a
/// loop crosses from one index of a dimension to the next.
std::optional<Indices> unflatten(const LinearIndex &number,
                                 llvm::ArrayRef<int64_t> shape,
                                 llvm::ArrayRef<BatchSize> loopSizes);

/// An element exists where `index` is in [0, size).
struct Bound {
  LinearIndex index;
  BatchSize size;
};

/// What a gather adds to the place: stride * clamp(indices[place], 0, size -
/// 1).
struct IndexLoad {
  mlir::BlockArgument indices;
  LinearIndex place;
  bool isUnsigned;
  BatchSize size;
  BatchSize stride;
};

struct Access {
  /// An argument of the kernel, or what an op computes.
  mlir::Value tensor;
  /// One a dimension of `tensor`; none where only its place in memory has the
  /// form that is asked for.
  std::optional<Indices> indices;
  /// The row-major number of the element.
  LinearIndex place;
  /// Where one fails, the element is `padding`.
  llvm::SmallVector<Bound> bounds;
  mlir::OpFoldResult padding;
  std::optional<IndexLoad> load;
};

/// The element of `tensor` at `indices`, followed back to a tensor in memory or
/// to an op that computes, or to `end`.
mlir::FailureOr<Access> traceAccess(mlir::Value tensor, const Indices &indices,
                                    llvm::ArrayRef<BatchSize> loopSizes,
                                    Refusal &refusal, mlir::Value end = {});

/// Where the element of a slice at `indices` lies in the tensor that it is cut
/// from or put into. `dropped`: dimensions of the tensor that the slice lacks.
mlir::FailureOr<Indices>
sliceIndices(mlir::OffsetSizeAndStrideOpInterface slice,
             const llvm::SmallBitVector &dropped, const Indices &indices,
             size_t numLoops, Refusal &refusal);

/// The tensor that holds the same elements in the same order: `tensor` before
/// it was reshaped.
mlir::Value rootOf(mlir::Value tensor);

} // namespace nnc

#endif // NNC_CODEGEN_ACCESS_H
