// A phase under construction, as every target writes it: its function, its
// buffers, arithmetic on indices, and control flow. What a CPU and a GPU add is
// in codegen/cpu/CpuPhase.h and codegen/cuda/GpuPhase.h.
#ifndef NNC_CODEGEN_PHASEBUILDER_H
#define NNC_CODEGEN_PHASEBUILDER_H

#include "codegen/Target.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// The number of elements of a tensor in which every `?` is the batch.
Extent numElements(mlir::RankedTensorType type);

class PhaseBuilder {
public:
  PhaseBuilder(const PhaseBuilder &) = delete;
  virtual ~PhaseBuilder() = default;

  /// Where the phase is being written; outlives it.
  mlir::ImplicitLocOpBuilder &b;
  /// Scalars of the kernel's top level, by what they are there.
  mlir::IRMapping scalars;

  mlir::Value batch() { return argumentAfterBuffers(0); }
  mlir::func::FuncOp getFunction() const { return function; }

  /// How an element lies in a buffer.
  virtual mlir::Type storageOf(mlir::Type elementType) const = 0;
  /// The argument for a buffer that holds a tensor of `type`; added when first
  /// asked for.
  mlir::Value buffer(BufferRef ref, mlir::RankedTensorType type);
  mlir::Value buffer(BufferRef ref, mlir::MemRefType type);
  /// Memory of the thread's own, at an offset that the schedule has reserved.
  virtual mlir::Value scratch(int64_t offsetBytes, mlir::MemRefType type);

  /// Arithmetic on indices, folded where its operands are known.
  mlir::Value index(int64_t value);
  mlir::Value add(mlir::Value lhs, mlir::Value rhs);
  mlir::Value add(mlir::Value lhs, int64_t rhs) {
    return rhs ? add(lhs, index(rhs)) : lhs;
  }
  mlir::Value subtract(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, mlir::Value rhs);
  mlir::Value multiply(mlir::Value lhs, int64_t rhs) {
    return rhs == 1 ? lhs : multiply(lhs, index(rhs));
  }
  mlir::Value divide(mlir::Value lhs, mlir::Value rhs);
  mlir::Value divide(mlir::Value lhs, int64_t rhs) {
    return divide(lhs, index(rhs));
  }
  mlir::Value divideUp(mlir::Value lhs, int64_t rhs) {
    return divide(add(lhs, rhs - 1), rhs);
  }
  mlir::Value remainder(mlir::Value lhs, mlir::Value rhs);
  mlir::Value remainder(mlir::Value lhs, int64_t rhs) {
    return remainder(lhs, index(rhs));
  }
  mlir::Value minimum(mlir::Value lhs, mlir::Value rhs);
  mlir::Value isLess(mlir::Value lhs, mlir::Value rhs);
  mlir::Value isEqual(mlir::Value lhs, mlir::Value rhs);
  mlir::Value both(mlir::Value lhs, mlir::Value rhs);
  /// A size, or the size of a dimension, as an index.
  mlir::Value value(Extent extent);
  mlir::Value value(BatchSize size);
  mlir::Value size(int64_t dimension);
  /// An integer of data as an index within [0, size): what is outside, the
  /// nearest.
  mlir::Value indexWithin(mlir::Value integer, bool isUnsigned, BatchSize size);

  /// `emitBody` for [from, to) in steps, with what the iterations carry.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::Value step,
       mlir::ValueRange inits,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           emitBody);
  void loop(mlir::Value from, mlir::Value to, mlir::Value step,
            llvm::function_ref<void(mlir::Value)> emitBody);
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> emitBody) {
    loop(from, to, index(step), emitBody);
  }
  /// `emitBody` under a condition; always or never where that is known.
  void when(mlir::Value condition, llvm::function_ref<void()> emitBody);
  /// One of two values of `type`, of which the other is not computed.
  mlir::Value choose(mlir::Value condition, mlir::Type type,
                     llvm::function_ref<mlir::Value()> emitTrue,
                     llvm::function_ref<mlir::Value()> emitFalse);
  /// The same, of as many values as there are types.
  llvm::SmallVector<mlir::Value>
  choose(mlir::Value condition, mlir::TypeRange types,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> emitTrue,
         llvm::function_ref<llvm::SmallVector<mlir::Value>()> emitFalse);

protected:
  /// Inserts the function `<kernel>.<suffix>` after `previous`, with the batch
  /// and arguments of the types `more` after the buffers. The suffix is unique
  /// in the kernel.
  PhaseBuilder(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
               mlir::Operation *previous, const llvm::Twine &suffix,
               llvm::ArrayRef<mlir::Type> more);

  mlir::Block &body() { return function.getBody().front(); }
  mlir::Value argumentAfterBuffers(unsigned number) {
    return body().getArgument(refs.size() + number);
  }
  /// Ends the function; what it says of the target is left to be set.
  Phase end(llvm::StringRef kind, Extent extent);

  mlir::func::FuncOp function;
  /// What the first arguments are.
  llvm::SmallVector<BufferRef> refs;
};

} // namespace nnc

#endif // NNC_CODEGEN_PHASEBUILDER_H
