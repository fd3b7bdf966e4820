// A plan is verified before it is believed.
#include "test/runtime/TestPlan.h"

#include "runtime/plan_generated.h"

#include <cstring>
#include <filesystem>
#include <functional>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

static Status openBytes(const std::vector<uint8_t> &bytes) {
  return Plan::fromMemory(bytes.data(), bytes.size()).status();
}

TEST(Plan, ReadsWhatWasWritten) {
  auto plan = openPlan(linePlan());
  EXPECT_EQ(plan->model, "line");
  EXPECT_EQ(plan->maxBatch, 16);
  ASSERT_EQ(plan->entryPoints.size(), 3u);
  const EntryPoint *train = plan->findEntryPoint("train_step");
  ASSERT_NE(train, nullptr);
  EXPECT_EQ(train->commands.size(), 4u);
  EXPECT_EQ(train->inputs[0].shape, (Shape{-1, 4}));
  EXPECT_EQ(train->inputs[1].indexLimit, 10);
  EXPECT_EQ(train->commands[0].source, "line.nn:1:1");
  EXPECT_EQ(plan->findState("w.m")->role, Role::OptimizerState);
  EXPECT_EQ(plan->findState("none"), nullptr);
  ASSERT_EQ(plan->recipe.data.size(), 1u);
  EXPECT_EQ(plan->recipe.data[0].arguments[0].second, "line.csv");
  EXPECT_EQ(plan->recipe.validation, 0.25);
  ASSERT_EQ(plan->recipe.settings.size(), 2u);
  EXPECT_EQ(plan->recipe.settings[0].real, 0.5);
  // Of a later version.
  EXPECT_EQ(plan->recipe.settings[1].name, "patience");
  ASSERT_EQ(plan->recipe.sampleSteps.size(), 1u);
  EXPECT_EQ(plan->recipe.sampleSteps[0].step, "normalize");
  EXPECT_EQ(plan->recipe.sampleSteps[0].arguments[0].second, "0.5");
  // 320 state, 192 arena, and 4 bytes of scratch that take a line a thread.
  EXPECT_EQ(plan->plannedBytes(2), 320 + 192 + 2 * 64);
}

TEST(Plan, ExtentRoundsUp) {
  EXPECT_EQ((Extent{1, 2, 4}.at(3)), 2);
  EXPECT_EQ((Extent{0, 2, 4}.at(2)), 1);
  EXPECT_EQ((Extent{0, 0, 1}.at(9)), 0);
}

TEST(Plan, NamesAMissingFile) {
  Status status = Plan::open(temporaryPath("none.plan")).status();
  EXPECT_EQ(status.code(), Code::NotFound);
  EXPECT_NE(status.message().find("none.plan: cannot open: No such file"),
            std::string::npos)
      << status.message();
}

TEST(Plan, RefusesAFolder) {
  EXPECT_EQ(Plan::open("/").status().code(), Code::IoError);
}

TEST(Plan, RefusesAnotherVersion) {
  PlanSource source = linePlan();
  source.version = 4;
  Status status = openBytes(serialize(source));
  EXPECT_EQ(status.code(), Code::Unsupported);
  EXPECT_EQ(status.message(), "plan: the plan is of version 4, this runtime "
                              "reads versions 1 to 3; compile the model "
                              "again");
}

TEST(Plan, RefusesEveryTruncation) {
  std::vector<uint8_t> bytes = serialize(linePlan());
  for (size_t length = 0; length < bytes.size(); ++length) {
    // A copy of its own, so that a sanitizer sees a read beyond it.
    std::vector<uint8_t> part(bytes.begin(), bytes.begin() + length);
    Status status = openBytes(part);
    // The last bytes may be padding or the end of a string nobody needs; any
    // other cut must be seen.
    if (length + 16 < bytes.size())
      EXPECT_EQ(status.code(), Code::InvalidFile) << "length " << length;
  }
}

// A changed plan is refused or is another valid plan; opening and describing it
// is safe either way. It is not run: it is a program then.
static void describeAll(const Plan &plan) {
  int64_t sum = plan.plannedBytes(2);
  for (const EntryPoint &entry : plan.entryPoints) {
    for (const TensorInfo &input : entry.inputs)
      sum += input.sizeBytes(plan.maxBatch);
    for (const Command &command : entry.commands)
      sum += command.extent.at(plan.maxBatch) + command.extent.at(1);
  }
  EXPECT_GE(sum, INT64_MIN);
}

