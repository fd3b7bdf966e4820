// A small product waits: for its launch, for the first numbers from memory, and
// at each step for the next ones. So a block takes many terms a step, which
// slices of its threads share, and tiles are small, so that there are many.
// Operands that need no change are copied to shared memory some steps ahead.
//
// Times are in microseconds on an H200 (132 multiprocessors), fitted to what
// `tools/gpu-report --part products` measures there of the library and of these
// tiles (docs/cuda.md, "Small products").
#include "codegen/cuda/SmallProducts.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/TileLoads.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

// All are of 128 threads, so that those of several products can share a launch.
// A thread has at most 8 x 4 sums, or a warp 32 x 32. Two halves of a step take
// at most 48 KiB of shared memory.
//
// The share of its peak that a shape can reach: multiply-adds of a step, at 128
// a cycle, by the cycles of shared memory, 128 bytes each: what is written,
// what passes from the cache that all share, and a vector of 16 bytes for each
// thread of a warp, which takes two. A thread with 4 x 4 sums reads two vectors
// a term, one with 8 x 4 three. On an H200 the char GPT's step, whose products
// have 16 x 16, up to 32 x 16 or up to 32 x 32 sums a tile, took 527, 490 and
// 450 us.
static constexpr TileShape kScalarShapes[] = {
    // rows, columns, depth, threads along rows and columns, percent, slices
    {16, 16, 32, 4, 4, 50, 8},  {16, 16, 64, 4, 4, 50, 8},
    {16, 16, 128, 4, 4, 50, 8}, {16, 32, 32, 2, 8, 67, 8},
    {16, 32, 64, 2, 8, 67, 8},  {32, 16, 32, 4, 4, 67, 8},
    {32, 16, 64, 4, 4, 67, 8},  {32, 32, 32, 4, 8, 80, 4},
    {32, 32, 64, 4, 8, 80, 4},  {64, 32, 32, 8, 8, 85, 2},
    {32, 64, 32, 4, 16, 85, 2}, {64, 64, 32, 8, 16, 85},
};
static constexpr TileShape kTensor16Shapes[] = {
    // rows, columns, depth, warps along rows and columns, percent, slices
    {16, 16, 64, 1, 1, 15, 4}, {16, 16, 128, 1, 1, 15, 4},
    {32, 32, 64, 2, 1, 20, 2}, {32, 32, 128, 2, 1, 20, 2},
    {64, 32, 64, 2, 1, 30, 2}, {32, 64, 64, 1, 2, 30, 2},
    {64, 64, 64, 2, 2, 45},
};
static constexpr TileShape kTensor32Shapes[] = {
    {16, 16, 32, 1, 1, 15, 4}, {16, 16, 64, 1, 1, 15, 4},
    {32, 32, 32, 2, 1, 20, 2}, {32, 32, 64, 2, 1, 20, 2},
    {64, 32, 32, 2, 1, 30, 2}, {32, 64, 32, 1, 2, 30, 2},
    {64, 64, 32, 2, 2, 45},
};

static constexpr int64_t kMultiprocessors = 132;
/// A launch in a CUDA graph (docs/performance.md, "On a GPU, by the plan").
static constexpr double kLaunch = 1.5;
/// Until the first numbers are there and the last are written.
static constexpr double kEnds = 0.7;
/// A step whose numbers are waited for: two products of 128 x 128, with 128 and
/// 784 terms in steps of 64, differ by so much a step in f32 and in bf16.
static constexpr double kStep = 0.4;
/// Slices meet in shared memory.
static constexpr double kMeet = 0.1;
/// Multiply-adds of one multiprocessor's threads.
static constexpr double kTermsPerMicrosecond = 128 * 1750;
/// Bytes that a multiprocessor gets from the cache that all share, where all of
/// them read: 5.5 TB/s (Luo et al., "Dissecting the NVIDIA Hopper Architecture
/// through Microbenchmarking", 2024).
static constexpr double kBytesPerMicrosecond = 5.5e6 / kMultiprocessors;

