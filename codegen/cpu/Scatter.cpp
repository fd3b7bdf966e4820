// See Scatter.h.
#include "codegen/cpu/Scatter.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/ScatterParts.h"
#include "codegen/cpu/ScatterRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

/// A part of the result's rows, which goes through all indices.
static void emitRows(ScatterRows &phase) {
  const ScatterAdd &scatter = phase.scatter;
  BatchSize perOuter = *scatter.width.times(scatter.rows);
  BatchSize updatesPerOuter = *scatter.width.times(scatter.count);
  Value zero = phase.index(0);
  phase.loop(zero, phase.value(scatter.outer), 1, [&](Value outer) {
    Value rows = phase.multiply(outer, phase.value(perOuter));
    Value updates = phase.multiply(outer, phase.value(updatesPerOuter));
    Value first = phase.multiply(phase.begin(), phase.width);
    Value last = phase.multiply(phase.end(), phase.width);
    phase.clear(phase.result(), phase.add(rows, first),
                phase.subtract(last, first));
    phase.loop(zero, phase.value(scatter.count), 1, [&](Value i) {
      Value row = phase.loadRow(i);
      Value isAfter = arith::CmpIOp::create(phase.b, arith::CmpIPredicate::sge,
                                            row, phase.begin());
      Value isOurs = phase.both(isAfter, phase.isLess(row, phase.end()));
      phase.when(isOurs, [&] {
        phase.addRow(
            phase.updates(), phase.add(updates, phase.multiply(i, phase.width)),
            phase.result(), phase.add(rows, phase.multiply(row, phase.width)));
      });
    });
  });
}

static Phase finishRows(ScatterRows &phase) {
  const ScatterAdd &scatter = phase.scatter;
  int64_t bytes =
      scatter.width.factor * phase.element.getIntOrFloatBitWidth() / 8;
  // A part reads all indices: few large parts are better than many.
  int64_t most = llvm::divideCeil(scatter.rows.estimate(kTypicalBatch), 16);
  return phase.finish(
      "scatter", Extent::of(scatter.rows),
      std::max(kScatterGrainBytes / std::max<int64_t>(1, bytes), most));
}

FailureOr<ScheduledKernel> nnc::scheduleScatter(func::FuncOp kernel,
                                                const CpuModel &model,
                                                Refusal &refusal) {
  FailureOr<Movement> movement = analyzeMovement(kernel, refusal);
  if (failed(movement))
    return failure();
  if (!movement->scatter)
    return refusal.because("it adds up nothing by index");
  if (sumsInParts(*movement->scatter))
    return scheduleScatterParts(kernel, *movement, model);
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScatterRows phase(b, kernel, kernel, "scatter", *movement, model);
  emitRows(phase);
  ScheduledKernel scheduled;
  scheduled.phases.push_back(finishRows(phase));
  return scheduled;
}