TEST(Plan, SurvivesEveryChangedByte) {
  const std::vector<uint8_t> bytes = serialize(linePlan());
  int refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    for (uint8_t change : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> changed = bytes;
      changed[i] ^= change;
      auto plan = Plan::fromMemory(changed.data(), changed.size());
      if (plan.isOk())
        describeAll(**plan);
      else
        refused += !plan.status().message().empty();
    }
  // Names, immediate numbers and padding may change unseen; tables may not.
  EXPECT_GT(refused, static_cast<int>(bytes.size() / 2));
}

TEST(Plan, RefusesNoise) {
  std::vector<uint8_t> noise(4096);
  uint32_t state = 1;
  for (int round = 0; round < 200; ++round) {
    for (uint8_t &byte : noise)
      byte = (state = state * 1664525 + 1013904223) >> 24;
    std::memcpy(noise.data() + 4, "NNCP", 4);
    EXPECT_FALSE(openBytes(noise).isOk());
  }
}

namespace {
struct WrongPlan {
  const char *name;
  std::function<void(PlanSource &)> change;
  const char *message;
};
} // namespace

static constexpr int64_t huge = INT64_MAX;

static const WrongPlan wrongPlans[] = {
    {"BatchOfZero", [](auto &p) { p.maxBatch = 0; }, "max_batch is 0"},
    {"BatchTooLarge", [](auto &p) { p.maxBatch = huge; }, "expected 1 to"},
    {"NegativeState", [](auto &p) { p.stateBytes = -64; },
     "state_bytes is -64"},
    {"StateBeyondRegion", [](auto &p) { p.state[0].offsetBytes = 320; },
     "state tensor 'w': 16 bytes at offset 320 do not fit the state region of "
     "320 bytes"},
    {"StateOffsetOverflows",
     [](auto &p) { p.state[0].offsetBytes = huge - 63; }, "do not fit"},
    {"StateMisaligned", [](auto &p) { p.state[0].offsetBytes = 8; },
     "offset 8 is not a multiple of 64"},
    {"StateOverlaps", [](auto &p) { p.state[1].offsetBytes = 0; },
     "state tensors 'w' and 'w.m' overlap"},
    {"StateTwice", [](auto &p) { p.state[1].name = "w"; },
     "two state tensors have this name"},
    {"StateShapeOverflows",
     [](auto &p) { p.state[0].shape = {1 << 30, 1 << 30, 1 << 30}; },
     "more elements than any memory holds"},
    {"StateHasBatch", [](auto &p) { p.state[0].shape = {-1}; },
     "has the batch in it"},
    {"StateNegativeDimension", [](auto &p) { p.state[0].shape = {-2}; },
     "a dimension is -2"},
    {"SeedOfWrongType",
     [](auto &p) { p.state[2].elementType = ElementType::F64; },
     "state tensor 'seed' is f64[], expected i64[]"},
    {"UnknownRole", [](auto &p) { p.state[0].role = Role(9); },
     "unknown role 9"},
    {"DimsOfOptimizerState", [](auto &p) { p.state[1].pytorchDims = {0}; },
     "state tensor 'w.m': has pytorch_dims, but is no weight"},
    {"TooManyDims", [](auto &p) { p.state[0].pytorchDims = {1, 0}; },
     "state tensor 'w': its pytorch_dims are not each of its 1 dimensions "
     "once"},
    {"DimBeyondRank", [](auto &p) { p.state[0].pytorchDims = {7}; },
     "its pytorch_dims are not each of its 1 dimensions once"},
    {"NegativeDim", [](auto &p) { p.state[0].pytorchDims = {-1}; },
     "its pytorch_dims are not each of its 1 dimensions once"},
    {"UnknownWeightsOrder", [](auto &p) { p.weightsOrder = WeightsOrder(2); },
     "unknown weights_order 2"},
    {"AppendsToNothing", [](auto &p) { p.state[0].appendsTo = 9; },
     "state tensor 'w' appends to number 9 of 5"},
    {"AppendsBeforeTheFirst", [](auto &p) { p.state[0].appendsTo = -2; },
     "state tensor 'w' appends to number -2 of 5"},
    {"AppendsAParameter", [](auto &p) { p.state[0].appendsTo = 1; },
     "state tensor 'w', f32[4], is no place of 'w.m', f32[4]"},
    {"AppendsAnotherShape",
     [](auto &p) {
       p.state[0].role = p.state[1].role = Role::Generation;
       p.state[0].shape = {1, 2, 2};
       p.state[1].shape = {1, 4};
       p.state[1].appendsTo = 0;
     },
     "state tensor 'w.m', f32[1, 4], is no place of 'w', f32[1, 2, 2]"},
    {"RoundedFromNothing", [](auto &p) { p.state[1].roundedFrom = 9; },
     "state tensor 'w.m' is rounded from number 9 of 5"},
    {"RoundedBeforeTheFirst", [](auto &p) { p.state[1].roundedFrom = -2; },
     "state tensor 'w.m' is rounded from number -2 of 5"},
    {"RoundedToAsManyBits", [](auto &p) { p.state[1].roundedFrom = 0; },
     "state tensor 'w.m', f32[4], is not rounded from 'w', f32[4]"},
    {"RoundedFromAScalar",
     [](auto &p) {
       p.state[1].elementType = ElementType::BF16;
       p.state[1].roundedFrom = 2;
     },
     "state tensor 'w.m', bf16[4], is not rounded from 'seed', i64[]"},
    {"NegativeContext", [](auto &p) { p.entryPoints[0].context = -1; },
     "context is -1, expected 0 or more"},
    {"TwoTablesOfAName",
     [](auto &p) { p.nameTables = {{"hf", {}}, {"hf", {}}}; },
     "table of names 'hf': two tables of names have this name"},
    {"TooManyTables",
     [](auto &p) {
       for (int i = 0; i < 17; ++i)
         p.nameTables.push_back({"t" + std::to_string(i), {}});
     },
     "has 17 tables of names, expected at most 16"},
    {"TooManyLines",
     [](auto &p) {
       p.nameTables = {{"hf", std::vector<std::string>(1025, "order nnc")}};
     },
     "table of names 'hf': has 1025 lines, expected at most 1024"},
    {"LineOfATable", [](auto &p) { p.nameTables = {{"hf", {"order up"}}}; },
     "table of names 'hf': line 'order up': expected nnc or pytorch, found "
     "'up'"},
    {"UnknownElementType",
     [](auto &p) { p.state[0].elementType = ElementType(77); },
     "unknown element type 77"},
    {"KernelBeyondImage", [](auto &p) { p.kernels[1].offsetBytes = 64; },
     "kernel 'predict': starts at byte 64 of a code image of 64 bytes"},
    {"KernelBeforeImage", [](auto &p) { p.kernels[1].offsetBytes = -1; },
     "starts at byte -1"},
    {"KernelOfACpuWithThreads",
     [](auto &p) {
       p.kernels[1].threads = 1;
       p.kernels[1].offsetBytes = -1;
     },
     "kernel 'predict': has 1 threads a block, and is a CPU's"},
    {"KernelTwice", [](auto &p) { p.kernels[1].name = "update"; },
     "two kernels have this name"},
    {"EntryPointTwice", [](auto &p) { p.entryPoints[2].name = "init"; },
     "two entry points have this name"},
    {"InputTwice", [](auto &p) { p.entryPoints[1].inputs[1].name = "x"; },
     "two inputs have this name"},
    {"InputTwoBatches",
     [](auto &p) { p.entryPoints[1].inputs[0].shape = {-1, -1}; },
     "entry point 'train_step', input 'x': more than one dimension is the "
     "batch"},
    {"IndexLimitOfFloat",
     [](auto &p) { p.entryPoints[1].inputs[0].indexLimit = 3; },
     "has an index_limit, but is of type f32"},
    {"NegativeIndexLimit",
     [](auto &p) { p.entryPoints[1].inputs[1].indexLimit = -3; },
     "index_limit is -3"},
    {"NegativeArena", [](auto &p) { p.entryPoints[1].arenaBytes = -1; },
     "arena_bytes is -1"},
    {"ScratchTooLarge", [](auto &p) { p.entryPoints[1].scratchBytes = huge; },
     "scratch_bytes is"},
    {"UnknownKernel", [](auto &p) { p.entryPoints[1].commands[0].kernel = 4; },
     "entry point 'train_step', command 0: launches kernel 4 of 4"},
    {"GrainOfZero", [](auto &p) { p.entryPoints[1].commands[0].grain = 0; },
     "grain is 0"},
    {"ExtentOverflows",
     [](auto &p) { p.entryPoints[1].commands[0].extent = {0, huge}; },
     "extent overflows 64 bits at batch 16"},
    {"ExtentNegative",
     [](auto &p) { p.entryPoints[1].commands[0].extent = {20, -2}; },
     "extent is negative: 20 + -2 * batch"},
    {"ExtentDividedByZero",
     [](auto &p) { p.entryPoints[1].commands[0].extent = {1, 0, 0}; },
     "extent is divided by 0"},
    {"BufferBeyondArena",
     [](auto &p) {
       p.entryPoints[1].commands[0].buffers[2].sizeBytes = {0, 13};
     },
     "command 0 ('predict'): a buffer of 208 bytes at offset 0 leaves its "
     "region of 192 bytes at batch 16"},
    {"BufferBeyondInput",
     [](auto &p) {
       p.entryPoints[1].commands[0].buffers[0].sizeBytes = {1, 16};
     },
     "leaves its region of 16 bytes at batch 1"},
    {"BufferOfUnknownInput",
     [](auto &p) { p.entryPoints[1].commands[0].buffers[0].index = 2; },
     "a buffer has index 2 of 2"},
    {"BufferInUnknownRegion",
     [](auto &p) {
       p.entryPoints[1].commands[0].buffers[0].region = Region(5);
     },
     "unknown region 5"},
    {"BufferMisaligned",
     [](auto &p) { p.entryPoints[1].commands[0].buffers[2].offsetBytes = 4; },
     "a buffer is at offset 4, expected a multiple of 64"},
    {"BufferBeyondConstants",
     [](auto &p) {
       p.entryPoints[1].commands[0].buffers[1].region = Region::Constant;
     },
     "leaves its region of 0 bytes"},
    {"CopyIntoInput",
     [](auto &p) {
       p.entryPoints[1].commands[3].buffers[1] = {Region::Input, 0, 0, {16}};
     },
     "copies into a region that is only read"},
    {"CopyOfMoreThanThereIs",
     [](auto &p) { p.entryPoints[1].commands[3].buffers[0].sizeBytes = {8}; },
     "copies 16 bytes at batch 1 from a buffer of 8"},
    {"CopyOverlaps",
     [](auto &p) {
       auto &buffers = p.entryPoints[1].commands[3].buffers;
       buffers[0] = buffers[1];
     },
     "copies between buffers that overlap"},
    // Apart at batch 16, where 8 bytes are copied, and overlapping at batch 1.
    {"CopyOverlapsAtTheSmallestBatch",
     [](auto &p) {
       auto &buffers = p.entryPoints[1].commands[3].buffers;
       buffers[1] = {Region::Arena, 0, 64, {136, -8}};
       buffers[0] = {Region::Arena, 0, 0, {136, -8}};
     },
     "copies between buffers that overlap"},
    // 1 of 1, 3 of 2, 4 of 4 bytes at batches 1, 2, 3: rounded up, both ends
    // are alike.
    {"CopyOfMoreBetweenTheEnds",
     [](auto &p) {
       p.maxBatch = 3;
       auto &buffers = p.entryPoints[1].commands[3].buffers;
       buffers[0].sizeBytes = {-9, 14, 10};
       buffers[1].sizeBytes = {-1, 11, 10};
     },
     "a copy's size is divided by 10"},
    {"OutputWithTheClassesOfNoInput",
     [](auto &p) { p.entryPoints[1].outputs[0].classesOf = "nothing"; },
     "its classes are of 'nothing', which is no input"},
    {"OutputOfUnknownKind",
     [](auto &p) { p.entryPoints[1].outputs[0].kind = "gain"; },
     "unknown kind 'gain'"},
    {"LossIsNoScalar", [](auto &p) { p.entryPoints[1].outputs[0].shape = {2}; },
     "a loss must be a scalar, found f32[2]"},
    {"OutputBeyondBuffer",
     [](auto &p) { p.entryPoints[2].outputs[0].shape = {-1, 2}; },
     "entry point 'predict', output 'y': 8 bytes at batch 1 do not fit its "
     "buffer of 4"},
    {"RecipeBatch", [](auto &p) { p.recipe.batch = 0; },
     "recipe: 'batch' must be a whole number from 1 to 2^24, found 0"},
    {"RecipeValidation", [](auto &p) { p.recipe.validation = 1; },
     "recipe: 'validation' must be a share of at least 0 and below 1, found 1"},
    {"RecipeValidationIsNoNumber",
     [](auto &p) { p.recipe.validation = 0.0 / 0.0; },
     "'validation' must be a share of at least 0 and below 1, found "},
    {"RecipeStepUnknown", [](auto &p) { p.recipe.steps = {{"predict", 1}}; },
     "recipe: the training step 'predict' is no entry point with a loss"},
    {"RecipeStepTooOften",
     [](auto &p) { p.recipe.steps = {{"train_step", 1001}}; },
     "runs 1001 times in its turn, expected 0 to 1000"},
    {"RecipeStepNegative",
     [](auto &p) { p.recipe.steps = {{"train_step", -1}}; },
     "runs -1 times in its turn"},
    {"RecipeRoundEmpty", [](auto &p) { p.recipe.steps = {{"train_step", 0}}; },
     "recipe: has training steps, and none in a round"},
    {"RecipeManySteps",
     [](auto &p) { p.recipe.steps.assign(257, {"train_step", 1}); },
     "recipe: has 257 training steps, expected at most 256"},
    {"RecipeSetting", [](auto &p) { p.recipe.settings[0].real = -1; },
     "recipe: 'clip_norm' must be a number above 0, found -1"},
    {"SampleStepUnknown",
     [](auto &p) { p.recipe.sampleSteps[0].step = "blur"; },
     "recipe: 'blur' is no step of a sample"},
    {"SampleStepArgument",
     [](auto &p) { p.recipe.sampleSteps[0].arguments[0].second = "nan"; },
     "recipe: 'mean' of 'normalize' must be a number, a list of one a channel, "
     "or measured, found nan"},
    {"SampleStepsTooMany",
     [](auto &p) { p.recipe.sampleSteps.resize(257, p.recipe.sampleSteps[0]); },
     "recipe: has 257 steps of samples, expected at most 256"},
};