namespace {

/// A call of the library takes so long, and longer by its terms, which no
/// block shares, and by all multiplications.
struct LibraryTime {
  double least, perTerm, perMultiplication;

  double at(double terms, double multiplications) const {
    return least + perTerm * terms + perMultiplication * multiplications;
  }
};

struct Sizes {
  int64_t outer, rows, columns, terms;

  double multiplications() const {
    return double(outer) * rows * columns * terms;
  }
};

} // namespace

static constexpr LibraryTime kLibraryScalar = {7.5, 0.002, 1 / 21e6};
static constexpr LibraryTime kLibraryTensor32 = {5.0, 0.0025, 1 / 110e6};
static constexpr LibraryTime kLibraryTensor16 = {2.9, 0.0013, 1 / 600e6};

/// The largest product that was measured to be all waiting: 768 x 512 x 128.
static constexpr double kMostMultiplications = 768. * 512 * 128;
/// Multiplied by threads: three products of 512 x 512 x 512 take 46 us by these
/// tiles, and 51 us by the library.
static constexpr double kMostOfThreads = 512. * 512 * 512;

/// Terms of a sum that is worth cutting into parts, which another phase adds
/// up. The library does not: a product of 100 x 256 x 3200 takes it 37 us, of
/// 128 x 512 x 2048 33 us.
static constexpr int64_t kLongSum = 1024;
/// A part that is read and added in that phase.
static constexpr double kPart = 0.1;

static const LibraryTime &libraryTimeOf(TileUnit unit) {
  switch (unit) {
  case TileUnit::Scalar:
    return kLibraryScalar;
  case TileUnit::Tensor16:
    return kLibraryTensor16;
  case TileUnit::Tensor32:
    return kLibraryTensor32;
  }
  llvm_unreachable("a unit that multiplies");
}

static ArrayRef<TileShape> shapesOf(TileUnit unit) {
  switch (unit) {
  case TileUnit::Scalar:
    return kScalarShapes;
  case TileUnit::Tensor16:
    return kTensor16Shapes;
  case TileUnit::Tensor32:
    return kTensor32Shapes;
  }
  return {};
}

static int64_t bytesOf(TileUnit unit) {
  return unit == TileUnit::Tensor16 ? 2 : 4;
}

/// Steps of all blocks that a multiprocessor has, of which those that it has at
/// once wait together; what is copied ahead is waited for once in all its
/// stages.
static double timeOf(const Tiling &tiling, const Sizes &sizes) {
  const TileShape &shape = tiling.shape;
  double tiles = double(sizes.outer) *
                 llvm::divideCeil(sizes.rows, shape.rows) *
                 llvm::divideCeil(sizes.columns, shape.columns);
  double blocks = std::ceil(tiles / kMultiprocessors);
  double waits = std::ceil(blocks / tiling.residentBlocks()) * kStep;
  if (tiling.stages)
    waits /= tiling.stages - 1;
  double adds = blocks * shape.rows * shape.columns * shape.depth /
                (kTermsPerMicrosecond * speedOf(tiling.unit)) * 100 /
                shape.percent;
  double reads = tiles / kMultiprocessors * (shape.rows + shape.columns) *
                 shape.depth * bytesOf(tiling.unit) / kBytesPerMicrosecond;
  return kLaunch + kEnds + (shape.slices > 1 ? kMeet : 0) +
         llvm::divideCeil(sizes.terms, shape.depth) *
             std::max({waits, adds, reads});
}

/// The same of sums that are cut into parts.
static double timeOfParts(const Tiling &tiling, const Sizes &sizes) {
  if (tiling.numParts == 1)
    return timeOf(tiling, sizes);
  Sizes parts = sizes;
  parts.outer *= tiling.numParts;
  parts.terms = llvm::divideCeil(sizes.terms, tiling.numParts);
  return timeOf(tiling, parts) + kLaunch + kEnds + kPart * tiling.numParts;
}

