// The way of a run's small outputs to the host while further runs go on: a ring
// of places in pinned memory.
#ifndef NNC_RUNTIME_DEVICE_CUDAOUTPUTS_H
#define NNC_RUNTIME_DEVICE_CUDAOUTPUTS_H

#include "runtime/device/CudaDriver.h"
#include "runtime/device/Device.h"

namespace nnc::runtime {

class CudaOutputs {
public:
  explicit CudaOutputs(const CudaDriver &driver) : driver(driver) {}
  ~CudaOutputs();

  /// So many that the device has work while the host looks at half of them, and
  /// so few that a run that is asked to stop has not many left.
  static constexpr int64_t mostSends = 16;

  /// As Device::send and Device::receive.
  StatusOr<int64_t> send(std::vector<Transfer> &transfers, CudaStream *stream);
  Status receive(int64_t number);

private:
  struct Place {
    /// Pinned, on the host.
    char *host = nullptr;
    int64_t sizeBytes = 0;
    CudaHandle<CudaEvent> hasArrived = noCudaHandle<CudaEvent>();
  };

  Status prepare(Place &place, int64_t sizeBytes);

  const CudaDriver &driver;
  Place places[mostSends];
  /// Sends that were begun, and those that are known to have arrived.
  int64_t begun = 0, arrived = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDAOUTPUTS_H
