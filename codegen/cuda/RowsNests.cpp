// Rows of rows kernels on a GPU: elements for each thread, or groups of threads
// that share a row.
#include "codegen/cuda/RowsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The results at the thread's elements, or at its row; of a row among
/// elements, by the thread of its first.
void GpuRowsScheduler::storeElements(const RowsStep &step, bool hasFull) {
  for (unsigned result : step.results)
    values.get(rows.results[result]);
  SmallVector<unsigned> ofRows;
  for (unsigned result : step.results)
    if (rows.roleOf(rows.results[result]) == Row && !choices.isFlat() &&
        hasFull)
      ofRows.push_back(result);
    else
      values.storeResults(result);
  if (!ofRows.empty())
    phase().when(phase().isEqual(values.chunk.column, index(0)),
                 [&] { values.storeResults(ofRows); });
}

/// A thread has the same columns of several rows. All are read before any is
/// written, so that their ways to memory overlap.
void GpuRowsScheduler::emitSeveralRows(const RowsStep &step,
                                       const ElementsBlock &block) {
  int64_t chunksPerRow = rows.columns / block.lanes;
  int64_t threads = block.rowsAtOnce * chunksPerRow;
  int64_t rowsPerBlock = block.rowsAtOnce * block.rowsAThread;
  bool isWhole = rows.rows.factor % rowsPerBlock == 0;
  Value thread = phase().thread(), numRows = values.numRows();
  Value firstRow = phase().add(phase().multiply(phase().block(), rowsPerBlock),
                               phase().divide(thread, chunksPerRow));
  values.chunk.lanes = block.lanes;
  values.chunk.column =
      phase().multiply(phase().remainder(thread, chunksPerRow), block.lanes);
  SmallVector<Value> rowNumbers, computed;
  for (int64_t number = 0; number < block.rowsAThread; ++number) {
    RowsValues::Scope scope(values, nullptr, {}, {Row, Full});
    Value row = phase().add(firstRow, number * block.rowsAtOnce);
    rowNumbers.push_back(row);
    values.chunk.row =
        isWhole ? row
                : phase().minimum(row, phase().subtract(numRows, index(1)));
    for (unsigned result : step.results)
      computed.push_back(values.get(rows.results[result]));
  }
  for (auto [number, row] : llvm::enumerate(rowNumbers)) {
    RowsValues::Scope scope(values, nullptr, {}, {Row, Full});
    values.chunk.row = row;
    for (auto [place, result] : llvm::enumerate(step.results))
      values.set(rootOf(rows.results[result]),
                 computed[number * step.results.size() + place]);
    if (isWhole)
      values.storeResults(step.results);
    else
      phase().when(phase().isLess(row, numRows),
                   [&] { values.storeResults(step.results); });
  }
  endPhase(rows.numRows(rowsPerBlock), threads);
}

/// Every thread has elements of its own, or a row.
void GpuRowsScheduler::emitUngrouped(const RowsStep &step) {
  bool isFlat = choices.isFlat();
  bool hasFull = llvm::any_of(step.results, [&](unsigned result) {
    return rows.roleOf(rows.results[result]) == Full;
  });
  ElementsBlock block;
  if (hasFull && !isFlat)
    block = choices.elementsBlock(step);
  if (block.rowsAThread)
    return emitSeveralRows(step, block);
  int64_t lanes = isFlat ? choices.lanesFor(rows.rows.factor) : block.lanes;
  int64_t width = std::max<int64_t>(lanes, 1);
  int64_t chunksPerRow = hasFull ? rows.columns / width : 1;
  int64_t count =
      rows.rows.factor * (isFlat ? 1 : chunksPerRow) / (isFlat ? width : 1);
  Extent numChunks = Extent::of({count, rows.rows.perBatch});
  int64_t threads =
      rows.rows.perBatch
          ? kRowsThreads
          : std::min<int64_t>(kRowsThreads, llvm::alignTo(count, kWarp));
  Value chunk = phase().globalThread(threads);
  phase().when(phase().isLess(chunk, phase().value(numChunks)), [&] {
    values.chunk.lanes = lanes;
    if (isFlat) {
      values.chunk.column = phase().multiply(chunk, width);
    } else {
      values.chunk.row = phase().divide(chunk, chunksPerRow);
      values.chunk.column =
          phase().multiply(phase().remainder(chunk, chunksPerRow), width);
    }
    storeElements(step, hasFull);
  });
  endPhase(divideUp(numChunks, threads), threads);
}

