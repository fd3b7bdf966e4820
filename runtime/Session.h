// One plan running: its state, its working memory, its entry points.
#ifndef NNC_RUNTIME_SESSION_H
#define NNC_RUNTIME_SESSION_H

#include "runtime/Checkpoint.h"
#include "runtime/Executor.h"
#include "runtime/Plan.h"
#include "runtime/Process.h"
#include "runtime/RunOutputs.h"
#include "runtime/Status.h"
#include "runtime/WeightsOrder.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

struct SessionOptions {
  /// Threads to compute on, the caller's included; 0: one a processor.
  int threads = 0;
  int64_t seed = 0;
  /// Runs the plan instead of the device that its target names; for tests.
  std::unique_ptr<Device> device = nullptr;
  /// Which of the machine's GPUs, for a plan that runs on one.
  int deviceIndex = 0;
};

/// What a file of tensors holds: trained values alone, or all of the state.
enum class SaveKind { Weights, Checkpoint };

/// Whether a file must hold all the tensors that are wanted and no others.
enum class Matching { Exact, AllowMissing };

struct LoadOptions {
  Matching matching = Matching::Exact;
  /// Of weights; absent: as the file tells.
  std::optional<WeightsOrder> order = {};
  /// Of weights: the table of names by which they are found, or "nnc" for their
  /// own. Empty: as the file's names tell.
  std::string names = {};
  /// Of weights: only those that this entry point reads are wanted, and others
  /// of the file are passed over. Empty: those of the whole plan.
  std::string entryPoint = {};
};

/// What there is to say about a file that was loaded.
struct LoadReport {
  Metadata metadata;
  /// Tensors that the file lacks, and those that the plan does not have: none
  /// unless Matching::AllowMissing passed over them.
  std::vector<std::string> missing, extra;
};

class Session {
public:
  /// Allocates all that the plan needs and runs its "init" where it has one.
  static StatusOr<std::unique_ptr<Session>>
  create(std::shared_ptr<const Plan> plan, SessionOptions options);

  const Plan &plan() const { return *openPlan; }
  int numThreads() const { return threads; }
  /// The host's that compute, for other work between runs; else null.
  ThreadPool *computingThreads() { return device->threads(); }

  /// In a child by fork() a session is to read, save and destroy, where its
  /// device is the host: init() and run() return InvalidArgument there.
  ///
  /// Zeroes the state, sets "seed" and runs "init" where the plan has one.
  Status init(int64_t seed);

  /// Runs an entry point of plan(). `inputs` holds one pointer per input, each
  /// to numElements(batch) elements, borrowed until return. InvalidArgument for
  /// a batch out of range, a null or misaligned pointer, or a value beyond an
  /// input's index limit, naming the input. Where it fails halfway, the state
  /// is not that of a whole step: calls that want it say so, until init() or
  /// a load of a checkpoint.
  Status run(const EntryPoint &entry, const void *const *inputs, int64_t batch);

  /// The same with inputs that may be on the device; indices among these are
  /// not looked at. InvalidArgument also for memory that is not the device's,
  /// or less than the input takes; Unsupported where the device's is the
  /// host's.
  Status run(const EntryPoint &entry, const RunInputs &inputs, int64_t batch);

  /// Memory of the host's for inputs that a device copies from while the host
  /// goes on (RunInputs::isPinned), and when it has done so for all runs.
  StatusOr<DeviceMemory> allocatePinned(int64_t sizeBytes) {
    return device->allocatePinned(sizeBytes);
  }
  Status waitForInputs() { return device->waitForInputs(); }

  /// Whether the device has memory that is not the host's.
  bool hasDeviceMemory() const { return !device->sharesHostMemory(); }

  /// Whether samples of a set may be held on the device, so that nothing is
  /// copied for a run, and how much memory there is for them.
  bool holdsSamples() const { return device->holdsSamples(); }
  StatusOr<int64_t> freeBytes() const { return device->freeBytes(); }

  /// Memory for samples of an input, and for an order of so many; it is given
  /// back before the session goes.
  StatusOr<DeviceMemory> allocateColumn(const TensorInfo &input,
                                        int64_t numSamples);
  StatusOr<DeviceMemory> allocateOrder(int64_t count);

  /// Between runs. InvalidArgument for a value beyond the input's index limit,
  /// naming it and the sample.
  Status writeColumn(const TensorInfo &input, const DeviceMemory &column,
                     int64_t first, const void *samples, int64_t count);
  Status writeOrder(const DeviceMemory &order,
                    const std::vector<int64_t> &samples);

  /// Runs on a batch of samples that are held, one column an input.
  Status run(const EntryPoint &entry, const HeldBatch &batch);

  /// What runs on the next batch of a training step: itself, or what only adds
  /// its gradients to those that wait, while the recipe has more batches make
  /// up an update.
  StatusOr<std::string> nextTrainingEntry(std::string_view step) const;

  /// Zeroes what sequences keep for their next tokens: they begin anew.
  Status restartSequences();
  /// Appends what the last run of "generate" has to the `position` tokens
  /// before. InvalidArgument where one has no place more.
  Status appendToSequences(int64_t position);

  /// The entry point that ran last, with its batch. Null before the first.
  const EntryPoint *lastRun() const { return lastEntry; }
  int64_t lastBatch() const { return batchOfLastRun; }

