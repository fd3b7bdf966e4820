// The C interface: statuses for wrong calls, and nothing that needs release
// beyond plan and session. It runs no kernel: those of the test plan are not
// machine code.
#include "test/runtime/TestPlan.h"

#include "runtime/nnc.hpp"

using namespace nnc::runtime::test;

namespace {
/// A plan whose kernel is one `ret`.
nnc::PlanHandle openIdlePlan() {
  std::vector<uint8_t> bytes = serialize(linePlan());
  nnc_plan_t *plan = nullptr;
  nnc_status_t status = nnc_plan_open_memory(bytes.data(), bytes.size(), &plan);
  EXPECT_EQ(status.code, NNC_OK) << status.message;
  return nnc::PlanHandle(plan);
}

nnc::SessionHandle openIdleSession(const nnc::PlanHandle &plan) {
  nnc::SessionHandle session;
  nnc_status_t status = nnc::createSession(plan, {1, 9}, session);
  EXPECT_EQ(status.code, NNC_OK) << status.message;
  return session;
}
} // namespace

TEST(Interface, VersionsAgree) {
  EXPECT_EQ(nnc_abi_version(), static_cast<uint32_t>(NNC_ABI_VERSION));
  EXPECT_STREQ(nnc_version(), "0.1.0");
}

TEST(Interface, OpenReportsTheFile) {
  nnc::PlanHandle plan;
  nnc_status_t status = nnc::openPlan("/nonexistent.plan", plan);
  EXPECT_EQ(status.code, NNC_NOT_FOUND);
  EXPECT_STREQ(status.message,
               "/nonexistent.plan: cannot open: No such file or directory");
  EXPECT_EQ(plan.get(), nullptr);
}

TEST(Interface, NullArgumentsAreStatuses) {
  EXPECT_EQ(nnc_plan_open(nullptr, nullptr).code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(nnc_session_run(nullptr, "init", nullptr, 0).message,
               "argument 'session' is null");
  EXPECT_EQ(nnc_session_save(nullptr, "x").code, NNC_INVALID_ARGUMENT);
  EXPECT_EQ(nnc_plan_num_inputs(nullptr, "init"), 0u);
  nnc_plan_close(nullptr);
  nnc_session_destroy(nullptr);
}

TEST(Interface, DescribesThePlan) {
  nnc::PlanHandle plan = openIdlePlan();
  EXPECT_STREQ(nnc_plan_model(plan.get()), "line");
  EXPECT_EQ(nnc_plan_max_batch(plan.get()), 16);
  EXPECT_EQ(nnc_plan_planned_bytes(plan.get(), 1), 320 + 192 + 64);
  ASSERT_EQ(nnc_plan_num_entry_points(plan.get()), 3u);
  EXPECT_STREQ(nnc_plan_entry_point(plan.get(), 1), "train_step");
  EXPECT_EQ(nnc_plan_entry_point(plan.get(), 3), nullptr);
  nnc_tensor_info_t info;
  ASSERT_EQ(nnc_plan_input(plan.get(), "train_step", 1, &info).code, NNC_OK);
  EXPECT_STREQ(info.name, "label");
  EXPECT_EQ(info.element_type, NNC_U8);
  EXPECT_EQ(info.shape[0], -1);
  EXPECT_EQ(info.index_limit, 10);
  ASSERT_EQ(nnc_plan_state_tensor(plan.get(), 1, &info).code, NNC_OK);
  EXPECT_STREQ(info.kind, "optimizer_state");
  nnc_status_t status = nnc_plan_output(plan.get(), "train", 0, &info);
  EXPECT_EQ(status.code, NNC_NOT_FOUND);
  EXPECT_STREQ(status.message,
               "the plan has no entry point 'train', it has: 'init', "
               "'train_step', 'predict'");
}

TEST(Interface, InputsAreChecked) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  // The session keeps what it needs of the plan.
  plan.reset();
  float x[8] = {};
  uint8_t label[2] = {};
  const int64_t shapeX[] = {2, 4}, shapeLabel[] = {2}, one[] = {1};
  nnc_tensor_t inputs[] = {{x, NNC_F32, 2, shapeX},
                           {label, NNC_U8, 1, shapeLabel}};
  float loss = -1;
  EXPECT_EQ(nnc_session_train_step(session.get(), inputs, 2, &loss).code,
            NNC_OK);
  EXPECT_EQ(loss, 0);

  EXPECT_STREQ(nnc_session_train_step(session.get(), inputs, 1, &loss).message,
               "entry point 'train_step' takes 2 inputs, the call gives 1");
  inputs[1].shape = one;
  EXPECT_STREQ(nnc_session_train_step(session.get(), inputs, 2, &loss).message,
               "input 'label' is u8[batch] with batch 2, the call gives u8[1]");
  inputs[1] = {x, NNC_F32, 1, shapeLabel};
  EXPECT_EQ(nnc_session_train_step(session.get(), inputs, 2, &loss).code,
            NNC_INVALID_ARGUMENT);
}

