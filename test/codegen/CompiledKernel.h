// A kernel as machine code, its memory, and its runs.
#ifndef NNC_TEST_CODEGEN_COMPILEDKERNEL_H
#define NNC_TEST_CODEGEN_COMPILEDKERNEL_H

#include "test/codegen/KernelBuffers.h"

#include "codegen/Target.h"

#include <algorithm>
#include <memory>
#include <string>

namespace nnc::test {

/// Executable memory that holds an image.
class LoadedImage {
public:
  explicit LoadedImage(const CodeImage &image)
      : sizeBytes(std::max<size_t>(image.bytes.size(), 1)) {
    base =
        static_cast<uint8_t *>(mmap(nullptr, sizeBytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    std::memcpy(base, image.bytes.data(), image.bytes.size());
    mprotect(base, sizeBytes, PROT_READ | PROT_EXEC);
  }
  LoadedImage(const LoadedImage &) = delete;
  ~LoadedImage() { munmap(base, sizeBytes); }

  nnc_kernel_fn at(uint64_t offset) const {
    return reinterpret_cast<nnc_kernel_fn>(base + offset);
  }

private:
  size_t sizeBytes;
  uint8_t *base;
};

/// A kernel ready to run.
struct CompiledKernel {
  ScheduledKernel scheduled;
  std::unique_ptr<LoadedImage> image;
  llvm::SmallVector<nnc_kernel_fn> entries;
  double scheduleMs = 0, emitMs = 0;
  size_t codeBytes = 0;
  std::vector<std::string> features;
};

/// How the parallel loop is handed out.
struct Split {
  int64_t parts;
  bool reversed;
};

/// All memory of one kernel at one batch.
struct Memory {
  llvm::SmallVector<GuardedBuffer, 0> operands, results, workspaces;
  std::unique_ptr<GuardedBuffer> scratch;

  Memory(mlir::func::FuncOp kernel, const ScheduledKernel &scheduled,
         int64_t batch, unsigned seed) {
    for (unsigned i = 1; i < kernel.getNumArguments(); ++i) {
      operands.push_back(bufferFor(kernel.getArgumentTypes()[i], batch));
      fill(operands.back(), kernel, i, batch, seed);
    }
    for (mlir::Type type : kernel.getResultTypes())
      results.push_back(bufferFor(type, batch));
    for (const Extent &size : scheduled.workspaceBytes)
      workspaces.emplace_back(size.at(batch));
    scratch = std::make_unique<GuardedBuffer>(scheduled.scratchBytes);
  }

  void clear() {
    for (auto *group : {&results, &workspaces})
      for (GuardedBuffer &buffer : *group)
        buffer.clear();
    scratch->clear();
  }

  bool isIntact() const {
    for (auto *group : {&operands, &results, &workspaces})
      for (const GuardedBuffer &buffer : *group)
        if (!buffer.isIntact())
          return false;
    return scratch->isIntact();
  }
};

llvm::SmallVector<void *> resultAddresses(const Memory &memory);

/// Runs all phases, each in parts; its results go to `results`.
void run(const CompiledKernel &kernel, const Memory &memory,
         llvm::ArrayRef<void *> results, int64_t batch, Split split);

std::vector<Bytes> snapshot(llvm::ArrayRef<GuardedBuffer> buffers);

} // namespace nnc::test

#endif // NNC_TEST_CODEGEN_COMPILEDKERNEL_H
