// The C interface: statuses for wrong calls, and nothing that needs release
// beyond plan and session. It runs no kernel: those of the test plan are not
// machine code.
#include "test/runtime/TestPlan.h"

#include <algorithm>
#include <thread>

using namespace nnc::runtime::test;

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

TEST(Interface, NullArgumentsOfPlansAreStatuses) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc_plan_t *p = plan.get();
  nnc_tensor_info_t info;
  nnc_recipe_t recipe;
  char bytes[16];

  const struct {
    nnc_status_t status;
    const char *argument;
  } calls[] = {
      {nnc_plan_open("x", nullptr), "plan"},
      {nnc_plan_open_memory(bytes, 1, nullptr), "plan"},
      {nnc_plan_open_static(bytes, 1, nullptr), "plan"},
      {nnc_plan_recipe(nullptr, &recipe), "plan"},
      {nnc_plan_recipe(p, nullptr), "recipe"},
      {nnc_plan_check(nullptr), "plan"},
      {nnc_plan_input(nullptr, "init", 0, &info), "plan"},
      {nnc_plan_input(p, nullptr, 0, &info), "entry_point"},
      {nnc_plan_input(p, "init", 0, nullptr), "info"},
      {nnc_plan_output(nullptr, "init", 0, &info), "plan"},
      {nnc_plan_output(p, nullptr, 0, &info), "entry_point"},
      {nnc_plan_output(p, "init", 0, nullptr), "info"},
      {nnc_plan_state_tensor(nullptr, 0, &info), "plan"},
      {nnc_plan_state_tensor(p, 0, nullptr), "info"},
      {nnc_target_check(nullptr), "target"},
  };
  for (const auto &call : calls)
    EXPECT_EQ(call.status.code, NNC_INVALID_ARGUMENT) << call.argument;
}

TEST(Interface, NullArgumentsOfSessionsAreStatuses) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  nnc_plan_t *p = plan.get();
  nnc_session_t *s = session.get();
  nnc_tensor_t output;
  double value = 0;
  char bytes[16];

  const struct {
    nnc_status_t status;
    const char *argument;
  } calls[] = {
      {nnc_session_create(p, nullptr, nullptr), "session"},
      {nnc_session_init(nullptr, 1), "session"},
      {nnc_session_run(nullptr, "init", nullptr, 0), "session"},
      {nnc_session_run(s, nullptr, nullptr, 0), "entry_point"},
      {nnc_session_train_step(nullptr, nullptr, 0, nullptr), "session"},
      {nnc_session_train_step(s, nullptr, 2, nullptr), "inputs"},
      {nnc_session_eval_step(nullptr, nullptr, 0, nullptr), "session"},
      {nnc_session_gradients(nullptr, nullptr, 0, nullptr), "session"},
      {nnc_session_predict(nullptr, nullptr, 0), "session"},
      {nnc_session_output(nullptr, "y", &output), "session"},
      {nnc_session_output(s, nullptr, &output), "name"},
      {nnc_session_output(s, "y", nullptr), "output"},
      {nnc_session_read_state(nullptr, "w", bytes, 16), "session"},
      {nnc_session_read_state(s, nullptr, bytes, 16), "name"},
      {nnc_session_read_state(s, "w", nullptr, 16), "data"},
      {nnc_session_write_state(nullptr, "w", bytes, 16), "session"},
      {nnc_session_write_state(s, nullptr, bytes, 16), "name"},
      {nnc_session_write_state(s, "w", nullptr, 16), "data"},
      {nnc_session_get_scalar(nullptr, "step", &value), "session"},
      {nnc_session_get_scalar(s, nullptr, &value), "name"},
      {nnc_session_get_scalar(s, "step", nullptr), "value"},
      {nnc_session_set_scalar(nullptr, "step", 1), "session"},
      {nnc_session_set_scalar(s, nullptr, 1), "name"},
      {nnc_session_check_finite(nullptr), "session"},
      {nnc_session_save(nullptr, "x"), "session"},
      {nnc_session_save(s, nullptr), "path"},
      {nnc_session_load(nullptr, "x"), "session"},
      {nnc_session_load(s, nullptr), "path"},
      {nnc_session_save_checkpoint(nullptr, "x", nullptr, 0), "session"},
      {nnc_session_load_partial(nullptr, "x"), "session"},
      {nnc_session_load_weights(nullptr, "x", nullptr), "session"},
      {nnc_session_load_checkpoint(s, nullptr), "path"},
  };
  for (const auto &call : calls)
    EXPECT_EQ(call.status.code, NNC_INVALID_ARGUMENT) << call.argument;
}

