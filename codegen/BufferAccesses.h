// What phases do with the buffers that they are given.
#ifndef NNC_CODEGEN_BUFFERACCESSES_H
#define NNC_CODEGEN_BUFFERACCESSES_H

#include "codegen/Target.h"

#include <string>

namespace nnc {

struct BufferAccesses {
  bool reads = false;
  bool writes = false;
};

/// Of a memref and its views. What an operation does that says nothing of
/// itself counts as a write.
BufferAccesses accessesOf(mlir::Value memref);

/// Of buffer `number` of a phase.
BufferAccesses accessesOf(const Phase &phase, unsigned number);

/// What no schedule may leave: a result that no phase writes, or a result or
/// workspace that a phase reads before any has written it. In words, for a
/// message; empty if there is none.
std::string findUnwritten(mlir::func::FuncOp kernel,
                          const ScheduledKernel &scheduled);

} // namespace nnc

#endif // NNC_CODEGEN_BUFFERACCESSES_H
