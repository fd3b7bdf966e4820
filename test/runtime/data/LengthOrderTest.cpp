// Batches of samples of like lengths.
#include "runtime/data/LengthOrder.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

using namespace nnc::runtime;

namespace {

std::vector<int64_t> grouped(int64_t seed, uint32_t step) {
  // 7 of group 0, 2 of group 1, 5 of group 2.
  const std::vector<uint8_t> groups = {0, 2, 0, 1, 2, 0, 0,
                                       2, 0, 1, 0, 2, 0, 2};
  std::vector<int64_t> order(groups.size());
  std::iota(order.begin(), order.end(), 0);
  groupByLength(order, groups, 3, seed, step);
  return order;
}

TEST(LengthOrder, HasEachSampleOnce) {
  const std::vector<int64_t> order = grouped(1, 2);
  EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 14u);
}

/// Two batches of the short ones, one of what is left of them with the next,
/// one of the long ones; two long ones are the rest.
TEST(LengthOrder, BatchesAreOfOneGroup) {
  const std::vector<int64_t> order = grouped(1, 2);
  std::multiset<std::vector<int64_t>> batches;
  for (size_t i = 0; i < 12; i += 3)
    batches.insert({order.begin() + i, order.begin() + i + 3});
  EXPECT_EQ(batches, (std::multiset<std::vector<int64_t>>{
                         {0, 2, 5}, {6, 8, 10}, {12, 3, 9}, {1, 4, 7}}));
  EXPECT_EQ(std::vector<int64_t>(order.begin() + 12, order.end()),
            (std::vector<int64_t>{11, 13}));
}

TEST(LengthOrder, FollowsSeedAndStepAlone) {
  EXPECT_EQ(grouped(1, 2), grouped(1, 2));
  std::set<std::vector<int64_t>> orders;
  for (uint32_t step = 0; step < 20; ++step)
    orders.insert(grouped(1, step));
  EXPECT_GT(orders.size(), 5u);
}

} // namespace
