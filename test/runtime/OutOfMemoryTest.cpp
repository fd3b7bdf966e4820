// Each call of the C interface with every one of its allocations failing in
// turn: a status each time, nothing lost, and the call works once there is
// memory again.
#include "test/runtime/TestPlan.h"

#include "runtime/nnc.hpp"

#include <cstdlib>
#include <functional>
#include <new>
#include <unistd.h>

using namespace nnc::runtime::test;

/// How many allocations on this thread succeed before all fail; -1: no end.
static thread_local int64_t remaining = -1;

/// What this thread has allocated and not released; objects here stay on one.
static thread_local int64_t live = 0;

void *operator new(size_t sizeBytes) {
  if (remaining == 0)
    throw std::bad_alloc();
  if (remaining > 0)
    --remaining;
  if (void *memory = std::malloc(sizeBytes ? sizeBytes : 1)) {
    ++live;
    return memory;
  }
  throw std::bad_alloc();
}

void operator delete(void *memory) noexcept {
  live -= memory != nullptr;
  std::free(memory);
}

void operator delete(void *memory, size_t) noexcept { operator delete(memory); }

/// Runs `call` with 0, 1, 2, … allocations until it succeeds; returns how many
/// it took.
static int64_t starve(const std::function<nnc_status_t()> &call) {
  for (int64_t allowed = 0;; ++allowed) {
    remaining = allowed;
    nnc_status_t status = call();
    remaining = -1;
    if (status.code == NNC_OK)
      return allowed;
    EXPECT_EQ(status.code, NNC_OUT_OF_MEMORY) << status.message;
    EXPECT_STRNE(status.message, "");
    if (status.code != NNC_OUT_OF_MEMORY)
      return allowed;
  }
}

namespace {
struct OutOfMemory : testing::Test {
  std::vector<uint8_t> bytes = serialize(linePlan());
  nnc::PlanHandle plan = open();
  nnc::SessionHandle session = create();

  nnc::PlanHandle open() {
    nnc_plan_t *opened = nullptr;
    nnc_plan_open_memory(bytes.data(), bytes.size(), &opened);
    return nnc::PlanHandle(opened);
  }

  nnc::SessionHandle create() {
    nnc::SessionHandle created;
    nnc::createSession(plan, {}, created);
    return created;
  }
};
} // namespace

TEST_F(OutOfMemory, OpensAPlan) {
  nnc_plan_t *opened = nullptr;
  std::string path = temporaryPath("starved.plan");
  writeFile(path, std::string(bytes.begin(), bytes.end()));
  // Nothing is lost, whichever allocation it was.
  int64_t before = live;
  int64_t needed = starve([&] {
    return nnc_plan_open_memory(bytes.data(), bytes.size(), &opened);
  });
  nnc_plan_close(opened);
  EXPECT_EQ(live, before);
  EXPECT_GT(needed, 0);
  starve([&] { return nnc_plan_open(path.c_str(), &opened); });
  nnc_plan_close(opened);
  EXPECT_EQ(live, before);
}

TEST_F(OutOfMemory, MakesASession) {
  nnc_session_t *created = nullptr;
  int64_t before = live;
  int64_t needed =
      starve([&] { return nnc_session_create(plan.get(), nullptr, &created); });
  nnc_session_destroy(created);
  EXPECT_EQ(live, before);
  EXPECT_GT(needed, 0);
}

TEST_F(OutOfMemory, Runs) {
  starve([&] { return nnc_session_init(session.get(), 1); });
  float x[8] = {};
  uint8_t label[2] = {};
  const int64_t shapeX[] = {2, 4}, shapeLabel[] = {2};
  const nnc_tensor_t inputs[] = {{x, NNC_F32, 2, shapeX},
                                 {label, NNC_U8, 1, shapeLabel}};
  starve([&] {
    return nnc_session_train_step(session.get(), inputs, 2, nullptr);
  });
  // From the second step on, a step allocates nothing.
  EXPECT_EQ(starve([&] {
              return nnc_session_train_step(session.get(), inputs, 2, nullptr);
            }),
            0);
  starve([&] { return nnc_session_predict(session.get(), inputs, 1); });
  nnc_tensor_t output;
  starve([&] { return nnc_session_output(session.get(), "y", &output); });
}

TEST_F(OutOfMemory, AccessesState) {
  float w[4] = {};
  double value = 0;
  starve([&] { return nnc_session_read_state(session.get(), "w", w, 16); });
  starve([&] { return nnc_session_write_state(session.get(), "w", w, 16); });
  starve([&] { return nnc_session_get_scalar(session.get(), "step", &value); });
  starve([&] { return nnc_session_set_scalar(session.get(), "step", 3); });
  starve([&] { return nnc_session_check_finite(session.get()); });
}

TEST_F(OutOfMemory, SavesAndLoads) {
  std::string path = temporaryPath("starved.safetensors");
  auto succeedsAtLast = [&](auto call) {
    EXPECT_GT(starve([&] { return call(session.get(), path.c_str()); }), 0);
  };
  succeedsAtLast(nnc_session_save);
  // The file is complete, and what was not has been removed.
  EXPECT_EQ(access((path + ".part").c_str(), F_OK), -1);
  succeedsAtLast(nnc_session_load);
  succeedsAtLast([](nnc_session_t *s, const char *path) {
    return nnc_session_save_checkpoint(s, path, nullptr, 0);
  });
  succeedsAtLast(nnc_session_load_checkpoint);
}

TEST_F(OutOfMemory, ReportsMisuse) {
  // The message needs memory that there is not: the status stays one.
  remaining = 0;
  nnc_status_t status =
      nnc_session_run(session.get(), "no such entry point", nullptr, 0);
  remaining = -1;
  EXPECT_EQ(status.code, NNC_OUT_OF_MEMORY);
  EXPECT_STREQ(status.message, "out of memory");
}

TEST_F(OutOfMemory, LogsWhatItCan) {
  // A message that finds no memory is lost; the call is not.
  int count = 0;
  auto counts = [](nnc_log_level_t, const char *, void *context) {
    ++*static_cast<int *>(context);
  };
  nnc_set_log(counts, &count, NNC_LOG_DEBUG);
  EXPECT_EQ(starve([&] { return nnc_session_init(session.get(), 1); }), 0);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(nnc_session_init(session.get(), 1).code, NNC_OK);
  EXPECT_EQ(count, 1);
  nnc_set_log(nullptr, nullptr, NNC_LOG_OFF);
}
