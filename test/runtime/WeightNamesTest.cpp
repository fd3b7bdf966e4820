// Weights of files that call them otherwise, by tables of names.
#include "test/runtime/TestPlan.h"

#include "runtime/Checkpoint.h"

#include <cstring>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

/// What is wrong with a line.
static std::string problemOf(const std::string &text) {
  NameLine line;
  return readNameLine(text, line);
}

TEST(WeightNames, LinesThatAreNone) {
  const std::pair<const char *, const char *> wrong[] = {
      {"", "expected a weight's name in quotes, prefix, ignore or order, found "
           "the end of the line"},
      {"rename \"a\"", "expected a weight's name in quotes, prefix, ignore or "
                       "order, found 'rename'"},
      {"\"a\"", "expected '=', found the end of the line"},
      {"\"a\" = b", "expected a tensor's name in quotes, part, concat or "
                    "transpose, found 'b'"},
      {"\"a\" = \"b\" \"c\"", "expected the end of the line, found '\"c\"'"},
      {"\"a\" = \"b", "expected a name in quotes, found '\"b'"},
      {"\"a{i\" = \"b\"", "\"a{i\" lacks a '}'"},
      {"\"a.{i}{j}\" = \"b\"",
       "\"a.{i}{j}\" must have at most one placeholder, "
       "as {i}, between two dots"},
      {"\"a.{i}\" = \"b.{j}\"",
       "nothing says what {j} of \"b.{j}\" is: \"a.{i}\" does not have it"},
      {"\"a\" = part(\"b\", 3, of = 3)",
       "there is no part 3 of 3: they count from 0"},
      {"\"a\" = part(\"b\", 0, of = 0)",
       "there is no part 0 of 0: they count from 0"},
      {"\"a\" = part(\"b\", -1, of = 3)",
       "expected a whole number of at least 0, found '-1, of = 3)'"},
      {"\"a\" = part(\"b\", 99999999999999999999, of = 3)",
       "expected a whole number of at least 0, found '99999999999999999999, of "
       "= 3)'"},
      {"\"a\" = part(\"b\", 1)", "expected ',', found ')'"},
      {"\"a\" = concat(axis = 0)", "concat needs the names of tensors"},
      {"\"a\" = concat(\"b\", transpose(\"c\"))",
       "expected a tensor's name in quotes, part or axis, found 'transpose'"},
      {"\"a\" = transpose(transpose(\"b\"))", "transpose stands once"},
      {"order up", "expected nnc or pytorch, found 'up'"},
      {"ignore", "expected a name in quotes, found the end of the line"},
  };
  for (const auto &[text, problem] : wrong)
    EXPECT_EQ(problemOf(text), problem) << text;
  EXPECT_EQ(problemOf(std::string(4097, ' ')),
            "a line of a table of names has at most 4096 bytes, found 4097");
}

TEST(WeightNames, PatternsAndWhatTheyStandFor) {
  NameCaptures captures;
  EXPECT_TRUE(matchName("block.{i}.w_{n}x", "block.12.w_3x", captures));
  EXPECT_EQ(fillName("h.{i}.{n}{i}", captures), "h.12.312");
  for (const char *other : {"block.12.w_x", "block.12", "block.1.2.w_3x",
                            "block.12.w_3x.y", "Block.12.w_3x"}) {
    captures.clear();
    EXPECT_FALSE(matchName("block.{i}.w_{n}x", other, captures)) << other;
  }
  // The same placeholder is the same text.
  captures.clear();
  EXPECT_FALSE(matchName("a.{i}.b.{i}", "a.1.b.2", captures));
  EXPECT_TRUE(matchesIgnored("h.*.bias", "h.0.attn.bias"));
  EXPECT_FALSE(matchesIgnored("h.*.bias", "h.0.attn.bias2"));
  EXPECT_TRUE(matchesIgnored("**", ""));
}

/// A plan with the weights w [4], block.0.qkv [2, 3] and block.1.qkv [2, 3].
static PlanSource twoBlocks(std::vector<std::string> lines) {
  PlanSource source = linePlan();
  for (int i = 0; i < 2; ++i) {
    source.state.push_back({"block." + std::to_string(i) + ".qkv",
                            Role::Parameter,
                            ElementType::F32,
                            {2, 3},
                            320 + 64 * i});
    source.state.back().pytorchDims = {1, 0};
  }
  source.stateBytes = 448;
  source.nameTables = {{"other", std::move(lines)}};
  return source;
}

static std::vector<float> valuesOf(const Session &session, const char *name) {
  std::vector<float> values(session.plan().findState(name)->numElements());
  EXPECT_TRUE(session.readState(name, values.data(), 4 * values.size()).isOk());
  return values;
}

namespace {
/// A file of numbers that count from 0, in each tensor anew.
struct Counted {
  std::string name;
  Shape shape;
  ElementType type = ElementType::F32;
};
} // namespace

static std::string write(const std::string &name,
                         const std::vector<Counted> &tensors) {
  // The upper half of a number's f32 is its bf16.
  float wide[12];
  uint16_t narrow[12];
  for (int i = 0; i < 12; ++i) {
    wide[i] = i;
    uint32_t bits;
    std::memcpy(&bits, &wide[i], 4);
    narrow[i] = bits >> 16;
  }
  std::vector<TensorToSave> saved;
  for (const Counted &tensor : tensors)
    saved.push_back({tensor.name, tensor.type, tensor.shape,
                     tensor.type == ElementType::F32
                         ? static_cast<const void *>(wide)
                         : narrow});
  std::string path = temporaryPath(name);
  EXPECT_TRUE(writeSafetensors(path, saved, {}).isOk());
  return path;
}

