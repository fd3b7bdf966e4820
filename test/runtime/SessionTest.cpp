// A session runs a plan: any batch, the same bits on any number of threads.
#include "test/runtime/TestPlan.h"

#include "runtime/Random.h"
#include "runtime/device/CpuDevice.h"

#include <cfloat>
#include <cmath>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

namespace {
/// Samples whose label is the sum of their elements.
struct Samples {
  explicit Samples(int64_t batch) : x(4 * batch), label(batch) {
    for (int64_t b = 0; b < batch; ++b)
      for (int i = 0; i < 4; ++i) {
        x[4 * b + i] = (b + i) % 3;
        label[b] += (b + i) % 3;
      }
  }
  std::vector<float> x;
  std::vector<uint8_t> label;
};
} // namespace

static Status train(Session &session, const Samples &samples) {
  const void *inputs[] = {samples.x.data(), samples.label.data()};
  return session.run(*session.plan().findEntryPoint("train_step"), inputs,
                     samples.label.size());
}

static std::vector<float> weights(const Session &session) {
  std::vector<float> w(4);
  EXPECT_TRUE(session.readState("w", w.data(), 16).isOk());
  return w;
}

TEST(Session, InitializesFromTheSeed) {
  auto session = openSession(linePlan(), 1, 42);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(weights(*session)[i], randomWord(42, 0, 0, i) * 0x1p-32f);
  EXPECT_EQ(*session->scalar("seed"), 42);
  EXPECT_NEAR(*session->scalar("learning_rate"), 0.01, 1e-9);
}

TEST(Session, TrainingReducesTheLoss) {
  auto session = openSession(linePlan(), 1);
  Samples samples(16);
  ASSERT_TRUE(train(*session, samples).isOk());
  double first = *session->outputSum("loss");
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(train(*session, samples).isOk());
  EXPECT_LT(*session->outputSum("loss"), 0.1 * first);
  EXPECT_EQ(*session->scalar("step"), 201);
}

TEST(Session, CopyCommandCopies) {
  auto session = openSession(linePlan(), 1);
  ASSERT_TRUE(train(*session, Samples(4)).isOk());
  const TensorInfo &copy = session->lastRun()->outputs[1];
  EXPECT_EQ(
      std::memcmp(*session->outputData(copy), weights(*session).data(), 16), 0);
}

TEST(Session, ThreadsDoNotChangeABit) {
  auto one = openSession(linePlan(), 1), four = openSession(linePlan(), 4);
  for (int batch = 1; batch <= 16; ++batch) {
    ASSERT_TRUE(train(*one, Samples(batch)).isOk());
    ASSERT_TRUE(train(*four, Samples(batch)).isOk());
  }
  EXPECT_EQ(weights(*one), weights(*four));
}

TEST(Session, SampleDoesNotDependOnItsBatch) {
  auto session = openSession(linePlan(), 1);
  const EntryPoint &predict = *session->plan().findEntryPoint("predict");
  Samples samples(16);
  const void *inputs[] = {samples.x.data()};
  ASSERT_TRUE(session->run(predict, inputs, 16).isOk());
  auto *y =
      static_cast<const float *>(*session->outputData(predict.outputs[0]));
  float third = y[2];
  inputs[0] = &samples.x[8];
  ASSERT_TRUE(session->run(predict, inputs, 1).isOk());
  EXPECT_EQ(y[0], third);
}

TEST(Session, InitStartsOver) {
  auto session = openSession(linePlan(), 1, 7);
  std::vector<float> before = weights(*session);
  ASSERT_TRUE(train(*session, Samples(4)).isOk());
  EXPECT_NE(weights(*session), before);
  ASSERT_TRUE(session->init(7).isOk());
  EXPECT_EQ(weights(*session), before);
  EXPECT_EQ(*session->scalar("step"), 0);
}

TEST(Session, RefusesABatchOutOfRange) {
  auto session = openSession(linePlan(), 1);
  Status status = train(*session, Samples(17));
  EXPECT_EQ(status.code(), Code::InvalidArgument);
  EXPECT_EQ(status.message(), "batch is 17, the plan runs 1 to 16");
  EXPECT_FALSE(train(*session, Samples(0)).isOk());
}

TEST(Session, RefusesALabelBeyondItsLimit) {
  auto session = openSession(linePlan(), 1);
  std::vector<float> before = weights(*session);
  Samples samples(8);
  samples.label[5] = 10;
  Status status = train(*session, samples);
  EXPECT_EQ(status.message(),
            "input 'label' has 10 in sample 5 of the batch, expected 0 to 9");
  EXPECT_EQ(weights(*session), before);
}

TEST(Session, RefusesAMisalignedInput) {
  auto session = openSession(linePlan(), 1);
  Samples samples(2);
  const void *inputs[] = {reinterpret_cast<char *>(samples.x.data()) + 1,
                          samples.label.data()};
  const EntryPoint &entry = *session->plan().findEntryPoint("train_step");
  EXPECT_EQ(session->run(entry, inputs, 1).code(), Code::InvalidArgument);
  inputs[0] = nullptr;
  EXPECT_EQ(session->run(entry, inputs, 1).message(),
            "input 'x' is at a null address");
}

