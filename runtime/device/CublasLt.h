// Products by NVIDIA's cuBLASLt, found when a plan has the first. By hand, as
// cublasLt.h of CUDA 12 and 13 declares it.
#ifndef NNC_RUNTIME_DEVICE_CUBLASLT_H
#define NNC_RUNTIME_DEVICE_CUBLASLT_H

#include "runtime/Plan.h"
#include "runtime/device/CudaDriver.h"

#include <map>
#include <memory>

namespace nnc::runtime {

struct CublasLtLibrary;
struct CublasLtHandle;
struct CublasLtProduct;

class CublasLt {
public:
  /// Opens a version of the library that a driver of that version runs.
  /// Unsupported if there is none. The device's context is current, in each of
  /// the calls.
  static StatusOr<std::unique_ptr<CublasLt>> open(int driverVersion);

  ~CublasLt();

  /// Chooses how the product is computed, unless it is known, and enqueues it.
  /// `buffers` as in Command.
  Status run(const Command &command, void *const *buffers, int64_t batch,
             CudaStream *stream);

private:
  CublasLt(const CublasLtLibrary &library, CublasLtHandle *handle);
  StatusOr<const CublasLtProduct *> choose(const Command &command,
                                           void *const *buffers, int64_t batch);

  const CublasLtLibrary &library;
  CublasLtHandle *handle;
  std::map<std::pair<const Command *, int64_t>,
           std::unique_ptr<CublasLtProduct>>
      products;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUBLASLT_H
