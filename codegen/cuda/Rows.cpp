// Schedules rows kernels on a GPU. Shapes: R rows, C columns.
//
// Reductions across rows end a *stage*, because they need every block. The
// phases of a stage, each of which is left out where it has nothing to do:
//
//   scalars   complete the reductions to a scalar: one block, or many that
//             leave partial results to one
//   columns   complete the sums over the rows: threads with neighbouring
//             columns, several a column, and more blocks where there are many
//             rows
//   rows      the values of the stage, and what later stages need of a row's
//             own reductions
//
// In a rows phase with reductions a *group* of threads has a row, so that every
// element stays in a register until the row is done; a row that is too long for
// that is read once a pass. Threads beyond the row's end, or the last row,
// compute an element over again and keep it to themselves, because all threads
// take part in shuffles and barriers.
//
// What partial results there are, and the order in which they are combined,
// depends on the shape alone.
#include "codegen/cuda/Rows.h"

#include "codegen/cuda/RowsScheduler.h"

using namespace mlir;
using namespace nnc;

void GpuRowsScheduler::beginPhase(const Twine &name) {
  size_t number = scheduled.phases.size();
  currentPhase.emplace(b, plan.kernel, last,
                       (number ? name + Twine(number) : name).str());
  values.beginPhase(phase());
}

void GpuRowsScheduler::endPhase(Extent numBlocks, int64_t threads) {
  scheduled.phases.push_back(phase().finish("rows", numBlocks, threads));
  last = scheduled.phases.back().function;
}

void GpuRowsScheduler::emitStep(const GpuRowsStep &planned) {
  const RowsStep &step = *planned.step;
  values.beginStep(step);
  switch (step.kind) {
  case RowsStep::Scalars:
    return emitScalars(planned);
  case RowsStep::Columns:
    return emitColumns(planned);
  case RowsStep::Rows:
    return emitRows(step);
  }
}

ScheduledKernel GpuRowsScheduler::run() {
  for (const GpuRowsStep &planned : choices.steps)
    emitStep(planned);
  scheduled.workspaceBytes = plan.workspaceBytes();
  // Threads of a row read its scalars while one of them writes.
  for (auto pair : values.findAliases())
    if (choices.isFlat() || rows.roleOf(rows.results[pair.second]) != Row)
      scheduled.mayAlias.push_back(pair);
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleGpuRows(func::FuncOp kernel,
                                                const GpuModel &model,
                                                Refusal &refusal) {
  FailureOr<RowsKernel> rows = analyzeRows(kernel, refusal);
  if (failed(rows))
    return failure();
  if (rows->isOfSamples)
    return refusal.because("its samples have a space of rows and columns each");
  RowsPlan plan(kernel, *rows);
  if (!canShuffle(plan))
    return refusal.because("it reduces elements that are too narrow for "
                           "shuffles");
  GpuRowsChoices choices(plan, model);
  return GpuRowsScheduler(plan, choices).run();
}
