// Where the inputs of runs on a GPU come from: samples that it holds, pinned
// memory, and memory of its that is the caller's. See FakeCuda.h.
#include "test/runtime/cuda/CudaTest.h"

#include "runtime/TakeKernels.h"
#include "runtime/nnc.h"

#include <cstring>

using namespace nnc::runtime;
using namespace nnc::runtime::test;
using fakecuda::Order;

extern "C" {
int cuDevicePrimaryCtxRetain(void **context, int device);
int cuDevicePrimaryCtxRelease_v2(int device);
int cuCtxPushCurrent_v2(void *context);
int cuCtxPopCurrent_v2(void **context);
int cuMemAlloc_v2(unsigned long long *address, size_t size);
int cuMemFree_v2(unsigned long long address);
int cuStreamCreate(void **stream, unsigned flags);
int cuStreamDestroy_v2(void *stream);
int cuStreamSynchronize(void *stream);
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t size,
                         void *stream);
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t size,
                         void *stream);
}

template <int64_t unitBytes>
static void take(void *const *buffers, int64_t batch, int64_t begin,
                 int64_t end, void *) {
  const auto *samples = static_cast<const char *>(buffers[0]);
  const auto *order = static_cast<const int64_t *>(buffers[1]);
  const int64_t units = *static_cast<const int64_t *>(buffers[2]);
  auto *taken = static_cast<char *>(buffers[3]);
  for (int64_t i = begin * takeThreads; i < end * takeThreads; ++i)
    if (i < batch * units)
      std::memcpy(taken + i * unitBytes,
                  samples + (order[i / units] * units + i % units) * unitBytes,
                  unitBytes);
}

/// linePlan() for a GPU, with kernels that take samples.
static PlanSource holdingPlan() {
  PlanSource plan = linePlan();
  plan.target = "cuda";
  plan.image.clear();
  for (Kernel &kernel : plan.kernels)
    kernel.threads = 32;
  std::vector<std::tuple<std::string, int, int>> kernels = {
      {"initialize", 4, 32},
      {"predict", 3, 32},
      {"mean_square", 3, 32},
      {"update", 6, 32}};
  for (const TakeKernel &kernel : takeKernels) {
    plan.kernels.push_back({kernel.name, 0, "movement", takeThreads, 0});
    kernels.emplace_back(kernel.name, 4, int(takeThreads));
  }
  plan.modules = {{0, "sm_90", fakecuda::moduleImage(kernels)}};
  fakecuda::addKernel("take_samples_16", take<16>);
  fakecuda::addKernel("take_samples_4", take<4>);
  fakecuda::addKernel("take_samples_1", take<1>);
  return plan;
}

namespace {
constexpr int64_t numSamples = 40;

/// A set, and the order of an epoch: batches of 16, 16 and 8.
struct Set {
  Set() : x(4 * numSamples), label(numSamples), order(numSamples) {
    for (int64_t i = 0; i < numSamples; ++i) {
      for (int64_t j = 0; j < 4; ++j)
        x[size_t(4 * i + j)] = float((i * 7 + j * 3) % 11) - 5;
      label[size_t(i)] = uint8_t(i % 10);
      order[size_t(i)] = (i * 7 + 3) % numSamples;
    }
  }
  static int64_t batchAt(int64_t first) {
    return std::min<int64_t>(16, numSamples - first);
  }
  /// Epochs through the host's memory.
  std::vector<float> trainFromHost(Session &session, int epochs,
                                   bool isPinned = false) const;

  std::vector<float> x;
  std::vector<uint8_t> label;
  std::vector<int64_t> order;
};
} // namespace

static std::vector<float> weights(const Session &session) {
  std::vector<float> w(4);
  EXPECT_TRUE(session.readState("w", w.data(), 16).isOk());
  return w;
}

