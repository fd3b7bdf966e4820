// NVIDIA's GPUs as targets, by the names of their architectures.
#ifndef NNC_CODEGEN_CUDA_CUDATARGET_H
#define NNC_CODEGEN_CUDA_CUDATARGET_H

#include "codegen/Target.h"

namespace nnc {

/// "cuda:" and architectures between commas: "sm_90", "sm_90a", "compute_90";
/// "native" stands for those of this machine's GPUs. "cuda" is code for sm_80
/// and sm_90 and PTX for whatever comes later: every GPU that nnc runs on can
/// run it, and it does not depend on where it was compiled.
///
/// One schedule serves them all, made for the oldest. With `reference` products
/// are not fused with sums. An error says what an architecture may be, or why
/// there is no native one.
const TargetFamily &cudaTargets();

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CUDATARGET_H