//===----------------------------------------------------------------------===//
// Groups of threads
//===----------------------------------------------------------------------===//

/// Of a row that is too long for registers: what a thread reads at once.
static int64_t vectorsAtOnce(const RowGroup &group) {
  constexpr int64_t kElementsAtOnce = 8;
  return std::max<int64_t>(kElementsAtOnce / group.width(), 1);
}

/// `body` at the elements of the row that are the thread's.
Accumulators GpuRowsScheduler::forEachChunk(ValueRange inits, ChunkBody body) {
  if (!group.isKept()) {
    Accumulators results = phase().loop(
        phase().multiply(threadInGroup, group.width()), index(rows.columns),
        index(group.threads * group.width()), inits,
        [&](Value column, ValueRange carried) {
          RowsValues::Scope scope(values, b.getInsertionBlock()->getParentOp(),
                                  {Scalar, Row}, {Column, Full});
          values.chunk.column = column;
          return body(carried);
        });
    unroll(results, vectorsAtOnce(group));
    return results;
  }
  if (places.empty())
    return body(inits);
  Accumulators carried(inits);
  for (RowsValues::Place &place : places) {
    values.exchange(place);
    carried = body(carried);
    values.exchange(place);
  }
  return carried;
}

/// The reductions of a row that need no other reduction than those of earlier
/// passes.
void GpuRowsScheduler::reducePass(ArrayRef<RowsOp *> ops) {
  Accumulators none = values.identities(ops, group.lanes);
  Accumulators own = forEachChunk(none, [&](ValueRange carried) {
    return values.accumulate(ops, carried);
  });
  own = combineLanes(ops, std::move(own));
  if (isInRow)
    for (auto [value, nothing] : llvm::zip(own, values.identities(ops, 0)))
      value = arith::SelectOp::create(b, isInRow, value, nothing);
  own =
      combineThreads(ops, std::move(own), group.threads, group.blockThreads());
  values.finish(ops, own);
  values.tick();
}

/// Sets the chunk to the thread's place in its row. Returns whether there is
/// such a row; null where that is certain.
Value GpuRowsScheduler::placeGroup() {
  values.chunk.lanes = group.lanes;
  Value thread = phase().thread();
  threadInGroup = phase().remainder(thread, group.threads);
  Value row = phase().add(phase().multiply(phase().block(), group.rowsPerBlock),
                          phase().divide(thread, group.threads));
  Value isRow;
  if (group.rowsPerBlock > 1) {
    isRow = phase().isLess(row, values.numRows());
    row = phase().minimum(row, phase().subtract(values.numRows(), index(1)));
  }
  values.chunk.row = row;
  isInRow = Value();
  places.clear();
  for (int64_t vector = 0; group.numKept > 1 && vector < group.numKept;
       ++vector) {
    Value column = phase().multiply(
        phase().add(threadInGroup, vector * group.threads), group.width());
    places.emplace_back().chunk = {group.lanes, row, column, Value()};
  }
  if (group.numKept == 1) {
    int64_t numChunks = rows.columns / group.width();
    Value chunk = threadInGroup;
    if (numChunks < group.threads) {
      isInRow = phase().isLess(chunk, index(numChunks));
      chunk = phase().minimum(chunk, index(numChunks - 1));
    }
    values.chunk.column = phase().multiply(chunk, group.width());
  }
  return isRow;
}