TEST(Interface, OutputsAndScalars) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  double seed = 0;
  EXPECT_EQ(nnc_session_get_scalar(session.get(), "seed", &seed).code, NNC_OK);
  EXPECT_EQ(seed, 9);
  float x[12] = {};
  const int64_t shape[] = {3, 4};
  nnc_tensor_t input{x, NNC_F32, 2, shape}, y;
  ASSERT_EQ(nnc_session_predict(session.get(), &input, 1).code, NNC_OK);
  ASSERT_EQ(nnc_session_output(session.get(), "y", &y).code, NNC_OK);
  EXPECT_EQ(y.rank, 1);
  EXPECT_EQ(y.shape[0], 3);
  EXPECT_STREQ(nnc_session_output(session.get(), "z", &y).message,
               "entry point 'predict' has no output 'z'");
}

TEST(Interface, CheckpointsCarryNotes) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  std::string path = temporaryPath("notes.safetensors");
  const nnc_load_report_t *last = nnc_session_last_load(session.get());
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->num_metadata, 0u);

  ASSERT_EQ(nnc_session_set_scalar(session.get(), "step", 12).code, NNC_OK);
  const nnc_metadata_t notes[] = {{"epoch", "3"}, {"cursor", "a \"b\"\n"}};
  ASSERT_EQ(
      nnc_session_save_checkpoint(session.get(), path.c_str(), notes, 2).code,
      NNC_OK);
  ASSERT_EQ(nnc_session_init(session.get(), 1).code, NNC_OK);
  ASSERT_EQ(nnc_session_load_checkpoint(session.get(), path.c_str()).code,
            NNC_OK);
  double step = 0;
  EXPECT_EQ(nnc_session_get_scalar(session.get(), "step", &step).code, NNC_OK);
  EXPECT_EQ(step, 12);
  last = nnc_session_last_load(session.get());
  ASSERT_EQ(last->num_metadata, 3u);
  EXPECT_STREQ(last->metadata[0].key, "cursor");
  EXPECT_STREQ(last->metadata[0].value, "a \"b\"\n");
  EXPECT_STREQ(last->metadata[2].key, "nnc.file");
  EXPECT_STREQ(last->metadata[2].value, "checkpoint");

  nnc::Metadata given{{"a", "1"}}, found;
  ASSERT_EQ(nnc::saveCheckpoint(session, path.c_str(), given).code, NNC_OK);
  ASSERT_EQ(nnc::loadCheckpoint(session, path.c_str(), found).code, NNC_OK);
  EXPECT_EQ(found, given);
}

TEST(Interface, WrongNotesAreRefused) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  auto save = [&](std::vector<nnc_metadata_t> notes) {
    std::string path = temporaryPath("refused.safetensors");
    return std::string(nnc_session_save_checkpoint(session.get(), path.c_str(),
                                                   notes.data(), notes.size())
                           .message);
  };
  EXPECT_EQ(save({{nullptr, "x"}}), "argument 'key' is null");
  EXPECT_EQ(save({{"x", nullptr}}), "argument 'value' is null");
  EXPECT_EQ(save({{"nnc.x", ""}}),
            "metadata key 'nnc.x' begins with 'nnc.', which is nnc's own");
  EXPECT_EQ(save({{"x", "1"}, {"x", "2"}}), "metadata key 'x' is given twice");
  EXPECT_EQ(nnc_session_save_checkpoint(session.get(), "x", nullptr, 1).code,
            NNC_INVALID_ARGUMENT);
  EXPECT_EQ(nnc_session_load_partial(session.get(), nullptr).code,
            NNC_INVALID_ARGUMENT);
  EXPECT_EQ(nnc_session_last_load(nullptr), nullptr);
}

TEST(Interface, PartialLoadsNameWhatTheyPassedOver) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  std::string path = temporaryPath("shared.safetensors");
  float w[4] = {1, 2, 3, 4};
  using nnc::runtime::ElementType;
  ASSERT_TRUE(
      nnc::runtime::writeSafetensors(
          path,
          {{"w", ElementType::F32, {4}, w}, {"head", ElementType::F32, {2}, w}},
          {})
          .isOk());
  EXPECT_EQ(nnc_session_load(session.get(), path.c_str()).code,
            NNC_INVALID_FILE);
  ASSERT_EQ(nnc_session_load_partial(session.get(), path.c_str()).code, NNC_OK);
  const nnc_load_report_t *last = nnc_session_last_load(session.get());
  EXPECT_EQ(last->num_missing, 0u);
  ASSERT_EQ(last->num_extra, 1u);
  EXPECT_STREQ(last->extra[0], "head");
  float read[4];
  ASSERT_EQ(nnc_session_read_state(session.get(), "w", read, 16).code, NNC_OK);
  EXPECT_EQ(read[3], 4);
}
