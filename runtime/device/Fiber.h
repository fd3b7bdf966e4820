// Threads of control that one thread of the machine switches between.
#ifndef NNC_RUNTIME_DEVICE_FIBER_H
#define NNC_RUNTIME_DEVICE_FIBER_H

#include <cstdint>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace nnc::runtime {

/// What is needed to go on where a fiber, or the thread itself, was left.
struct FiberContext {
#if defined(__x86_64__)
  void *stackPointer = nullptr;
#else
  ucontext_t context;
#endif
};

/// Makes `context` begin with `entry`, which never returns, on a stack of
/// `stackBytes` bytes, a multiple of 16, at `stack`.
void prepareFiber(FiberContext &context, char *stack, int64_t stackBytes,
                  void (*entry)());

/// Leaves one for another, until some other call leaves for `from`.
void switchFiber(FiberContext &from, FiberContext &to);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_FIBER_H
