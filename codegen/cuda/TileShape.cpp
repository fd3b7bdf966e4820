// Tiles are chosen by an estimate of their time on an H100 (132
// multiprocessors; NVIDIA's white paper): the tiles of the busiest
// multiprocessor, one after another. Sums of few rows and columns are cut into
// parts instead, at the cost of writing them out and reading them again.
#include "codegen/cuda/TileShape.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/TileLoads.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace nnc;

static constexpr int64_t kMultiprocessors = 132;

// A thread reads rows + columns numbers from shared memory for rows x columns
// multiply-adds: 16 for 64, 12 for 32, 8 for 16. Reads of 16 bytes take a
// multiprocessor four times as long as a multiply-add of each thread, which
// bounds the share of its peak. Blocks of 128 threads: three of them wait for
// each other's barriers less than one of 256 that has as many registers.
static constexpr TileShape kScalarShapes[] = {
    // rows, columns, depth, threads along rows and columns, percent
    {128, 64, 8, 16, 8, 75}, {64, 128, 8, 8, 16, 75}, {64, 64, 16, 8, 16, 65},
    {128, 32, 8, 16, 8, 60}, {32, 128, 8, 8, 16, 55}, {64, 32, 16, 16, 8, 45},
    {32, 64, 16, 8, 16, 45}, {32, 32, 16, 8, 8, 40},
};

// Twice as many registers a number.
static constexpr TileShape kDoubleShapes[] = {
    {64, 64, 8, 16, 16, 45},
    {32, 32, 16, 8, 8, 40},
};

// A warp reads rows + columns numbers for rows x columns x terms; the fragments
// of 64 x 32 sums and of their operands take 64 + 32 registers a thread.
static constexpr TileShape kTensor16Shapes[] = {
    // rows, columns, depth, warps along rows and columns, percent
    {128, 128, 32, 2, 4, 70}, {128, 64, 32, 4, 2, 60}, {64, 128, 32, 2, 4, 60},
    {64, 64, 32, 4, 2, 45},   {128, 32, 32, 4, 1, 40}, {32, 128, 32, 1, 4, 40},
    {64, 32, 32, 2, 1, 30},   {32, 32, 32, 2, 1, 20},
};
// Where copies to shared memory are under way while tensor cores work, a thread
// needs no registers for what comes next: warps of 64 x 64 sums read a third
// less of shared memory than those of 64 x 32, which is what bounds them: 128
// bytes a cycle, for 1,024 multiply-adds. Measured by steps of a ResNet-50 of
// 128 images on an H200: with such warps 0.4 ms of 24.3 less in tiles of 128 x
// 128, but 0.4 more in those of 128 x 64, whose blocks then have two warps;
// tiles of 256 x 128, of which a multiprocessor has one, take 0.9 to 1.6 more.
static constexpr TileShape kCopiedShapes[] = {
    {128, 128, 32, 2, 2, 80}, {128, 64, 32, 2, 2, 70}, {64, 128, 32, 2, 2, 70},
    {64, 64, 32, 2, 2, 45},   {128, 32, 32, 4, 1, 40}, {32, 128, 32, 1, 4, 40},
    {64, 32, 32, 2, 1, 30},   {32, 32, 32, 2, 1, 20},
};
// As many bytes a step.
static constexpr TileShape kTensor32Shapes[] = {
    {128, 128, 16, 2, 4, 70}, {128, 64, 16, 2, 2, 60}, {64, 128, 16, 2, 2, 60},
    {64, 64, 16, 2, 2, 45},   {128, 32, 16, 4, 1, 40}, {32, 128, 16, 1, 4, 40},
    {64, 32, 16, 2, 1, 30},   {32, 32, 16, 2, 1, 20},
};

/// How many times as fast as multiply-adds of threads, by the same paper: 989,
/// 495 and 67 TFLOP/s. `mma.sync` reaches two thirds of what `wgmma` does.
double nnc::speedOf(TileUnit unit) {
  switch (unit) {
  case TileUnit::Scalar:
    return 1;
  case TileUnit::Tensor16:
    return 10;
  case TileUnit::Tensor32:
    return 5;
  }
  return 1;
}

/// Multiply-adds of one multiprocessor in the time that the device needs for
/// one byte of its memory (3.3 TB/s): 256 FFMA lanes x 2 / 2 at 1.75 GHz.
static constexpr double kTermsPerByte = 128 * 1.75e9 / 3.3e12;
/// And in the 2 microseconds that another phase costs.
static constexpr double kTermsPerPhase = 128 * 1.75e9 * 2e-6;

/// Beyond so many operations for an element of the result, the code would be
/// long where it is repeated for each sum of a thread.
static constexpr unsigned kMostEpilogueOps = 16;