// Names go to terminals and into JSON.
TEST(Plan, RefusesNamesThatNobodyCanPrint) {
  const struct {
    const char *name, *message;
  } wrong[] = {{"", "its name is empty"},
               {"a\xff", "the text 'a\\xff' is not UTF-8"},
               {"a\x1b[31m", "the text 'a\\x1b[31m' has a control character"},
               {"a\xc2\x9b", "the text 'a\\xc2\\x9b' has a control character"},
               {"a\nb", "the text 'a\\x0ab' has a control character"}};
  const std::function<std::string &(PlanSource &)> places[] = {
      [](auto &p) -> std::string & { return p.model; },
      [](auto &p) -> std::string & { return p.kernels[1].name; },
      [](auto &p) -> std::string & { return p.state[0].name; },
      [](auto &p) -> std::string & { return p.entryPoints[1].name; },
      [](auto &p) -> std::string & { return p.entryPoints[1].inputs[0].name; },
      [](auto &p) -> std::string & {
        return p.entryPoints[1].outputs[1].name;
      }};
  for (const auto &[name, message] : wrong)
    for (const auto &place : places) {
      PlanSource source = linePlan();
      place(source) = name;
      Status status = openBytes(serialize(source));
      EXPECT_EQ(status.code(), Code::InvalidFile);
      EXPECT_NE(status.message().find(message), std::string::npos)
          << status.message();
      EXPECT_EQ(status.message().find('\x1b'), std::string::npos);
    }
  PlanSource source = linePlan();
  source.entryPoints[1].commands[0].source = "a\x1b.nn:1:1";
  EXPECT_EQ(openBytes(serialize(source)).code(), Code::InvalidFile);
  source = linePlan();
  source.entryPoints[1].inputs[0].name = "größe x";
  source.recipe.data[0].arguments[0].second = "\t";
  EXPECT_TRUE(openBytes(serialize(source)).isOk());
}

