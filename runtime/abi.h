// What generated code and the runtime agree on. Included by code generation and
// by the runtime, and by nothing else; it is private and may change with the
// plan's version.
#ifndef NNC_RUNTIME_ABI_H
#define NNC_RUNTIME_ABI_H

#include <stdint.h>

/// Every buffer of a plan, its scratch included, starts on such a boundary: a
/// cache line, and the widest vector of any CPU target.
#define NNC_ALIGNMENT_BYTES 64

/// A library of products may want its workspace on such a boundary (cuBLASLt
/// does on Hopper, and fails on another). It begins there within the plan's
/// buffer, which has room for that.
#define NNC_LIBRARY_ALIGNMENT_BYTES 256

/// One phase of a kernel, as machine code exports it (System V calling
/// convention, C linkage).
///
/// buffers  base addresses, in the order of the launch's buffer list; each
///          tensor is row-major and contiguous.
/// batch    number of samples in this run, from 1 to the plan's max_batch; the
///          size of every dimension that the plan gives as -1.
/// begin    first index of the outermost parallel loop that this call runs,
/// end      and one past the last; 0 <= begin <= end <= the launch's extent.
///          Calls with disjoint ranges may run at the same time, and how the
///          extent is split never changes a bit of the result.
/// scratch  scratch_bytes of the entry point, this thread's own; contents
///          undefined on entry. May be null if the entry point needs none.
///
/// Called on every thread with the same floating-point mode: round to nearest,
/// no traps, subnormal numbers read and written as zero (MXCSR 0x9fc0).
typedef void (*nnc_kernel_fn)(void *const *buffers, int64_t batch,
                              int64_t begin, int64_t end, void *scratch);

#endif // NNC_RUNTIME_ABI_H
