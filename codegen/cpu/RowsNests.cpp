// Rows nests of rows kernels on a CPU: blocks of rows, passes over a row, and
// the elements of a flat space.
#include "codegen/cpu/RowsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Passes over a row
//===----------------------------------------------------------------------===//

/// Adds the chunk's elements to the block's partial result.
void CpuRowsScheduler::addToPartial(RowsOp &op, Value at) {
  if (auto found = sumsInRegisters.find(&op); found != sumsInRegisters.end()) {
    found->second = values.accumulate(&op, found->second);
    return;
  }
  Accumulators sums =
      values.loadPartials(&op, at, /*vector=*/op.reduced != op.domain);
  values.storePartials(&op, at, values.accumulate(&op, sums));
}

void CpuRowsScheduler::emitPass(const RowsStep &step, unsigned pass,
                                Value block) {
  SmallVector<RowsOp *> overLanes = step.passes.reductions(pass), downRows;
  for (RowsOp *op : step.entered)
    if (op->domain == Full && step.passes.of(*op) == pass)
      (op->reduced == Full ? overLanes : downRows).push_back(op);
  SmallVector<unsigned> results;
  for (unsigned result : step.results)
    if (Value root = rows.results[result];
        rows.roleOf(root) == Full && step.passes.of(root) == pass)
      results.push_back(result);
  bool keeps = llvm::any_of(step.kept, [&](const RowsStep::Kept &value) {
    return value.pass == pass;
  });
  if (overLanes.empty() && downRows.empty() && results.empty() && !keeps)
    return;

  Accumulators totals = forEachChunk(overLanes, [&](ValueRange accumulators) {
    Accumulators next = values.accumulate(overLanes, accumulators);
    for (RowsOp *op : downRows)
      addToPartial(*op, partialAt(*op, block));
    values.storeKept(pass);
    values.storeResults(results);
    return next;
  });
  forEachReduction(overLanes, [&](RowsOp &op, unsigned first, unsigned width) {
    Accumulators row =
        values.combineLanes(op, ArrayRef(totals).slice(first, width));
    if (op.reduced == Column)
      values.finish(&op, row);
    else
      values.storePartials(
          &op, block,
          values.combine(&op, values.loadPartials(&op, block, /*vector=*/false),
                         row));
    return Accumulators();
  });
}

void CpuRowsScheduler::emitRow(const RowsStep &step, Value row, Value block) {
  values.chunk.row = row;
  for (unsigned pass = 0; pass <= step.passes.numReducing(); ++pass) {
    values.beginPass(pass);
    emitPass(step, pass, block);
  }
  values.beginPass(step.passes.numReducing() + 1);
  for (RowsOp *op : step.entered)
    if (op->domain == Row)
      addToPartial(*op, block);
  SmallVector<unsigned> ofRow;
  for (unsigned result : step.results)
    if (rows.roleOf(rows.results[result]) == Row)
      ofRow.push_back(result);
  values.storeResults(ofRow);
}

//===----------------------------------------------------------------------===//
// Flat spaces
//===----------------------------------------------------------------------===//

Accumulators CpuRowsScheduler::emitFlatLoop(const RowsStep &step, Value begin,
                                            Value end, int64_t lanes) {
  std::optional<int64_t> count = choices.blockRows / lanes;
  if (choices.isSequential)
    count = choices.mostRows();
  if (lanes == 1)
    count = choices.rowLanes; // the tail
  values.chunk.lanes = lanes;
  return sumLoop(begin, end, lanes, count, step.entered, lanes,
                 [&](Operation *loop, Value element, ValueRange accumulators) {
                   RowsValues::Scope scope(values, loop, Scalar, Row);
                   values.chunk.column = element;
                   Accumulators next =
                       values.accumulate(step.entered, accumulators);
                   values.storeResults(step.results);
                   return next;
                 });
}

/// Elements first to last of a flat space, in vectors and then one by one.
void CpuRowsScheduler::emitFlat(const RowsStep &step, Value first, Value last,
                                Value block) {
  int64_t rowLanes = choices.rowLanes;
  bool hasTail = rows.rows.factor % rowLanes != 0;
  Value whole = last;
  if (hasTail) {
    Value length = phase().subtract(last, first);
    Value vectors = phase().divide(length, rowLanes);
    whole = phase().add(first, phase().multiply(vectors, rowLanes));
  }
  Accumulators lanes = emitFlatLoop(step, first, whole, rowLanes);
  Accumulators singles;
  if (hasTail)
    singles = emitFlatLoop(step, whole, last, 1);
  forEachReduction(step.entered, [&](RowsOp &op, unsigned at, unsigned width) {
    Accumulators totals =
        values.combineLanes(op, ArrayRef(lanes).slice(at, width));
    if (hasTail)
      totals = values.combine(
          &op, totals,
          values.combineLanes(op, ArrayRef(singles).slice(at, width)));
    values.storePartials(&op, block, totals);
    return Accumulators();
  });
}