// With holes a file is as large as its writer likes; the limit is 2 GiB.
TEST(Plan, LooksAtTheStartBeforeItReads) {
  std::string path = temporaryPath("holes.plan");
  writeFile(path, std::string("\0\0\0\0NNCQ", 8));
  std::filesystem::resize_file(path, uintmax_t(1) << 40);
  EXPECT_EQ(Plan::open(path).status().message(),
            path + ": not a plan: the identifier 'NNCP' is not at byte 4");
  writeFile(path, std::string("\0\0\0\0NNCP", 8));
  std::filesystem::resize_file(path, uintmax_t(1) << 40);
  EXPECT_EQ(Plan::open(path).status().message(),
            path + ": damaged plan: larger than 2 GiB");
  writeFile(path, "NNC");
  EXPECT_EQ(Plan::open(path).status().code(), Code::InvalidFile);
}

// Its own weights would be no weights to those who read them.
TEST(Plan, RefusesNamesThatFilesReserve) {
  for (const char *name :
       {"__metadata__", "nnc.optimizer/w", "nnc.scalar/step", "nnc.scalar/"}) {
    PlanSource source = linePlan();
    source.state[0].name = name;
    Status status = openBytes(serialize(source));
    EXPECT_EQ(status.code(), Code::InvalidFile) << name;
    EXPECT_NE(status.message().find(name), std::string::npos);
  }
  for (const char *name : {"__metadata__.w", "nnc.w", "nnc.optimizer"}) {
    PlanSource source = linePlan();
    source.state[0].name = name;
    EXPECT_TRUE(openBytes(serialize(source)).isOk()) << name;
  }
}

