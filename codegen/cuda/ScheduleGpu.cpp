// The emitters in turn; the last takes everything.
#include "codegen/cuda/ScheduleGpu.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/Contraction.h"
#include "codegen/cuda/Elements.h"
#include "codegen/cuda/MergePhases.h"
#include "codegen/cuda/Rows.h"

using namespace mlir;
using namespace nnc;

/// Whether the kernel updates parameters of many shapes (nnc-fuse-updates).
static bool isUpdates(func::FuncOp kernel) {
  auto kind = kernel->getAttrOfType<StringAttr>("nnc.kind");
  return kind && kind.getValue() == "updates";
}

FailureOr<ScheduledKernel> nnc::scheduleForGpu(func::FuncOp kernel,
                                               const GpuModel &model,
                                               bool reference) {
  Emitter elements = [&](func::FuncOp op) {
    FailureOr<ScheduledKernel> scheduled =
        scheduleElements(op, model, /*separately=*/reference);
    if (succeeded(scheduled) && isUpdates(op))
      mergePhases(*scheduled);
    return scheduled;
  };
  Emitter rows = [&](func::FuncOp op) { return scheduleGpuRows(op, model); };
  SmallVector<Emitter> others;
  if (!reference)
    others.push_back(rows);
  others.push_back(elements);
  Emitter contraction = [&](func::FuncOp op) {
    return scheduleLibraryContraction(op, model, [&](func::FuncOp part) {
      return scheduleByFirst(part, others);
    });
  };
  SmallVector<Emitter> emitters;
  if (!reference)
    emitters.push_back(contraction);
  llvm::append_range(emitters, others);
  FailureOr<ScheduledKernel> scheduled = scheduleByFirst(kernel, emitters);
  if (failed(scheduled))
    return kernel.emitOpError("has no schedule for a GPU"), failure();
  return scheduled;
}
