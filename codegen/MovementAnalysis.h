// What a movement kernel does, as strided copies between flat buffers.
#ifndef NNC_CODEGEN_MOVEMENTANALYSIS_H
#define NNC_CODEGEN_MOVEMENTANALYSIS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>
#include <variant>

namespace nnc {

/// A size, stride or offset in elements: `factor`, or `factor` times the batch.
struct Amount {
  int64_t factor = 0;
  bool timesBatch = false;

  bool is(int64_t constant) const { return factor == constant && !timesBatch; }
  bool operator==(const Amount &other) const {
    return factor == other.factor && timesBatch == other.timesBatch;
  }
};

/// One loop of a copy. All strides are in elements.
struct CopyDim {
  Amount size;
  Amount source;
  Amount destination;
  /// Of the tensor of indices, in a gather.
  Amount index;
};

/// Where a gather finds what to add to its source's position.
struct GatherIndex {
  /// The kernel's operand that holds the indices.
  unsigned operand;
  bool isUnsigned;
  /// Indices are clamped to [0, size).
  int64_t size;
  /// In the source, from one index to the next.
  Amount stride;
};

/// destination[offset + sum of i * stride] = source[...], for all i of `dims`.
struct Copy {
  unsigned operand;
  Amount sourceOffset;
  Amount destinationOffset;
  llvm::SmallVector<CopyDim> dims;
  std::optional<GatherIndex> gather;
};

/// The whole result is set to one value first.
struct Fill {
  mlir::TypedAttr value;
};

/// result[o, indices[i], w] += updates[o, i, w], in the order of i, from zero.
struct ScatterAdd {
  unsigned indices;
  unsigned updates;
  bool isUnsigned;
  Amount outer;
  /// Number of indices.
  Amount count;
  /// Size of the result along the axis.
  int64_t rows;
  /// Elements that lie together.
  Amount width;
};

/// A result as its parts, in order. Later copies may write over the fill.
struct Movement {
  mlir::RankedTensorType result;
  std::optional<Fill> fill;
  llvm::SmallVector<Copy> copies;
  std::optional<ScatterAdd> scatter;
};

/// Fails, without a diagnostic, if the kernel does anything else.
mlir::FailureOr<Movement> analyzeMovement(mlir::func::FuncOp kernel);

/// Product of two amounts; none if it would be quadratic in the batch.
std::optional<Amount> multiply(Amount lhs, Amount rhs);

} // namespace nnc

#endif // NNC_CODEGEN_MOVEMENTANALYSIS_H
