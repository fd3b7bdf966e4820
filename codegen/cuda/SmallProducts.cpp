// A small product waits: for its launch, for the first numbers from memory, and
// at each step for the next ones. So a block takes many terms a step, which
// slices of its threads share, and tiles are small, so that there are many.
//
// Times are in microseconds on an H100. What the library takes was measured;
// what a kernel of these tiles takes is an estimate: none has been timed yet.
// `tools/gpu-report --part products` compares the two.
#include "codegen/cuda/SmallProducts.h"

#include "codegen/ScheduleKernels.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

// All are of 128 threads, so that those of several products can share a launch.
// A thread has at most 8 x 4 sums, or a warp 32 x 32.
static constexpr TileShape kScalarShapes[] = {
    // rows, columns, depth, threads along rows and columns, percent, slices
    {16, 16, 64, 4, 4, 35, 8}, {16, 32, 64, 4, 8, 35, 4},
    {32, 16, 64, 8, 4, 35, 4}, {32, 32, 32, 8, 8, 40, 2},
    {64, 32, 16, 16, 8, 45},   {32, 64, 16, 8, 16, 45},
    {64, 64, 16, 8, 16, 65},
};
static constexpr TileShape kTensor16Shapes[] = {
    // rows, columns, depth, warps along rows and columns, percent, slices
    {16, 16, 64, 1, 1, 15, 4}, {32, 32, 64, 2, 1, 20, 2},
    {64, 32, 64, 2, 1, 30, 2}, {32, 64, 64, 1, 2, 30, 2},
    {64, 64, 32, 2, 2, 45},
};
static constexpr TileShape kTensor32Shapes[] = {
    {16, 16, 32, 1, 1, 15, 4}, {32, 32, 32, 2, 1, 20, 2},
    {64, 32, 32, 2, 1, 30, 2}, {32, 64, 32, 1, 2, 30, 2},
    {64, 64, 16, 2, 2, 45},
};

static constexpr int64_t kMultiprocessors = 132;
/// A launch in a CUDA graph, measured on an H200 (docs/performance.md, "On a
/// GPU, by the plan").
static constexpr double kLaunch = 1.5;
/// Until the first numbers are there and the last are written: twice some 600
/// cycles to memory, 1.75 of them a nanosecond (Luo et al., "Dissecting the
/// NVIDIA Hopper Architecture through Microbenchmarking", 2024: 478 cycles to
/// memory, 262 to the cache that all share).
static constexpr double kEnds = 0.7;
/// A step: the cache that all share, shared memory twice, and a barrier.
static constexpr double kStep = 0.3;
/// Slices meet in shared memory.
static constexpr double kMeet = 0.1;
/// Multiply-adds of one multiprocessor's threads.
static constexpr double kTermsPerMicrosecond = 128 * 1750;

namespace {

/// A call of the library takes so long, and longer by its terms, which no
/// block shares, and by all multiplications. Fitted to the products up to 1024
/// x 1024 x 1024 in docs/cuda.md, "Small products", which were measured on an
/// H200: within a third of each.
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

static constexpr LibraryTime kLibraryScalar = {4.5, 0.0045, 1 / 21e6};
static constexpr LibraryTime kLibraryTensor32 = {4.0, 0.0025, 1 / 110e6};
static constexpr LibraryTime kLibraryTensor16 = {2.9, 0.0013, 1 / 600e6};

/// The largest product that was measured to be all waiting: 768 x 512 x 128.
static constexpr double kMostMultiplications = 768. * 512 * 128;

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

/// Steps of all blocks that a multiprocessor has, of which those that it has at
/// once wait together.
static double timeOf(const Tiling &tiling, const Sizes &sizes) {
  const TileShape &shape = tiling.shape;
  double tiles = double(sizes.outer) *
                 llvm::divideCeil(sizes.rows, shape.rows) *
                 llvm::divideCeil(sizes.columns, shape.columns);
  double blocks = std::ceil(tiles / kMultiprocessors);
  double waits = std::ceil(blocks / tiling.residentBlocks()) * kStep;
  double adds = blocks * shape.rows * shape.columns * shape.depth /
                (kTermsPerMicrosecond * speedOf(tiling.unit)) * 100 /
                shape.percent;
  return kLaunch + kEnds + (shape.slices > 1 ? kMeet : 0) +
         llvm::divideCeil(sizes.terms, shape.depth) * std::max(waits, adds);
}

/// What of it is no tensor in memory is a launch before a call, and what its
/// epilogue cannot do one after it: more than the sum with a bias and a
/// maximum, each an op of a body, with a conversion.
static double launchesBesideCall(const Contraction &contraction) {
  constexpr unsigned opsOfLibrary = 3;
  return !contraction.lhs->operand + !contraction.rhs->operand +
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
    if (sizes.multiplications() > kMostMultiplications)
      return std::nullopt;
    bestTime = libraryTimeOf(unit).at(sizes.terms, sizes.multiplications()) +
               kLaunch * launchesBesideCall(contraction);
  }
  std::optional<Tiling> best;
  for (const TileShape &shape : shapesOf(unit)) {
    Tiling tiling{unit, shape, /*numParts=*/1, /*hasWorkspace=*/false};
    double time = timeOf(tiling, sizes);
    if (time >= bestTime)
      continue;
    bestTime = time;
    best = tiling;
  }
  return best;
}
