// The schedulers of a GPU's kernels; the last takes everything.
#include "codegen/cuda/GpuTarget.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/Attention.h"
#include "codegen/cuda/Contraction.h"
#include "codegen/cuda/DescribePhases.h"
#include "codegen/cuda/Elements.h"
#include "codegen/cuda/EmitCuda.h"
#include "codegen/cuda/JoinLoops.h"
#include "codegen/cuda/Rows.h"
#include "codegen/cuda/Scatter.h"
#include "codegen/cuda/ShareLaunches.h"
#include "codegen/cuda/SideBySide.h"
#include "codegen/cuda/Step.h"
#include "codegen/cuda/TakeSamples.h"
#include "codegen/cuda/Tiles.h"

using namespace mlir;
using namespace nnc;

FusionPreferences GpuTarget::fusion() const {
  FusionPreferences preferences;
  // Starting a kernel takes as long as reading a megabyte.
  preferences.groupUpdates = true;
  // Plain loops are of primitives.
  preferences.attention = !reference;
  preferences.largestHeadBytes = kLargestGpuHeadBytes;
  preferences.largestHalfHead = kLargestGpuHalfHead;
  // By `tanh.approx`, one instruction.
  preferences.hasTanh16 = !reference;
  // What tensor cores are fed by: bf16 [16384, 50257] by [50257, 768] took 9.0
  // ms on an H200, with 50,304 columns 1.6.
  preferences.alignedRowBytes = reference ? 0 : 16;
  return preferences;
}

LoopSupport GpuTarget::loops() const {
  LoopSupport support;
  support.joinsSteps = !reference;
  return support;
}

void GpuTarget::addDataPhases(Schedule &schedule) const {
  addTakeSamples(schedule);
}

LogicalResult GpuTarget::joinLoops(Schedule &schedule, MemoryPlan &plan) const {
  return nnc::joinLoops(schedule, plan);
}

LogicalResult GpuTarget::shareLaunches(Schedule &schedule,
                                       MemoryPlan &plan) const {
  return nnc::shareLaunches(schedule, plan);
}

FailureOr<ScheduledKernel> GpuTarget::schedule(func::FuncOp kernel) const {
  Scheduler attention = {
      "attention", {"attention"}, [&](func::FuncOp op, Refusal &refusal) {
        return scheduleGpuAttention(op, model, refusal);
      }};
  Scheduler rows = {"rows",
                    {"rows", "movement", "contraction", "updates"},
                    [&](func::FuncOp op, Refusal &refusal) {
                      return scheduleGpuRows(op, model, refusal);
                    }};
  Scheduler scatter = {"scatter", {"movement"}, scheduleScatter};
  Scheduler elements = {"elements", {}, [&](func::FuncOp op, Refusal &refusal) {
                          return scheduleElements(
                              op, model, /*separately=*/reference, refusal);
                        }};
  // What only moves elements has no faster form than a thread for each.
  Scheduler movement = elements;
  movement.kinds = {"movement"};
  Scheduler step = {"step", {"step"}, [&](func::FuncOp op, Refusal &refusal) {
                      return scheduleStep(op, model, refusal);
                    }};
  auto one = [&](func::FuncOp part) {
    return scheduleByKind(part, {rows, elements});
  };
  Scheduler several = {"side by side",
                       {"updates", "rows"},
                       [&](func::FuncOp op, Refusal &refusal) {
                         return scheduleSideBySide(op, one, refusal);
                       }};
  Scheduler product = {
      "product", {"contraction"}, [&](func::FuncOp op, Refusal &refusal) {
        return scheduleSmallProduct(op, model, refusal);
      }};
  Scheduler contraction = {
      "contraction", {"contraction"}, [&](func::FuncOp op, Refusal &refusal) {
        return scheduleLibraryContraction(op, model, one, refusal);
      }};
  // What the library has no call for.
  Scheduler tiles = {
      "tiles", {"contraction"}, [&](func::FuncOp op, Refusal &refusal) {
        return scheduleTiles(op, model, one, refusal);
      }};
  FailureOr<ScheduledKernel> scheduled =
      reference ? scheduleByKind(kernel, {elements})
                : scheduleByKind(kernel, {attention, product, contraction,
                                          tiles, several, rows, scatter,
                                          movement, step, elements});
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
