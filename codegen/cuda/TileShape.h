// How a contraction is cut into tiles for a GPU: all choices of size are here.
#ifndef NNC_CODEGEN_CUDA_TILESHAPE_H
#define NNC_CODEGEN_CUDA_TILESHAPE_H

#include "codegen/cuda/ContractionPhase.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// What multiplies.
enum class TileUnit {
  /// Fused multiply-adds of each thread: f32 and f64.
  Scalar,
  /// Tensor cores: bf16 and f16, 16 terms at a time, and TF32, 8.
  Tensor16,
  Tensor32
};

/// The part of the result that a block of threads sums, `depth` terms at a
/// time. A thread has rows / threadRows x columns / threadColumns sums
/// (scalar), or a warp has rows / warpRows x columns / warpColumns (tensor).
struct TileShape {
  int64_t rows, columns, depth;
  /// Threads, or warps, along the rows and the columns.
  int64_t teamRows, teamColumns;
  /// Share of the unit's peak that it can reach where it fills the device, as a
  /// percentage.
  int64_t percent;
  /// So many teams share the terms of each step, and add up what they have in
  /// the end, in their order.
  int64_t slices = 1;
};

struct Tiling {
  TileUnit unit;
  TileShape shape;
  /// The sum is cut into so many parts, which a second phase adds up in order.
  int64_t numParts;
  /// The sums go to a workspace, and results are made of them by a second
  /// phase.
  bool hasWorkspace;
  /// Steps that lie in shared memory or are copied there at once; none where
  /// what is multiplied is no copy of what the memory holds, but comes through
  /// registers into one of two halves while the other is added.
  int64_t stages = 0;

  int64_t threads() const {
    return shape.teamRows * shape.teamColumns * shape.slices *
           (unit == TileUnit::Scalar ? 1 : 32);
  }
  /// Blocks that a multiprocessor, of 65,536 registers, is to hold at once, so
  /// that others work while one waits at its barrier: 168 registers a thread
  /// for up to 64 sums with operands ahead, or 128 in the largest blocks; 255
  /// for 128 sums.
  int64_t residentBlocks() const {
    if (shape.rows * shape.columns * shape.slices > 64 * threads())
      return std::max<int64_t>(256 / threads(), 1);
    return threads() > 128 ? 2 : 384 / threads();
  }
};

/// A sum is never cut into more parts.
inline constexpr int64_t kMostParts = 256;
/// A part of a sum that is worth writing out: its terms.
inline constexpr int64_t kLeastPart = 128;

/// What multiplies elements of these types.
TileUnit unitOf(const Contraction &contraction, const GpuModel &model);
/// How many times as fast as multiply-adds of threads.
double speedOf(TileUnit unit);

Tiling chooseTiling(const Contraction &contraction, const ContractionAxes &axes,
                    const GpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TILESHAPE_H
