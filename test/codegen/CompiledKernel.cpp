// Runs of compiled kernels on the memory that they are given.
#include "test/codegen/CompiledKernel.h"

using namespace mlir;
using namespace nnc;
using namespace nnc::test;

static SmallVector<void *> addresses(const Memory &memory, const Phase &phase,
                                     ArrayRef<void *> results) {
  SmallVector<void *> pointers;
  for (BufferRef buffer : phase.buffers) {
    if (buffer.kind == BufferRef::Operand)
      pointers.push_back(memory.operands[buffer.index].begin());
    else if (buffer.kind == BufferRef::Result)
      pointers.push_back(results[buffer.index]);
    else
      pointers.push_back(memory.workspaces[buffer.index].begin());
  }
  return pointers;
}

SmallVector<void *> nnc::test::resultAddresses(const Memory &memory) {
  SmallVector<void *> pointers;
  for (const GuardedBuffer &buffer : memory.results)
    pointers.push_back(buffer.begin());
  return pointers;
}

void nnc::test::run(const CompiledKernel &kernel, const Memory &memory,
                    ArrayRef<void *> results, int64_t batch, Split split) {
  for (auto [phase, entry] :
       llvm::zip(kernel.scheduled.phases, kernel.entries)) {
    SmallVector<void *> pointers = addresses(memory, phase, results);
    int64_t extent = phase.extent.at(batch);
    for (int64_t i = 0; i < split.parts; ++i) {
      int64_t part = split.reversed ? split.parts - 1 - i : i;
      int64_t begin = extent * part / split.parts;
      int64_t end = extent * (part + 1) / split.parts;
      entry(pointers.data(), batch, begin, end, memory.scratch->begin());
    }
  }
}

std::vector<Bytes> nnc::test::snapshot(ArrayRef<GuardedBuffer> buffers) {
  std::vector<Bytes> copies;
  for (const GuardedBuffer &buffer : buffers)
    copies.emplace_back(buffer.begin(), buffer.begin() + buffer.size());
  return copies;
}