std::vector<float> Set::trainFromHost(Session &session, int epochs,
                                      bool isPinned) const {
  const EntryPoint &entry = *session.plan().findEntryPoint("train_step");
  // x of 16 samples, then their labels, as the device has them.
  std::vector<char> own(512);
  DeviceMemory pinned;
  if (isPinned)
    pinned = std::move(*session.allocatePinned(512));
  char *to = isPinned ? pinned.data() : own.data();
  for (int64_t first = 0; first < epochs * numSamples;
       first += batchAt(first % numSamples)) {
    const int64_t batch = batchAt(first % numSamples);
    EXPECT_TRUE(session.waitForInputs().isOk());
    for (int64_t b = 0; b < batch; ++b) {
      const int64_t sample = order[size_t(first % numSamples + b)];
      std::memcpy(to + 16 * b, &x[size_t(4 * sample)], 16);
      to[256 + b] = char(label[size_t(sample)]);
    }
    const void *data[] = {to, to + 256};
    RunInputs inputs;
    inputs.data = data;
    inputs.isPinned = isPinned;
    EXPECT_TRUE(session.run(entry, inputs, batch).isOk());
    if (!isPinned)
      std::memset(to, 0x7f, 512);
  }
  return weights(session);
}

namespace {
/// The set on the device.
struct Held {
  Held(Session &session, const Set &set) : session(session) {
    const std::vector<TensorInfo> &inputs =
        session.plan().findEntryPoint("train_step")->inputs;
    x = std::move(*session.allocateColumn(inputs[0], numSamples));
    label = std::move(*session.allocateColumn(inputs[1], numSamples));
    order = std::move(*session.allocateOrder(numSamples));
    // In two pieces.
    EXPECT_TRUE(session.writeColumn(inputs[0], x, 0, set.x.data(), 30).isOk());
    EXPECT_TRUE(session.writeColumn(inputs[0], x, 30, &set.x[120], 10).isOk());
    EXPECT_TRUE(
        session.writeColumn(inputs[1], label, 0, set.label.data(), numSamples)
            .isOk());
    EXPECT_TRUE(session.writeOrder(order, set.order).isOk());
  }
  void epoch() const {
    for (int64_t first = 0; first < numSamples; first += Set::batchAt(first)) {
      const HeldBatch batch{{{x.data(), 16}, {label.data(), 1}},
                            reinterpret_cast<const int64_t *>(order.data()),
                            first,
                            Set::batchAt(first)};
      EXPECT_TRUE(
          session.run(*session.plan().findEntryPoint("train_step"), batch)
              .isOk());
    }
  }

  Session &session;
  DeviceMemory x, label, order;
};
} // namespace

TEST_F(Cuda, HeldSamplesGiveTheSameBits) {
  const Set set;
  const auto expected = set.trainFromHost(*openSession(linePlan(), 1), 3);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto session = openCuda(holdingPlan());
    ASSERT_TRUE(session->holdsSamples());
    Held held(*session, set);
    fakecuda::setOrder(seed ? Order::Random : Order::Late, seed);
    for (int epoch = 0; epoch < 3; ++epoch)
      held.epoch();
    EXPECT_EQ(weights(*session), expected) << "seed " << seed;
  }
}

TEST_F(Cuda, HeldSamplesAreNotCopied) {
  const Set set;
  auto session = openCuda(holdingPlan());
  Held held(*session, set);
  // Both places of both batch sizes are recorded then.
  for (int epoch = 0; epoch < 4; ++epoch)
    held.epoch();
  auto before = fakecuda::callCounts();
  held.epoch();
  auto after = fakecuda::callCounts();
  for (const char *call : {"cuMemcpyHtoDAsync", "cuMemcpyDtoDAsync",
                           "cuStreamSynchronize", "cuEventSynchronize"})
    EXPECT_EQ(after[call], before[call]) << call;
  // A kernel an input, and the step.
  EXPECT_EQ(after["cuLaunchKernel"] - before["cuLaunchKernel"], 3 * 2);
  EXPECT_EQ(after["cuGraphLaunch"] - before["cuGraphLaunch"], 3);
}

