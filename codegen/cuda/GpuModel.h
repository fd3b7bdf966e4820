// What schedules for a GPU depend on. Nothing else is known of the device, so
// that a model and an architecture have one schedule.
#ifndef NNC_CODEGEN_CUDA_GPUMODEL_H
#define NNC_CODEGEN_CUDA_GPUMODEL_H

#include "codegen/Target.h"

#include <cstdint>

namespace nnc {

struct GpuModel {
  /// 90 for "sm_90".
  int architecture = 90;
  /// Threads that shuffle among themselves.
  int64_t warpThreads = 32;
  int64_t maxBlockThreads = 1024;
  /// Shared memory that any kernel may declare without asking.
  int64_t sharedBytes = 48 << 10;
  /// Widest load and store of one thread.
  int64_t vectorBytes = 16;
  /// How many blocks are worth having at least, so that every multiprocessor
  /// has some: two for each of the 132 of an H100.
  int64_t minBlocks = 264;
  /// What the library of products may use while it runs; none by default.
  int64_t libraryWorkspaceBytes = 0;
  /// Products of f32 may round their operands to TF32.
  bool allowTf32 = false;
  ProductChoice products = ProductChoice::Estimated;
  /// Launches that need nothing of each other are not put into one.
  bool separateLaunches = false;

  void heed(const TargetOptions &options) {
    allowTf32 = options.allowTf32;
    products = options.products;
    separateLaunches = options.separateLaunches;
  }
};

/// The model of an architecture with cuBLASLt at hand, whose documentation asks
/// for 32 MiB of workspace on Hopper and 4 MiB before.
inline GpuModel gpuModelOf(int architecture) {
  GpuModel model;
  model.architecture = architecture;
  model.libraryWorkspaceBytes = architecture >= 90 ? 32 << 20 : 4 << 20;
  return model;
}

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_GPUMODEL_H