TEST(Interface, NullArgumentsAreNamed) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  nnc_plan_t *p = plan.get(), *opened = p;
  nnc_session_t *s = session.get(), *created = s;

  // A message is its thread's last one: each has to be looked at by itself.
  EXPECT_STREQ(nnc_session_run(nullptr, "init", nullptr, 0).message,
               "argument 'session' is null");
  EXPECT_STREQ(nnc_session_output(s, "y", nullptr).message,
               "argument 'output' is null");
  EXPECT_STREQ(nnc_plan_input(p, "init", 0, nullptr).message,
               "argument 'info' is null");

  // What a call could not give is null.
  EXPECT_EQ(nnc_plan_open(nullptr, &opened).code, NNC_INVALID_ARGUMENT);
  EXPECT_EQ(opened, nullptr);
  EXPECT_EQ(nnc_plan_open_memory(nullptr, 1, &opened).code,
            NNC_INVALID_ARGUMENT);
  EXPECT_EQ(nnc_session_create(nullptr, nullptr, &created).code,
            NNC_INVALID_ARGUMENT);
  EXPECT_EQ(created, nullptr);
}

TEST(Interface, NoPlanHasNothing) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc_plan_t *p = plan.get();
  EXPECT_STREQ(nnc_plan_model(nullptr), "");
  EXPECT_STREQ(nnc_plan_target(nullptr), "");
  EXPECT_EQ(nnc_plan_max_batch(nullptr), 0);
  EXPECT_EQ(nnc_plan_planned_bytes(nullptr, 1), 0);
  EXPECT_EQ(nnc_plan_num_features(nullptr), 0u);
  EXPECT_EQ(nnc_plan_feature(nullptr, 0), nullptr);
  EXPECT_EQ(nnc_plan_num_entry_points(nullptr), 0u);
  EXPECT_EQ(nnc_plan_entry_point(nullptr, 0), nullptr);
  EXPECT_EQ(nnc_plan_num_inputs(nullptr, "init"), 0u);
  EXPECT_EQ(nnc_plan_num_inputs(p, nullptr), 0u);
  EXPECT_EQ(nnc_plan_num_outputs(p, "no such"), 0u);
  EXPECT_EQ(nnc_plan_num_state_tensors(nullptr), 0u);
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

TEST(Interface, TrainingStepsByName) {
  nnc::PlanHandle plan = openIdlePlan();
  ASSERT_EQ(nnc_plan_num_training_steps(plan.get()), 1u);
  EXPECT_EQ(nnc_plan_num_training_steps(nullptr), 0u);
  nnc_training_step_t step;
  ASSERT_EQ(nnc_plan_training_step(plan.get(), 0, &step).code, NNC_OK);
  EXPECT_STREQ(step.entry_point, "train_step");
  EXPECT_EQ(step.times, 1);
  EXPECT_STREQ(nnc_plan_training_step(plan.get(), 1, &step).message,
               "index 1 of 1");

  nnc::SessionHandle session = openIdleSession(plan);
  float x[8] = {};
  uint8_t label[2] = {};
  const int64_t shapeX[] = {2, 4}, shapeLabel[] = {2};
  const nnc_tensor_t inputs[] = {{x, NNC_F32, 2, shapeX},
                                 {label, NNC_U8, 1, shapeLabel}};
  float loss = -1;
  for (int64_t batch : {0, 2})
    EXPECT_EQ(nnc_session_train_step_by_name(session.get(), "train_step",
                                             inputs, 2, batch, &loss)
                  .code,
              NNC_OK);
  EXPECT_EQ(loss, 0);
  EXPECT_STREQ(nnc_session_train_step_by_name(session.get(), "train_step",
                                              inputs, 2, 3, &loss)
                   .message,
               "the inputs have 2 samples, the call says 3");
  nnc_status_t status = nnc_session_train_step_by_name(session.get(), "predict",
                                                       inputs, 1, 0, &loss);
  EXPECT_EQ(status.code, NNC_NOT_FOUND);
  EXPECT_STREQ(status.message,
               "the plan has no training step 'predict', it has: 'train_step'");
  EXPECT_EQ(nnc_session_run_batch(session.get(), "predict", inputs, 1, 2).code,
            NNC_OK);
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

TEST(Interface, StateIsCheckedAndSet) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  float w[4] = {1, 2, 3, 4}, read[4] = {};
  EXPECT_EQ(nnc_session_write_state(session.get(), "w", w, sizeof w).code,
            NNC_OK);
  EXPECT_EQ(nnc_session_read_state(session.get(), "w", read, sizeof w).code,
            NNC_OK);
  EXPECT_EQ(read[3], 4);
  EXPECT_STREQ(nnc_session_write_state(session.get(), "w", w, 12).message,
               "state tensor 'w' has 16 bytes, the call gives 12");
  EXPECT_STREQ(nnc_session_read_state(session.get(), "v", read, 16).message,
               "the plan has no state tensor 'v'");
  EXPECT_STREQ(nnc_session_set_scalar(session.get(), "w", 1).message,
               "state tensor 'w' is f32[4], expected a scalar");
  nnc_status_t status = nnc_session_set_scalar(session.get(), "step", 0.5);
  EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "0.5 does not fit state tensor 'step' of type i64");
}