TEST_F(Cuda, HeldIndicesAreChecked) {
  auto session = openCuda(holdingPlan());
  const TensorInfo &label =
      session->plan().findEntryPoint("train_step")->inputs[1];
  DeviceMemory column = std::move(*session->allocateColumn(label, 40));
  const uint8_t labels[] = {1, 2, 12};
  Status status = session->writeColumn(label, column, 20, labels, 3);
  EXPECT_EQ(status.code(), Code::InvalidArgument);
  EXPECT_EQ(status.message(), "input 'label' has 12 in sample 22 of the data, "
                              "expected 0 to 9");
}

TEST_F(Cuda, PlansWithoutTheKernelsHoldNothing) {
  PlanSource plan = holdingPlan();
  plan.kernels.pop_back();
  EXPECT_FALSE(openCuda(plan)->holdsSamples());
  EXPECT_FALSE(openSession(linePlan(), 1)->holdsSamples());
}

TEST_F(Cuda, PinnedInputsAreNotCopiedOnTheHost) {
  const Set set;
  const auto expected = set.trainFromHost(*openSession(linePlan(), 1), 3);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto session = openCuda(holdingPlan());
    fakecuda::setOrder(seed ? Order::Random : Order::Late, seed);
    EXPECT_EQ(set.trainFromHost(*session, 3, true), expected)
        << "seed " << seed;
  }
  auto session = openCuda(holdingPlan());
  auto before = fakecuda::callCounts();
  set.trainFromHost(*session, 2, true);
  auto after = fakecuda::callCounts();
  // Inputs lie as the device has them: one copy a step.
  EXPECT_EQ(after["cuMemcpyHtoDAsync"] - before["cuMemcpyHtoDAsync"], 2 * 3);
  EXPECT_EQ(after["cuStreamSynchronize"] - before["cuStreamSynchronize"], 2);
}

//===----------------------------------------------------------------------===//
// Memory of the caller's
//===----------------------------------------------------------------------===//

namespace {
/// A program's own memory and stream on a GPU.
struct Caller {
  explicit Caller(int device) : device(device) {
    cuDevicePrimaryCtxRetain(&context, device);
    cuCtxPushCurrent_v2(context);
    cuStreamCreate(&stream, 1);
    cuMemAlloc_v2(&x, 16 * 16);
    cuMemAlloc_v2(&label, 16);
  }
  ~Caller() {
    cuMemFree_v2(x);
    cuMemFree_v2(label);
    cuStreamDestroy_v2(stream);
    cuCtxPopCurrent_v2(&context);
    cuDevicePrimaryCtxRelease_v2(device);
  }
  void write(const Set &set, int64_t first) const {
    cuMemcpyHtoDAsync_v2(x, &set.x[size_t(4 * first)], 16 * 16, stream);
    cuMemcpyHtoDAsync_v2(label, &set.label[size_t(first)], 16, stream);
  }

  int device;
  void *context = nullptr, *stream = nullptr;
  unsigned long long x = 0, label = 0;
};
} // namespace

static nnc_status_t runOnDevice(nnc_session_t *session, const void *x,
                                const void *label, void *stream) {
  const int64_t xShape[] = {16, 4}, labelShape[] = {16};
  const nnc_tensor_t inputs[] = {{x, NNC_F32, 2, xShape},
                                 {label, NNC_U8, 1, labelShape}};
  return nnc_session_run_on_device(session, "train_step", inputs, 2, 0, stream);
}

static const void *pointerTo(unsigned long long address) {
  return reinterpret_cast<const void *>(address);
}

static nnc::SessionHandle openHandle(const PlanSource &source) {
  auto bytes = serialize(source);
  nnc::PlanHandle plan;
  nnc::SessionHandle session;
  EXPECT_EQ(nnc::openPlan(bytes.data(), bytes.size(), plan).code, NNC_OK);
  nnc_session_options_t options = {};
  options.threads = 1;
  options.seed = 1;
  EXPECT_EQ(nnc::createSession(plan, options, session).code, NNC_OK);
  return session;
}

