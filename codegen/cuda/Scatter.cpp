// See Scatter.h.
#include "codegen/cuda/Scatter.h"

#include "codegen/MovementAnalysis.h"
#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/ScatterParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kThreads = 256;

static RankedTensorType operandType(func::FuncOp kernel, unsigned operand) {
  return cast<RankedTensorType>(kernel.getArgumentTypes()[operand + 1]);
}

/// Index number `at`, within the rows of the result.
static Value loadIndex(GpuPhase &phase, func::FuncOp kernel,
                       const ScatterAdd &scatter, Value at) {
  Value index = phase.load({BufferRef::Operand, scatter.indices},
                           operandType(kernel, scatter.indices), at);
  return phase.indexWithin(index, scatter.isUnsigned, scatter.rows);
}

/// The sum of the updates to column `column` of row `row`.
static Value emitSum(GpuPhase &phase, func::FuncOp kernel,
                     const ScatterAdd &scatter, Value outer, Value row,
                     Value column) {
  ImplicitLocOpBuilder &b = phase.b;
  RankedTensorType type = operandType(kernel, scatter.updates);
  Value width = phase.value(scatter.width);
  Value count = phase.value(scatter.count);
  Value zero =
      arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType()));
  auto add = [&](Value at, ValueRange sums) -> SmallVector<Value> {
    Value isOurs = phase.isEqual(loadIndex(phase, kernel, scatter, at), row);
    Value sum = phase.choose(
        isOurs, type.getElementType(),
        [&]() -> Value {
          Value number = phase.add(phase.multiply(outer, count), at);
          Value update =
              phase.load({BufferRef::Operand, scatter.updates}, type,
                         phase.add(phase.multiply(number, width), column));
          return arith::AddFOp::create(b, sums[0], update);
        },
        [&] { return sums[0]; });
    return {sum};
  };
  return phase.loop(phase.index(0), count, phase.index(1), zero, add)[0];
}

FailureOr<ScheduledKernel> nnc::scheduleScatter(func::FuncOp kernel,
                                                Refusal &refusal) {
  FailureOr<Movement> movement = analyzeMovement(kernel, refusal);
  if (failed(movement))
    return failure();
  if (!movement->scatter)
    return refusal.because("it adds nothing up");
  const ScatterAdd &scatter = *movement->scatter;
  if (sumsInGpuParts(scatter))
    return scheduleGpuScatterParts(kernel, *movement);
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  GpuPhase phase(b, kernel, kernel, "scatter");
  Extent total = numElements(movement->result);
  Value element = phase.globalThread(kThreads);
  phase.when(phase.isLess(element, phase.value(total)), [&] {
    Value width = phase.value(scatter.width);
    Value rows = phase.value(scatter.rows);
    Value rest = phase.divide(element, width);
    Value sum = emitSum(phase, kernel, scatter,
                        /*outer=*/phase.divide(rest, rows),
                        /*row=*/phase.remainder(rest, rows),
                        /*column=*/phase.remainder(element, width));
    phase.store(sum, {BufferRef::Result, 0}, movement->result, element);
  });
  ScheduledKernel scheduled;
  scheduled.phases.push_back(
      phase.finish("scatter", divideUp(total, kThreads), kThreads));
  return scheduled;
}
