// How long the commands of a plan take on a GPU, estimated where there is none.
#ifndef NNC_TOOLS_GPUESTIMATE_H
#define NNC_TOOLS_GPUESTIMATE_H

#include "runtime/Plan.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

/// A GPU at its best, by its maker's data sheet; operations a second without
/// sparsity.
struct GpuPeak {
  /// As --gpu takes it, and as people do.
  const char *name, *title;
  double bytesPerSecond;
  double f64, f32;
  /// Of tensor cores.
  double tf32, half;
};

/// Null if no GPU has the name.
const GpuPeak *findGpu(const std::string &name);
/// "a100, h100, ..."
std::string gpuNames();
/// The GPU that the newest of a plan's architectures is of.
const GpuPeak &gpuOf(const runtime::Plan &plan);

/// The time that a command takes at least, in microseconds: until it has
/// begun, and for its arithmetic or for its bytes. None for loops, whose steps
/// wait for each other.
std::optional<double> estimate(const runtime::Plan &plan,
                               const runtime::Command &command,
                               const GpuPeak &gpu);

/// Of all commands that have an estimate; `numLoops`: how many have none.
double estimate(const runtime::Plan &plan, const runtime::EntryPoint &entry,
                const GpuPeak &gpu, int &numLoops);

} // namespace nnc::tools

#endif // NNC_TOOLS_GPUESTIMATE_H
