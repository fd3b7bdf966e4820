// A compiled program, opened and verified: plan.fbs as plain values. Nothing in
// a Plan needs a second check; the executor and the tools index with it freely.
#ifndef NNC_RUNTIME_PLAN_H
#define NNC_RUNTIME_PLAN_H

#include "runtime/File.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"
#include "runtime/WeightNames.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// ceil((constant + perBatch * batch) / divisor), in the unit its field states.
struct Extent {
  int64_t constant = 0;
  int64_t perBatch = 0;
  int64_t divisor = 1;

  /// Neither overflows nor is negative for a batch of the plan's: verified.
  int64_t at(int64_t batch) const {
    int64_t numerator = constant + perBatch * batch;
    // By far the commonest, and a division costs as much as a short command.
    if (divisor == 1)
      return numerator;
    return numerator / divisor + (numerator % divisor > 0);
  }
};

enum class Region : uint8_t { State, Arena, Input, Constant, Thread };

struct BufferRef {
  Region region = Region::State;
  /// Which input, for Region::Input; else 0.
  int32_t index = 0;
  int64_t offsetBytes = 0;
  Extent sizeBytes;
};

/// Where a buffer of a command is among equal slots, one behind another from
/// its offset on: in slot (first + step) mod count, or, unless it moves,
/// `first`.
struct Slot {
  uint32_t buffer = 0;
  bool moves = false;
  int64_t first = 0;
  int64_t count = 1;
  /// Bytes from one to the next.
  Extent stride;

  int64_t at(int64_t step) const {
    int64_t number = moves ? first + step : first;
    return number < count ? number : number % count;
  }
};

/// Runs the `length` commands that follow it `steps` times; none is a loop.
struct Loop {
  int64_t steps = 1;
  size_t length = 1;
  /// From the last step to the first.
  bool reverse = false;
  /// The most samples that a thread takes through all steps at a time; 0: the
  /// commands are run one after another.
  int64_t rows = 0;
  /// The fewest samples worth a thread of their own.
  int64_t grain = 1;
};

/// How a matrix lies in memory: element (row, column) is at row * leading +
/// column, or at column * leading + row if `transposed`; in elements.
struct MatrixLayout {
  bool transposed = false;
  Extent leading;
  /// From one matrix of a batched product to the next.
  Extent stride;
};

/// d[o, m, n] = epilogue(sum over k of a[o, m, k] * b[o, k, n]).
struct Matmul {
  enum class Epilogue : uint8_t { None, Bias, Relu, BiasRelu };

  std::string name;
  Extent count, m, n, k;
  MatrixLayout a, b, d;
  ElementType operandType = ElementType::F32;
  ElementType resultType = ElementType::F32;
  bool allowTf32 = false;
  Epilogue epilogue = Epilogue::None;

  bool hasBias() const {
    return epilogue == Epilogue::Bias || epilogue == Epilogue::BiasRelu;
  }
  bool hasRelu() const {
    return epilogue == Epilogue::Relu || epilogue == Epilogue::BiasRelu;
  }
};

/// What a command writes last: after it, the buffer holds a value of the
/// program, elements of this type without gaps.
struct Written {
  uint32_t buffer = 0;
  ElementType elementType = ElementType::F32;
};

struct Command {
  enum class Kind : uint8_t { Launch, Copy, Matmul, Loop };
  Kind kind = Kind::Launch;
  /// Launch: what the kernel's `buffers` argument holds. Copy: from, to.
  /// Matmul: a, b, d, the bias if there is one, then perhaps a workspace.
  std::vector<BufferRef> buffers;
  /// Of those that lie in slots.
  std::vector<Slot> slots = {};
  /// A matmul's alone.
  Matmul matmul;
  /// A loop's alone.
  Loop loop;
  /// A launch's alone.
  uint32_t kernel = 0;
  Extent extent;
  int64_t grain = 1;
  /// Not of a copy or a loop.
  Extent flop;
  Extent trafficBytes;
  /// "file:line:column" in the model; may be empty.
  std::string source;
  /// Of a launch, the op of the model that it is of; empty: of several, or not
  /// known.
  std::string op;
  /// It computes what was there before and was not kept.
  bool isAgain = false;
  /// Of a launch or a matmul, those of floating-point numbers.
  std::vector<Written> written = {};
};

/// Which values of a metric are better.
enum class Better : uint8_t { Unknown, Larger, Smaller };

/// A tensor that a caller passes in or reads back.
struct TensorInfo {
  std::string name;
  ElementType elementType = ElementType::F32;
  Shape shape;
  /// Inputs: values must be in [0, indexLimit). 0: any.
  int64_t indexLimit = 0;
  /// Outputs: where the value is.
  BufferRef buffer;
  /// Outputs: "loss", "metric", "confusion", "output", "gradient",
  /// "input_gradient", "layer", "layer_gradient", or one of MetricSums.h
  /// or MetricScores.h.
  std::string kind;
  Better better = Better::Unknown;
  /// Of a confusion matrix: the input that has the labels; empty: not known.
  std::string classesOf = {};