TEST(Session, ProfilesEachCommand) {
  auto session = openSession(linePlan(), 1);
  Profile profile;
  session->setProfile(*session->plan().findEntryPoint("train_step"), &profile);
  ASSERT_TRUE(train(*session, Samples(4)).isOk());
  ASSERT_TRUE(train(*session, Samples(4)).isOk());
  EXPECT_EQ(profile.runs, 2);
  ASSERT_EQ(profile.seconds.size(), 4u);
  for (double seconds : profile.seconds)
    EXPECT_GE(seconds, 0);
}

TEST(Session, ScalarsAreChecked) {
  auto session = openSession(linePlan(), 1);
  EXPECT_TRUE(session->setScalar("learning_rate", 0.5).isOk());
  EXPECT_EQ(*session->scalar("learning_rate"), 0.5);
  EXPECT_EQ(session->setScalar("momentum", 1).code(), Code::NotFound);
  EXPECT_EQ(session->setScalar("w", 1).message(),
            "state tensor 'w' is f32[4], expected a scalar");
  EXPECT_EQ(session->setScalar("learning_rate", 1e300).code(),
            Code::InvalidArgument);
  EXPECT_EQ(*session->scalar("learning_rate"), 0.5);
  EXPECT_EQ(session->setScalar("step", 0.5).code(), Code::InvalidArgument);
  EXPECT_EQ(session->setScalar("step", 0x1p63).code(), Code::InvalidArgument);
  EXPECT_EQ(session->setScalar("learning_rate", 1e300).message(),
            "1e+300 does not fit state tensor 'learning_rate' of type f32");
  EXPECT_EQ(*session->scalar("learning_rate"), 0.5);
}

// Where in a set a run is: the session's own, in no file and wanted from none.
TEST(Session, AFirstSampleIsNotSaved) {
  PlanSource source = linePlan();
  source.state.push_back(
      {"first_sample", Role::Scalar, ElementType::I64, {}, 320});
  source.stateBytes = 384;
  auto session = openSession(source, 1), without = openSession(linePlan(), 1);
  ASSERT_TRUE(session->setFirstSample(INT64_C(1) << 40).isOk());
  EXPECT_EQ(*session->scalar("first_sample"), 0x1p40);
  EXPECT_TRUE(without->setFirstSample(1).isOk());
  std::string path = temporaryPath("placeless.safetensors");
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  EXPECT_TRUE(without->load(path, SaveKind::Checkpoint).isOk());
  ASSERT_TRUE(session->load(path, SaveKind::Checkpoint).isOk());
  EXPECT_EQ(*session->scalar("first_sample"), 0x1p40);
  source.state.back().elementType = ElementType::F64;
  std::vector<uint8_t> bytes = serialize(source);
  EXPECT_EQ(Plan::fromMemory(bytes.data(), bytes.size()).status().message(),
            "plan: damaged plan: state tensor 'first_sample' is f64[], "
            "expected i64[]");
}

TEST(Session, NamesWhatIsNotFinite) {
  auto session = openSession(linePlan(), 1);
  EXPECT_TRUE(session->checkFinite().isOk());
  const float moments[] = {1, -INFINITY, NAN, 2};
  ASSERT_TRUE(session->writeState("w.m", moments, 16).isOk());
  Status status = session->checkFinite();
  EXPECT_EQ(status.code(), Code::NotFinite);
  EXPECT_EQ(status.message(), "state tensor 'w.m' has 2 of 4 elements that are "
                              "not finite, the first is element 1: -inf");
}

// A step whose loss is no number is a step all the same; what it leaves can be
// told, and is saved and read as it is.
TEST(Session, ANonFiniteLossIsReported) {
  auto session = openSession(linePlan(), 1);
  Samples samples(4);
  samples.x[5] = NAN;
  ASSERT_TRUE(train(*session, samples).isOk());
  EXPECT_TRUE(std::isnan(*session->outputSum("loss")));
  EXPECT_EQ(session->checkFinite().code(), Code::NotFinite);
  std::string path = temporaryPath("diverged.safetensors");
  ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
  auto other = openSession(linePlan(), 1);
  ASSERT_TRUE(other->load(path, SaveKind::Checkpoint).isOk());
  EXPECT_EQ(other->checkFinite().code(), Code::NotFinite);
}

TEST(Session, ReportsTooLittleMemory) {
  PlanSource source = linePlan();
  source.entryPoints[1].arenaBytes = int64_t(1) << 46;
  SessionOptions options;
  options.device = testDevice(1);
  Status status =
      Session::create(openPlan(source), std::move(options)).status();
  EXPECT_EQ(status.code(), Code::OutOfMemory);
  EXPECT_NE(status.message().find("working memory"), std::string::npos);
}