static int64_t divideUp(int64_t size, int64_t divisor) {
  return (size + divisor - 1) / divisor;
}

/// What a block of copied tiles waits for, beside what it multiplies: for its
/// barrier and for what it reads of shared memory, while another that the
/// multiprocessor has at once multiplies. An estimate.
static constexpr double kWaiting = 0.4;

/// Of those that it could have at once, in the last round.
static double missingBlocks(double blocks, int64_t resident) {
  double last = std::fmod(blocks, resident);
  return last > 0 ? resident - last : 0;
}

namespace {

/// Sizes at the batch that the schedule is best at.
struct Estimate {
  double speed;
  int64_t outer, rows, columns, summed;

  double timeOf(const Tiling &tiling) const {
    const TileShape &shape = tiling.shape;
    int64_t numParts = tiling.numParts;
    double tiles = double(outer) * divideUp(rows, shape.rows) *
                   divideUp(columns, shape.columns) * numParts;
    double rounds = std::ceil(tiles / kMultiprocessors);
    if (tiling.unit != TileUnit::Scalar)
      rounds += kWaiting * missingBlocks(rounds, tiling.residentBlocks());
    double terms =
        divideUp(divideUp(summed, numParts), shape.depth) * shape.depth;
    double time =
        rounds * shape.rows * shape.columns * terms * 100 / shape.percent;
    if (tiling.hasWorkspace)
      time += speed * kTermsPerPhase + speed * kTermsPerByte * 8 * numParts *
                                           double(outer) * rows * columns;
    return time;
  }
};

} // namespace

TileUnit nnc::unitOf(const Contraction &contraction, const GpuModel &model) {
  Type lhs = getElementTypeOrSelf(contraction.lhs->tensor.getType()),
       rhs = getElementTypeOrSelf(contraction.rhs->tensor.getType());
  if (lhs != rhs || !contraction.type.isF32())
    return TileUnit::Scalar;
  if (lhs.isBF16() || lhs.isF16())
    return TileUnit::Tensor16;
  return lhs.isF32() && model.allowTf32 ? TileUnit::Tensor32 : TileUnit::Scalar;
}

static ArrayRef<TileShape> shapesOf(const Contraction &contraction,
                                    TileUnit unit, bool areCopied) {
  if (areCopied)
    return kCopiedShapes;
  switch (unit) {
  case TileUnit::Scalar:
    return contraction.type.isF64() ? ArrayRef(kDoubleShapes)
                                    : ArrayRef(kScalarShapes);
  case TileUnit::Tensor16:
    return kTensor16Shapes;
  case TileUnit::Tensor32:
    return kTensor32Shapes;
  }
  return {};
}

/// What one of them has to come from the device's memory in: more under way
/// than four steps wait for nothing.
static constexpr int64_t kMostStages = 4;

static int64_t stagesOf(const TileShape &shape, const GpuModel &model) {
  constexpr int64_t bytes = 2;
  int64_t ofStep = (shape.rows + shape.columns) * shape.depth * bytes;
  return std::min(model.sharedBytes / ofStep, kMostStages);
}

Tiling nnc::chooseTiling(const Contraction &contraction,
                         const ContractionAxes &axes, const GpuModel &model) {
  int64_t batch = typicalBatch(contraction.kernel);
  TileUnit unit = unitOf(contraction, model);
  Estimate sizes{speedOf(unit), axes.outer.size.estimate(batch),
                 axes.rows.size.estimate(batch),
                 axes.columns.size.estimate(batch),
                 axes.summed.size.estimate(batch)};
  bool areCopied = unit == TileUnit::Tensor16 &&
                   isCopied(contraction, axes, contraction.lhs, axes.rows) &&
                   isCopied(contraction, axes, contraction.rhs, axes.columns);
  bool isLong = contraction.numEpilogueOps > kMostEpilogueOps;
  int64_t mostParts =
      std::clamp<int64_t>(sizes.summed / kLeastPart, 1, kMostParts);
  Tiling best;
  double bestTime = std::numeric_limits<double>::infinity();
  for (const TileShape &shape : shapesOf(contraction, unit, areCopied))
    for (int64_t parts = 1; parts <= mostParts;
         parts = unit != TileUnit::Scalar ? parts + 1 : 2 * parts) {
      bool hasWorkspace = parts > 1 || isLong;
      Tiling tiling{unit, shape, parts, hasWorkspace,
                    areCopied ? stagesOf(shape, model) : 0};
      double time = sizes.timeOf(tiling);
      if (time >= bestTime)
        continue;
      bestTime = time;
      best = tiling;
    }
  return best;
}
