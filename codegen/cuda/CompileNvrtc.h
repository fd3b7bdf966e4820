// From CUDA C++ to what a GPU loads: a few translation units, compiled side by
// side by NVRTC for each architecture, or taken from the cache.
#ifndef NNC_CODEGEN_CUDA_COMPILENVRTC_H
#define NNC_CODEGEN_CUDA_COMPILENVRTC_H

#include "codegen/Target.h"
#include "codegen/cuda/EmitCuda.h"

namespace nnc {

/// What a GPU, or a family of them, can run.
struct CudaArchitecture {
  /// 90 for compute capability 9.0.
  int number = 0;
  /// 'a': with what this one GPU alone has; 'f': its family; 0: neither.
  char suffix = 0;
  /// PTX, which a driver compiles for any later GPU too.
  bool isVirtual = false;

  /// "sm_90a", or "compute_90".
  std::string name() const;
};

struct NvrtcOptions {
  /// Not empty.
  std::vector<CudaArchitecture> architectures;
  /// a * b + c is rounded once.
  bool fuseMultiplyAdd = true;
};

/// The image of `text`: modules in the order of the units, and of the
/// architectures in each. Fails after a diagnostic at `loc`: NVRTC is missing
/// or has no such architecture, or a kernel does not compile, which is then
/// named with what NVRTC says.
mlir::FailureOr<CodeImage> compileNvrtc(const CudaText &text,
                                        const NvrtcOptions &options,
                                        mlir::Location loc);

/// What ptxas reports of the kernels in `log`, for the kernels in `names`.
std::vector<CodeImage::Resources>
parseResources(llvm::StringRef log, llvm::ArrayRef<std::string> names);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_COMPILENVRTC_H
