// Loops of rows kernels on a CPU: sums in levels of blocks, and the chunks of a
// row.
#include "codegen/cpu/RowsScheduler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <functional>

using namespace mlir;
using namespace nnc;

Accumulators CpuRowsScheduler::loop(Value begin, Value end, int64_t step,
                                    ValueRange inits, LoopBody body) {
  return phase().loop(begin, end, index(step), inits,
                      [&](Value at, ValueRange carried) {
                        Operation *loop = b.getInsertionBlock()->getParentOp();
                        return body(loop, at, carried);
                      });
}

/// How many levels of blocks a loop of `count` iterations is in: more than one
/// where blocks would still be many, and all where no limit is known.
static int64_t levelsOf(std::optional<int64_t> count) {
  if (!count)
    return 2;
  int64_t levels = 0;
  for (int64_t left = *count; left > 2 * kSumBlock && levels < 2; ++levels)
    left /= kSumBlock;
  return levels;
}

/// A loop that adds up blocks of iterations, whose accumulators begin with no
/// element, and so on; of `lanes` lanes each, 0 for scalars. `body` is given
/// the outermost loop.
Accumulators CpuRowsScheduler::sumLoop(Value begin, Value end, int64_t step,
                                       std::optional<int64_t> count,
                                       ArrayRef<RowsOp *> ops, int64_t lanes,
                                       LoopBody body) {
  Accumulators inits = values.identities(ops, lanes);
  Operation *outermost = nullptr;
  std::function<Accumulators(Value, Value, int64_t)> emit = [&](Value from,
                                                                Value to,
                                                                int64_t level) {
    int64_t width = step;
    for (int64_t i = 0; i < level; ++i)
      width *= kSumBlock;
    return loop(from, to, width, inits,
                [&](Operation *op, Value at, ValueRange sums) -> Accumulators {
                  if (!outermost)
                    outermost = op;
                  if (level == 0)
                    return body(outermost, at, sums);
                  Value stop = phase().minimum(phase().add(at, width), to);
                  return values.combine(ops, sums, emit(at, stop, level - 1));
                });
  };
  return emit(begin, end, inits.empty() ? 0 : levelsOf(count));
}

/// `body` at the chunks of a row, the last of which may be partly outside.
Accumulators CpuRowsScheduler::forEachChunk(ArrayRef<RowsOp *> ops,
                                            ChunkBody body) {
  int64_t lanes = choices.rowLanes;
  if (choices.isSingleChunk)
    return body(values.identities(ops, lanes));
  int64_t whole = rows.columns / lanes * lanes;
  values.chunk.mask = {};
  Accumulators state =
      sumLoop(index(0), index(whole), lanes, rows.columns / lanes, ops, lanes,
              [&](Operation *loop, Value column, ValueRange accumulators) {
                RowsValues::Scope scope(values, loop, Row, {Column, Full});
                values.chunk.column = column;
                return body(accumulators);
              });
  if (whole == rows.columns)
    return state;
  RowsValues::Scope scope(values, nullptr, {}, {Column, Full});
  values.chunk.column = index(whole);
  values.chunk.mask = values.maskFirst(rows.columns - whole);
  return body(state);
}
