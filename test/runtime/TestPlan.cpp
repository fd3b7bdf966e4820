// Builds the plan with FlatBuffers' own builders.
#include "test/runtime/TestPlan.h"

#include "runtime/Random.h"
#include "runtime/device/CpuDevice.h"
#include "runtime/plan_generated.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace nnc::runtime::test {

namespace fb = flatbuffers;

template <typename T> static T *as(void *const *buffers, int index) {
  return static_cast<T *>(buffers[index]);
}

// w, seed, learning_rate, step. Each weight is drawn from [0, 1).
static void initialize(void *const *buffers, int64_t, int64_t begin,
                       int64_t end, void *) {
  for (int64_t i = begin; i < end; ++i)
    as<float>(buffers, 0)[i] =
        randomWord(*as<int64_t>(buffers, 1), 0, 0, i) * 0x1p-32f;
  *as<float>(buffers, 2) = 0.01f;
  *as<int64_t>(buffers, 3) = 0;
}

// x, w -> y. Extent: the batch.
static void predict(void *const *buffers, int64_t, int64_t begin, int64_t end,
                    void *) {
  for (int64_t b = begin; b < end; ++b) {
    float sum = 0;
    for (int i = 0; i < 4; ++i)
      sum += as<float>(buffers, 0)[4 * b + i] * as<float>(buffers, 1)[i];
    as<float>(buffers, 2)[b] = sum;
  }
}

// y, label -> loss. Uses its scratch, so that a test sees that there is some.
static void meanSquare(void *const *buffers, int64_t batch, int64_t, int64_t,
                       void *scratch) {
  auto &sum = *static_cast<float *>(scratch);
  sum = 0;
  for (int64_t b = 0; b < batch; ++b) {
    float error = as<float>(buffers, 0)[b] - as<uint8_t>(buffers, 1)[b];
    sum += error * error;
  }
  *as<float>(buffers, 2) = sum / batch;
}

// x, y, label, learning_rate, w, step.
static void update(void *const *buffers, int64_t batch, int64_t begin,
                   int64_t end, void *) {
  for (int64_t i = begin; i < end; ++i) {
    float gradient = 0;
    for (int64_t b = 0; b < batch; ++b)
      gradient += 2 * as<float>(buffers, 0)[4 * b + i] *
                  (as<float>(buffers, 1)[b] - as<uint8_t>(buffers, 2)[b]);
    as<float>(buffers, 4)[i] -= *as<float>(buffers, 3) * gradient / batch;
  }
  if (begin == 0)
    ++*as<int64_t>(buffers, 5);
}

nnc_kernel_fn testKernel(const std::string &name) {
  return name == "initialize"    ? initialize
         : name == "predict"     ? predict
         : name == "mean_square" ? meanSquare
                                 : update;
}

namespace {
class TestDevice : public CpuDevice {
public:
  using CpuDevice::CpuDevice;

  Status load(const Plan &plan) override {
    for (const Kernel &kernel : plan.code.kernels)
      kernels.push_back(testKernel(kernel.name));
    return allocateScratch(plan.scratchBytes());
  }
};
} // namespace

std::unique_ptr<Device> testDevice(int numThreads) {
  return std::make_unique<TestDevice>(numThreads);
}

static Command launch(uint32_t kernel, std::vector<BufferRef> buffers,
                      Extent extent) {
  Command command;
  command.kernel = kernel;
  command.buffers = std::move(buffers);
  command.extent = extent;
  command.source = "line.nn:1:1";
  return command;
}

/// State and settings of a line's plan.
static PlanSource lineWithoutEntryPoints() {
  PlanSource plan;
  plan.image.assign(64, 0xc3);
  plan.kernels = {{"initialize", 0, "rows"},
                  {"predict", 16, "contraction"},
                  {"mean_square", 32, "rows"},
                  {"update", 48, "contraction"}};
  plan.state = {{"w", Role::Parameter, ElementType::F32, {4}, 0},
                {"w.m", Role::OptimizerState, ElementType::F32, {4}, 64},
                {"seed", Role::Scalar, ElementType::I64, {}, 128},
                {"step", Role::Scalar, ElementType::I64, {}, 192},
                {"learning_rate", Role::Scalar, ElementType::F32, {}, 256}};
  plan.stateBytes = 320;
  plan.recipe = {
      8,
      3,
      0.25,
      5,
      {{"train", {"x", "label"}, "csv", {{"path", "line.csv"}}, "line.nn:9:3"}},
      {{"clip_norm", 0, 0.5}, {"patience", 7, 0}},
      {{"x", "normalize", {{"mean", "0.5"}}, "line.nn:10:5"}}};
  return plan;
}