TEST_F(Cuda, TakesInputsOfTheDeviceAndLeavesOutputsThere) {
  const Set set;
  auto cpu = openSession(linePlan(), 1);
  std::vector<float> expected;
  for (int step = 0; step < 12; ++step) {
    const int64_t first = 8 * (step % 4);
    const void *inputs[] = {&set.x[size_t(4 * first)],
                            &set.label[size_t(first)]};
    ASSERT_TRUE(
        cpu->run(*cpu->plan().findEntryPoint("train_step"), inputs, 16).isOk());
    const std::vector<float> w = weights(*cpu);
    expected.insert(expected.end(), w.begin(), w.end());
  }
  for (uint64_t seed = 0; seed < 20; ++seed) {
    auto session = openHandle(holdingPlan());
    Caller caller(0);
    fakecuda::setOrder(seed ? Order::Random : Order::Late, seed);
    auto before = fakecuda::callCounts();
    // What reads the output is in the stream's order, too.
    std::vector<float> seen(expected.size());
    for (int step = 0; step < 12; ++step) {
      caller.write(set, 8 * (step % 4));
      ASSERT_EQ(runOnDevice(session.get(), pointerTo(caller.x),
                            pointerTo(caller.label), caller.stream)
                    .code,
                NNC_OK);
      nnc_tensor_t copy;
      ASSERT_EQ(nnc_session_output_on_device(session.get(), "copy",
                                             caller.stream, &copy)
                    .code,
                NNC_OK);
      cuMemcpyDtoHAsync_v2(&seen[size_t(4 * step)],
                           reinterpret_cast<unsigned long long>(copy.data), 16,
                           caller.stream);
    }
    EXPECT_EQ(fakecuda::callCounts()["cuStreamSynchronize"],
              before["cuStreamSynchronize"]);
    cuStreamSynchronize(caller.stream);
    EXPECT_EQ(seen, expected) << "seed " << seed;
  }
}

TEST_F(Cuda, SaysWhatIsWrongWithAddresses) {
  auto session = openHandle(holdingPlan());
  Caller caller(0), other(1);
  auto messageOf = [&](const void *x, const void *label) -> std::string {
    nnc_status_t status = runOnDevice(session.get(), x, label, caller.stream);
    EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT);
    return status.message;
  };
  float onHost[64] = {};
  EXPECT_EQ(messageOf(onHost, pointerTo(caller.label)),
            "input 'x': the address is not of memory of a GPU's: "
            "nnc_session_run takes what is on the host");
  EXPECT_EQ(messageOf(pointerTo(other.x), pointerTo(caller.label)),
            "input 'x': the memory is of GPU 1, the session is on GPU 0");
  EXPECT_EQ(messageOf(pointerTo(caller.x), pointerTo(caller.label + 4)),
            "input 'label': the memory has 12 bytes from the address on, "
            "expected 16");
  EXPECT_EQ(messageOf(pointerTo(caller.x + 2), pointerTo(caller.label)),
            "input 'x' is at an address that is not a multiple of its element "
            "size");
  nnc_tensor_t output;
  EXPECT_EQ(nnc_session_output_on_device(session.get(), "copy", caller.stream,
                                         &output)
                .code,
            NNC_NOT_FOUND);
}

TEST(DeviceMemory, ASessionOnTheHostHasNone) {
  auto plan = openIdlePlan();
  auto session = openIdleSession(plan);
  const float x[64] = {};
  const uint8_t label[16] = {};
  nnc_status_t status = runOnDevice(session.get(), x, label, nullptr);
  EXPECT_EQ(status.code, NNC_UNSUPPORTED);
  EXPECT_STREQ(status.message, "the session runs on 'cpu', in the host's "
                               "memory: nnc_session_run takes its inputs");
}