  /// Number of elements at `batch`: verified not to overflow.
  int64_t numElements(int64_t batch) const;
  int64_t sizeBytes(int64_t batch) const;
};

/// Whether one may stand for the other: the same name, type and shape.
bool isSameInput(const TensorInfo &one, const TensorInfo &other);

struct EntryPoint {
  std::string name;
  std::vector<TensorInfo> inputs;
  std::vector<TensorInfo> outputs;
  /// The body of a loop follows it.
  std::vector<Command> commands;
  int64_t arenaBytes = 0;
  int64_t scratchBytes = 0;
  /// "generate": how many tokens a sequence may have; 0: any number.
  int64_t context = 0;
  /// Of which entry point it is a short form; empty: of none.
  std::string shortOf = {};
};

/// A scalar of the state that runs set and files do not have: how many samples
/// of the set come before the batch.
inline constexpr const char *firstSampleName = "first_sample";

enum class Role : uint8_t {
  Parameter,
  Buffer,
  OptimizerState,
  Scalar,
  Generation
};

/// How the dimensions of weights stand in a file.
enum class WeightsOrder : uint8_t { Nnc, Pytorch };

struct StateTensor {
  std::string name;
  Role role = Role::Parameter;
  ElementType elementType = ElementType::F32;
  Shape shape;
  int64_t offsetBytes = 0;
  /// Training leaves it as it is.
  bool frozen = false;
  /// Which of its dimensions each of PyTorch's tensor is; empty: they are
  /// alike.
  std::vector<int64_t> pytorchDims = {};
  /// Index into Plan::state of what its value is appended to along dimension 1
  /// once "generate" has run; -1: nothing.
  int32_t appendsTo = -1;
  /// Index into Plan::state of what it is the average of, and of its own
  /// average; -1: none.
  int32_t averageOf = -1;
  int32_t average = -1;
  /// Index into Plan::state of the parameter whose value it is, rounded, and of
  /// its own value so; -1: none.
  int32_t roundedFrom = -1;
  int32_t rounded = -1;

  int64_t numElements() const;
  int64_t sizeBytes() const;
};

struct Kernel {
  std::string name;
  int64_t offsetBytes = 0;
  /// "contraction", "rows", "movement", "scatter", "elements" or "reference".
  std::string kind;
  /// GPU: threads a block; 0 on a CPU.
  int64_t threads = 0;
  /// GPU: which unit of MachineCode::modules has it.
  uint32_t unit = 0;
  /// Why it is not of the form that is fast for its kind; empty: it is.
  std::string refusal = {};
};

/// Bytes inside a plan, borrowed from it.
struct Bytes {
  const uint8_t *data = nullptr;
  int64_t sizeBytes = 0;
};

/// GPU: one unit of kernels compiled for one architecture.
struct CodeModule {
  /// What a kernel uses, of each thread but for `sharedBytes`.
  struct Resources {
    uint32_t kernel = 0;
    uint32_t registers = 0;
    uint32_t stackBytes = 0;
    uint32_t spillBytes = 0;
    uint32_t sharedBytes = 0;
  };

  uint32_t unit = 0;
  /// "sm_90": a cubin. "compute_90": PTX, for later architectures too.
  std::string architecture;
  Bytes image;
  /// Of some of the unit's kernels; for reports.
  std::vector<Resources> resources;
};

/// Machine code for one target.
struct MachineCode {
  std::string target;
  std::vector<std::string> features;
  std::vector<Kernel> kernels;
  Bytes image;
  std::vector<CodeModule> modules;
  /// The kernels' source; may be empty.
  std::string text;
};

/// How to read some of the model's inputs from files.
struct DataBinding {
  /// "train", "validation" or "test".
  std::string split;
  std::vector<std::string> inputs;
  /// "idx", "npy", "csv".
  std::string reader;
  std::vector<std::pair<std::string, std::string>> arguments;
  /// "file:line:column" of the binding; may be empty.
  std::string source;
};

/// What the samples of an input go through between file and model.
struct SampleStep {
  std::string input;
  /// One of runtime/SampleSteps.h, with arguments that it may have.
  std::string step;
  std::vector<std::pair<std::string, std::string>> arguments;
  /// "file:line:column" of the step; may be empty.
  std::string source;
};

/// A number or text of the recipe that nothing has a field for.
struct Setting {
  std::string name;
  /// The one that the number's kind says (runtime/RecipeNumbers.h).
  int64_t integer = 0;
  double real = 0;
  /// Empty: it is a number.
  std::string text = {};
};

