// What a library's product is, computed plainly: plans for the host call no
// library, and a simulated device has none.
#ifndef NNC_RUNTIME_DEVICE_REFERENCEMATMUL_H
#define NNC_RUNTIME_DEVICE_REFERENCEMATMUL_H

#include "runtime/Plan.h"

namespace nnc::runtime {

/// How many of the `k` terms of a product are summed before their sum is added
/// to the others', in f64: libraries have many sums side by side, and a long
/// one alone would be thousands of roundings off.
inline int64_t termsOfBlock(int64_t k) { return k > 2048 ? 256 : k; }

/// d[o, m, n] = epilogue(sum over k of a[o, m, k] * b[o, k, n]), summed in the
/// order of k and in blocks, in f64 where the operands are f64 and else in f32.
/// `buffers` as in Command. Only floating-point types, which is what plans
/// have.
void computeMatmul(const Matmul &matmul, void *const *buffers, int64_t batch);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_REFERENCEMATMUL_H
