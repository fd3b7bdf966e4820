// Columns nests and scalars of rows kernels on a CPU.
#include "codegen/cpu/RowsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

Value CpuRowsScheduler::numBlocks() {
  if (!choices.inBlocks)
    return index(1);
  return arith::CeilDivUIOp::create(b, values.numRows(),
                                    index(choices.blockRows));
}

Value CpuRowsScheduler::partialAt(RowsOp &op, Value block) {
  if (op.reduced == op.domain)
    return block;
  return phase().add(phase().multiply(block, rows.columns),
                     values.chunk.column);
}

/// Adds up the blocks' partial results, first block first.
void CpuRowsScheduler::finishPartial(RowsOp &op) {
  bool isColumn = op.reduced != op.domain;
  auto load = [&](Value block) {
    return values.loadPartials(&op, partialAt(op, block), isColumn);
  };
  if (!choices.inBlocks)
    return values.finish(&op, load(index(0)));
  std::optional<int64_t> count = choices.mostRows();
  if (count)
    count = llvm::divideCeil(*count, choices.blockRows);
  values.finish(&op, sumLoop(index(0), numBlocks(), 1, count, &op,
                             isColumn ? values.chunk.lanes : 0,
                             [&](Operation *, Value block, ValueRange sums) {
                               return values.combine(&op, sums, load(block));
                             }));
}

/// Scalars at the level of the function; partial results first.
void CpuRowsScheduler::emitScalars(const RowsStep &step) {
  for (RowsOp *op : step.completed)
    finishPartial(*op);
  values.storeKept();
  values.storeResults(step.results);
}

Value CpuRowsScheduler::columnMask() {
  if (rows.columns % choices.columnLanes == 0)
    return {};
  if (choices.numColumnUnits() == 1)
    return values.maskFirst(rows.columns);
  return values.maskFirst(
      phase().subtract(index(rows.columns), values.chunk.column));
}

/// Reduces columns from the first row to the last, and stores the rows' full
/// results on the way.
void CpuRowsScheduler::walkDownRows(const RowsStep &step) {
  Accumulators totals = sumLoop(
      index(0), values.numRows(), 1, choices.mostRows(), step.entered,
      choices.columnLanes,
      [&](Operation *loop, Value row, ValueRange accumulators) {
        RowsValues::Scope scope(values, loop, {Scalar, Column}, {Row, Full});
        values.chunk.row = row;
        Accumulators next = values.accumulate(step.entered, accumulators);
        values.storeResults(step.walkedResults);
        return next;
      });
  values.finish(step.entered, totals);
}

void CpuRowsScheduler::emitColumnsAt(const RowsStep &step, Value unit) {
  values.chunk.lanes = choices.columnLanes;
  values.chunk.column = phase().multiply(unit, choices.columnLanes);
  values.chunk.mask = columnMask();
  if (!step.entered.empty())
    walkDownRows(step);
  else
    for (RowsOp *op : step.completed)
      finishPartial(*op);
  values.storeKept();
  values.storeResults(step.results);
}

void CpuRowsScheduler::emitColumnsNest(const RowsStep &step, Value begin,
                                       Value end) {
  if (choices.numColumnUnits() == 1) {
    RowsValues::Scope scope(values, nullptr, {}, {Row, Column, Full});
    return emitColumnsAt(step, index(0));
  }
  loop(begin, end, 1, {}, [&](Operation *loop, Value unit, ValueRange) {
    RowsValues::Scope scope(values, loop, Scalar, {Row, Column, Full});
    emitColumnsAt(step, unit);
    return Accumulators();
  });
}
