// What the lowerings of ops to linalg are written in, a plugin's included.
#ifndef NNC_CODEGEN_LOWER_KERNELBUILDER_H
#define NNC_CODEGEN_LOWER_KERNELBUILDER_H

#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// The type with every integer signless: what linalg and arith compute on.
mlir::Type signlessType(mlir::Type type);
mlir::RankedTensorType signlessType(mlir::RankedTensorType type);
/// That of an op's first result.
mlir::RankedTensorType resultType(mlir::Operation *op);

/// The element type in which an op on `elementType` computes: f32 for the
/// 16-bit floats, which are storage only; else the type itself.
mlir::Type computeType(mlir::Type elementType);

/// `value` in its compute type, or in `elementType`, which it is converted to
/// where the two differ.
mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
mlir::Value narrow(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                   mlir::Type elementType);

/// A number of a signless integer or a float type.
mlir::Value scalarConstant(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                           double value);

/// Builds linalg ops on tensors in a kernel whose `?` is `batch`.
class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ScalarBody = llvm::function_ref<mlir::Value(
      mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;
  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

  KernelBuilder(mlir::Block *block, mlir::Location loc, mlir::Value batch)
      : ImplicitLocOpBuilder(loc, OpBuilder::atBlockEnd(block)), batch(batch) {}

  mlir::Value batch;

  /// A size as `shape` has it: constant, or the batch.
  mlir::OpFoldResult size(int64_t staticSize);
  llvm::SmallVector<mlir::OpFoldResult> sizes(llvm::ArrayRef<int64_t> shape);
  /// The same as an index value.
  mlir::Value sizeValue(int64_t staticSize);

  mlir::Value empty(mlir::RankedTensorType type);
  mlir::Value fill(mlir::RankedTensorType type, mlir::Value scalar);

  /// `body` for each element of a tensor of `type`. Operands broadcast to its
  /// shape; one that is the same everywhere reaches the body as a scalar from
  /// outside. Arguments of the body are widened, and its value is narrowed.
  mlir::Value elementwise(mlir::RankedTensorType type,
                          mlir::ValueRange operands, ScalarBody body);

  /// A linalg.generic. One map an input and an output; `iterators` in the
  /// order of the maps' dimensions; the body's inputs are widened, its outputs
  /// are not.
  llvm::SmallVector<mlir::Value>
  generic(mlir::ValueRange inputs, mlir::ValueRange outputs,
          llvm::ArrayRef<mlir::AffineMap> maps,
          llvm::ArrayRef<mlir::utils::IteratorType> iterators, Body body);

  /// How an operand of `shape` is read in a loop nest over dimensions `dims`,
  /// one for each of its own: a size of 1 that `target` stretches reads 0.
  mlir::AffineMap broadcastMap(unsigned numLoops, llvm::ArrayRef<int64_t> shape,
                               llvm::ArrayRef<int64_t> target,
                               llvm::ArrayRef<unsigned> dims);
};

} // namespace nnc

#endif // NNC_CODEGEN_LOWER_KERNELBUILDER_H
