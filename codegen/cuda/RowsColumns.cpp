// Columns of rows kernels on a GPU: some columns a block, some threads a
// column.
#include "codegen/cuda/RowsScheduler.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnc;

/// The columns of a step at the chunk, whose reductions are known.
void GpuRowsScheduler::storeColumns(const RowsStep &step) {
  values.storeKept();
  values.storeResults(step.results);
}

/// Columns that wait for no sum: one phase over [C].
void GpuRowsScheduler::emitColumnVectors(const RowsStep &step) {
  beginPhase("columns");
  int64_t lanes = choices.lanesFor(rows.columns);
  int64_t width = std::max<int64_t>(lanes, 1);
  int64_t numChunks = rows.columns / width;
  Value chunk = phase().globalThread(kRowsThreads);
  phase().when(phase().isLess(chunk, index(numChunks)), [&] {
    values.chunk.lanes = lanes;
    values.chunk.column = phase().multiply(chunk, width);
    storeColumns(step);
  });
  endPhase(Extent{numChunks, 0, kRowsThreads}, kRowsThreads);
}

/// What one thread's rows come to.
Accumulators GpuRowsScheduler::sumDownRows(const RowsStep &step, Value firstRow,
                                           Value lastRow) {
  return phase().loop(
      firstRow, lastRow, index(choices.columnBlock().threadsAColumn),
      values.identities(step.completed, 0), [&](Value row, ValueRange carried) {
        RowsValues::Scope scope(values, b.getInsertionBlock()->getParentOp(),
                                {Scalar, Column}, {Row, Full});
        values.chunk.row = row;
        return values.accumulate(step.completed, carried);
      });
}

/// What the threads of the column of `lane` have left in shared memory, added
/// up by one of them.
Accumulators GpuRowsScheduler::addThreadsOfColumn(const RowsStep &step,
                                                  ValueRange shared,
                                                  Value lane) {
  auto load = [&](Value at) {
    return llvm::map_to_vector(shared, [&](Value memory) -> Value {
      return memref::LoadOp::create(b, memory, at);
    });
  };
  ColumnBlock block = choices.columnBlock();
  return phase().loop(
      phase().add(lane, block.columns), index(block.threads()),
      index(block.columns), load(lane), [&](Value at, ValueRange carried) {
        return values.combine(step.completed, carried, load(at));
      });
}

/// Blocks of columns, whose threads walk down the rows, or down one of
/// `numSplits` parts of them.
void GpuRowsScheduler::emitColumnSums(const RowsStep &step, int64_t numSplits) {
  bool isSplit = numSplits > 1;
  beginPhase(isSplit ? "partials" : "columns");
  auto [width, threadsAColumn] = choices.columnBlock();
  int64_t threads = width * threadsAColumn;
  int64_t numColumnBlocks = llvm::divideCeil(rows.columns, width);
  Value thread = phase().thread();
  Value lane = phase().remainder(thread, width);
  Value firstRow = phase().divide(thread, width), lastRow = values.numRows();
  Value block = phase().block();
  Value split = index(0);
  if (isSplit) {
    split = phase().divide(block, numColumnBlocks);
    block = phase().remainder(block, numColumnBlocks);
    Value perSplit = phase().divideUp(lastRow, numSplits);
    Value begin = phase().multiply(split, perSplit);
    firstRow = phase().add(begin, firstRow);
    lastRow = phase().minimum(phase().add(begin, perSplit), lastRow);
  }
  Value column = phase().add(phase().multiply(block, width), lane);
  Value isInside = phase().isLess(column, index(rows.columns));
  values.chunk.column = rows.columns % width
                            ? phase().minimum(column, index(rows.columns - 1))
                            : column;
  Accumulators totals = sumDownRows(step, firstRow, lastRow);
  auto shared = llvm::map_to_vector(totals, [&](Value value) {
    return phase().shared(threads, value.getType());
  });
  for (auto [value, memory] : llvm::zip(totals, shared))
    memref::StoreOp::create(b, value, memory, thread);
  phase().barrier();
  values.tick();
  Value isFirst = phase().isLess(thread, index(width));
  phase().when(phase().both(isFirst, isInside), [&] {
    Accumulators sums = addThreadsOfColumn(step, shared, lane);
    if (isSplit)
      return values.storePartials(
          step.completed,
          phase().add(phase().multiply(split, rows.columns), column), sums);
    values.finish(step.completed, sums);
    storeColumns(step);
  });
  endPhase(Extent{numColumnBlocks * numSplits}, threads);
}

/// Adds up the parts, first part first.
void GpuRowsScheduler::emitColumnTotals(const RowsStep &step,
                                        int64_t numSplits) {
  beginPhase("columns");
  Value column = phase().globalThread(kRowsThreads);
  phase().when(phase().isLess(column, index(rows.columns)), [&] {
    values.chunk.column = column;
    Accumulators sums = phase().loop(
        index(0), index(numSplits), index(1),
        values.identities(step.completed, 0),
        [&](Value split, ValueRange carried) {
          Value at = phase().add(phase().multiply(split, rows.columns), column);
          return values.combine(
              step.completed, carried,
              values.loadPartials(step.completed, at, /*vector=*/false));
        });
    values.finish(step.completed, sums);
    storeColumns(step);
  });
  endPhase(Extent{rows.columns, 0, kRowsThreads}, kRowsThreads);
}

void GpuRowsScheduler::emitColumns(const GpuRowsStep &planned) {
  const RowsStep &step = *planned.step;
  if (step.completed.empty())
    return emitColumnVectors(step);
  emitColumnSums(step, planned.numSplits);
  if (planned.numSplits > 1)
    emitColumnTotals(step, planned.numSplits);
}