//===----------------------------------------------------------------------===//
// Blocks of rows
//===----------------------------------------------------------------------===//

/// Sets a block's partial results that are kept in memory to those of no rows.
void CpuRowsScheduler::beginPartials(const RowsStep &step, Value block) {
  for (RowsOp *op : step.entered) {
    bool isColumn = op->reduced != op->domain;
    if (isColumn && choices.isSingleChunk)
      continue;
    Accumulators none = values.identities(op, isColumn ? choices.rowLanes : 0);
    if (!isColumn) {
      values.storePartials(op, block, none);
      continue;
    }
    forEachChunk({}, [&](ValueRange) {
      values.storePartials(op, partialAt(*op, block), none);
      return Accumulators();
    });
  }
}

/// Partial results of columns are in registers where a chunk is a whole row,
/// which has the same columns in every row.
void CpuRowsScheduler::emitRows(const RowsStep &step, Value first, Value last,
                                Value block) {
  SmallVector<SpaceRole> fixed{Scalar};
  SmallVector<RowsOp *> columnSums;
  if (choices.isSingleChunk) {
    fixed.push_back(Column);
    llvm::copy_if(step.entered, std::back_inserter(columnSums),
                  [](RowsOp *op) { return op->reduced != op->domain; });
  }
  Accumulators inits = values.identities(columnSums, choices.rowLanes);
  Accumulators totals = loop(
      first, last, 1, inits, [&](Operation *loop, Value row, ValueRange sums) {
        RowsValues::Scope scope(values, loop, fixed, {Row, Full});
        forEachReduction(
            columnSums, [&](RowsOp &op, unsigned at, unsigned width) {
              sumsInRegisters[&op] = llvm::to_vector(sums.slice(at, width));
              return Accumulators();
            });
        emitRow(step, row, block);
        return forEachReduction(columnSums,
                                [&](RowsOp &op, unsigned, unsigned) {
                                  return sumsInRegisters.at(&op);
                                });
      });
  sumsInRegisters.clear();
  forEachReduction(columnSums, [&](RowsOp &op, unsigned at, unsigned width) {
    values.storePartials(&op, partialAt(op, block),
                         ArrayRef(totals).slice(at, width));
    return Accumulators();
  });
}

void CpuRowsScheduler::emitBlock(const RowsStep &step, Value block) {
  Value first = index(0), last = values.numRows();
  if (choices.inBlocks) {
    first = phase().multiply(block, choices.blockRows);
    last = phase().minimum(phase().add(first, choices.blockRows), last);
  }
  if (choices.isFlat())
    return emitFlat(step, first, last, block);
  beginPartials(step, block);
  emitRows(step, first, last, block);
}

/// Blocks of rows that leave partial results.
void CpuRowsScheduler::emitBlocks(const RowsStep &step, Value begin,
                                  Value end) {
  if (!choices.inBlocks)
    return emitBlock(step, begin);
  SmallVector<SpaceRole> fixed{Scalar};
  if (choices.isSingleChunk)
    fixed.push_back(Column);
  Value last = choices.isSequential ? numBlocks() : end;
  loop(begin, last, 1, {}, [&](Operation *loop, Value block, ValueRange) {
    RowsValues::Scope scope(values, loop, fixed, {Row, Full});
    emitBlock(step, block);
    return Accumulators();
  });
}

void CpuRowsScheduler::emitRowsNest(const RowsStep &step, Value begin,
                                    Value end) {
  values.chunk.lanes = choices.rowLanes;
  values.chunk.column = index(0);
  if (choices.isSingleChunk && rows.columns != choices.rowLanes)
    values.chunk.mask = values.maskFirst(rows.columns);
  if (!step.entered.empty())
    return emitBlocks(step, begin, end);
  if (!choices.isFlat())
    return emitRows(step, begin, choices.isSequential ? values.numRows() : end,
                    {});
  Value numRows = values.numRows();
  if (choices.isSequential)
    return emitFlat(step, begin, numRows, {});
  Value first = phase().multiply(begin, choices.flatBlock);
  Value last =
      phase().minimum(phase().multiply(end, choices.flatBlock), numRows);
  emitFlat(step, first, last, {});
}
