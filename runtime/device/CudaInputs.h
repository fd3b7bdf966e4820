// The way of a run's inputs to a GPU: through pinned memory to addresses that
// do not change, so that commands can be recorded. There are two of everything:
// the inputs of a run travel while the run before it computes.
#ifndef NNC_RUNTIME_DEVICE_CUDAINPUTS_H
#define NNC_RUNTIME_DEVICE_CUDAINPUTS_H

#include "runtime/device/CudaDriver.h"
#include "runtime/device/Device.h"

namespace nnc::runtime {

class CudaInputs {
public:
  explicit CudaInputs(const CudaDriver &driver) : driver(driver) {}
  ~CudaInputs();

  /// Allocates what the largest inputs of any of the plan's entry points need.
  Status allocate(const Plan &plan);

  /// Copies the run's inputs, and has `stream` wait until they are there. Waits
  /// until the run before the last has finished with its own. `addresses`
  /// receives where each is. Returns which of the two places they are in.
  StatusOr<int> stage(const Run &run, CudaStream *stream, void **addresses);

  /// What `stream` does next comes after the commands that read the inputs of
  /// the place that stage() returned.
  Status release(int place, CudaStream *stream);

private:
  struct Place {
    /// Pinned, on the host.
    char *host = nullptr;
    CudaAddress device = 0;
    /// The host's bytes are on the device; their reader has finished.
    CudaHandle<CudaEvent> isUploaded = noCudaHandle<CudaEvent>();
    CudaHandle<CudaEvent> isRead = noCudaHandle<CudaEvent>();
  };

  Status allocate(Place &place, int64_t sizeBytes);
  Status upload(Place &place, int64_t sizeBytes, CudaStream *stream);

  const CudaDriver &driver;
  CudaHandle<CudaStream> copies = noCudaHandle<CudaStream>();
  Place places[2];
  int next = 0;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDAINPUTS_H
