// Rows are set to zero and added to in vectors; what is left of a row, element
// by element.
#include "codegen/cpu/Scatter.h"

#include "codegen/MovementAnalysis.h"
#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/CpuPhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

/// Bytes that are worth handing to another thread: some microseconds' copying.
static constexpr int64_t kGrainBytes = 32 << 10;

namespace {

/// The loops of the phase. Numbers of elements: `width` of a row.
class ScatterEmitter {
public:
  ScatterEmitter(func::FuncOp kernel, const Movement &movement,
                 const CpuModel &model);

  void emit();
  Phase finish();

private:
  Value operand(unsigned index);
  Value loadRow(Value at);
  void clearRows(Value outer);
  void addRow(Value source, Value destination);
  void forRow(Value first, Value last,
              function_ref<void(Value element, Type type)> body);

  func::FuncOp kernel;
  const ScatterAdd &scatter;
  ImplicitLocOpBuilder b;
  CpuPhase phase;
  Type element;
  VectorType lanes;
  Value result, width;
};

} // namespace

ScatterEmitter::ScatterEmitter(func::FuncOp kernel, const Movement &movement,
                               const CpuModel &model)
    : kernel(kernel), scatter(*movement.scatter),
      b(kernel.getLoc(), kernel.getContext()),
      phase(b, kernel, kernel, "scatter"),
      element(movement.result.getElementType()),
      lanes(VectorType::get({model.lanes(element)}, element)),
      result(phase.buffer({BufferRef::Result, 0}, movement.result)),
      width(phase.value(scatter.width)) {}

Value ScatterEmitter::operand(unsigned index) {
  return phase.buffer(
      {BufferRef::Operand, index},
      cast<RankedTensorType>(kernel.getArgumentTypes()[index + 1]));
}

/// The row that index number `at` names: what is outside, the nearest.
Value ScatterEmitter::loadRow(Value at) {
  Value index = memref::LoadOp::create(b, operand(scatter.indices), at);
  return phase.indexWithin(index, scatter.isUnsigned, scatter.rows);
}

/// `body` for the elements [first, last), a vector or one at a time.
void ScatterEmitter::forRow(Value first, Value last,
                            function_ref<void(Value element, Type type)> body) {
  Value length = phase.subtract(last, first);
  Value rest = phase.remainder(length, lanes.getNumElements());
  Value middle = phase.subtract(last, rest);
  phase.loop(first, middle, lanes.getNumElements(),
             [&](Value i) { body(i, lanes); });
  phase.loop(middle, last, 1, [&](Value i) { body(i, element); });
}

static Value load(ImplicitLocOpBuilder &b, Type type, Value memory, Value at) {
  if (auto vector = dyn_cast<VectorType>(type))
    return vector::LoadOp::create(b, vector, memory, at);
  return memref::LoadOp::create(b, memory, at);
}

static void store(ImplicitLocOpBuilder &b, Value value, Value memory,
                  Value at) {
  if (isa<VectorType>(value.getType()))
    vector::StoreOp::create(b, value, memory, at);
  else
    memref::StoreOp::create(b, value, memory, at);
}

/// The part's own rows of one outer slice, which begins at `outer`.
void ScatterEmitter::clearRows(Value outer) {
  Value first = phase.multiply(phase.begin(), width);
  Value last = phase.multiply(phase.end(), width);
  forRow(first, last, [&](Value i, Type type) {
    Value zero = arith::ConstantOp::create(b, b.getZeroAttr(type));
    store(b, zero, result, phase.add(outer, i));
  });
}

/// result[destination ...] += updates[source ...], `width` elements.
void ScatterEmitter::addRow(Value source, Value destination) {
  Value updates = operand(scatter.updates);
  forRow(phase.index(0), width, [&](Value i, Type type) {
    Value to = phase.add(destination, i);
    Value update = load(b, type, updates, phase.add(source, i));
    Value old = load(b, type, result, to);
    store(b, arith::AddFOp::create(b, old, update), result, to);
  });
}

void ScatterEmitter::emit() {
  BatchSize perOuter = *scatter.width.times(scatter.rows);
  BatchSize updatesPerOuter = *scatter.width.times(scatter.count);
  Value zero = phase.index(0);
  phase.loop(zero, phase.value(scatter.outer), 1, [&](Value outer) {
    Value rows = phase.multiply(outer, phase.value(perOuter));
    Value updates = phase.multiply(outer, phase.value(updatesPerOuter));
    clearRows(rows);
    phase.loop(zero, phase.value(scatter.count), 1, [&](Value i) {
      Value row = loadRow(i);
      Value isAfter = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, row,
                                            phase.begin());
      Value isOurs = phase.both(isAfter, phase.isLess(row, phase.end()));
      phase.when(isOurs, [&] {
        addRow(phase.add(updates, phase.multiply(i, width)),
               phase.add(rows, phase.multiply(row, width)));
      });
    });
  });
}

Phase ScatterEmitter::finish() {
  int64_t bytes = scatter.width.factor * element.getIntOrFloatBitWidth() / 8;
  // A part reads all indices: few large parts are better than many.
  int64_t most = llvm::divideCeil(scatter.rows.estimate(kTypicalBatch), 16);
  return phase.finish(
      "scatter", Extent::of(scatter.rows),
      std::max(kGrainBytes / std::max<int64_t>(1, bytes), most));
}

FailureOr<ScheduledKernel> nnc::scheduleScatter(func::FuncOp kernel,
                                                const CpuModel &model,
                                                Refusal &refusal) {
  FailureOr<Movement> movement = analyzeMovement(kernel, refusal);
  if (failed(movement))
    return failure();
  if (!movement->scatter)
    return refusal.because("it adds up nothing by index");
  ScatterEmitter emitter(kernel, *movement, model);
  emitter.emit();
  ScheduledKernel scheduled;
  scheduled.phases.push_back(emitter.finish());
  return scheduled;
}
