// See GpuEstimate.h.
#include "tools/GpuEstimate.h"

#include "tools/Text.h"

#include <algorithm>
#include <cstdlib>

namespace nnc::tools {

using namespace runtime;

/// NVIDIA's data sheets of the A100 80GB SXM, L40S, H100 SXM and H200 SXM.
static constexpr GpuPeak gpus[] = {
    {"a100", "A100", 2.039e12, 9.7e12, 19.5e12, 156e12, 312e12},
    {"l40s", "L40S", 0.864e12, 1.4e12, 91.6e12, 183e12, 362e12},
    {"h100", "H100", 3.35e12, 34e12, 67e12, 494e12, 989e12},
    {"h200", "H200", 4.8e12, 34e12, 67e12, 494e12, 989e12}};

// Measured on an H200, in CUDA graphs: docs/performance.md, "On a GPU, by the
// plan".
static constexpr double launchMicroseconds = 1.5;
/// Of a library's product, however small: the least that was seen.
static constexpr double productMicroseconds = 4.5,
                        halfProductMicroseconds = 2.8;

const GpuPeak *findGpu(const std::string &name) {
  for (const GpuPeak &gpu : gpus)
    if (name == gpu.name)
      return &gpu;
  return nullptr;
}

std::string gpuNames() {
  std::string names;
  for (const GpuPeak &gpu : gpus)
    names += concat(names.empty() ? "" : ", ", gpu.name);
  return names;
}

const GpuPeak &gpuOf(const Plan &plan) {
  int newest = 0;
  for (const CodeModule &module : plan.code.modules) {
    // "sm_90a", "compute_90".
    size_t digits = module.architecture.find('_');
    if (digits != std::string::npos)
      newest =
          std::max(newest, std::atoi(module.architecture.c_str() + digits + 1));
  }
  return *findGpu(newest == 0 || newest >= 90 ? "h100"
                  : newest == 89              ? "l40s"
                                              : "a100");
}

static bool isHalf(ElementType type) {
  return type == ElementType::F16 || type == ElementType::BF16;
}

/// Of a small product's own kernel, as codegen/cuda/SmallProducts.cpp estimates
/// it: its launch, the way to memory and back, and one step.
static constexpr double generatedMicroseconds = 2.5;

static double productPeak(const Matmul &matmul, const GpuPeak &gpu) {
  return isHalf(matmul.operandType)               ? gpu.half
         : matmul.operandType == ElementType::F64 ? gpu.f64
         : matmul.allowTf32                       ? gpu.tf32
                                                  : gpu.f32;
}

std::optional<double> estimate(const Plan &plan, const Command &command,
                               const GpuPeak &gpu) {
  if (command.kind == Command::Kind::Loop)
    return std::nullopt;
  const double bytes =
      command.kind == Command::Kind::Copy
          ? 2.0 * double(command.buffers[1].sizeBytes.at(plan.maxBatch))
          : double(command.trafficBytes.at(plan.maxBatch));
  const double move = 1e6 * bytes / gpu.bytesPerSecond;
  if (command.kind == Command::Kind::Copy)
    return launchMicroseconds + move;
  const double flop = double(command.flop.at(plan.maxBatch));
  if (command.kind == Command::Kind::Matmul) {
    double least = isHalf(command.matmul.operandType) ? halfProductMicroseconds
                                                      : productMicroseconds;
    double compute = 1e6 * flop / productPeak(command.matmul, gpu);
    return std::max(
        {least, launchMicroseconds + compute, launchMicroseconds + move});
  }
  if (plan.kindOf(command) == "loop")
    return std::nullopt;
  const double least =
      plan.kindOf(command) == "product" ? generatedMicroseconds : 0;
  return std::max(least,
                  launchMicroseconds + std::max(move, 1e6 * flop / gpu.f32));
}

double estimate(const Plan &plan, const EntryPoint &entry, const GpuPeak &gpu,
                int &numLoops) {
  double sum = 0;
  size_t bodyLeft = 0;
  double steps = 1;
  numLoops = 0;
  for (const Command &command : entry.commands) {
    if (command.kind == Command::Kind::Loop) {
      bodyLeft = command.loop.length;
      steps = double(command.loop.steps);
      continue;
    }
    double times = bodyLeft > 0 ? steps : 1;
    bodyLeft -= bodyLeft > 0;
    if (std::optional<double> time = estimate(plan, command, gpu))
      sum += times * *time;
    else
      ++numLoops;
  }
  return sum;
}

} // namespace nnc::tools
