// What a movement kernel does, as strided copies between flat buffers.
#ifndef NNC_CODEGEN_MOVEMENTANALYSIS_H
#define NNC_CODEGEN_MOVEMENTANALYSIS_H

#include "codegen/Refusal.h"
#include "passes/BatchSize.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>
#include <variant>

namespace nnc {

/// One loop of a copy. All strides are in elements.
struct CopyDim {
  BatchSize size;
  BatchSize source;
  BatchSize destination;
  /// Of the tensor of indices, in a gather.
  BatchSize index;
};

/// Where a gather finds what to add to its source's position.
struct GatherIndex {
  /// The kernel's operand that holds the indices, and where they begin in it.
  unsigned operand;
  BatchSize offset;
  bool isUnsigned;
  /// Indices are clamped to [0, size).
  BatchSize size;
  /// In the source, from one index to the next.
  BatchSize stride;
};

/// destination[offset + sum of i * stride] = source[...], for all i of `dims`.
struct Copy {
  unsigned operand;
  BatchSize sourceOffset;
  BatchSize destinationOffset;
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
  BatchSize outer;
  /// Number of indices.
  BatchSize count;
  /// Size of the result along the axis.
  BatchSize rows;
  /// Elements that lie together.
  BatchSize width;
};

/// A result as its parts, in order. Later copies may write over the fill.
struct Movement {
  mlir::RankedTensorType result;
  std::optional<Fill> fill;
  llvm::SmallVector<Copy> copies;
  std::optional<ScatterAdd> scatter;
};

mlir::FailureOr<Movement> analyzeMovement(mlir::func::FuncOp kernel,
                                          Refusal &refusal);

} // namespace nnc

#endif // NNC_CODEGEN_MOVEMENTANALYSIS_H