// A thousand offsets to one feature of 100 KB would become 100 MB of strings;
// FlatBuffers' verifier has no objection.
TEST(Plan, RefusesSharedParts) {
  namespace fb = flatbuffers;
  namespace plan = nnc::plan;
  fb::FlatBufferBuilder b;
  auto longText = b.CreateString(std::string(100'000, 'x'));
  auto open = [&](size_t numUses) {
    std::vector<fb::Offset<fb::String>> features(numUses, longText);
    std::vector<fb::Offset<plan::Kernel>> kernels;
    std::vector<fb::Offset<plan::EntryPoint>> entryPoints;
    std::vector<fb::Offset<plan::StateTensor>> state;
    std::vector<uint8_t> none;
    auto code = plan::CreateCodeDirect(b, "cpu", &features, &none, &kernels);
    plan::FinishPlanBuffer(b, plan::CreatePlanDirect(b, 1, "nnc", "shared", 1,
                                                     code, &entryPoints, &state,
                                                     0, &none));
    Status status =
        Plan::fromMemory(b.GetBufferPointer(), b.GetSize()).status();
    b.Clear();
    longText = b.CreateString(std::string(100'000, 'x'));
    return status;
  };
  EXPECT_TRUE(open(1).isOk());
  Status status = open(1000);
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_NE(status.message().find("bytes more than once"), std::string::npos)
      << status.message();
}

/// A plan that multiplies [m, 2] by [2, 1] in the arena; rows are at most 8.
static PlanSource productPlan() {
  PlanSource plan = linePlan();
  Command product;
  product.kind = Command::Kind::Matmul;
  product.buffers = {{Region::Arena, 0, 0, {64}},
                     {Region::Arena, 0, 64, {64}},
                     {Region::Arena, 0, 128, {64}}};
  product.matmul.name = "product";
  product.matmul.count = product.matmul.n = {1};
  product.matmul.m = {8};
  product.matmul.k = {2};
  product.matmul.a.leading = {2};
  product.matmul.b.leading = product.matmul.d.leading = {1};
  plan.entryPoints[1].commands = {product};
  return plan;
}

TEST(Plan, ProductsWriteWhereTheyMay) {
  auto open = [](size_t buffer) {
    PlanSource plan = productPlan();
    Command &product = plan.entryPoints[1].commands[0];
    product.buffers.push_back({Region::Arena, 0, 64, {64}});
    product.buffers[buffer] = {Region::Constant, 0, 0, {0}};
    product.matmul.m = {0};
    return openBytes(serialize(plan)).message();
  };
  EXPECT_NE(open(2).find("multiplies into a region that is only read"),
            std::string::npos)
      << open(2);
  EXPECT_NE(open(3).find("has its workspace in a region that is only read"),
            std::string::npos)
      << open(3);
}

static Status openProduct(const std::function<void(Matmul &)> &change) {
  PlanSource plan = productPlan();
  change(plan.entryPoints[1].commands[0].matmul);
  return openBytes(serialize(plan));
}

TEST(Plan, ProductsFitTheirBuffers) {
  EXPECT_TRUE(openProduct([](Matmul &) {}).isOk());
  EXPECT_EQ(openProduct([](Matmul &m) { m.m = {9}; }).message(),
            "plan: damaged plan: entry point 'train_step', command 0 "
            "('product'): matrix 0 has 72 bytes at batch 1, its buffer 64");
}

// 17 - batch rows that are 1 + batch apart: 16 * 2 elements at batch 1 and
// 1 * 17 at batch 16, but 9 * 9 at batch 8.
TEST(Plan, ProductsAreLargestAtAnEnd) {
  for (Extent falling : {Extent{17, -1, 1}, Extent{8, 1, 4}}) {
    Status status = openProduct([&](Matmul &m) {
      m.m = falling;
      m.a.leading = {1, 1};
    });
    EXPECT_EQ(status.code(), Code::InvalidFile);
    EXPECT_NE(status.message().find("m of a product is (" +
                                    std::to_string(falling.constant)),
              std::string::npos)
        << status.message();
  }
  EXPECT_FALSE(openProduct([](Matmul &m) { m.a.leading = {18, -1}; }).isOk());
  EXPECT_FALSE(openProduct([](Matmul &m) { m.a.stride = {18, -1}; }).isOk());
  Status status = openProduct([](Matmul &m) { m.count = {-1, 1}; });
  EXPECT_NE(status.message().find("count of a product is 0 at batch 1, and not "
                                  "beyond"),
            std::string::npos)
      << status.message();
}

/// Bytes that a matrix of a product touches, counted one by one.
static int64_t lastByte(const Command &command, int64_t batch) {
  const Matmul &m = command.matmul;
  int64_t end = 0;
  for (int64_t product = 0; product < m.count.at(batch); ++product)
    for (int64_t row = 0; row < m.m.at(batch); ++row)
      for (int64_t column = 0; column < m.k.at(batch); ++column)
        end = std::max(end, product * m.a.stride.at(batch) +
                                row * m.a.leading.at(batch) + column + 1);
  return end * sizeBytes(m.operandType);
}

// Whatever a product's sizes are made to follow: a plan that is accepted stays
// in its buffers at each batch.
TEST(Plan, AcceptedProductsFitAtEveryBatch) {
  int numAccepted = 0, numRefused = 0;
  const int64_t constants[] = {-2, 0, 1, 3, 9}, factors[] = {-1, 0, 1, 2};
  for (int64_t rows : constants)
    for (int64_t rowsPerBatch : factors)
      for (int64_t leading : constants)
        for (int64_t leadingPerBatch : factors)
          for (int64_t divisor : {1, 3}) {
            PlanSource source = productPlan();
            EntryPoint &entry = source.entryPoints[1];
            Command &product = entry.commands[0];
            product.matmul.m = {rows, rowsPerBatch, 1};
            product.matmul.a.leading = {leading, leadingPerBatch, divisor};
            product.buffers[0] = {Region::Arena, 0, 0, {200, 20}};
            product.buffers[1].offsetBytes = 1024;
            product.buffers[2] = {Region::Arena, 0, 2048, {1024}};
            entry.arenaBytes = 4096;
            std::vector<uint8_t> bytes = serialize(source);
            auto plan = Plan::fromMemory(bytes.data(), bytes.size());
            ++(plan.isOk() ? numAccepted : numRefused);
            for (int64_t batch = 1; plan.isOk() && batch <= 16; ++batch)
              ASSERT_LE(lastByte(product, batch), 200 + 20 * batch)
                  << rows << ' ' << rowsPerBatch << ' ' << leading << ' '
                  << leadingPerBatch << ' ' << divisor << " at " << batch;
          }
  EXPECT_GT(numAccepted, 10);
  EXPECT_GT(numRefused, 100);
}

class WrongPlanTest : public testing::TestWithParam<WrongPlan> {};

TEST_P(WrongPlanTest, IsRefused) {
  PlanSource source = linePlan();
  GetParam().change(source);
  Status status = openBytes(serialize(source));
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_NE(status.message().find(GetParam().message), std::string::npos)
      << status.message();
}

INSTANTIATE_TEST_SUITE_P(Plan, WrongPlanTest, testing::ValuesIn(wrongPlans),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });
