// The way of a run's inputs to addresses on a GPU that do not change, so that
// commands can be recorded: from the host through pinned memory, from samples
// that the device holds, or from elsewhere on it. There are two of everything:
// the inputs of a run come while the run before it computes.
#ifndef NNC_RUNTIME_DEVICE_CUDAINPUTS_H
#define NNC_RUNTIME_DEVICE_CUDAINPUTS_H

#include "runtime/TakeKernels.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/Device.h"

#include <iterator>

namespace nnc::runtime {

class CudaInputs {
public:
  explicit CudaInputs(const CudaDriver &driver) : driver(driver) {}
  ~CudaInputs();

  /// Allocates what the largest inputs of any of the plan's entry points need.
  Status allocate(const Plan &plan);

  /// What the plan's code has for takeKernels[index].
  void setTaker(size_t index, CudaFunction *function) {
    takers[index] = function;
  }
  /// Whether the plan has all of them.
  bool canTake() const;

  /// Brings the run's inputs, and has `stream` wait until they are there. Waits
  /// until what was copied from the host for the run before the last has left
  /// it. `addresses` receives where each is. Returns which of the two places
  /// they are in.
  StatusOr<int> stage(const Run &run, CudaStream *stream, void **addresses);

  /// What `stream` does next comes after the commands that read the inputs of
  /// the place that stage() returned.
  Status release(int place, CudaStream *stream);

  /// Waits until the inputs of all runs have left the host.
  Status waitForCopies();

  /// An event, to have one stream wait for another.
  Status wait(CudaStream *waiting, CudaStream *before);

private:
  struct Place {
    /// Pinned, on the host; null before it is needed.
    char *host = nullptr;
    CudaAddress device = 0;
    /// The inputs are there; their reader has finished.
    CudaHandle<CudaEvent> isThere = noCudaHandle<CudaEvent>();
    CudaHandle<CudaEvent> isRead = noCudaHandle<CudaEvent>();
  };

  Status allocate(Place &place, int64_t sizeBytes);
  Status bring(Place &place, const Run &run);
  Status copyFromHost(Place &place, const Run &run);
  Status copyFromPinned(Place &place, const Run &run);
  Status copyOnDevice(Place &place, const Run &run);
  Status take(Place &place, const HeldBatch &batch);
  Status takeColumn(CudaAddress to, const HeldColumn &column,
                    const HeldBatch &batch);

  const CudaDriver &driver;
  CudaHandle<CudaStream> copies = noCudaHandle<CudaStream>();
  Place places[2];
  int64_t placeBytes = 0;
  int next = 0;
  CudaFunction *takers[std::size(takeKernels)] = {};
  CudaHandle<CudaEvent> between = noCudaHandle<CudaEvent>();
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_CUDAINPUTS_H