TEST(Interface, CallsInTheWrongOrder) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  nnc_tensor_t y;
  // "init" ran when the session was made, and has no outputs.
  EXPECT_STREQ(nnc_session_output(session.get(), "y", &y).message,
               "entry point 'init' has no output 'y'");
  nnc_status_t status =
      nnc_session_gradients(session.get(), nullptr, 0, nullptr);
  EXPECT_EQ(status.code, NNC_NOT_FOUND);
  EXPECT_STREQ(status.message, "the plan has no entry point 'gradients': "
                               "compile it with --gradients");
  EXPECT_EQ(nnc_session_eval_step(session.get(), nullptr, 0, nullptr).code,
            NNC_NOT_FOUND);

  PlanSource without = linePlan();
  without.entryPoints.erase(without.entryPoints.begin());
  std::vector<uint8_t> bytes = serialize(without);
  nnc_plan_t *opened = nullptr;
  ASSERT_EQ(nnc_plan_open_memory(bytes.data(), bytes.size(), &opened).code,
            NNC_OK);
  nnc::PlanHandle uninitialised(opened);
  nnc::SessionHandle fresh = openIdleSession(uninitialised);
  EXPECT_STREQ(nnc_session_output(fresh.get(), "y", &y).message,
               "nothing has run in this session");
}

TEST(Interface, OptionsAreChecked) {
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session;
  nnc_session_options_t options = {};
  options.threads = -1;
  EXPECT_STREQ(nnc::createSession(plan, options, session).message,
               "threads is -1, expected 0 to 1024");
  // A field of a later version, which this one would ignore.
  options = {};
  options.reserved[4] = 1;
  nnc_status_t status = nnc::createSession(plan, options, session);
  EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT);
  EXPECT_EQ(session.get(), nullptr);
  // Without options, the seed is the recipe's.
  nnc_session_t *created = nullptr;
  ASSERT_EQ(nnc_session_create(plan.get(), nullptr, &created).code, NNC_OK);
  nnc::SessionHandle byRecipe(created);
  double seed = 0;
  EXPECT_EQ(nnc_session_get_scalar(created, "seed", &seed).code, NNC_OK);
  EXPECT_EQ(seed, 5);
}

TEST(Interface, SaysWhatThereIs) {
  ASSERT_GE(nnc_num_targets(), 1u);
  EXPECT_STREQ(nnc_target(0), "cpu");
  EXPECT_EQ(nnc_target(nnc_num_targets()), nullptr);
  EXPECT_EQ(nnc_target_check("cpu").code, NNC_OK);
  nnc_status_t status = nnc_target_check("abacus");
  EXPECT_EQ(status.code, NNC_UNSUPPORTED);
  EXPECT_NE(std::string(status.message).find("has no target 'abacus'"),
            std::string::npos);

  std::vector<std::string> features;
  for (size_t i = 0; i < nnc_num_cpu_features(); ++i)
    features.push_back(nnc_cpu_feature(i));
  EXPECT_EQ(nnc_cpu_feature(features.size()), nullptr);
  // Part of every x86-64.
  EXPECT_EQ(std::count(features.begin(), features.end(), "sse2"), 1);

  EXPECT_EQ(nnc_element_size(NNC_F64), 8u);
  EXPECT_EQ(nnc_element_size(NNC_BOOL), 1u);
  EXPECT_EQ(nnc_element_size(static_cast<nnc_element_type_t>(99)), 0u);

  nnc::PlanHandle plan = openIdlePlan();
  EXPECT_STREQ(nnc_plan_target(plan.get()), "cpu");
  EXPECT_EQ(nnc_plan_num_features(plan.get()), 0u);
  EXPECT_EQ(nnc_plan_check(plan.get()).code, NNC_OK);
  nnc_recipe_t recipe;
  ASSERT_EQ(nnc_plan_recipe(plan.get(), &recipe).code, NNC_OK);
  EXPECT_EQ(recipe.batch, 8);
  EXPECT_EQ(recipe.epochs, 3);
  EXPECT_EQ(recipe.seed, 5);
  EXPECT_EQ(recipe.validation, 0.25);
}