/// A row's own values, which its first thread stores. All threads compute them,
/// as others' elements may need them.
void GpuRowsScheduler::storeRows(const RowsStep &step,
                                 ArrayRef<unsigned> ofRows, Value isRow) {
  for (unsigned result : ofRows)
    values.get(rows.results[result]);
  for (const RowsStep::Kept &value : step.kept)
    values.get(value.root);
  Value isFirst = phase().isEqual(threadInGroup, index(0));
  phase().when(isRow ? phase().both(isRow, isFirst) : isFirst, [&] {
    values.storeKept();
    values.storeResults(ofRows);
  });
}

/// The elements of a row that is too long for registers: some are computed
/// before any of them is written.
void GpuRowsScheduler::storeLongRow(ArrayRef<unsigned> results, Value isRow) {
  int64_t numVectors = vectorsAtOnce(group);
  int64_t span = group.threads * group.width() * numVectors;
  auto body = [&](Value first, ValueRange) {
    RowsValues::Scope scope(values, b.getInsertionBlock()->getParentOp(),
                            {Scalar, Row}, {Column, Full});
    SmallVector<RowsValues::Place> vectors(numVectors);
    SmallVector<Value> columns;
    for (auto [number, vector] : llvm::enumerate(vectors)) {
      Value chunk = phase().add(threadInGroup, number * group.threads);
      Value column = phase().add(first, phase().multiply(chunk, group.width()));
      columns.push_back(column);
      if (rows.columns % span)
        column = phase().minimum(column, index(rows.columns - group.width()));
      vector.chunk = {group.lanes, values.chunk.row, column, Value()};
      values.exchange(vector);
      for (unsigned result : results)
        values.get(rows.results[result]);
      values.exchange(vector);
    }
    for (auto [column, vector] : llvm::zip(columns, vectors)) {
      Value isInside = phase().isLess(column, index(rows.columns));
      values.exchange(vector);
      phase().when(isRow ? phase().both(isRow, isInside) : isInside,
                   [&] { values.storeResults(results); });
      values.exchange(vector);
    }
    return Accumulators();
  };
  phase().loop(index(0), index(rows.columns), index(span), {}, body);
}

void GpuRowsScheduler::storeFull(ArrayRef<unsigned> results, Value isRow) {
  if (results.empty())
    return;
  if (!group.isKept())
    return storeLongRow(results, isRow);
  // All of the thread's elements are read before any is written.
  forEachChunk({}, [&](ValueRange) {
    for (unsigned result : results)
      values.get(rows.results[result]);
    return Accumulators();
  });
  Value isInside =
      isRow ? isRow : Value(arith::ConstantOp::create(b, b.getBoolAttr(true)));
  if (isInRow)
    isInside = phase().both(isInside, isInRow);
  forEachChunk({}, [&](ValueRange) {
    phase().when(isInside, [&] { values.storeResults(results); });
    return Accumulators();
  });
}

void GpuRowsScheduler::emitGrouped(const RowsStep &step) {
  group = choices.chooseGroup(step);
  Value isRow = placeGroup();
  for (unsigned pass = 0; pass < step.passes.numReducing(); ++pass)
    reducePass(step.passes.reductions(pass));
  SmallVector<unsigned> fullResults, ofRows;
  for (unsigned result : step.results)
    (rows.roleOf(rows.results[result]) == Full ? fullResults : ofRows)
        .push_back(result);
  storeRows(step, ofRows, isRow);
  storeFull(fullResults, isRow);
  endPhase(rows.numRows(group.rowsPerBlock), group.blockThreads());
}

void GpuRowsScheduler::emitRows(const RowsStep &step) {
  if (step.results.empty() && step.kept.empty())
    return;
  beginPhase("rows");
  if (step.passes.reductions().empty())
    emitUngrouped(step);
  else
    emitGrouped(step);
}
