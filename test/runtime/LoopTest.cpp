// Loops in plans: what they compute, shared out by samples or not, and what is
// refused.
#include "test/runtime/TestPlan.h"

#include "runtime/Executor.h"
#include "runtime/device/CpuDevice.h"

#include <functional>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

namespace {

constexpr int64_t steps = 5;
constexpr int64_t maxBatch = 16;

/// What a test varies.
struct Form {
  bool reverse = false;
  /// Loop::rows.
  int64_t rows = 0;
  /// Of each launch.
  int64_t flop = 0;
};

class LoopDevice : public CpuDevice {
public:
  using CpuDevice::CpuDevice;

  Status load(const Plan &plan) override {
    kernels = {doubleAll, addTerm};
    return allocateScratch(plan.scratchBytes());
  }

private:
  template <typename T> static T *as(void *const *buffers, int index) {
    return static_cast<T *>(buffers[index]);
  }

  // h -> 2 h. Uses scratch, which the buffers of a thread's own lie behind.
  static void doubleAll(void *const *buffers, int64_t, int64_t begin,
                        int64_t end, void *scratch) {
    auto *sum = static_cast<float *>(scratch);
    for (int64_t b = begin; b < end; ++b) {
      *sum = as<float>(buffers, 0)[b] + as<float>(buffers, 0)[b];
      as<float>(buffers, 1)[b] = *sum;
    }
  }

  // t, x -> t / 4 + x
  static void addTerm(void *const *buffers, int64_t, int64_t begin, int64_t end,
                      void *) {
    for (int64_t b = begin; b < end; ++b)
      as<float>(buffers, 2)[b] =
          as<float>(buffers, 0)[b] / 4 + as<float>(buffers, 1)[b];
  }
};

} // namespace

static Command launch(uint32_t kernel, std::vector<BufferRef> buffers,
                      std::vector<Slot> slots) {
  Command command;
  command.kernel = kernel;
  command.buffers = std::move(buffers);
  command.slots = std::move(slots);
  command.extent = {0, 1};
  return command;
}

static Command copy(BufferRef from, BufferRef to, std::vector<Slot> slots) {
  Command command;
  command.kind = Command::Kind::Copy;
  command.buffers = {from, to};
  command.slots = std::move(slots);
  return command;
}

/// "predict": h = 2 h / 4 + x_t from h0 on, over x [steps, batch]. Outputs
/// "last" [batch] and "all" [steps, batch]. h lies in two slots in turn, 2 h in
/// a thread's own memory where samples are shared out.
static PlanSource loopPlan(Form form) {
  const Extent row{0, 4}, turn{64};
  const BufferRef x{Region::Input, 0, 0, row};
  const BufferRef h0{Region::Input, 1, 0, row};
  const BufferRef h{Region::Arena, 0, 0, row};
  const BufferRef twice = form.rows ? BufferRef{Region::Thread, 0, 64, row}
                                    : BufferRef{Region::Arena, 0, 128, row};
  const BufferRef all{Region::Arena, 0, 192, row};
  const BufferRef last{Region::Arena, 0, 512, row};
  const int64_t read = form.reverse ? 1 : 0, written = 1 - read;

  Command loop;
  loop.kind = Command::Kind::Loop;
  loop.loop = {steps, 3, form.reverse, form.rows, 1};
  EntryPoint entry;
  entry.name = "predict";
  entry.inputs = {{"x", ElementType::F32, {steps, -1}, 0, {}, ""},
                  {"h0", ElementType::F32, {-1}, 0, {}, ""}};
  BufferRef whole = all;
  whole.sizeBytes = {0, 4 * steps};
  entry.outputs = {{"last", ElementType::F32, {-1}, 0, last, "output"},
                   {"all", ElementType::F32, {steps, -1}, 0, whole, "output"}};
  entry.commands = {
      copy(h0, h, {{1, false, form.reverse ? steps % 2 : 0, 2, turn}}),
      loop,
      launch(0, {h, twice}, {{0, true, read, 2, turn}}),
      launch(1, {twice, x, all},
             {{1, true, 0, steps, row}, {2, true, 0, steps, row}}),
      copy(all, h, {{0, true, 0, steps, row}, {1, true, written, 2, turn}}),
      copy(h, last, {{0, false, form.reverse ? 0 : steps % 2, 2, turn}})};
  for (Command &command : entry.commands)
    command.flop = {form.flop};
  entry.arenaBytes = 576;
  entry.scratchBytes = form.rows ? 128 : 4;

  PlanSource plan;
  plan.version = 2;
  plan.maxBatch = maxBatch;
  plan.image.assign(64, 0xc3);
  plan.kernels = {{"double_all", 0, "rows"}, {"add_term", 16, "rows"}};
  plan.entryPoints = {entry};
  return plan;
}

