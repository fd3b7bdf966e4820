// A phase for the GPU under construction: blocks, threads, and what threads do
// together. The form is that of docs/cuda.md.
#ifndef NNC_CODEGEN_CUDA_GPUPHASE_H
#define NNC_CODEGEN_CUDA_GPUPHASE_H

#include "codegen/PhaseBuilder.h"

namespace nnc {

/// `extent` divided once more, rounded up.
Extent divideUp(Extent extent, int64_t divisor);

/// Folds what is constant, makes one of computations that are the same, and
/// erases what is unused.
void simplifyPhase(mlir::func::FuncOp function);
/// Has what follows from a place in its row not depend on the row, where each
/// iteration of a loop has whole rows.
void dropRows(mlir::func::FuncOp function);

class GpuPhase : public PhaseBuilder {
public:
  GpuPhase(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
           mlir::Operation *previous, const llvm::Twine &suffix);

  mlir::Value block() const { return blockId; }
  mlir::Value thread() const { return threadId; }
  /// This thread's number among all of the phase's, `threads` a block.
  mlir::Value globalThread(int64_t threads);

  /// i1 as i8, everything else as itself.
  mlir::Type storageOf(mlir::Type elementType) const override;
  /// The element of that row-major number.
  mlir::Value load(BufferRef ref, mlir::RankedTensorType type,
                   mlir::Value element);
  void store(mlir::Value value, BufferRef ref, mlir::RankedTensorType type,
             mlir::Value element);

  /// Memory that the threads of a block share.
  mlir::Value shared(int64_t numElements, mlir::Type elementType);
  void barrier();
  /// The value of the thread whose number in the warp differs in the bits of
  /// `mask`.
  mlir::Value shuffle(mlir::Value value, int64_t mask);
  /// A call of a function of the prelude (codegen/cuda/prelude.cuh).
  mlir::Value call(llvm::StringRef name, mlir::ValueRange arguments,
                   mlir::Type result);
  /// The same memory, whatever its size: for calls.
  mlir::Value anySize(mlir::Value memory);

  /// Ends the function; repeated computations become one.
  Phase finish(llvm::StringRef kind, Extent numBlocks, int64_t threads);

private:
  mlir::Value blockId, threadId;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_GPUPHASE_H