PlanSource linePlan() {
  const BufferRef w{Region::State, 0, 0, {16}};
  const BufferRef seed{Region::State, 0, 128, {8}};
  const BufferRef step{Region::State, 0, 192, {8}};
  const BufferRef learningRate{Region::State, 0, 256, {4}};
  const BufferRef x{Region::Input, 0, 0, {0, 16}};
  const BufferRef label{Region::Input, 1, 0, {0, 1}};
  const BufferRef y{Region::Arena, 0, 0, {0, 4}};
  const BufferRef loss{Region::Arena, 0, 64, {4}};
  const BufferRef copy{Region::Arena, 0, 128, {16}};
  const Extent batch{0, 1};

  PlanSource plan = lineWithoutEntryPoints();

  EntryPoint init;
  init.name = "init";
  init.commands = {launch(0, {w, seed, learningRate, step}, {4})};
  init.commands[0].grain = 8;

  EntryPoint train;
  train.name = "train_step";
  train.inputs = {{"x", ElementType::F32, {-1, 4}, 0, {}, ""},
                  {"label", ElementType::U8, {-1}, 10, {}, ""}};
  train.outputs = {{"loss", ElementType::F32, {}, 0, loss, "loss"},
                   {"copy", ElementType::F32, {4}, 0, copy, "output"}};
  Command copyWeights;
  copyWeights.kind = Command::Kind::Copy;
  copyWeights.buffers = {w, copy};
  train.commands = {
      launch(1, {x, w, y}, batch), launch(2, {y, label, loss}, {1}),
      launch(3, {x, y, label, learningRate, w, step}, {4}), copyWeights};
  train.arenaBytes = 192;
  train.scratchBytes = 4;

  EntryPoint predictions;
  predictions.name = "predict";
  predictions.inputs = {train.inputs[0]};
  predictions.outputs = {{"y", ElementType::F32, {-1}, 0, y, "output"}};
  predictions.commands = {launch(1, {x, w, y}, batch)};
  predictions.arenaBytes = 64;

  plan.entryPoints = {init, train, predictions};
  return plan;
}

static plan::Extent pack(const Extent &extent) {
  return {extent.constant, extent.perBatch, extent.divisor};
}

static plan::Buffer pack(const BufferRef &buffer) {
  return {static_cast<plan::Region>(buffer.region), buffer.index,
          buffer.offsetBytes, pack(buffer.sizeBytes)};
}

static auto pack(fb::FlatBufferBuilder &b,
                 const std::vector<std::string> &strings) {
  return b.CreateVectorOfStrings(strings);
}

static fb::Offset<plan::Tensor> pack(fb::FlatBufferBuilder &b,
                                     const TensorInfo &tensor) {
  plan::Buffer buffer = pack(tensor.buffer);
  bool isOutput = !tensor.kind.empty();
  return plan::CreateTensorDirect(
      b, tensor.name.c_str(),
      static_cast<plan::ElementType>(tensor.elementType), &tensor.shape,
      tensor.indexLimit, isOutput ? &buffer : nullptr,
      isOutput ? tensor.kind.c_str() : nullptr,
      static_cast<plan::Better>(tensor.better),
      tensor.classesOf.empty() ? nullptr : tensor.classesOf.c_str());
}

static plan::MatrixLayout pack(const MatrixLayout &layout) {
  return {layout.transposed, pack(layout.leading), pack(layout.stride)};
}

static std::vector<plan::Slot> pack(const std::vector<Slot> &slots) {
  std::vector<plan::Slot> packed;
  for (const Slot &slot : slots)
    packed.emplace_back(slot.buffer, slot.moves, slot.first, slot.count,
                        pack(slot.stride));
  return packed;
}

static fb::Offset<void> pack(fb::FlatBufferBuilder &b, const Matmul &matmul,
                             const std::vector<plan::Buffer> &buffers) {
  plan::Extent count = pack(matmul.count), m = pack(matmul.m),
               n = pack(matmul.n), k = pack(matmul.k);
  plan::MatrixLayout layoutA = pack(matmul.a), layoutB = pack(matmul.b),
                     layoutD = pack(matmul.d);
  return plan::CreateMatmulDirect(
             b, matmul.name.c_str(), &buffers, &count, &m, &n, &k, &layoutA,
             &layoutB, &layoutD,
             static_cast<plan::ElementType>(matmul.operandType),
             static_cast<plan::ElementType>(matmul.resultType),
             matmul.allowTf32, static_cast<plan::Epilogue>(matmul.epilogue))
      .Union();
}

