// What steps do to samples, against what their formulas say.
#include "test/runtime/data/ReadFor.h"

#include "runtime/data/Batches.h"
#include "runtime/data/Mixup.h"
#include "runtime/data/Npy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

namespace {
/// A split of one file of f32, with steps for its input "x".
struct Prepared {
  std::vector<Column> columns;
  DataFacts facts;
  Status status;
  std::string source;
};
} // namespace

static Prepared prepare(const Shape &stored, const std::vector<float> &values,
                        const TensorInfo &input, std::vector<SampleStep> steps,
                        const char *order = "hwc") {
  const std::string path = temporaryPath("steps.npy");
  EXPECT_TRUE(writeNpy(path, ElementType::F32, stored, values.data()).isOk());
  EntryPoint entry;
  entry.inputs = {input};
  Recipe recipe;
  recipe.data = {{"train",
                  {input.name},
                  "npy",
                  {{"path", "steps.npy"}, {"order", order}},
                  "binding"}};
  recipe.sampleSteps = std::move(steps);
  Prepared result;
  ReadOptions options;
  options.directories = {temporaryPath("")};
  auto read =
      readSplit(recipe, "train", entry, options, &result.source, &result.facts);
  if (read.isOk())
    result.columns = std::move(*read);
  else
    result.status = read.status();
  return result;
}

static SampleStep step(const char *name, Arguments arguments = {}) {
  return {"x", name, std::move(arguments), name};
}

/// One sample as floats; with `draw`, as in training.
static std::vector<float> sampleOf(const Prepared &prepared, int64_t index = 0,
                                   const Draw *draw = nullptr) {
  const Column &column = prepared.columns.at(0);
  std::vector<float> values(size_t(column.sampleBytes()) / sizeof(float));
  Workspace work;
  EXPECT_TRUE(writeSample(column, index, draw, work,
                          reinterpret_cast<uint8_t *>(values.data()))
                  .isOk());
  return values;
}

