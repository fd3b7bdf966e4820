// A phase for the GPU under construction: its function, buffers, arithmetic on
// indices, and loops. The form is that of docs/cuda.md.
#ifndef NNC_CODEGEN_CUDA_GPUPHASE_H
#define NNC_CODEGEN_CUDA_GPUPHASE_H

#include "codegen/Target.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// The number of elements of a tensor in which every `?` is the batch.
Extent numElements(mlir::RankedTensorType type);

/// `extent` divided once more, rounded up.
Extent divideUp(Extent extent, int64_t divisor);

/// The batch that a schedule is best at: the largest, where it is known.
int64_t typicalBatch(mlir::func::FuncOp kernel);

/// How an element lies in a buffer: i1 as i8, everything else as itself.
mlir::Type bufferElementType(mlir::Type elementType);

class GpuPhase {
public:
  /// Inserts the function `<kernel>.<suffix>` after `previous`. `suffix` is
  /// unique in the kernel.
  GpuPhase(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
           mlir::Operation *previous, const llvm::Twine &suffix);

  mlir::ImplicitLocOpBuilder &b;
  /// Scalars of the kernel's top level, by what they are there.
  mlir::IRMapping scalars;

  mlir::Value batch() { return body().getArgument(refs.size()); }
  mlir::Value block() const { return blockId; }
  mlir::Value thread() const { return threadId; }

  /// The argument for a buffer that holds a tensor of `type`; added when first
  /// asked for.
  mlir::Value buffer(BufferRef ref, mlir::RankedTensorType type);
  mlir::Value buffer(BufferRef ref, mlir::MemRefType type);
  /// The element of that row-major number.
  mlir::Value load(BufferRef ref, mlir::RankedTensorType type,
                   mlir::Value element);
  void store(mlir::Value value, BufferRef ref, mlir::RankedTensorType type,
             mlir::Value element);

  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, int64_t rhs) { return add(lhs, index(rhs)); }
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, int64_t rhs) {
    return multiply(lhs, index(rhs));
  }
  mlir::Value divide(mlir::Value lhs, mlir::Value rhs);
  mlir::Value divide(mlir::Value lhs, int64_t rhs) {
    return divide(lhs, index(rhs));
  }
  mlir::Value remainder(mlir::Value lhs, mlir::Value rhs);
  mlir::Value remainder(mlir::Value lhs, int64_t rhs) {
    return remainder(lhs, index(rhs));
  }
  mlir::Value minimum(mlir::Value lhs, mlir::Value rhs);
  mlir::Value isLess(mlir::Value lhs, mlir::Value rhs);
  mlir::Value isEqual(mlir::Value lhs, mlir::Value rhs);
  mlir::Value both(mlir::Value lhs, mlir::Value rhs);
  /// An extent, or the size of a dimension, as an index.
  mlir::Value value(Extent extent);
  mlir::Value size(int64_t dimension);

  /// Memory that the threads of a block share.
  mlir::Value shared(int64_t numElements, mlir::Type elementType);
  void barrier();
  /// The value of the thread whose number in the warp differs in the bits of
  /// `mask`.
  mlir::Value shuffle(mlir::Value value, int64_t mask);

  /// This thread's number among all of the phase's, `threads` a block.
  mlir::Value globalThread(int64_t threads);

  /// `emitBody` for [from, to) in steps, with what the iterations carry.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::Value step,
       mlir::ValueRange inits,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           emitBody);
  void loop(mlir::Value from, mlir::Value to, mlir::Value step,
            llvm::function_ref<void(mlir::Value)> emitBody);
  /// `emitBody` under a condition; always or never where that is known.
  void when(mlir::Value condition, llvm::function_ref<void()> emitBody);
  /// One of two values of `type`, of which the other is not computed.
  mlir::Value choose(mlir::Value condition, mlir::Type type,
                     llvm::function_ref<mlir::Value()> emitTrue,
                     llvm::function_ref<mlir::Value()> emitFalse);

  mlir::func::FuncOp getFunction() const { return function; }

  /// Ends the function; repeated computations become one.
  Phase finish(llvm::StringRef kind, Extent numBlocks, int64_t threads);

private:
  mlir::Block &body() { return function.getBody().front(); }

  mlir::func::FuncOp function;
  mlir::Value blockId, threadId;
  llvm::SmallVector<BufferRef> refs;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_GPUPHASE_H
