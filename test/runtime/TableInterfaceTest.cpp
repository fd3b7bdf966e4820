// The C interface of tables: fields of rows as an embedding program has them.
#include "test/runtime/TestPlan.h"

#include "runtime/nnc.hpp"

#include <cmath>

namespace nnc::runtime::test {

namespace {
struct TableInterface : testing::Test {
  PlanSource source = linePlan();
  nnc_table_t *table = nullptr;

  ~TableInterface() override { nnc_table_close(table); }

  /// Of weights that know nothing of the inputs.
  nnc_status_t open() {
    std::string path = temporaryPath("table.safetensors");
    SessionHandle session = openIdleSession(openIdlePlan());
    EXPECT_EQ(nnc_session_save(session.get(), path.c_str()).code, NNC_OK);
    std::vector<uint8_t> bytes = serialize(source);
    nnc_plan_t *plan = nullptr;
    EXPECT_EQ(nnc_plan_open_memory(bytes.data(), bytes.size(), &plan).code,
              NNC_OK);
    nnc_status_t status = nnc_table_open(plan, path.c_str(), &table);
    nnc_plan_close(plan);
    return status;
  }
};
} // namespace

TEST_F(TableInterface, PrepareEachFieldOfARow) {
  source.recipe.sampleSteps = {{"x", "log", {}, ""},
                               {"x", "missing", {{"value", "1"}}, ""}};
  ASSERT_EQ(open().code, NNC_OK);
  EXPECT_EQ(nnc_table_num_fields(table, "x"), 4);
  const char *fields[] = {"1", "2", nullptr, "8"};
  float made[4];
  nnc_status_t status =
      nnc_table_prepare(table, "x", fields, 1, made, sizeof made);
  ASSERT_EQ(status.code, NNC_OK) << status.message;
  const double logarithms[] = {0, 1, 0, 3};
  for (size_t i = 0; i < 4; ++i)
    EXPECT_FLOAT_EQ(made[i], float(logarithms[i] * std::log(2.0)));
  fields[3] = "-8";
  status = nnc_table_prepare(table, "x", fields, 1, made, sizeof made);
  EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "input 'x', row 0: field 3: 'log' takes numbers above 0, found "
               "-8; log(offset = 1) takes 0, too");
}

TEST_F(TableInterface, RefuseWhatAnInputDoesNotTake) {
  ASSERT_EQ(open().code, NNC_OK);
  uint8_t label = 0;
  for (const char *wrong : {"10", "-1", "1.5", "", "nan", "1e999"}) {
    nnc_status_t status =
        nnc_table_prepare(table, "label", &wrong, 1, &label, sizeof label);
    EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT) << wrong;
  }
  const char *right = "9";
  EXPECT_EQ(
      nnc_table_prepare(table, "label", &right, 1, &label, sizeof label).code,
      NNC_OK);
  EXPECT_EQ(label, 9);
  EXPECT_EQ(nnc_table_prepare(table, "label", &right, 1, &label, 2).code,
            NNC_INVALID_ARGUMENT);
  EXPECT_EQ(nnc_table_prepare(table, "colour", &right, 1, &label, 1).code,
            NNC_NOT_FOUND);
  EXPECT_EQ(nnc_table_prepare(table, "label", nullptr, 1, &label, 1).code,
            NNC_INVALID_ARGUMENT);
  EXPECT_EQ(nnc_table_num_fields(table, "colour"), 0);
  EXPECT_EQ(nnc_table_name(table, "label", 0), nullptr);
}

// A sample of the mask would be written beyond its end.
TEST_F(TableInterface, RefuseAMaskOfAnotherWidth) {
  source.recipe.sampleSteps = {{"x", "mask", {{"input", "label"}}, ""}};
  nnc_status_t status = open();
  EXPECT_EQ(status.code, NNC_INVALID_ARGUMENT);
  EXPECT_STREQ(status.message,
               "the mask 'label' of input 'x' takes 4 numbers a sample, it is "
               "u8[batch]");
}

TEST_F(TableInterface, RefuseWeightsThatKnowNothingOfAnInput) {
  source.recipe.sampleSteps = {{"x", "standardize", {}, ""}};
  EXPECT_EQ(open().code, NNC_INVALID_FILE);
}

} // namespace nnc::runtime::test