/// Stages of shared memory that operands are copied to, with room for the
/// padding of a line and for sums that meet in memory of their own, as those of
/// 16-bit operands do; 0: too few to copy ahead, or no more than a step.
static int64_t stagesOf(const Tiling &tiling, int64_t terms,
                        const GpuModel &model) {
  constexpr int64_t leastStages = 3, mostStages = 4;
  int64_t padding = tiling.unit == TileUnit::Tensor32 ? 8 : 4;
  const TileShape &shape = tiling.shape;
  if (shape.slices == 1 || terms <= shape.depth)
    return 0;
  int64_t bytes = bytesOf(tiling.unit);
  int64_t ofStage =
      std::max((shape.rows + shape.columns) * (shape.depth + padding),
               (shape.rows + shape.columns + 2 * padding) * shape.depth) *
      bytes;
  int64_t sums = tiling.unit == TileUnit::Tensor16
                     ? shape.slices * shape.rows * shape.columns * 4
                     : 0;
  int64_t useful = llvm::divideCeil(terms, shape.depth) + 1;
  int64_t stages = std::min((model.sharedBytes - sums) / ofStage,
                            std::clamp(useful, leastStages, mostStages));
  return stages < leastStages ? 0 : stages;
}

/// What of it is no tensor in memory is a launch before a call, and what its
/// epilogue cannot do one after it: more than the sum with a bias and a
/// maximum, each an op of a body, with a conversion. A sum over the batch, as a
/// weight's gradient is, shares its launch with those of a bias and an input.
static double launchesBesideCall(const Contraction &contraction,
                                 const ContractionAxes &axes) {
  constexpr unsigned opsOfLibrary = 3;
  return !contraction.lhs->operand + !contraction.rhs->operand +
         !axes.summed.size.isStatic() +
         (contraction.numEpilogueOps > opsOfLibrary ||
          contraction.results.size() > 1);
}

std::optional<Tiling> nnc::chooseSmallTiling(const Contraction &contraction,
                                             const ContractionAxes &axes,
                                             const GpuModel &model) {
  if (!contraction.type.isF32() || model.products == ProductChoice::Library)
    return std::nullopt;
  int64_t batch = typicalBatch(contraction.kernel);
  Sizes sizes{axes.outer.size.estimate(batch), axes.rows.size.estimate(batch),
              axes.columns.size.estimate(batch),
              axes.summed.size.estimate(batch)};
  TileUnit unit = unitOf(contraction, model);
  double bestTime = std::numeric_limits<double>::infinity();
  if (model.products == ProductChoice::Estimated) {
    if (sizes.multiplications() >
        (unit == TileUnit::Scalar ? kMostOfThreads : kMostMultiplications))
      return std::nullopt;
    bestTime = libraryTimeOf(unit).at(sizes.terms, sizes.multiplications()) +
               kLaunch * launchesBesideCall(contraction, axes);
  }
  int64_t mostParts = sizes.terms < kLongSum
                          ? 1
                          : std::min(sizes.terms / kLeastPart, kMostParts);
  bool areCopied = isCopied(contraction, axes, contraction.lhs, axes.rows) &&
                   isCopied(contraction, axes, contraction.rhs, axes.columns);
  std::optional<Tiling> best;
  for (const TileShape &shape : shapesOf(unit))
    for (int64_t parts = 1; parts <= mostParts; parts *= 2) {
      Tiling tiling{unit, shape, parts, /*hasWorkspace=*/parts > 1};
      if (areCopied)
        tiling.stages = stagesOf(tiling, sizes.terms, model);
      double time = timeOfParts(tiling, sizes);
      if (time >= bestTime)
        continue;
      bestTime = time;
      best = tiling;
    }
  return best;
}
