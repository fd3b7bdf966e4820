// Files of weights in PyTorch's order of dimensions, and in nnc's.
#include "test/runtime/TestPlan.h"

#include "runtime/Checkpoint.h"

#include <cstring>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

/// Two weights beside w: of a convolution, [2, 1, 3, 2] here, and of a dense
/// layer. What a network of them would compute matters to nobody here.
static PlanSource twoLayers(Shape dense, WeightsOrder order) {
  PlanSource source = linePlan();
  source.state.push_back(
      {"conv", Role::Parameter, ElementType::F32, {2, 1, 3, 2}, 320});
  source.state.back().pytorchDims = {3, 2, 0, 1};
  source.state.push_back(
      {"dense", Role::Parameter, ElementType::F32, std::move(dense), 384});
  source.state.back().pytorchDims = {1, 0};
  source.stateBytes = 448;
  source.weightsOrder = order;
  return source;
}

static std::vector<float> valuesOf(const Session &session, const char *name) {
  std::vector<float> values(session.plan().findState(name)->numElements());
  EXPECT_TRUE(session.readState(name, values.data(), 4 * values.size()).isOk());
  return values;
}

/// A file with `conv` and `dense`, whose elements count from 0, and w.
static void write(const std::string &path, Shape conv, Shape dense,
                  const Metadata &metadata = {}) {
  float counted[12];
  for (int i = 0; i < 12; ++i)
    counted[i] = i;
  ASSERT_TRUE(writeSafetensors(path,
                               {{"w", ElementType::F32, {4}, counted},
                                {"conv", ElementType::F32, conv, counted},
                                {"dense", ElementType::F32, dense, counted}},
                               metadata)
                  .isOk());
}

TEST(WeightsOrder, ShapesTellPytorchs) {
  std::string path = temporaryPath("pytorch.safetensors");
  auto session = openSession(twoLayers({2, 2}, WeightsOrder::Nnc), 1);
  // The dense weight may be either; the convolution's is PyTorch's.
  write(path, {2, 3, 2, 1}, {2, 2});
  Status status = session->load(path, SaveKind::Weights);
  ASSERT_TRUE(status.isOk()) << status.message();
  // [k, 0, i, o] is element [o, i, k, 0]: 6 o + 2 i + k.
  EXPECT_EQ(valuesOf(*session, "conv"),
            (std::vector<float>{0, 6, 2, 8, 4, 10, //
                                1, 7, 3, 9, 5, 11}));
  EXPECT_EQ(valuesOf(*session, "dense"), (std::vector<float>{0, 2, 1, 3}));
}

TEST(WeightsOrder, ShapesTellNncs) {
  std::string path = temporaryPath("nnc.safetensors");
  auto session = openSession(twoLayers({2, 2}, WeightsOrder::Pytorch), 1);
  write(path, {2, 1, 3, 2}, {2, 2});
  ASSERT_TRUE(session->load(path, SaveKind::Weights).isOk());
  EXPECT_EQ(valuesOf(*session, "dense"), (std::vector<float>{0, 1, 2, 3}));
}

