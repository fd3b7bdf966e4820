// Which of a plan's modules a GPU can run.
#ifndef NNC_RUNTIME_DEVICE_CUDACODE_H
#define NNC_RUNTIME_DEVICE_CUDACODE_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <string>
#include <vector>

namespace nnc::runtime {

/// What the runtime wants to know of a GPU.
struct CudaDeviceFacts {
  std::string name;
  /// Compute capability.
  int major = 0, minor = 0;
};

/// "sm_90".
std::string architectureOf(const CudaDeviceFacts &device);

/// The best module for each kernel, in the order of `code.kernels`. A cubin
/// runs on its own architecture and on later ones of the same major number, one
/// for "sm_90a" on 9.0 alone; PTX is for whatever comes later. Unsupported,
/// naming what there is, if a kernel has none.
StatusOr<std::vector<const CodeModule *>>
selectModules(const MachineCode &code, const CudaDeviceFacts &device);

/// Whether the module is PTX, which the driver compiles.
bool isPtx(const CodeModule &module);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDACODE_H
