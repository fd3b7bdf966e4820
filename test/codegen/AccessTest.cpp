// Indices of tensors as sums of loops: what is one, and what a reshape does to
// it.
#include "codegen/Access.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace nnc;

namespace {

constexpr int64_t kDynamic = ShapedType::kDynamic;

SmallVector<BatchSize> sizesOf(ArrayRef<int64_t> loops) {
  return llvm::map_to_vector(
      loops, [](int64_t size) { return BatchSize::ofDim(size); });
}

LinearIndex index(int64_t base, ArrayRef<int64_t> strides) {
  LinearIndex result{BatchSize(base), {}};
  for (int64_t stride : strides)
    result.strides.push_back(BatchSize(stride));
  return result;
}

TEST(Access, LoopThatRunsOnceDoesNotMove) {
  Indices loops = loopIndices(sizesOf({4, 1}));
  EXPECT_EQ(loops[0].asLoop(), 0u);
  EXPECT_TRUE(loops[1].isConstant());
}

TEST(Access, WindowIsTwoLoopsOnOneDimension) {
  MLIRContext context;
  AffineExpr place = getAffineDimExpr(0, &context),
             step = getAffineDimExpr(1, &context);
  auto map = AffineMap::get(2, 0, {place * 2 + step * 3 + 1}, &context);
  auto window = compose(map, loopIndices(sizesOf({5, 3})), 2);
  ASSERT_TRUE(window);
  EXPECT_EQ(window->front(), index(1, {2, 3}));
}

TEST(Access, RemainderIsNoSumOfLoops) {
  MLIRContext context;
  auto map =
      AffineMap::get(1, 0, {getAffineDimExpr(0, &context) % 2}, &context);
  EXPECT_FALSE(compose(map, loopIndices(sizesOf({5})), 1));
}

TEST(Access, NumberIsRowMajor) {
  Indices indices = {index(1, {1, 0}), index(2, {0, 1})};
  EXPECT_EQ(flatten(indices, {7, 10}, 2), index(12, {10, 1}));
}

TEST(Access, ReshapeSplitsAndMerges) {
  SmallVector<BatchSize> loops = sizesOf({4, 6});
  // [4, 6] to [2, 2, 6]: a loop of four crosses the first two dimensions.
  EXPECT_FALSE(unflatten(index(0, {6, 1}), {2, 2, 6}, loops));
  // Of two it does not, and of [24] it is no matter.
  Indices split = {index(0, {0, 0}), index(0, {1, 0}), index(0, {0, 1})};
  EXPECT_EQ(unflatten(index(0, {6, 1}), {2, 2, 6}, sizesOf({2, 6})), split);
  EXPECT_EQ(unflatten(index(0, {6, 1}), {24}, loops),
            Indices{index(0, {6, 1})});
}

TEST(Access, WindowMustEndWithinItsDimension) {
  // Two loops over a row of 7, of which the last begins at 3.
  Indices within = {index(0, {0, 0}), index(3, {1, 1})};
  EXPECT_EQ(unflatten(index(3, {1, 1}), {5, 7}, sizesOf({2, 3})), within);
  EXPECT_FALSE(unflatten(index(3, {1, 1}), {5, 7}, sizesOf({3, 3})));
  // Before its beginning is another row's end.
  EXPECT_FALSE(unflatten(index(-1, {1, 0}), {5, 7}, sizesOf({3, 3})));
}

TEST(Access, BatchIsOneLoop) {
  SmallVector<BatchSize> loops = sizesOf({kDynamic, 12});
  Indices heads = {index(0, {1, 0}), index(0, {0, 0}), index(0, {0, 1})};
  EXPECT_EQ(unflatten(index(0, {24, 1}), {kDynamic, 2, 12}, loops), heads);
  // Not known to end before the dimension does.
  EXPECT_FALSE(unflatten(index(0, {24, 1}), {8, 2, 12}, loops));
}

} // namespace