static fb::Offset<void> pack(fb::FlatBufferBuilder &b, const Command &command) {
  std::vector<plan::Buffer> buffers;
  for (const BufferRef &buffer : command.buffers)
    buffers.push_back(pack(buffer));
  std::vector<plan::Slot> slots = pack(command.slots);
  if (command.kind == Command::Kind::Copy)
    return plan::CreateCopyDirect(b, &buffers[0], &buffers[1], &slots).Union();
  if (command.kind == Command::Kind::Loop)
    return plan::CreateLoopDirect(b, command.loop.steps, command.loop.length,
                                  command.loop.reverse, command.loop.rows,
                                  command.loop.grain, command.source.c_str())
        .Union();
  if (command.kind == Command::Kind::Matmul)
    return pack(b, command.matmul, buffers);
  plan::Extent extent = pack(command.extent), flop = pack(command.flop),
               traffic = pack(command.trafficBytes);
  return plan::CreateLaunchDirect(b, command.kernel, &buffers, &extent,
                                  command.grain, &flop, &traffic,
                                  command.source.c_str(), &slots)
      .Union();
}

static fb::Offset<plan::EntryPoint> pack(fb::FlatBufferBuilder &b,
                                         const EntryPoint &entry) {
  std::vector<fb::Offset<plan::Tensor>> inputs, outputs;
  std::vector<fb::Offset<void>> commands;
  std::vector<plan::Command> types;
  for (const TensorInfo &input : entry.inputs)
    inputs.push_back(pack(b, input));
  for (const TensorInfo &output : entry.outputs)
    outputs.push_back(pack(b, output));
  for (const Command &command : entry.commands) {
    commands.push_back(pack(b, command));
    types.push_back(
        command.kind == Command::Kind::Launch   ? plan::Command::Launch
        : command.kind == Command::Kind::Matmul ? plan::Command::Matmul
        : command.kind == Command::Kind::Loop   ? plan::Command::Loop
                                                : plan::Command::Copy);
  }
  return plan::CreateEntryPointDirect(
      b, entry.name.c_str(), &inputs, &outputs, &types, &commands,
      entry.arenaBytes, entry.scratchBytes, entry.context,
      entry.shortOf.empty() ? nullptr : entry.shortOf.c_str());
}

static fb::Offset<plan::Code> packCode(fb::FlatBufferBuilder &b,
                                       const PlanSource &source) {
  std::vector<fb::Offset<plan::Kernel>> kernels;
  for (const Kernel &kernel : source.kernels)
    kernels.push_back(plan::CreateKernelDirect(
        b, kernel.name.c_str(), kernel.offsetBytes, kernel.kind.c_str(),
        kernel.threads, kernel.unit));
  std::vector<fb::Offset<plan::Module>> modules;
  for (const PlanSource::Module &module : source.modules) {
    auto architecture = b.CreateString(module.architecture);
    auto bytes =
        b.CreateVector(reinterpret_cast<const uint8_t *>(module.bytes.data()),
                       module.bytes.size());
    modules.push_back(plan::CreateModule(b, module.unit, architecture, bytes));
  }
  auto target = b.CreateString(source.target);
  auto features = pack(b, source.features);
  auto image = b.CreateVector(source.image);
  auto kernelTable = b.CreateVector(kernels);
  return plan::CreateCode(b, target, features, image, kernelTable,
                          b.CreateVector(modules));
}

static fb::Offset<plan::SampleStep> pack(fb::FlatBufferBuilder &b,
                                         const SampleStep &step) {
  std::vector<std::string> names, values;
  for (const auto &[name, value] : step.arguments) {
    names.push_back(name);
    values.push_back(value);
  }
  auto input = b.CreateString(step.input);
  auto name = b.CreateString(step.step);
  auto argumentNames = pack(b, names);
  auto argumentValues = pack(b, values);
  return plan::CreateSampleStep(b, input, name, argumentNames, argumentValues,
                                b.CreateString(step.source));
}

