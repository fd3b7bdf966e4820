// Short forms of entry points: what a plan may call so.
#include "test/runtime/TestPlan.h"

#include <gtest/gtest.h>

using namespace nnc::runtime;
using namespace nnc::runtime::test;

namespace {

/// The plan of a line whose entry point `entry` is a short form of `whole`.
StatusOr<std::shared_ptr<const Plan>> open(size_t entry,
                                           const std::string &whole) {
  PlanSource source = linePlan();
  source.entryPoints[entry].shortOf = whole;
  const std::vector<uint8_t> bytes = serialize(source);
  return Plan::fromMemory(bytes.data(), bytes.size());
}

std::string messageOf(size_t entry, const std::string &whole) {
  return std::string(open(entry, whole).status().message());
}

TEST(ShortForms, AreOfAnEntryPointThatIsThere) {
  EXPECT_NE(messageOf(0, "longer")
                .find("is a short form of 'longer', which is not there"),
            std::string::npos)
      << messageOf(0, "longer");
}

TEST(ShortForms, AreNotOfEachOther) {
  const std::string name = linePlan().entryPoints[0].name;
  EXPECT_NE(messageOf(0, name).find("which is one itself"), std::string::npos)
      << messageOf(0, name);
}

TEST(ShortForms, TakeAPartAndGiveTheSame) {
  const std::string name = linePlan().entryPoints[0].name;
  EXPECT_NE(
      messageOf(1, name).find("its inputs are no parts of the other's, or "
                              "its outputs are others"),
      std::string::npos)
      << messageOf(1, name);
}

} // namespace