// A child may read, save and destroy what it has a copy of, and train with a
// session of its own.
TEST(Session, AChildHasACopy) {
  auto session = openSession(linePlan(), 3);
  ASSERT_TRUE(train(*session, Samples(16)).isOk());
  const std::vector<float> before = weights(*session);
  std::string path = temporaryPath("snapshot.safetensors");
  pid_t child = fork();
  if (child == 0) {
    alarm(10); // should it wait for ever
    if (train(*session, Samples(16)).code() != Code::InvalidArgument ||
        session->init(1).code() != Code::InvalidArgument)
      _exit(1);
    if (weights(*session) != before ||
        !session->save(path, SaveKind::Weights).isOk())
      _exit(2);
    session.reset();
    auto own = openSession(linePlan(), 3);
    _exit(train(*own, Samples(16)).isOk() ? 0 : 3);
  }
  int state = -1;
  waitpid(child, &state, 0);
  EXPECT_EQ(state, 0);
  ASSERT_TRUE(train(*session, Samples(16)).isOk());
  EXPECT_NE(weights(*session), before);
  ASSERT_TRUE(session->load(path, SaveKind::Weights).isOk());
  EXPECT_EQ(weights(*session), before);
}

TEST(Session, RefusesAnotherTarget) {
  PlanSource source = linePlan();
  source.target = "abacus";
  Status status = Session::create(openPlan(source), {}).status();
  EXPECT_EQ(status.code(), Code::Unsupported);
  EXPECT_EQ(status.message(),
            "this runtime has no target 'abacus', it has: cpu, cuda, sim");
}

namespace {
/// Finds no memory for its second command.
class StarvedDevice : public CpuDevice {
public:
  using CpuDevice::CpuDevice;

  Status load(const Plan &plan) override {
    kernels.assign(plan.code.kernels.size(), testKernel("initialize"));
    return allocateScratch(plan.scratchBytes());
  }

  void launch(const Command &command, void *const *buffers,
              int64_t batch) override {
    if (++numLaunches > 1 && !hasMemory)
      throw std::bad_alloc();
    if (hasMemory && command.kernel == 0)
      CpuDevice::launch(command, buffers, batch);
  }

  int numLaunches = 0;
  bool hasMemory = false;
};
} // namespace

// The caller computes with subnormal numbers, which kernels take as zero.
TEST(Session, ARunWithoutMemoryGivesTheRoundingModeBack) {
  SessionOptions options;
  auto device = std::make_unique<StarvedDevice>(1);
  StarvedDevice &starved = *device;
  options.device = std::move(device);
  auto session = Session::create(openPlan(linePlan()), std::move(options));
  ASSERT_TRUE(session.isOk()) << session.status().message();
  Profile profile;
  (*session)->setProfile(*(*session)->plan().findEntryPoint("train_step"),
                         &profile);
  volatile float smallest = FLT_MIN;
  for (int i = 0; i < 3; ++i) {
    starved.numLaunches = 0;
    ASSERT_TRUE(i == 0 || (*session)->init(1).isOk());
    EXPECT_EQ(train(**session, Samples(4)).code(), Code::OutOfMemory);
    EXPECT_GT(smallest / 2, 0);
    // The state is half a step's.
    EXPECT_EQ(train(**session, Samples(4)).code(), Code::DeviceError);
  }
  // Times of what was abandoned are not counted.
  starved.hasMemory = true;
  ASSERT_TRUE((*session)->init(1).isOk());
  ASSERT_TRUE(train(**session, Samples(4)).isOk());
  EXPECT_EQ(profile.runs, 1);
  EXPECT_EQ(profile.seconds.size(), 4u);
}

TEST(Session, NamesEveryMissingFeature) {
  PlanSource source = linePlan();
  source.features = {"sse2", "telepathy", "levitation"};
  Status status = Session::create(openPlan(source), {}).status();
  EXPECT_EQ(status.code(), Code::Unsupported);
  EXPECT_EQ(status.message(), "the plan needs processor features that this "
                              "machine lacks: 'telepathy', 'levitation'");
}

#if defined(__x86_64__)
TEST(Session, RunsMachineCode) {
  // mov rax, [rdi]; mov dword [rax], 42; ret
  const std::vector<uint8_t> store42 = {0x48, 0x8b, 0x07, 0xc7, 0x00,
                                        0x2a, 0x00, 0x00, 0x00, 0xc3};
  PlanSource source = linePlan();
  source.kernels = {{"store", 16, "rows"}};
  source.image.assign(16, 0xcc);
  source.image.insert(source.image.end(), store42.begin(), store42.end());
  source.entryPoints.resize(1);
  Command &command = source.entryPoints[0].commands[0];
  command.kernel = 0;
  command.buffers.resize(1);
  command.extent = {1};
  auto session = Session::create(openPlan(source), {});
  ASSERT_TRUE(session.isOk()) << session.status().message();
  int32_t stored[4];
  ASSERT_TRUE((*session)->readState("w", stored, sizeof stored).isOk());
  EXPECT_EQ(stored[0], 42);
}
#endif
