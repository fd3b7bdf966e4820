// The C interface: what sessions write to files and read back, and the statuses
// of what cannot be.
#include "test/runtime/TestPlan.h"

using namespace nnc::runtime::test;

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

TEST(Interface, LoadOptionsAreChecked) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  std::string path = temporaryPath("options.safetensors");
  ASSERT_EQ(nnc_session_save(session.get(), path.c_str()).code, NNC_OK);
  auto load = [&](const nnc_load_options_t *options) {
    return nnc_session_load_weights(session.get(), path.c_str(), options);
  };
  EXPECT_EQ(load(nullptr).code, NNC_OK);
  nnc_load_options_t options = {};
  options.partial = 1;
  options.order = NNC_ORDER_NNC;
  EXPECT_EQ(load(&options).code, NNC_OK);
  options.order = NNC_ORDER_PYTORCH;
  EXPECT_EQ(std::string(load(&options).message),
            path + ": the weights are in nnc's order, as the file says, and "
                   "were asked for in pytorch's");
  options.order = static_cast<nnc_weights_order_t>(3);
  EXPECT_STREQ(load(&options).message,
               "order is 3, which is no nnc_weights_order_t");
  options = {};
  options.names = "other";
  EXPECT_STREQ(load(&options).message,
               "the model has no table of names 'other'; there is nnc");
  options = {};
  options.entry_point = "explain";
  EXPECT_EQ(load(&options).code, NNC_NOT_FOUND);
  options.entry_point = "predict";
  EXPECT_EQ(load(&options).code, NNC_OK);
  options.reserved[4] = 1;
  EXPECT_EQ(load(&options).code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(
      nnc_session_load_weights(session.get(), nullptr, nullptr).message,
      "argument 'path' is null");
}