/// h of each step, [steps, batch].
static std::vector<float> expectedSteps(const std::vector<float> &x,
                                        std::vector<float> h, bool reverse) {
  const size_t batch = h.size();
  std::vector<float> all(x.size());
  for (int64_t i = 0; i < steps; ++i) {
    const size_t step = reverse ? steps - 1 - i : i;
    for (size_t b = 0; b < batch; ++b)
      all[step * batch + b] = h[b] = 2 * h[b] / 4 + x[step * batch + b];
  }
  return all;
}

static void expectSteps(Form form, int threads) {
  SessionOptions options;
  options.threads = threads;
  options.device = std::make_unique<LoopDevice>(threads);
  auto plan = openPlan(loopPlan(form));
  ASSERT_NE(plan, nullptr);
  auto session = Session::create(plan, std::move(options));
  ASSERT_TRUE(session.isOk()) << session.status().message();
  const EntryPoint &entry = *plan->findEntryPoint("predict");
  Profile profile;
  for (bool isTimed : {false, true})
    for (int64_t batch = 1; batch <= maxBatch; ++batch) {
      std::vector<float> x(steps * batch), h0(batch);
      for (size_t i = 0; i < x.size(); ++i)
        x[i] = float(i * i % 23) - 7;
      for (size_t i = 0; i < h0.size(); ++i)
        h0[i] = float(i) + 1;
      const void *inputs[] = {x.data(), h0.data()};
      (*session)->setProfile(entry, isTimed ? &profile : nullptr);
      ASSERT_TRUE((*session)->run(entry, inputs, batch).isOk());
      auto output = [&](size_t index) {
        const TensorInfo &tensor = entry.outputs[index];
        auto data = (*session)->outputData(tensor);
        EXPECT_TRUE(data.isOk());
        auto *values = static_cast<const float *>(*data);
        return std::vector<float>(values, values + tensor.numElements(batch));
      };
      const std::vector<float> last = output(0), all = output(1);
      const std::vector<float> expected = expectedSteps(x, h0, form.reverse);
      EXPECT_EQ(all, expected);
      auto end = expected.begin() + (form.reverse ? 0 : (steps - 1) * batch);
      EXPECT_EQ(last, std::vector<float>(end, end + batch));
    }
  ASSERT_EQ(profile.seconds.size(), entry.commands.size());
  EXPECT_EQ(profile.seconds[1], 0);
  EXPECT_GT(profile.seconds[3], 0);
}

TEST(Loop, RunsItsCommandsEachStep) {
  for (int threads : {1, 2, 3})
    for (bool reverse : {false, true})
      expectSteps({reverse, 0}, threads);
}

TEST(Loop, SharesOutSamples) {
  for (int threads : {1, 2, 3})
    for (int64_t rows : {1, 3, 16})
      for (bool reverse : {false, true})
        expectSteps({reverse, rows}, threads);
}

TEST(Loop, SharesOutCommandsWhereSamplesAreTooFew) {
  for (int threads : {2, 3, 8})
    for (int64_t rows : {1, 16})
      expectSteps({false, rows, 1'000'000}, threads);
}

namespace {
struct WrongLoop {
  const char *name;
  std::function<void(PlanSource &, std::vector<Command> &)> change;
  const char *message;
};
} // namespace

