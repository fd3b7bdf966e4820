// Copies of weights that are rounded follow them, and are in no file.
#include "test/runtime/TestPlan.h"

#include "runtime/Checkpoint.h"

#include <fstream>
#include <sstream>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

/// What a training step reads of `w` in 16 bits, in place of its moments.
static PlanSource planWithCopy() {
  PlanSource source = linePlan();
  source.version = 3;
  source.state[1].name = "w.bf16";
  source.state[1].elementType = ElementType::BF16;
  source.state[1].roundedFrom = 0;
  return source;
}

static std::vector<uint16_t> copyOf(const Session &session) {
  std::vector<uint16_t> copy(4);
  EXPECT_TRUE(session.readState("w.bf16", copy.data(), 8).isOk());
  return copy;
}

// 1, 2.5, the tie between 1 and its successor, and what is beyond it.
static const float weights[4] = {1, 2.5f, 1.00390625f, 1.00390637f};
static const std::vector<uint16_t> rounded = {0x3f80, 0x4020, 0x3f80, 0x3f81};

TEST(RoundedState, FollowsWhatItIsRoundedFrom) {
  auto session = openSession(planWithCopy(), 1, 3);
  ASSERT_TRUE(session->writeState("w", weights, 16).isOk());
  EXPECT_EQ(copyOf(*session), rounded);
  Status status = session->writeState("w.bf16", rounded.data(), 8);
  EXPECT_EQ(status.code(), Code::InvalidArgument);
  EXPECT_EQ(status.message(), "state tensor 'w.bf16' is 'w', rounded: it is "
                              "written with that");
}

TEST(RoundedState, IsInNoFile) {
  auto session = openSession(planWithCopy(), 1, 3);
  ASSERT_TRUE(session->writeState("w", weights, 16).isOk());
  for (SaveKind kind : {SaveKind::Weights, SaveKind::Checkpoint}) {
    std::string path = temporaryPath("copy.safetensors");
    ASSERT_TRUE(session->save(path, kind).isOk());
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    EXPECT_EQ(content.str().find("bf16"), std::string::npos);
    auto other = openSession(planWithCopy(), 1, 4);
    Status status = other->load(path, kind);
    ASSERT_TRUE(status.isOk()) << status.message();
    EXPECT_EQ(copyOf(*other), rounded);
  }
}