static fb::Offset<plan::Recipe> pack(fb::FlatBufferBuilder &b,
                                     const Recipe &recipe) {
  std::vector<fb::Offset<plan::DataBinding>> bindings;
  for (const DataBinding &binding : recipe.data) {
    std::vector<std::string> names, values;
    for (const auto &[name, value] : binding.arguments) {
      names.push_back(name);
      values.push_back(value);
    }
    auto split = b.CreateString(binding.split);
    auto inputs = pack(b, binding.inputs);
    auto reader = b.CreateString(binding.reader);
    auto argumentNames = pack(b, names);
    auto argumentValues = pack(b, values);
    bindings.push_back(plan::CreateDataBinding(b, split, inputs, reader,
                                               argumentNames, argumentValues,
                                               b.CreateString(binding.source)));
  }
  std::vector<fb::Offset<plan::Setting>> settings;
  for (const Setting &setting : recipe.settings)
    settings.push_back(plan::CreateSettingDirect(
        b, setting.name.c_str(), setting.integer, setting.real));
  std::vector<fb::Offset<plan::SampleStep>> steps;
  for (const SampleStep &step : recipe.sampleSteps)
    steps.push_back(pack(b, step));
  std::vector<fb::Offset<plan::TrainingStep>> turns;
  for (const TrainingStep &step : recipe.steps)
    turns.push_back(
        plan::CreateTrainingStepDirect(b, step.entryPoint.c_str(), step.times));
  return plan::CreateRecipeDirect(
      b, recipe.batch, recipe.epochs, recipe.validation, &bindings, recipe.seed,
      &settings, &steps, recipe.steps.empty() ? nullptr : &turns);
}

std::vector<uint8_t> serialize(const PlanSource &source) {
  fb::FlatBufferBuilder b;
  std::vector<fb::Offset<plan::EntryPoint>> entries;
  for (const EntryPoint &entry : source.entryPoints)
    entries.push_back(pack(b, entry));
  std::vector<fb::Offset<plan::StateTensor>> state;
  for (const StateTensor &tensor : source.state)
    state.push_back(plan::CreateStateTensorDirect(
        b, tensor.name.c_str(), static_cast<plan::Role>(tensor.role),
        static_cast<plan::ElementType>(tensor.elementType), &tensor.shape,
        tensor.offsetBytes, tensor.frozen,
        tensor.pytorchDims.empty() ? nullptr : &tensor.pytorchDims,
        tensor.appendsTo, tensor.averageOf, tensor.roundedFrom));
  std::vector<fb::Offset<plan::NameTable>> tables;
  for (const PlanSource::Names &table : source.nameTables) {
    auto lines = b.CreateVectorOfStrings(table.lines);
    tables.push_back(
        plan::CreateNameTable(b, b.CreateString(table.name), lines));
  }
  auto code = packCode(b, source);
  auto recipe = pack(b, source.recipe);
  plan::FinishPlanBuffer(
      b, plan::CreatePlanDirect(
             b, source.version, "nnc 0.1.0", source.model.c_str(),
             source.maxBatch, code, &entries, &state, source.stateBytes,
             &source.constants, recipe, plan::WeightsOrder(source.weightsOrder),
             tables.empty() ? nullptr : &tables));
  return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
}

std::shared_ptr<const Plan> openPlan(const PlanSource &source) {
  std::vector<uint8_t> bytes = serialize(source);
  auto plan = Plan::fromMemory(bytes.data(), bytes.size());
  EXPECT_TRUE(plan.isOk()) << plan.status().message();
  return plan.isOk() ? *plan : nullptr;
}

std::unique_ptr<Session> openSession(const PlanSource &source, int numThreads,
                                     int64_t seed) {
  SessionOptions options;
  options.threads = numThreads;
  options.seed = seed;
  options.device = testDevice(numThreads);
  auto session = Session::create(openPlan(source), std::move(options));
  EXPECT_TRUE(session.isOk()) << session.status().message();
  return session.isOk() ? std::move(*session) : nullptr;
}

namespace {
struct TemporaryFolder {
  TemporaryFolder()
      : path(std::filesystem::temp_directory_path() /
             ("nnc-runtime-test-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::filesystem::path path;
};
} // namespace

std::string temporaryPath(const std::string &name) {
  static TemporaryFolder folder;
  return folder.path / name;
}

void writeFile(const std::string &path, const std::string &content) {
  std::ofstream(path, std::ios::binary) << content;
}

PlanHandle openIdlePlan() {
  std::vector<uint8_t> bytes = serialize(linePlan());
  nnc_plan_t *plan = nullptr;
  nnc_status_t status = nnc_plan_open_memory(bytes.data(), bytes.size(), &plan);
  EXPECT_EQ(status.code, NNC_OK) << status.message;
  return PlanHandle(plan);
}

SessionHandle openIdleSession(const PlanHandle &plan) {
  SessionHandle session;
  nnc_session_options_t options = {};
  options.threads = 1;
  options.seed = 9;
  nnc_status_t status = createSession(plan, options, session);
  EXPECT_EQ(status.code, NNC_OK) << status.message;
  return session;
}

} // namespace nnc::runtime::test