static std::vector<float> counted(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

static TensorInfo square(int64_t side, int64_t channels = 1) {
  return input("x", ElementType::F32, {-1, side, side, channels});
}

TEST(Steps, CropTakesTheMiddleInEvaluation) {
  Prepared prepared = prepare({1, 4, 4, 1}, counted(16), square(2),
                              {step("crop", {{"height", "2"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  EXPECT_EQ(sampleOf(prepared), (std::vector<float>{6, 7, 10, 11}));
}

TEST(Steps, CropDrawsEveryPlaceOfThePaddedPicture) {
  Prepared prepared =
      prepare({1, 2, 2, 1}, counted(4), square(2),
              {step("crop", {{"height", "2"}, {"padding", "1"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  std::set<std::vector<float>> seen;
  for (int64_t epoch = 0; epoch < 200; ++epoch) {
    const Draw draw{1, epoch};
    seen.insert(sampleOf(prepared, 0, &draw));
  }
  // Three places down and three across; what is outside is 0.
  EXPECT_EQ(seen.size(), 9u);
  EXPECT_TRUE(seen.count({1, 2, 3, 4}));
  EXPECT_TRUE(seen.count({0, 0, 0, 1}));
  EXPECT_TRUE(seen.count({4, 0, 0, 0}));
}

TEST(Steps, FlipMirrorsHalfOfTheSamples) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Prepared prepared =
      prepare({1, 1, 2, 3}, values, input("x", ElementType::F32, {-1, 1, 2, 3}),
              {step("flip")});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  EXPECT_EQ(sampleOf(prepared), values);
  int mirrored = 0;
  for (int64_t epoch = 0; epoch < 1000; ++epoch) {
    const Draw draw{1, epoch};
    const std::vector<float> sample = sampleOf(prepared, 0, &draw);
    if (sample == values)
      continue;
    EXPECT_EQ(sample, (std::vector<float>{4, 5, 6, 1, 2, 3}));
    ++mirrored;
  }
  // Five standard deviations of a binomial: sqrt(1000) / 2 each.
  EXPECT_NEAR(mirrored, 500, 79);
}

TEST(Steps, ResizeInterpolatesBetweenCentres) {
  // From two places to four, centres are at -1/4, 1/4, 3/4 and 5/4.
  Prepared larger =
      prepare({1, 1, 2, 1}, {0, 8}, input("x", ElementType::F32, {-1, 1, 4, 1}),
              {step("resize", {{"height", "1"}, {"width", "4"}})});
  ASSERT_TRUE(larger.status.isOk()) << larger.status.message();
  EXPECT_EQ(sampleOf(larger), (std::vector<float>{0, 2, 6, 8}));
  // From four to two, the triangle is twice as wide: weights 3/4, 3/4 and 1/4
  // over their sum, 7/4.
  Prepared smaller = prepare(
      {1, 1, 4, 1}, {7, 7, 0, 0}, input("x", ElementType::F32, {-1, 1, 2, 1}),
      {step("resize", {{"height", "1"}, {"width", "2"}})});
  ASSERT_TRUE(smaller.status.isOk()) << smaller.status.message();
  const std::vector<float> halves = sampleOf(smaller);
  EXPECT_FLOAT_EQ(halves[0], 6);
  EXPECT_FLOAT_EQ(halves[1], 1);
}

TEST(Steps, RotateTurnsAboutTheMiddle) {
  // At most half a turn either way: the middle stays, whatever is drawn.
  Prepared prepared = prepare({1, 3, 3, 1}, counted(9), square(3),
                              {step("rotate", {{"degrees", "180"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  EXPECT_EQ(sampleOf(prepared), counted(9));
  std::set<std::vector<float>> seen;
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    const Draw draw{1, epoch};
    const std::vector<float> sample = sampleOf(prepared, 0, &draw);
    EXPECT_FLOAT_EQ(sample[4], 5);
    seen.insert(sample);
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST(Steps, CutoutClearsASquare) {
  Prepared prepared = prepare({1, 8, 8, 1}, std::vector<float>(64, 1.0f),
                              square(8), {step("cutout", {{"size", "4"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  size_t most = 0;
  for (int64_t epoch = 0; epoch < 100; ++epoch) {
    const Draw draw{1, epoch};
    const std::vector<float> sample = sampleOf(prepared, 0, &draw);
    const auto cleared = size_t(std::count(sample.begin(), sample.end(), 0.0f));
    // Of a square around a corner, a quarter is inside.
    EXPECT_GE(cleared, 4u);
    EXPECT_LE(cleared, 16u);
    most = std::max(most, cleared);
  }
  EXPECT_EQ(most, 16u);
}

TEST(Steps, JitterScalesBrightness) {
  Prepared prepared = prepare({1, 1, 1, 3}, {10, 20, 30},
                              input("x", ElementType::F32, {-1, 1, 1, 3}),
                              {step("jitter", {{"brightness", "0.5"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  for (int64_t epoch = 0; epoch < 50; ++epoch) {
    const Draw draw{1, epoch};
    const std::vector<float> sample = sampleOf(prepared, 0, &draw);
    EXPECT_GE(sample[0], 5);
    EXPECT_LE(sample[0], 15);
    EXPECT_FLOAT_EQ(sample[1], 2 * sample[0]);
    EXPECT_FLOAT_EQ(sample[2], 3 * sample[0]);
  }
}

TEST(Steps, JitterKeepsTheLumaOfSaturation) {
  Prepared prepared = prepare({1, 1, 1, 3}, {10, 20, 90},
                              input("x", ElementType::F32, {-1, 1, 1, 3}),
                              {step("jitter", {{"saturation", "1"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  for (int64_t epoch = 0; epoch < 50; ++epoch) {
    const Draw draw{1, epoch};
    const std::vector<float> s = sampleOf(prepared, 0, &draw);
    EXPECT_NEAR(0.299 * s[0] + 0.587 * s[1] + 0.114 * s[2],
                0.299 * 10 + 0.587 * 20 + 0.114 * 90, 1e-4);
  }
}

TEST(Steps, NormalizeMeasuresTheSamplesThatItIsGiven) {
  // Channel 0 has 1 and 3, channel 1 is 5 throughout; sample 2 is held out.
  Prepared prepared =
      prepare({3, 2}, {1, 5, 3, 5, 100, 100},
              input("x", ElementType::F32, {-1, 2}), {step("normalize")});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  EXPECT_FALSE(checkSettled(prepared.columns, "w").isOk());
  ASSERT_TRUE(measure(prepared.columns, {0, 1}, 2, prepared.facts).isOk());
  EXPECT_EQ(prepared.facts.normalization["x"].mean,
            (std::vector<double>{2, 5}));
  EXPECT_EQ(prepared.facts.normalization["x"].deviation,
            (std::vector<double>{1, 1}));
  EXPECT_EQ(sampleOf(prepared, 1), (std::vector<float>{1, 0}));
  EXPECT_EQ(sampleOf(prepared, 2), (std::vector<float>{98, 95}));
}

TEST(Steps, FactsComeBackFromTheirNotes) {
  DataFacts facts;
  facts.normalization["an/input"] = {{0.1, 2}, {1, 1.0 / 3}};
  facts.classes["label"] = {"cat", "a dog"};
  Metadata notes;
  facts.save(notes);
  auto again = DataFacts::restore(notes, "w");
  ASSERT_TRUE(again.isOk()) << again.status().message();
  EXPECT_EQ(again->normalization["an/input"].deviation[1], 1.0 / 3);
  EXPECT_EQ(again->classes["label"], facts.classes["label"]);
  notes["nnc.data/an/input/deviation"] = "0,1";
  EXPECT_FALSE(DataFacts::restore(notes, "w").isOk());
  notes["nnc.data/an/input/deviation"] = "1";
  EXPECT_FALSE(DataFacts::restore(notes, "w").isOk());
  notes["nnc.data/an/input/deviation"] = "1,nan";
  EXPECT_FALSE(DataFacts::restore(notes, "w").isOk());
}

TEST(Steps, ChannelsMayComeFirst) {
  // Two planes of 1x2.
  Prepared prepared = prepare(
      {1, 2, 1, 2}, {1, 2, 10, 20}, input("x", ElementType::F32, {-1, 2, 1, 2}),
      {step("normalize", {{"mean", "1,10"}, {"deviation", "2,5"}})}, "chw");
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  EXPECT_EQ(sampleOf(prepared), (std::vector<float>{0, 0.5, 0, 2}));
}

TEST(Steps, RefusesWhatCannotBe) {
  const TensorInfo bytes = input("x", ElementType::U8, {-1, 2, 2, 1});
  const TensorInfo row = input("x", ElementType::F32, {-1, 4});
  struct {
    Shape stored;
    TensorInfo input;
    SampleStep step;
    const char *message;
  } cases[] = {
      {{1, 2, 2, 1},
       square(4),
       step("crop", {{"height", "4"}}),
       "'crop' takes 4x4 of 2x2"},
      {{1, 2, 2, 1},
       square(4),
       step("flip"),
       "a sample is 2x2x1, input 'x' takes 4x4x1; the "
       "step resize(4, 4) makes it so"},
      {{1, 2, 2, 1},
       bytes,
       step("normalize"),
       "'normalize' is for inputs that hold fractions"},
      {{1, 4}, row, step("flip"), "'flip' is for pictures"},
      {{1, 4},
       row,
       step("normalize", {{"mean", "1,2"}, {"deviation", "1"}}),
       "'normalize' has 2 means, the samples are 1x1x4"},
      {{1, 2, 2, 1},
       square(2),
       step("crop"),
       "'crop' needs the argument 'height'"},
      {{1, 2, 2, 1},
       square(2),
       step("crop", {{"height", "0"}}),
       "'height' of 'crop' must be a whole number from 1 to 65536, found 0"},
      {{1, 2, 2, 1}, square(2), step("blur"), "'blur' is no step of a sample"},
      {{1, 2, 1, 2, 1},
       square(2),
       step("flip"),
       "take samples of at most three dimensions"},
  };
  for (const auto &wrong : cases) {
    Prepared prepared =
        prepare(wrong.stored, counted(4), wrong.input, {wrong.step});
    ASSERT_FALSE(prepared.status.isOk()) << wrong.message;
    EXPECT_NE(prepared.status.message().find(wrong.message), std::string::npos)
        << prepared.status.message();
  }
}

TEST(Steps, BoundsWhatAStepMakes) {
  Prepared prepared = prepare({1, 2, 2, 1}, counted(4), square(2),
                              {step("resize", {{"height", "65536"}}),
                               step("resize", {{"height", "2"}})});
  EXPECT_NE(prepared.status.message().find("expected at most 2^28 values"),
            std::string::npos);
  EXPECT_EQ(prepared.source, "resize");
}

//===----------------------------------------------------------------------===//
// Batches of prepared samples
//===----------------------------------------------------------------------===//

static std::vector<float> drain(Batches &batches, size_t perSample) {
  std::vector<float> seen;
  while (true) {
    StatusOr<bool> more = batches.next();
    EXPECT_TRUE(more.isOk());
    if (!more.isOk() || !*more)
      return seen;
    const auto *data = static_cast<const float *>(batches.inputs()[0]);
    seen.insert(seen.end(), data, data + batches.size() * int64_t(perSample));
  }
}

static std::vector<int64_t> everything(int64_t count) {
  std::vector<int64_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

TEST(PreparedBatches, AreThoseOfSeedAndEpochAlone) {
  constexpr int64_t count = 100;
  Prepared prepared =
      prepare({count, 4, 4, 1}, counted(count * 16), square(4),
              {step("crop", {{"height", "4"}, {"padding", "2"}}), step("flip"),
               step("rotate", {{"degrees", "20"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  Batches alone(prepared.columns, everything(count), 8);
  alone.shuffle(3, 5);
  alone.draw(3, 5);
  const std::vector<float> expected = drain(alone, 16);
  EXPECT_EQ(expected.size(), size_t(count) * 16);
  for (int threads : {1, 3})
    for (int64_t batch : {1, 7, 100}) {
      Batches batches(prepared.columns, everything(count), batch, {threads});
      // What was under way before is dropped.
      EXPECT_TRUE(*batches.next());
      batches.shuffle(3, 5);
      batches.draw(3, 5);
      EXPECT_EQ(drain(batches, 16), expected);
      batches.rewind();
      EXPECT_EQ(drain(batches, 16), expected);
    }
  alone.draw(3, 6);
  alone.rewind();
  EXPECT_NE(drain(alone, 16), expected);
}

namespace {
/// Samples of which one cannot be read.
class Broken : public Samples {
public:
  PictureSize extent(int64_t) const override { return {}; }
  Status read(int64_t index, Workspace &work) const override {
    if (index == 20)
      return {Code::InvalidFile, "broken"};
    work.picture.resize({});
    work.picture.values[0] = float(index);
    return {};
  }
  std::string nameOf(int64_t) const override { return "sample"; }
};
} // namespace

TEST(PreparedBatches, EndAtASampleThatCannotBeRead) {
  Prepared prepared =
      prepare({32}, counted(32), input("x", ElementType::F32, {-1}),
              {step("normalize", {{"mean", "0"}, {"deviation", "1"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  prepared.columns[0].samples = std::make_shared<Broken>();
  for (int threads : {0, 2}) {
    Batches batches(prepared.columns, everything(32), 8, {threads});
    EXPECT_TRUE(*batches.next());
    EXPECT_TRUE(*batches.next());
    StatusOr<bool> third = batches.next();
    ASSERT_FALSE(third.isOk());
    EXPECT_EQ(third.status().message(), "broken");
  }
}

TEST(Mixup, SharesAreThoseOfBeta) {
  // Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1)).
  const std::vector<int64_t> samples = everything(50);
  for (double alpha : {0.2, 1.0, 4.0}) {
    constexpr int count = 4000;
    double sum = 0, squares = 0;
    std::set<int64_t> partners;
    for (int64_t i = 0; i < count; ++i) {
      Mixture mixture = drawMixture(alpha, {7, 1}, i, samples);
      EXPECT_GE(mixture.share, 0);
      EXPECT_LE(mixture.share, 1);
      sum += mixture.share;
      squares += mixture.share * mixture.share;
      partners.insert(mixture.partner);
    }
    const double mean = sum / count, variance = squares / count - mean * mean;
    const double expected = 1 / (4 * (2 * alpha + 1));
    // Five standard errors of the mean; of the variance, whose own is below
    // that of a coin, 1 / (4 sqrt(count)), the same.
    EXPECT_NEAR(mean, 0.5, 5 * std::sqrt(expected / count));
    EXPECT_NEAR(variance, expected, 5 / (4 * std::sqrt(double(count))));
    EXPECT_EQ(partners.size(), samples.size());
  }
}

TEST(Mixup, MixesAllInputsAlike) {
  Prepared prepared = prepare({8, 1}, {1, 2, 3, 4, 5, 6, 7, 8},
                              input("x", ElementType::F32, {-1, 1}),
                              {step("mixup", {{"alpha", "1"}})});
  ASSERT_TRUE(prepared.status.isOk()) << prepared.status.message();
  prepared.columns.push_back({"y",
                              ElementType::F32,
                              {1},
                              8,
                              {},
                              prepared.columns[0].samples,
                              prepared.columns[0].preparation,
                              {}});
  Batches batches(prepared.columns, everything(8), 8, {1});
  EXPECT_TRUE(*batches.next());
  auto valuesOf = [&](int input) {
    auto *data = static_cast<const float *>(batches.inputs()[input]);
    return std::vector<float>(data, data + 8);
  };
  EXPECT_EQ(valuesOf(0), counted(8));
  batches.rewind();
  batches.draw(1, 1);
  EXPECT_TRUE(*batches.next());
  EXPECT_NE(valuesOf(0), counted(8));
  EXPECT_EQ(valuesOf(0), valuesOf(1));
}

TEST(Mixup, NeedsFractions) {
  EntryPoint entry;
  entry.inputs = {input("x", ElementType::F32, {-1}), label};
  writeFile(temporaryPath("mixed.csv"), "1,2\n3,4\n");
  Recipe recipe;
  recipe.data = {
      {"train", {"x", "label"}, "csv", {{"path", "mixed.csv"}}, "binding"}};
  recipe.sampleSteps = {step("mixup", {{"alpha", "1"}})};
  ReadOptions options;
  options.directories = {temporaryPath("")};
  std::string source;
  auto read = readSplit(recipe, "train", entry, options, &source);
  expectFailure(read, Code::InvalidArgument, "input 'label' is u8");
  EXPECT_EQ(source, "mixup");
  // As a mixture of classes it can be.
  entry.inputs[1] = input("label", ElementType::F32, {-1, 5});
  recipe.sampleSteps.push_back({"label", "one_hot", {}, "one_hot"});
  read = readSplit(recipe, "train", entry, options, &source);
  ASSERT_TRUE(read.isOk()) << read.status().message();
  std::vector<float> row(5);
  Workspace work;
  EXPECT_TRUE(writeSample((*read)[1], 1, nullptr, work,
                          reinterpret_cast<uint8_t *>(row.data()))
                  .isOk());
  EXPECT_EQ(row, (std::vector<float>{0, 0, 0, 0, 1}));
  entry.inputs[1].shape = {-1, 4};
  expectFailure(readSplit(recipe, "train", entry, options), Code::InvalidFile,
                "found 4 for input 'label', expected 0 to 3");
}
