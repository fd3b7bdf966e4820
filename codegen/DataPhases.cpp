// Which devices have such phases.
#include "codegen/DataPhases.h"

#ifdef NNC_TARGET_CUDA
#include "codegen/cuda/TakeSamples.h"
#endif

using namespace nnc;

namespace {

/// Of the targets whose Target::name() is `device`.
struct DataPhases {
  llvm::StringRef device;
  void (*add)(Schedule &schedule);
};

} // namespace

static llvm::ArrayRef<DataPhases> dataPhases() {
#ifdef NNC_TARGET_CUDA
  static constexpr DataPhases phases[] = {{"cuda", addTakeSamples},
                                          {"sim", addTakeSamples}};
  return phases;
#else
  return {};
#endif
}

void nnc::addDataPhases(const Target &target, Schedule &schedule) {
  for (const DataPhases &phases : dataPhases())
    if (phases.device == target.name())
      phases.add(schedule);
}
