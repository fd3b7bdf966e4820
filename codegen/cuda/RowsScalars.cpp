// Reductions to a scalar of rows kernels on a GPU: one block, or many that
// leave partial results to one.
#include "codegen/cuda/RowsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nnc;

/// All elements, shared out over the phase's threads; the totals of the block.
Accumulators GpuRowsScheduler::reduceElements(const ScalarLoop &loop,
                                              int64_t threads) {
  values.chunk.lanes = loop.lanes;
  Accumulators totals = phase().loop(
      phase().globalThread(threads), phase().value(choices.numChunks(loop)),
      index(threads * loop.numBlocks), values.identities(loop.ops, loop.lanes),
      [&](Value chunk, ValueRange carried) {
        RowsValues::Scope scope(values, b.getInsertionBlock()->getParentOp(),
                                Scalar, {Row, Column, Full});
        if (loop.domain == Full) {
          int64_t perRow = rows.columns / loop.width();
          values.chunk.row = phase().divide(chunk, perRow);
          values.chunk.column =
              phase().multiply(phase().remainder(chunk, perRow), loop.width());
        } else {
          values.chunk.row = chunk;
          values.chunk.column = phase().multiply(chunk, loop.width());
        }
        return values.accumulate(loop.ops, carried);
      });
  values.chunk = Chunk();
  totals = combineLanes(loop.ops, std::move(totals));
  return combineThreads(loop.ops, std::move(totals), threads, threads);
}

void GpuRowsScheduler::emitPartialScalars(const ScalarLoop &loop) {
  beginPhase("partials");
  Accumulators totals = reduceElements(loop, kRowsThreads);
  phase().when(phase().isEqual(phase().thread(), index(0)), [&] {
    values.storePartials(loop.ops, phase().block(), totals);
  });
  endPhase(Extent{loop.numBlocks}, kRowsThreads);
}

Accumulators GpuRowsScheduler::reducePartials(const ScalarLoop &loop,
                                              int64_t threads) {
  Accumulators totals = phase().loop(
      phase().thread(), index(loop.numBlocks), index(threads),
      values.identities(loop.ops, 0), [&](Value block, ValueRange carried) {
        return values.combine(
            loop.ops, carried,
            values.loadPartials(loop.ops, block, /*vector=*/false));
      });
  return combineThreads(loop.ops, std::move(totals), threads, threads);
}

void GpuRowsScheduler::emitScalars(const GpuRowsStep &planned) {
  const RowsStep &step = *planned.step;
  ArrayRef<ScalarLoop> loops = planned.loops;
  bool isSplit = !loops.empty() && loops.front().numBlocks > 1;
  int64_t threads = isSplit ? kRowsThreads : choices.threadsFor(loops);
  if (isSplit)
    for (const ScalarLoop &loop : loops)
      emitPartialScalars(loop);

  beginPhase("scalars");
  auto totals = llvm::map_to_vector(loops, [&](const ScalarLoop &loop) {
    return isSplit ? reducePartials(loop, threads)
                   : reduceElements(loop, threads);
  });
  values.tick();
  // By one thread: the results, and what later phases read.
  phase().when(phase().isEqual(phase().thread(), index(0)), [&] {
    for (auto [loop, total] : llvm::zip(loops, totals))
      values.finish(loop.ops, total);
    values.storeKept();
    values.storeResults(step.results);
  });
  endPhase(Extent{1}, threads);
}
