// Columns of rows kernels on a GPU: some columns a block, some threads a
// column.
#include "codegen/cuda/RowsScheduler.h"

#include "codegen/Vectorize.h"

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

/// What one thread's rows come to, of which it reads some at once.
Accumulators GpuRowsScheduler::sumDownRows(const GpuRowsStep &planned,
                                           Value firstRow, Value lastRow) {
  ArrayRef<RowsOp *> ops = planned.step->completed;
  const ColumnBlock &block = planned.block;
  Accumulators sums = phase().loop(
      firstRow, lastRow, index(block.threadsAColumn),
      values.identities(ops, block.lanes), [&](Value row, ValueRange carried) {
        RowsValues::Scope scope(values, b.getInsertionBlock()->getParentOp(),
                                {Scalar, Column}, {Row, Full});
        values.chunk.row = row;
        return values.accumulate(ops, carried);
      });
  unroll(sums, block.rowsAtOnce);
  return sums;
}

/// Sets the chunk to the columns of that number; to the last ones where there
/// are no such.
void GpuRowsScheduler::placeColumns(const ColumnBlock &block, Value number) {
  values.chunk.lanes = block.lanes;
  Value column = phase().multiply(number, block.width());
  values.chunk.column =
      rows.columns % block.columns()
          ? phase().minimum(column, index(rows.columns - block.width()))
          : column;
}

/// Adds up what the threads of each column have, by the first threads of the
/// block, one a column from `firstColumn` on; they `store` the sums.
void GpuRowsScheduler::joinThreadsOfColumn(
    const RowsStep &step, const ColumnBlock &block, Value firstColumn,
    Accumulators totals, llvm::function_ref<void(ValueRange)> store) {
  Value thread = phase().thread();
  SmallVector<Value> shared;
  for (Value value : totals) {
    shared.push_back(phase().shared(block.threads() * block.width(),
                                    getElementTypeOrSelf(value.getType())));
    if (block.lanes)
      storeVector(b, b.getLoc(), value, shared.back(),
                  phase().multiply(thread, block.width()));
    else
      memref::StoreOp::create(b, value, shared.back(), thread);
  }
  phase().barrier();
  values.tick();
  auto load = [&](Value at) {
    return llvm::map_to_vector(shared, [&](Value memory) -> Value {
      return memref::LoadOp::create(b, memory, at);
    });
  };
  Value column = phase().add(firstColumn, thread);
  Value isFirst = phase().isLess(thread, index(block.columns()));
  Value isInside = phase().isLess(column, index(rows.columns));
  phase().when(phase().both(isFirst, isInside), [&] {
    values.chunk.lanes = 0;
    values.chunk.column = column;
    store(phase().loop(
        phase().add(thread, block.columns()),
        index(block.threadsAColumn * block.columns()), index(block.columns()),
        load(thread), [&](Value at, ValueRange carried) {
          return values.combine(step.completed, carried, load(at));
        }));
  });
}

/// Blocks of columns, whose threads walk down the rows, or down one of several
/// parts of them.
void GpuRowsScheduler::emitColumnSums(const GpuRowsStep &planned) {
  const RowsStep &step = *planned.step;
  const ColumnBlock &block = planned.block;
  int64_t numSplits = planned.numSplits;
  bool isSplit = numSplits > 1;
  beginPhase(isSplit ? "partials" : "columns");
  int64_t numColumnBlocks = llvm::divideCeil(rows.columns, block.columns());
  Value thread = phase().thread();
  Value firstRow = phase().divide(thread, block.threadsARow);
  Value lastRow = values.numRows();
  Value columnBlock = phase().block(), split = index(0);
  if (isSplit) {
    split = phase().divide(columnBlock, numColumnBlocks);
    columnBlock = phase().remainder(columnBlock, numColumnBlocks);
    Value perSplit = phase().divideUp(lastRow, numSplits);
    Value begin = phase().multiply(split, perSplit);
    firstRow = phase().add(begin, firstRow);
    lastRow = phase().minimum(phase().add(begin, perSplit), lastRow);
  }
  Accumulators totals;
  {
    // Values of other columns than those that the sums are stored by.
    RowsValues::Scope scope(values, nullptr, {}, {Row, Column, Full});
    placeColumns(block,
                 phase().add(phase().multiply(columnBlock, block.threadsARow),
                             phase().remainder(thread, block.threadsARow)));
    totals = sumDownRows(planned, firstRow, lastRow);
  }
  joinThreadsOfColumn(
      step, block, phase().multiply(columnBlock, block.columns()),
      std::move(totals), [&](ValueRange sums) {
        if (isSplit) {
          Value first = phase().multiply(split, rows.columns);
          return (void)values.storePartials(
              step.completed, phase().add(first, values.chunk.column), sums);
        }
        values.finish(step.completed, sums);
        storeColumns(step);
      });
  endPhase(Extent{numColumnBlocks * numSplits}, block.threads());
}

/// Columns of few rows: each thread has all of its own.
void GpuRowsScheduler::emitOwnColumns(const GpuRowsStep &planned) {
  const ColumnBlock &block = planned.block;
  beginPhase("columns");
  Value chunk = phase().globalThread(block.threads());
  phase().when(phase().isLess(chunk, index(rows.columns / block.width())), [&] {
    values.chunk.lanes = block.lanes;
    values.chunk.column = phase().multiply(chunk, block.width());
    Accumulators sums = sumDownRows(planned, index(0), values.numRows());
    values.finish(planned.step->completed, sums);
    storeColumns(*planned.step);
  });
  endPhase(Extent{rows.columns, 0, block.columns()}, block.threads());
}

/// Adds up the parts, by several threads a column or by one.
void GpuRowsScheduler::emitColumnTotals(const GpuRowsStep &planned) {
  const RowsStep &step = *planned.step;
  ColumnBlock block = choices.totalsBlock(planned.numSplits);
  beginPhase("columns");
  auto sumParts = [&](Value firstPart) {
    Accumulators sums = phase().loop(
        firstPart, index(planned.numSplits), index(block.threadsAColumn),
        values.identities(step.completed, 0),
        [&](Value split, ValueRange carried) {
          Value at = phase().add(phase().multiply(split, rows.columns),
                                 values.chunk.column);
          return values.combine(
              step.completed, carried,
              values.loadPartials(step.completed, at, /*vector=*/false));
        });
    unroll(sums, block.rowsAtOnce);
    return sums;
  };
  auto store = [&](ValueRange sums) {
    values.finish(step.completed, sums);
    storeColumns(step);
  };
  if (block.threadsAColumn == 1) {
    Value column = phase().globalThread(block.threads());
    phase().when(phase().isLess(column, index(rows.columns)), [&] {
      values.chunk.column = column;
      store(sumParts(index(0)));
    });
  } else {
    Value thread = phase().thread();
    Value firstColumn = phase().multiply(phase().block(), block.columns());
    placeColumns(
        block,
        phase().add(firstColumn, phase().remainder(thread, block.threadsARow)));
    joinThreadsOfColumn(step, block, firstColumn,
                        sumParts(phase().divide(thread, block.threadsARow)),
                        store);
  }
  endPhase(Extent{rows.columns, 0, block.columns()}, block.threads());
}

void GpuRowsScheduler::emitColumns(const GpuRowsStep &planned) {
  if (planned.step->completed.empty())
    return emitColumnVectors(*planned.step);
  if (planned.block.threadsAColumn == 1)
    return emitOwnColumns(planned);
  emitColumnSums(planned);
  if (planned.numSplits > 1)
    emitColumnTotals(planned);
}