static Status load(Session &session, const std::string &path,
                   const std::string &names = "") {
  LoadOptions options;
  options.names = names;
  return session.load(path, SaveKind::Weights, options);
}

TEST(WeightNames, RenamesWithAPrefixAndPassesOver) {
  auto session = openSession(
      twoBlocks({"prefix \"model.\"", "\"w\" = \"final\"",
                 "\"block.{i}.qkv\" = \"h.{i}.qkv\"", "ignore \"h.*.mask\""}),
      1);
  std::string path = write("renamed.safetensors", {{"model.final", {4}},
                                                   {"model.h.0.qkv", {2, 3}},
                                                   {"h.1.qkv", {2, 3}},
                                                   {"model.h.0.mask", {1, 1}}});
  Status status = load(*session, path);
  ASSERT_TRUE(status.isOk()) << status.message();
  EXPECT_EQ(valuesOf(*session, "block.1.qkv"),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(load(*session, path, "others").message(),
            "the model has no table of names 'others'; there are nnc, other");
  EXPECT_EQ(load(*session, path, "nnc").message(),
            path + ": the tensors are not this plan's: missing: 'w', "
                   "'block.0.qkv', 'block.1.qkv'; not in the plan: "
                   "'model.final', 'model.h.0.qkv', 'h.1.qkv', "
                   "'model.h.0.mask'");
}

TEST(WeightNames, OwnNamesAreLoadedAsBefore) {
  auto session = openSession(twoBlocks({"\"w\" = \"block.0.qkv\""}), 1);
  std::string path =
      write("own.safetensors",
            {{"w", {4}}, {"block.0.qkv", {2, 3}}, {"block.1.qkv", {2, 3}}});
  EXPECT_TRUE(load(*session, path).isOk());
}

TEST(WeightNames, SplitsJoinsAndTransposes) {
  auto session = openSession(
      twoBlocks({"\"block.0.qkv\" = concat(\"q\", part(\"kv\", 1, of = 2, axis "
                 "= 1), part(\"kv\", 0, of = 2, axis = 1), axis = 1)",
                 "\"block.1.qkv\" = transpose(\"t\")"}),
      1);
  std::string path =
      write("joined.safetensors",
            {{"w", {4}}, {"q", {2, 1}}, {"kv", {2, 2}}, {"t", {3, 2}}});
  Status status = load(*session, path);
  ASSERT_TRUE(status.isOk()) << status.message();
  // q is [[0], [1]], kv is [[0, 1], [2, 3]].
  EXPECT_EQ(valuesOf(*session, "block.0.qkv"),
            (std::vector<float>{0, 1, 0, 1, 3, 2}));
  EXPECT_EQ(valuesOf(*session, "block.1.qkv"),
            (std::vector<float>{0, 2, 4, 1, 3, 5}));
}

TEST(WeightNames, ATiedTensorFillsSeveralWeightsAndSixteenBitsWiden) {
  auto session = openSession(
      twoBlocks({"order pytorch", "\"block.{i}.qkv\" = \"shared\""}), 1);
  std::string path =
      write("tied.safetensors", {{"w", {4}, ElementType::BF16},
                                 {"shared", {3, 2}, ElementType::BF16}});
  Status status = load(*session, path);
  ASSERT_TRUE(status.isOk()) << status.message();
  for (const char *name : {"block.0.qkv", "block.1.qkv"})
    EXPECT_EQ(valuesOf(*session, name), (std::vector<float>{0, 2, 4, 1, 3, 5}));
}

TEST(WeightNames, WhatDoesNotFitIsNamed) {
  auto session = openSession(
      twoBlocks({"\"block.0.qkv\" = part(\"all\", 0, of = 2)",
                 "\"block.1.qkv\" = concat(\"a\", \"b\", axis = 1)"}),
      1);
  auto messageOf = [&](std::vector<Counted> tensors) {
    std::string path = write("wrong.safetensors", tensors);
    Status status = load(*session, path);
    EXPECT_EQ(status.code(), Code::InvalidFile);
    return status.message().substr(path.size());
  };
  const std::string start =
      ": the tensors are not this plan's by its table of names 'other': ";
  EXPECT_EQ(messageOf({{"w", {4}}, {"all", {4, 3}}, {"a", {2, 1}}, {"c", {1}}}),
            start + "missing: 'block.1.qkv' (there is no 'b'); not in the "
                    "plan: 'c'");
  EXPECT_EQ(
      messageOf({{"w", {4}}, {"all", {3, 3}}, {"a", {2, 1}}, {"b", {2, 2}}}),
      start + "of another shape or type: for 'block.0.qkv': f32[3, 3] has no 2 "
              "equal parts along dimension 0");
  EXPECT_EQ(
      messageOf({{"w", {4}}, {"all", {4, 3}}, {"a", {1, 1}}, {"b", {2, 2}}}),
      start + "of another shape or type: for 'block.1.qkv': f32[1, 1] and "
              "f32[2, 2] do not stand side by side along dimension 1");
  EXPECT_EQ(
      messageOf({{"w", {4}}, {"all", {2, 3}}, {"a", {2, 1}}, {"b", {2, 2}}}),
      start + "of another shape or type: 'block.0.qkv' is f32[2, 3], the file "
              "has f32[2, 3] as 'all', which makes f32[1, 3]");
}
