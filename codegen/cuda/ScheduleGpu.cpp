// The emitters in turn; the last takes everything.
#include "codegen/cuda/ScheduleGpu.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/Elements.h"

using namespace mlir;
using namespace nnc;

FailureOr<ScheduledKernel> nnc::scheduleForGpu(func::FuncOp kernel,
                                               const GpuModel &model,
                                               bool reference) {
  SmallVector<Emitter> emitters;
  emitters.push_back([&](func::FuncOp op) {
    return scheduleElements(op, model, /*separately=*/reference);
  });
  FailureOr<ScheduledKernel> scheduled = scheduleByFirst(kernel, emitters);
  if (failed(scheduled))
    return kernel.emitOpError("has no schedule for a GPU"), failure();
  return scheduled;
}
