// What a target must provide for its plans to run. A new target implements this
// and adds a line to the list in Device.cpp.
#ifndef NNC_RUNTIME_DEVICE_DEVICE_H
#define NNC_RUNTIME_DEVICE_DEVICE_H

#include "runtime/HeldSamples.h"
#include "runtime/LoopRun.h"
#include "runtime/Status.h"
#include "runtime/Trace.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace nnc::runtime {

class ThreadPool;

/// Memory of a device, released with this object.
class DeviceMemory {
public:
  using Release = std::function<void(void *data, int64_t sizeBytes)>;

  DeviceMemory() = default;
  DeviceMemory(void *data, int64_t sizeBytes, Release release)
      : base(data), length(sizeBytes), release(std::move(release)) {}
  DeviceMemory(DeviceMemory &&other) noexcept { *this = std::move(other); }
  DeviceMemory &operator=(DeviceMemory &&other) noexcept {
    std::swap(base, other.base);
    std::swap(length, other.length);
    std::swap(release, other.release);
    return *this;
  }
  ~DeviceMemory() {
    if (base)
      release(base, length);
  }

  char *data() const { return static_cast<char *>(base); }
  int64_t sizeBytes() const { return length; }

private:
  void *base = nullptr;
  int64_t length = 0;
  Release release;
};

/// Where the inputs of a run are.
struct RunInputs {
  /// One pointer per input, on the host.
  const void *const *data = nullptr;
  /// Not: on the device, and there once what `stream` of the caller's was given
  /// so far is done. What it is given from now on comes after they were read.
  bool isOnHost = true;
  void *stream = nullptr;
  /// On the host, in memory of Device::allocatePinned: they stay there until
  /// waitForInputs() has returned, and else until the run is begun.
  bool isPinned = false;
  /// In place of these, samples that the device holds.
  const HeldBatch *held = nullptr;
};

/// One run of an entry point.
struct Run {
  const EntryPoint &entry;
  int64_t batch;
  RunInputs inputs;
  /// The time of each command is wanted.
  bool isProfiled;
  /// What ran when is added to it, if it is profiled; null: to none.
  Trace *trace = nullptr;
};

/// Whether the commands of a run are to be issued: a device may have recorded
/// them in an earlier run.
enum class Commands { Issue, Recorded };

/// Bytes to be copied from one place to another.
struct Transfer {
  void *to;
  const void *from;
  int64_t sizeBytes;
};

class Device {
public:
  virtual ~Device() = default;

  /// Unsupported if this machine cannot run `code`, saying what it lacks.
  /// Without kernels: whether it could run any of this target.
  virtual Status check(const MachineCode &) const { return {}; }

  /// Makes the kernels of a plan ready to launch, and all else that its entry
  /// points need beside regions. The plan outlives the device. Fails as check()
  /// does.
  virtual Status load(const Plan &plan) = 0;

  /// Zeroed memory on a NNC_ALIGNMENT_BYTES boundary; `what` names it in the
  /// message if there is not enough.
  virtual StatusOr<DeviceMemory> allocate(int64_t sizeBytes,
                                          const char *what) = 0;

  /// Memory of the host's that a device which has its own copies from while the
  /// host goes on.
  virtual StatusOr<DeviceMemory> allocatePinned(int64_t sizeBytes);

  /// Waits until the inputs of the runs so far have left the host's memory.
  virtual Status waitForInputs() { return {}; }

  /// Whether the host reads and writes this device's memory in place, and the
  /// device the host's. If not, the next three are the only ways to it.
  virtual bool sharesHostMemory() const { return true; }

  /// The threads that compute, for other work between runs; null where these
  /// are not the host's.
  virtual ThreadPool *threads() { return nullptr; }

  /// Bytes of its memory that are free, where it has its own.
  virtual StatusOr<int64_t> freeBytes();

  /// Whether runs may have inputs that are not on the host: held, in the form
  /// of HeldColumn, and at any address of the device's. InvalidArgument by the
  /// second for an address that is not its own, or with less behind it.
  virtual bool holdsSamples() const { return false; }
  virtual Status checkAddress(const void *data, int64_t sizeBytes);

  /// Has a stream of the caller's wait for the runs so far.
  virtual Status letWait(void *stream);

  /// Between runs: each waits for the runs before it, and tells what went wrong
  /// in them. `from` of an upload and `to` of a download are on the host.
  virtual Status zero(void *memory, int64_t sizeBytes);
  virtual Status upload(const Transfer &transfer);
  virtual Status download(const std::vector<Transfer> &transfers);

  /// How many sends may be on their way to the host at once; 0: there are none,
  /// for the host reads the memory in place.
  virtual int64_t mostSends() const { return 0; }

  /// Begins to bring what the run before has left to the host, as it is before
  /// the next run. `to` of each transfer receives where it will be, until
  /// mostSends() further sends. Returns the send's number, which rises.
  virtual StatusOr<int64_t> send(std::vector<Transfer> &transfers);

  /// Waits until a send has arrived; those before it have then, too. Tells what
  /// went wrong in the runs before it.
  virtual Status receive(int64_t number);

  /// Brackets the commands of one run. `addresses` receives where the commands
  /// find each input. If beginRun fails, nothing has run. endRun tells what
  /// went wrong in any command; a device may also go on working, and tell what
  /// went wrong in a later call.
  virtual StatusOr<Commands> beginRun(const Run &run, void **addresses);
  virtual Status endRun() { return {}; }

  /// In place of endRun where a command could not be issued for lack of memory:
  /// those before it may have run.
  virtual void abandonRun() {}

  /// Runs one kernel over the command's extent: indices on a CPU, blocks on a
  /// GPU.
  virtual void launch(const Command &command, void *const *buffers,
                      int64_t batch) = 0;

  /// Computes a product by the device's library; `buffers` as in Command.
  virtual void matmul(const Command &command, void *const *buffers,
                      int64_t batch) = 0;

  /// Copies between regions of the device.
  virtual void copy(void *to, const void *from, int64_t sizeBytes) = 0;

  /// Takes samples through all steps of a loop with Loop::rows above 0, which
  /// only plans for a device that does so have.
  virtual void runLoop(const LoopRun &) {}

  /// A moment of a profiled run. The time since the one before it is that of
  /// the entry point's command of this index; of none where it is negative.
  virtual void mark(int64_t command);

  /// Once after a profiled run: adds the times to those in `seconds`.
  virtual Status addTimes(std::vector<double> &seconds);

protected:
  /// Of the run under way.
  Trace *trace = nullptr;

private:
  struct Mark {
    std::chrono::steady_clock::time_point time;
    int64_t command;
  };
  std::vector<Mark> marks;
};

struct DeviceOptions {
  /// Of targets that compute on the host; at least 1.
  int threads = 1;
  /// Which of the machine's GPUs.
  int index = 0;
};

/// The device for a plan's target. Unsupported, naming the targets that there
/// are, for an unknown one, or saying what this machine lacks.
StatusOr<std::unique_ptr<Device>> createDevice(const std::string &target,
                                               const DeviceOptions &options);

/// The targets that there are, by index; null beyond the last.
size_t numTargets();
const char *targetName(size_t index);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DEVICE_DEVICE_H
