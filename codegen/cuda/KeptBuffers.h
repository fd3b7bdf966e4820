// Which buffers of a loop's steps a block also keeps in the memory that its
// threads share: what one of its phases leaves for another, or for the next
// step.
#ifndef NNC_CODEGEN_CUDA_KEPTBUFFERS_H
#define NNC_CODEGEN_CUDA_KEPTBUFFERS_H

#include "codegen/PlanMemory.h"

namespace nnc {

struct KeptBuffer {
  /// As the commands of the step refer to it, but for its slot.
  PlannedBuffer buffer;
  mlir::Type element;
  /// Elements of a sample.
  int64_t perSample = 0;
  /// Those at one step, or at this and the next.
  int64_t slots = 1;
  /// Read before the first step has written it, there.
  std::optional<PlannedBuffer> filledFrom;
  /// Nothing in the loop writes it: copied from there, a step ahead.
  bool isAhead = false;
};

/// What a command does with a buffer, as it refers to it.
struct BufferAccess {
  PlannedBuffer buffer;
  mlir::Type element;
  bool reads = false, writes = false;
  /// Element by element.
  bool isPlain = true;
};

llvm::SmallVector<BufferAccess, 0> accessesOf(const PlannedCommand &command,
                                              mlir::ModuleOp phases);
/// Whether one command has to wait for others, in the same step of a loop.
bool haveConflict(llvm::ArrayRef<BufferAccess> lhs,
                  llvm::ArrayRef<BufferAccess> rhs);

/// Whether both begin at the same address, but for their slots.
bool isSameMemory(const PlannedBuffer &lhs, const PlannedBuffer &rhs);

/// What blocks of `rows` samples keep of the buffers of a step, in at most
/// `bytes`, which are made fewer.
llvm::SmallVector<KeptBuffer, 0>
findKeptBuffers(const PlannedLoop &loop,
                llvm::ArrayRef<PlannedCommand> commands, int64_t rows,
                mlir::ModuleOp phases, int64_t &bytes);

inline mlir::Type elementOf(mlir::func::FuncOp phase, unsigned argument) {
  return llvm::cast<mlir::MemRefType>(phase.getArgumentTypes()[argument])
      .getElementType();
}

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_KEPTBUFFERS_H
