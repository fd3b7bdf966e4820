// The emitters in turn; the last takes everything.
#include "codegen/cuda/ScheduleGpu.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/Contraction.h"
#include "codegen/cuda/Elements.h"
#include "codegen/cuda/Rows.h"
#include "codegen/cuda/Scatter.h"
#include "codegen/cuda/SideBySide.h"

using namespace mlir;
using namespace nnc;

FailureOr<ScheduledKernel> nnc::scheduleForGpu(func::FuncOp kernel,
                                               const GpuModel &model,
                                               bool reference) {
  Emitter rows = [&](func::FuncOp op) { return scheduleGpuRows(op, model); };
  Emitter elements = [&](func::FuncOp op) {
    return scheduleElements(op, model, /*separately=*/reference);
  };
  Emitter one = [&](func::FuncOp part) {
    return scheduleByFirst(part, {rows, elements});
  };
  Emitter several = [&](func::FuncOp part) {
    return scheduleSideBySide(part, one);
  };
  Emitter contraction = [&](func::FuncOp op) {
    return scheduleLibraryContraction(op, model, one);
  };
  SmallVector<Emitter> emitters = {contraction, several, rows, scheduleScatter,
                                   elements};
  if (reference)
    emitters = {elements};
  FailureOr<ScheduledKernel> scheduled = scheduleByFirst(kernel, emitters);
  if (failed(scheduled))
    return kernel.emitOpError("has no schedule for a GPU"), failure();
  return scheduled;
}