TEST(Interface, PlanForAnotherProcessor) {
  PlanSource source = linePlan();
  source.features = {"sse2", "warp-drive", "sixfold"};
  std::vector<uint8_t> bytes = serialize(source);
  nnc_plan_t *opened = nullptr;
  // It opens: what it needs can be asked.
  ASSERT_EQ(nnc_plan_open_memory(bytes.data(), bytes.size(), &opened).code,
            NNC_OK);
  nnc::PlanHandle plan(opened);
  ASSERT_EQ(nnc_plan_num_features(opened), 3u);
  EXPECT_STREQ(nnc_plan_feature(opened, 1), "warp-drive");
  EXPECT_EQ(nnc_plan_feature(opened, 3), nullptr);
  const char *reason = "the plan needs processor features that this machine "
                       "lacks: 'warp-drive', 'sixfold'";
  EXPECT_EQ(nnc_plan_check(opened).code, NNC_UNSUPPORTED);
  EXPECT_STREQ(nnc_plan_check(opened).message, reason);
  nnc::SessionHandle session;
  EXPECT_STREQ(nnc::createSession(plan, {}, session).message, reason);
  EXPECT_EQ(session.get(), nullptr);
}

TEST(Interface, StaticPlansAreNotCopied) {
  std::vector<uint8_t> bytes = serialize(linePlan());
  nnc::runtime::AlignedBytes aligned(bytes.size() + 1);
  std::copy(bytes.begin(), bytes.end(), aligned.data());
  nnc_plan_t *opened = nullptr;
  nnc_status_t status =
      nnc_plan_open_static(aligned.data(), bytes.size(), &opened);
  ASSERT_EQ(status.code, NNC_OK) << status.message;
  nnc::PlanHandle plan(opened);
  nnc::SessionHandle session = openIdleSession(plan);
  EXPECT_EQ(nnc_session_init(session.get(), 3).code, NNC_OK);

  status = nnc_plan_open_static(aligned.data() + 1, bytes.size(), &opened);
  EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "plan: is at an address that is no multiple of 64");
  EXPECT_EQ(opened, nullptr);
  EXPECT_EQ(nnc_plan_open_static(aligned.data(), 3, &opened).code,
            NNC_INVALID_FILE);
}

namespace {
/// What the log said, and what happened inside of it.
struct Heard {
  std::vector<std::pair<nnc_log_level_t, std::string>> messages;
  nnc_session_t *session = nullptr;
  nnc_status_t nested = {NNC_OK, ""};
  const nnc_load_report_t *lastLoad = nullptr;
};

void hear(nnc_log_level_t level, const char *message, void *context) {
  auto &heard = *static_cast<Heard *>(context);
  heard.messages.emplace_back(level, message);
  if (heard.session)
    heard.nested = nnc_session_init(heard.session, 1);
  heard.lastLoad = nnc_session_last_load(heard.session);
}

/// No log outlives its test.
struct Log : testing::Test {
  void TearDown() override { nnc_set_log(nullptr, nullptr, NNC_LOG_OFF); }
};
} // namespace