  /// Data of an output of the last run on the host, to read until the next
  /// one. `output` is one of lastRun()->outputs. Waits for a device that is
  /// still at it; DeviceError if it failed.
  StatusOr<const void *> outputData(const TensorInfo &output) const;

  /// Where it is on the device; a stream of the caller's waits for the run.
  /// Unsupported where the device works in the host's memory.
  StatusOr<const void *> outputOnDevice(const TensorInfo &output,
                                        void *stream) const;

  /// Sum over the outputs of that kind in the last run, each a scalar: the loss
  /// ("loss"). 0 where there is none.
  StatusOr<double> outputSum(std::string_view kind) const;

  /// A scalar output of the last run, such as a metric.
  StatusOr<double> outputScalar(const TensorInfo &output) const;

  /// The outputs of the last run that are wanted, to be read later. Where the
  /// device has memory of its own they come to the host while further runs go
  /// on, unless they are large.
  StatusOr<RunOutputs>
  takeOutputs(const std::function<bool(const TensorInfo &)> &wanted);

  /// How many runs' outputs may be on their way at once; 0: they are read
  /// before the next run.
  int64_t mostTaken() const { return device->mostSends(); }

  /// Tells the next runs how many samples of their set come before the batch:
  /// what random numbers a sample of "predict" and "eval_step" draws depends on
  /// its place in the set. Nothing where the plan draws none.
  Status setFirstSample(int64_t first);

  Status readState(std::string_view name, void *data, size_t sizeBytes) const;
  Status writeState(std::string_view name, const void *data, size_t sizeBytes);
  StatusOr<double> scalar(std::string_view name) const;
  Status setScalar(std::string_view name, double value);

  /// Whether all the floating-point numbers of the state are finite. NotFinite
  /// if not, naming the first tensor, its first such element and how many.
  Status checkFinite() const;

  /// Writes a safetensors file, whole or not at all. `metadata` goes into its
  /// header. A checkpoint has the optimizer's state and the scalars under
  /// prefixes of their own, so that it can be read as weights too. Weights are
  /// written in the plan's order, and the metadata say which. `kept` are
  /// tensors on the host, with names under keptPrefix, which a load passes
  /// over.
  Status save(const std::string &path, SaveKind kind,
              const Metadata &metadata = {},
              const std::vector<TensorToSave> &kept = {}) const;

  /// Reads one. InvalidFile if tensors are missing, unknown or misshapen,
  /// naming all; nothing is changed then. AllowMissing leaves what is missing
  /// as it was and passes over what is unknown, but not if that is everything.
  /// InvalidFile too where nothing tells in which order the dimensions of
  /// weights stand.
  /// `report` is filled unless null.
  Status load(const std::string &path, SaveKind kind, LoadOptions options = {},
              LoadReport *report = nullptr);

  /// From the next run on, `profile` receives the time of each command of
  /// `entry`. Null: no more.
  void setProfile(const EntryPoint &entry, Profile *profile);

  /// From the next run on, `numerics` receives what the commands of each run
  /// first write that is not finite. Null: no more. Unsupported where the
  /// device's memory is not the host's.
  Status setNumerics(Numerics *numerics);

private:
  friend class RunOutputs;

  Session() = default;
  Status checkRoom() const;
  Status allocate(SessionOptions &options);
  Status checkBatch(int64_t batch) const;
  Status checkInputs(const EntryPoint &entry, const RunInputs &inputs,
                     int64_t batch) const;
  Status start(const EntryPoint &entry, const RunInputs &inputs, int64_t batch);
  size_t indexOf(const EntryPoint &entry) const;
  void *stateData(const StateTensor &tensor) const;
  /// Writes a state tensor, and its rounded copy where it has one.
  Status store(const StateTensor &tensor, const void *data);
  Status storeFromFile(const SafetensorsFile &file, const SavedTensor &saved,
                       const StateTensor &tensor);
  const void *addressOf(const BufferRef &buffer) const;
  bool isOnHost(const TensorInfo &output) const;
  Status fetch(const TensorInfo &output) const;
  void forgetOutputs();
  std::vector<Transfer> listSent(const RunOutputs &outputs) const;
  Status receive(int64_t number) const { return device->receive(number); }

  /// OK unless this is a child of the process that made the session.
  Status checkProcess() const;

  std::shared_ptr<const Plan> openPlan;
  ProcessMark process;
  int threads = 1;
  std::unique_ptr<Device> device;
  DeviceMemory state;
  DeviceMemory arena;
  DeviceMemory constants;
  /// Indexed like Plan::entryPoints.
  std::vector<Executor> executors;
  std::vector<Profile *> profiles;
  Numerics *numerics = nullptr;

  /// OK, or why the state is not that of a whole step.
  Status torn;

  const EntryPoint *lastEntry = nullptr;
  int64_t batchOfLastRun = 0;
  std::vector<const void *> lastInputs;
  bool areInputsOnHost = true;

  /// An output of the last run, copied from the device when it is asked for.
  struct HostCopy {
    std::vector<char> bytes;
    bool isFetched = false;
  };
  /// Indexed like lastEntry->outputs; not used where the device shares the
  /// host's memory.
  mutable std::vector<HostCopy> hostCopies;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_SESSION_H