TEST(WeightsOrder, RoundTripsInThePlansOrder) {
  for (WeightsOrder order : {WeightsOrder::Nnc, WeightsOrder::Pytorch}) {
    std::string path = temporaryPath("round.safetensors");
    auto session = openSession(twoLayers({2, 2}, order), 1);
    auto other = openSession(twoLayers({2, 2}, WeightsOrder::Nnc), 1);
    std::vector<float> conv{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    std::vector<float> dense{1, 2, 3, 4};
    ASSERT_TRUE(session->writeState("conv", conv.data(), 48).isOk());
    ASSERT_TRUE(session->writeState("dense", dense.data(), 16).isOk());
    ASSERT_TRUE(session->save(path, SaveKind::Weights).isOk());
    auto file = SafetensorsFile::open(path);
    ASSERT_TRUE(file.isOk());
    bool isPytorch = order == WeightsOrder::Pytorch;
    for (const SavedTensor &tensor : file->tensors())
      if (tensor.name == "conv")
        EXPECT_EQ(tensor.shape,
                  isPytorch ? (Shape{2, 3, 2, 1}) : (Shape{2, 1, 3, 2}));
    EXPECT_EQ(file->metadata().count("nnc.weights_order"), isPytorch);
    // The metadata tell, whatever the plan's own order is.
    ASSERT_TRUE(other->load(path, SaveKind::Weights).isOk());
    EXPECT_EQ(valuesOf(*other, "conv"), conv);
    EXPECT_EQ(valuesOf(*other, "dense"), dense);
    // A checkpoint is in nnc's order.
    ASSERT_TRUE(session->save(path, SaveKind::Checkpoint).isOk());
    ASSERT_TRUE(other->init(1).isOk());
    ASSERT_TRUE(other->load(path, SaveKind::Checkpoint).isOk());
    EXPECT_EQ(valuesOf(*other, "conv"), conv);
  }
}

TEST(WeightsOrder, WhatNothingTellsIsAsked) {
  std::string path = temporaryPath("either.safetensors");
  PlanSource source = twoLayers({2, 2}, WeightsOrder::Nnc);
  source.state.erase(source.state.end() - 2);
  auto session = openSession(source, 1);
  float values[4] = {0, 1, 2, 3};
  ASSERT_TRUE(writeSafetensors(path,
                               {{"w", ElementType::F32, {4}, values},
                                {"dense", ElementType::F32, {2, 2}, values}},
                               {})
                  .isOk());
  Status status = session->load(path, SaveKind::Weights);
  EXPECT_EQ(status.code(), Code::InvalidFile);
  EXPECT_EQ(status.message(),
            path + ": the dimensions of 'dense', f32[2, 2], may be in nnc's "
                   "order or in PyTorch's, and no tensor of the file tells "
                   "which: say --weights-order nnc or --weights-order pytorch "
                   "(in C, the order of nnc_load_options_t)");
  LoadOptions options;
  options.order = WeightsOrder::Pytorch;
  ASSERT_TRUE(session->load(path, SaveKind::Weights, options).isOk());
  EXPECT_EQ(valuesOf(*session, "dense"), (std::vector<float>{0, 2, 1, 3}));
  options.order = WeightsOrder::Nnc;
  ASSERT_TRUE(session->load(path, SaveKind::Weights, options).isOk());
  EXPECT_EQ(valuesOf(*session, "dense"), (std::vector<float>{0, 1, 2, 3}));
}

TEST(WeightsOrder, FilesThatContradictAreRefused) {
  std::string path = temporaryPath("mixed.safetensors");
  auto session = openSession(twoLayers({1, 4}, WeightsOrder::Nnc), 1);
  auto messageOf = [&](LoadOptions options = {}) {
    Status status = session->load(path, SaveKind::Weights, options);
    EXPECT_EQ(status.code(), Code::InvalidFile);
    return status.message();
  };
  // [1, 4] and [4, 1] are the same elements in the same order: they say
  // nothing.
  write(path, {2, 3, 2, 1}, {4, 1});
  EXPECT_TRUE(session->load(path, SaveKind::Weights).isOk());
  session = openSession(twoLayers({2, 3}, WeightsOrder::Nnc), 1);
  write(path, {2, 3, 2, 1}, {2, 3});
  EXPECT_EQ(messageOf(), path + ": 'dense' has its dimensions in nnc's order "
                                "and 'conv' in PyTorch's: a file has one of "
                                "them");
  EXPECT_EQ(messageOf({Matching::Exact, WeightsOrder::Pytorch}),
            path + ": the tensors are not this plan's: of another shape or "
                   "type: 'dense' is f32[3, 2] in PyTorch's order, the file "
                   "has f32[2, 3]");
  write(path, {2, 3, 2, 1}, {3, 2}, {{"nnc.weights_order", "nnc"}});
  EXPECT_EQ(messageOf({Matching::Exact, WeightsOrder::Pytorch}),
            path + ": the weights are in nnc's order, as the file says, and "
                   "were asked for in pytorch's");
  write(path, {2, 3, 2, 1}, {3, 2}, {{"nnc.weights_order", "onnx"}});
  EXPECT_EQ(messageOf(),
            path + ": the metadata 'nnc.weights_order' is 'onnx', expected "
                   "'nnc' or 'pytorch'");
}
