// Switches stacks: by hand on x86-64, elsewhere with POSIX contexts.
#include "runtime/device/Fiber.h"

namespace nnc::runtime {

#if defined(__x86_64__)

// System V x86-64: rbx, rbp and r12 to r15 belong to the caller. The control
// words are the same on every fiber of a thread.
__asm__(".text\n"
        ".hidden nnc_switch_fiber\n"
        ".globl nnc_switch_fiber\n"
        ".type nnc_switch_fiber, @function\n"
        "nnc_switch_fiber:\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  ret\n"
        ".size nnc_switch_fiber, .-nnc_switch_fiber\n");

extern "C" void nnc_switch_fiber(void **from, void *to);

void prepareFiber(FiberContext &context, char *stack, int64_t stackBytes,
                  void (*entry)()) {
  // As if `entry` had been called: its return address, which is never used, is
  // on a multiple of 16 less 8.
  void **top = reinterpret_cast<void **>(stack + stackBytes);
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(entry);
  for (int saved = 0; saved < 6; ++saved)
    *--top = nullptr;
  context.stackPointer = top;
}

void switchFiber(FiberContext &from, FiberContext &to) {
  nnc_switch_fiber(&from.stackPointer, to.stackPointer);
}

#else

void prepareFiber(FiberContext &context, char *stack, int64_t stackBytes,
                  void (*entry)()) {
  getcontext(&context.context);
  context.context.uc_stack.ss_sp = stack;
  context.context.uc_stack.ss_size = stackBytes;
  context.context.uc_link = nullptr;
  makecontext(&context.context, entry, 0);
}

void switchFiber(FiberContext &from, FiberContext &to) {
  swapcontext(&from.context, &to.context);
}

#endif

} // namespace nnc::runtime
