// The schedulers of a GPU's kernels; the last takes everything.
#include "codegen/cuda/GpuTarget.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/Contraction.h"
#include "codegen/cuda/DescribePhases.h"
#include "codegen/cuda/Elements.h"
#include "codegen/cuda/EmitCuda.h"
#include "codegen/cuda/Rows.h"
#include "codegen/cuda/Scatter.h"
#include "codegen/cuda/SideBySide.h"

using namespace mlir;
using namespace nnc;

FailureOr<ScheduledKernel> GpuTarget::schedule(func::FuncOp kernel) const {
  auto of = [](auto schedule) -> Scheduler::Function {
    return [schedule](func::FuncOp op, Refusal &refusal) {
      FailureOr<ScheduledKernel> scheduled = schedule(op);
      if (failed(scheduled))
        (void)refusal.because("it has another form");
      return scheduled;
    };
  };
  Scheduler rows = {
      "rows",
      {"rows", "movement", "contraction", "updates"},
      of([&](func::FuncOp op) { return scheduleGpuRows(op, model); })};
  Scheduler scatter = {"scatter", {"movement"}, scheduleScatter};
  Scheduler elements = {"elements", {}, [&](func::FuncOp op, Refusal &refusal) {
                          return scheduleElements(
                              op, model, /*separately=*/reference, refusal);
                        }};
  auto one = [&](func::FuncOp part) {
    return scheduleByKind(part, {rows, elements});
  };
  Scheduler several = {
      "side by side", {"updates", "rows"}, of([&](func::FuncOp op) {
        return scheduleSideBySide(op, one);
      })};
  Scheduler contraction = {
      "contraction", {"contraction"}, [&](func::FuncOp op, Refusal &refusal) {
        return scheduleLibraryContraction(op, model, one, refusal);
      }};
  FailureOr<ScheduledKernel> scheduled =
      reference ? scheduleByKind(kernel, {elements})
                : scheduleByKind(
                      kernel, {contraction, several, rows, scatter, elements});
  if (failed(scheduled))
    return kernel.emitOpError("has no schedule for a GPU"), failure();
  describePhases(kernel, *scheduled);
  return scheduled;
}

FailureOr<std::string> GpuTarget::printCudaStage(ModuleOp phases) {
  FailureOr<CudaText> text = emitCuda(phases);
  if (failed(text))
    return failure();
  return printCuda(*text);
}
