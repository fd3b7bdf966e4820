// Sizes that may depend on the batch: what they are, and what has none.
#include "passes/BatchSize.h"

#include <gtest/gtest.h>

using namespace nnc;

namespace {

constexpr int64_t kDynamic = mlir::ShapedType::kDynamic;
constexpr int64_t kLarge = int64_t(1) << 40;
const BatchSize batch(1, /*perBatch=*/true);

TEST(BatchSize, ProductHasAtMostOneBatch) {
  EXPECT_EQ(BatchSize(3).times(4), BatchSize(12));
  EXPECT_EQ(batch.times(4), BatchSize(4, true));
  EXPECT_EQ(BatchSize(4).times(batch), BatchSize(4, true));
  EXPECT_EQ(batch.times(batch), std::nullopt);
}

TEST(BatchSize, ProductDoesNotWrapAround) {
  EXPECT_EQ(BatchSize(kLarge).times(kLarge), std::nullopt);
  EXPECT_EQ(BatchSize(kLarge, true).times(kLarge), std::nullopt);
  EXPECT_EQ(sizeOfShape({kLarge, kLarge}), std::nullopt);
}

TEST(BatchSize, SumIsOfOneKind) {
  EXPECT_EQ(BatchSize(3).plus(BatchSize(4)), BatchSize(7));
  EXPECT_EQ(batch.plus(batch), BatchSize(2, true));
  EXPECT_EQ(batch.plus(BatchSize(4)), std::nullopt);
  EXPECT_EQ(BatchSize(INT64_MAX).plus(BatchSize(1)), std::nullopt);
}

// Zero is the same size with a batch and without.
TEST(BatchSize, ZeroIsOneSize) {
  EXPECT_EQ(BatchSize(0, true), BatchSize());
  EXPECT_TRUE(BatchSize(0, true).isStatic());
  EXPECT_EQ(batch.plus(BatchSize()), batch);
  EXPECT_EQ(BatchSize(0, true).times(batch), BatchSize());
}

TEST(BatchSize, StridesAreRowMajor) {
  llvm::SmallVector<BatchSize> strides = {BatchSize(5, true), BatchSize(5),
                                          BatchSize(1)};
  EXPECT_EQ(rowMajorStrides({2, kDynamic, 5}), strides);
  // The batch squared would be the size of the whole, which no stride needs.
  EXPECT_NE(rowMajorStrides({kDynamic, kDynamic}), std::nullopt);
  EXPECT_EQ(rowMajorStrides({2, kDynamic, kDynamic}), std::nullopt);
}

TEST(BatchSize, EstimateOfTooMuchIsTheLargestNumber) {
  EXPECT_EQ(BatchSize(3).estimate(64), 3);
  EXPECT_EQ(BatchSize(3, true).estimate(64), 192);
  EXPECT_EQ(BatchSize(INT64_MAX, true).estimate(64), INT64_MAX);
}

} // namespace