static const WrongLoop wrongLoops[] = {
    {"NoSteps", [](auto &, auto &c) { c[1].loop.steps = 0; },
     "command 1: has 0 steps, expected 1 to 16777216"},
    {"NoCommand", [](auto &, auto &c) { c[1].loop.length = 0; },
     "command 1: is a loop over no command"},
    {"BodyEnds", [](auto &, auto &c) { c[1].loop.length = 9; },
     "entry point 'predict': ends 5 commands before a loop of 9"},
    {"LoopInALoop", [](auto &, auto &c) { c[2] = c[1]; },
     "command 2: is a loop within a loop"},
    {"NegativeRows", [](auto &, auto &c) { c[1].loop.rows = -1; },
     "rows is -1"},
    {"GrainOfZero", [](auto &, auto &c) { c[1].loop.grain = 0; }, "grain is 0"},
    {"SharedOutByAnother",
     [](auto &p, auto &) {
       p.target = "sim";
       p.kernels[0].threads = p.kernels[1].threads = 32;
     },
     "shares out samples among threads, which is for target 'cpu', found "
     "'sim'"},
    {"ThreadOutsideOfALoop",
     [](auto &, auto &c) { c[0].buffers[1].region = Region::Thread; },
     "command 0: a buffer is a thread's own, in no loop that shares out"},
    {"ThreadInAPlainLoop", [](auto &, auto &c) { c[1].loop.rows = 0; },
     "command 2 ('double_all'): a buffer is a thread's own"},
    // At most 3 samples, of which each takes 4 bytes behind the first 64.
    {"ThreadBeyondScratch",
     [](auto &p, auto &) { p.entryPoints[0].scratchBytes = 68; },
     "a buffer of 12 bytes at offset 64 leaves its region of 68 bytes"},
    {"SizeOfNoParts",
     [](auto &, auto &c) { c[2].buffers[0].sizeBytes = {4, 4}; },
     "a buffer of (4 + 4 * batch) / 1 bytes cannot be shared out"},
    {"SlotsOfNoBuffer", [](auto &, auto &c) { c[2].slots[0].buffer = 2; },
     "has slots of buffer 2 of 2"},
    {"SlotsTwice", [](auto &, auto &c) { c[3].slots[0].buffer = 2; },
     "has slots of buffer 2 twice"},
    {"NoSlot", [](auto &, auto &c) { c[2].slots[0].count = 0; },
     "a buffer lies in one of 0 slots"},
    {"FirstBeyondCount", [](auto &, auto &c) { c[2].slots[0].first = 2; },
     "a buffer begins in slot 2 of 2"},
    {"MovesOutsideOfALoop", [](auto &, auto &c) { c[0].slots[0].moves = true; },
     "command 0: a buffer follows the steps of a loop that is not there"},
    {"SlotsLeaveTheArena",
     [](auto &, auto &c) { c[3].slots[1].stride = {0, 80}; },
     "slot 4 of a buffer of 64 bytes at offset 192 leaves its region of 576 "
     "bytes at batch 16"},
    {"SlotsLeaveTheInput", [](auto &, auto &c) { c[3].slots[0].count = 6; },
     "slot 5 of a buffer of 4 bytes at offset 0 leaves its region of 20"},
    {"StrideOverflows",
     [](auto &, auto &c) { c[3].slots[1].stride = {INT64_MAX / 2, 0}; },
     "leaves its region"},
    {"StrideIsDivided",
     [](auto &, auto &c) { c[3].slots[1].stride.divisor = 2; },
     "a stride is divided by 2"},
    {"SlotOfAThread",
     [](auto &, auto &c) { c[2].slots[0] = {1, true, 0, 1, {0}}; },
     "a buffer of a thread's own lies in slots"},
    {"CopyWithinASlot",
     [](auto &, auto &c) {
       c[4].buffers[0] = c[4].buffers[1];
       c[4].slots[0] = c[4].slots[1];
       c[4].slots[0].buffer = 0;
     },
     "copies between buffers that overlap"},
    {"CopyBetweenSlotsThatOverlap",
     [](auto &, auto &c) {
       c[4].buffers[0] = c[4].buffers[1];
       c[4].slots = {{0, true, 0, 2, {32}}, {1, true, 1, 2, {32}}};
     },
     "copies between buffers that overlap"},
};

TEST(Loop, IsVerifiedBeforeItIsBelieved) {
  for (const WrongLoop &wrong : wrongLoops) {
    PlanSource source = loopPlan({false, 3});
    wrong.change(source, source.entryPoints[0].commands);
    std::vector<uint8_t> bytes = serialize(source);
    Status status = Plan::fromMemory(bytes.data(), bytes.size()).status();
    EXPECT_EQ(status.code(), Code::InvalidFile) << wrong.name;
    EXPECT_NE(status.message().find(wrong.message), std::string::npos)
        << wrong.name << ": " << status.message();
  }
}

TEST(Loop, MayCopyFromSlotToSlot) {
  PlanSource source = loopPlan({false, 3});
  Command &copy = source.entryPoints[0].commands[4];
  copy.buffers[0] = copy.buffers[1];
  copy.slots = {{0, true, 0, 2, {64}}, {1, true, 1, 2, {64}}};
  std::vector<uint8_t> bytes = serialize(source);
  EXPECT_TRUE(Plan::fromMemory(bytes.data(), bytes.size()).isOk());
}

TEST(Loop, SurvivesEveryChangedByte) {
  const std::vector<uint8_t> bytes = serialize(loopPlan({true, 3}));
  for (size_t i = 0; i < bytes.size(); ++i)
    for (uint8_t change : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> changed = bytes;
      changed[i] ^= change;
      auto plan = Plan::fromMemory(changed.data(), changed.size());
      if (!plan.isOk())
        EXPECT_FALSE(plan.status().message().empty());
    }
}
