// What CUDA text compiled for the host and the simulator agree on. The compiler
// puts this file in front of the text, so that it includes nothing.
#ifndef NNC_RUNTIME_DEVICE_SIMINTERFACE_H
#define NNC_RUNTIME_DEVICE_SIMINTERFACE_H

namespace nnc::sim {

/// ceil((constant + perBatch * batch) / divisor); not known where divisor is 0.
struct Size {
  long long constant, perBatch, divisor;
};

struct Buffer {
  const char *name;
  long long elementBytes;
  Size elements;
  bool isFloat;
  /// Nothing in it has a value before this kernel. Never of unchecked kernels.
  bool isFresh;
};

/// What a kernel's thread sees of itself.
struct Thread {
  struct Index {
    unsigned x;
  };
  Index threadIdx, blockIdx, blockDim, gridDim;
};

struct Kernel {
  const char *name;
  /// Of the text, for messages.
  const char *const *lines;
  int numLines;
  unsigned threads;
  Size blocks;
  /// Threads of a block wait for each other; else each runs to its end.
  bool synchronizes;
  const Buffer *buffers;
  int numBuffers;
  /// One thread of the kernel, which is `*current`.
  void (*run)(void *const *buffers, long long batch);
};

constexpr unsigned maxGivenBytes = 32;

/// What the simulator does for a kernel. Lines are counted from 1, the first of
/// the kernel's text.
struct Simulator {
  /// Runs blocks [begin, end); points `current` to each thread in turn.
  void (*launch)(const Kernel &kernel, Thread *&current, void *const *buffers,
                 long long batch, long long begin, long long end);
  void (*barrier)(int line);
  /// Gives `bits` to the warp; returns what lane `from` gave.
  unsigned long long (*exchange)(unsigned long long bits, unsigned from,
                                 int line);
  /// Gives `bytes` to the warp, at most maxGivenBytes of them; gets what its
  /// lanes gave, in their order.
  void (*gather)(const void *given, unsigned bytes, void *all, int line);
  /// Of checked kernels: what follows is of that line.
  void (*atLine)(int line);
  /// Declares an array that a block shares.
  void (*share)(const char *name, const void *array, unsigned long long bytes);
  /// Comes before each access to memory.
  void (*access)(const void *address, unsigned long long bytes, bool isWrite);
  /// A copy to shared memory, which happens when it is waited for: zeros where
  /// `global` is null.
  void (*beginCopy)(void *shared, const void *global, unsigned bytes, int line);
  /// Makes a group of the copies that the thread has begun since the last.
  void (*endGroup)();
  /// Until at most `pending` of the thread's groups are under way.
  void (*waitForGroups)(unsigned pending);
};

} // namespace nnc::sim

#endif // NNC_RUNTIME_DEVICE_SIMINTERFACE_H