TEST_F(Log, SaysWhatHappens) {
  Heard heard;
  ASSERT_EQ(nnc_set_log(hear, &heard, NNC_LOG_INFO).code, NNC_OK);
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  std::string path = temporaryPath("logged.safetensors");
  EXPECT_EQ(
      nnc_session_save_checkpoint(session.get(), path.c_str(), nullptr, 0).code,
      NNC_OK);
  EXPECT_EQ(nnc_session_load(session.get(), path.c_str()).code, NNC_OK);
  ASSERT_EQ(heard.messages.size(), 4u);
  EXPECT_EQ(heard.messages[0].second,
            "plan: plan of model 'line' by 'nnc 0.1.0' for target 'cpu', "
            "batch 1 to 16");
  EXPECT_EQ(heard.messages[1].second,
            "session of model 'line': 1 threads, 576 bytes, of which 320 are "
            "parameters and state");
  EXPECT_EQ(heard.messages[2].second, path + ": saved 5 tensors, a checkpoint");
  EXPECT_EQ(heard.messages[3].second, path + ": loaded 1 tensors, weights");
  EXPECT_EQ(heard.messages[3].first, NNC_LOG_INFO);

  // A failure is a status alone.
  EXPECT_NE(nnc_session_load(session.get(), "/nonexistent").code, NNC_OK);
  EXPECT_EQ(heard.messages.size(), 4u);
  nnc_set_log(nullptr, nullptr, NNC_LOG_DEBUG);
  openIdleSession(plan);
  EXPECT_EQ(heard.messages.size(), 4u);
}

TEST_F(Log, HasLevels) {
  Heard heard;
  nnc_set_log(hear, &heard, NNC_LOG_DEBUG);
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  ASSERT_EQ(heard.messages.size(), 4u);
  EXPECT_EQ(heard.messages[1].first, NNC_LOG_DEBUG);
  EXPECT_EQ(heard.messages[1].second.find("processor has: "), 0u);
  EXPECT_EQ(heard.messages[2].second, "initialised with seed 9");
  heard.messages.clear();
  nnc_set_log(hear, &heard, NNC_LOG_WARNING);
  openIdleSession(plan);
  EXPECT_TRUE(heard.messages.empty());
  EXPECT_STREQ(
      nnc_set_log(hear, &heard, static_cast<nnc_log_level_t>(4)).message,
      "log level is 4, expected 0 to 3");
}

TEST_F(Log, MayCallBack) {
  // A session is busy while it logs; another one is not, and says nothing.
  nnc::PlanHandle plan = openIdlePlan();
  nnc::SessionHandle session = openIdleSession(plan);
  nnc::SessionHandle other = openIdleSession(plan);
  Heard heard;
  heard.session = session.get();
  nnc_set_log(hear, &heard, NNC_LOG_DEBUG);
  EXPECT_EQ(nnc_session_init(session.get(), 1).code, NNC_OK);
  EXPECT_EQ(heard.nested.code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(heard.nested.message,
               "another call on this session is under way: a session is for "
               "one thread at a time");
  EXPECT_EQ(heard.lastLoad, nullptr);
  heard.session = other.get();
  EXPECT_EQ(nnc_session_init(session.get(), 1).code, NNC_OK);
  EXPECT_EQ(heard.nested.code, NNC_OK);
  EXPECT_NE(heard.lastLoad, nullptr);
  EXPECT_EQ(heard.messages.size(), 2u);
}

TEST_F(Log, CannotChangeItself) {
  static nnc_status_t nested;
  auto replace = [](nnc_log_level_t, const char *, void *) {
    nested = nnc_set_log(nullptr, nullptr, NNC_LOG_OFF);
  };
  nnc_set_log(replace, nullptr, NNC_LOG_INFO);
  openIdlePlan();
  EXPECT_EQ(nested.code, NNC_INVALID_ARGUMENT);
}

TEST(Interface, SessionsOnManyThreads) {
  // Under ThreadSanitizer this shows that sessions share nothing that changes.
  nnc::PlanHandle plan = openIdlePlan();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        nnc::SessionHandle session;
        nnc_session_options_t options = {};
        options.threads = 2;
        EXPECT_EQ(nnc::createSession(plan, options, session).code, NNC_OK);
        float x[64] = {};
        const int64_t shape[] = {16, 4};
        nnc_tensor_t input{x, NNC_F32, 2, shape};
        EXPECT_EQ(nnc_session_predict(session.get(), &input, 1).code, NNC_OK);
        // Each thread has messages of its own.
        std::string name = "t" + std::to_string(i);
        nnc_status_t status =
            nnc_session_set_scalar(session.get(), name.c_str(), 1);
        EXPECT_EQ(status.message,
                  "the plan has no state tensor '" + name + "'");
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}