/// A training step in the order of a round, and how often it runs in its turn;
/// 0: it is in no round.
struct TrainingStep {
  std::string entryPoint;
  int64_t times = 1;
};

/// A learning rate that becomes smaller where training no longer helps.
struct Plateau {
  /// The scalar of the state that holds it.
  std::string rate;
  /// Empty: the validation loss, or the loss where nothing is held out.
  std::string metric;
  double factor = 0.1;
  int64_t patience = 10;
  /// As a share of the best value.
  double leastChange = 1e-4;
  double final = 0;
};

/// How the model asks to be trained.
struct Recipe {
  int64_t batch = 32;
  int64_t epochs = 1;
  double validation = 0;
  int64_t seed = 0;
  std::vector<DataBinding> data;
  std::vector<Setting> settings;
  std::vector<SampleStep> sampleSteps = {};
  /// Of entry points that have a loss, each a training step. Empty where the
  /// plan does not train.
  std::vector<TrainingStep> steps = {};
  std::vector<Plateau> plateaus = {};

  /// How many batches an update is made of.
  int64_t accumulate() const;

  /// Null if the model does not say it.
  const Setting *findSetting(std::string_view name) const {
    for (const Setting &setting : settings)
      if (setting.name == name)
        return &setting;
    return nullptr;
  }
};

/// How the weights are called in the files of others.
struct NameTable {
  std::string name;
  std::vector<NameLine> lines;
};

class Plan {
public:
  /// Reads and verifies a file. NotFound or IoError where it cannot be read,
  /// InvalidFile where it is not a plan, Unsupported for another version.
  static StatusOr<std::shared_ptr<const Plan>> open(const std::string &path);

  /// The same from `sizeBytes` bytes at `data`, which are copied. `origin`
  /// names them in messages.
  static StatusOr<std::shared_ptr<const Plan>>
  fromMemory(const void *data, size_t sizeBytes,
             const std::string &origin = "plan");

  /// The same from bytes that outlive the plan, on a NNC_ALIGNMENT_BYTES
  /// boundary; they are not copied.
  static StatusOr<std::shared_ptr<const Plan>>
  fromStatic(const void *data, size_t sizeBytes,
             const std::string &origin = "plan");

  std::string producer;
  std::string model;
  int64_t maxBatch = 1;
  MachineCode code;
  std::vector<EntryPoint> entryPoints;
  std::vector<StateTensor> state;
  int64_t stateBytes = 0;
  Bytes constants;
  Recipe recipe;
  /// In which order weights are saved.
  WeightsOrder weightsOrder = WeightsOrder::Nnc;
  std::vector<NameTable> nameTables;

  /// Null if the plan has none of that name.
  const EntryPoint *findEntryPoint(std::string_view name) const;
  const StateTensor *findState(std::string_view name) const;

  /// The entry point of that name if it is a training step, else null.
  const EntryPoint *findTrainingStep(std::string_view name) const;

  /// Its short forms, in the plan's order.
  std::vector<const EntryPoint *> shortFormsOf(const EntryPoint &entry) const;

  /// What adds the gradients of the training step `name` to those that wait for
  /// an update; null where they are not accumulated.
  const EntryPoint *findAccumulating(std::string_view name) const;

  /// What the names of entry points and state that belong to the training step
  /// `name` begin with: its name and a dot; nothing where the model names none.
  static std::string scopeOf(std::string_view name);

  /// Of each tensor of the state whether the entry point reads it, or a part.
  std::vector<bool> stateReadBy(const EntryPoint &entry) const;

  /// For reports: the name of what a command runs, and its kind; both "copy" of
  /// a copy, and "loop" of a loop.
  const std::string &nameOf(const Command &command) const;
  const std::string &kindOf(const Command &command) const;
  /// Why its kernel is not of the form that is fast for its kind; empty: it is.
  const std::string &refusalOf(const Command &command) const;

  /// The largest arena of any entry point; they share one.
  int64_t arenaBytes() const;
  /// The largest scratch of any entry point, per thread.
  int64_t scratchBytes() const;
  /// What a session on that many threads allocates: state, arena, constants
  /// and scratch.
  int64_t plannedBytes(int numThreads) const;

private:
  Plan() = default;
  static StatusOr<std::shared_ptr<const Plan>>
  readOwned(AlignedBytes content, const std::string &origin);
  static StatusOr<std::shared_ptr<const Plan>> read(const uint8_t *data,
                                                    size_t sizeBytes,
                                                    AlignedBytes content,
                                                    const std::string &origin);

  /// What `code.image` and `constants` point into, unless it is the caller's.
  AlignedBytes content;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_PLAN_H
