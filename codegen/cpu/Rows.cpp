// Schedules rows kernels. Shapes: R rows, C columns.
//
// What needs no element of another row runs in a *rows nest*, parallel over R:
// each row in as many passes over its columns as reductions follow one another
// (softmax: maximum, sum, quotient). Reductions across rows end a *stage*: a
// rows nest leaves partial results of fixed blocks of rows in a workspace, and
// the next stage adds them up, over columns in a *columns nest*. A kernel that
// only reduces columns needs no partial results: its columns nest, parallel
// over C, walks down the rows itself. Blocks depend on the shape alone, so that
// no bit of a result depends on the number of threads.
//
// A kernel with reductions across rows but too little work to share runs all of
// its nests one after another in a single call. So does each sample, where each
// has a space of its own: samples are shared among threads.
#include "codegen/cpu/Rows.h"

#include "codegen/cpu/RowsScheduler.h"

using namespace mlir;
using namespace nnc;

void CpuRowsScheduler::emitStep(const RowsStep &step, Value begin, Value end) {
  values.beginStep(step);
  switch (step.kind) {
  case RowsStep::Scalars:
    return emitScalars(step);
  case RowsStep::Columns:
    return emitColumnsNest(step, begin, end);
  case RowsStep::Rows:
    return emitRowsNest(step, begin, end);
  }
}

void CpuRowsScheduler::emitPhase(const CpuRowsPhase &planned) {
  size_t number = scheduled.phases.size();
  CpuPhase phase(b, plan.kernel, plan.kernel,
                 planned.name + (number ? Twine(number) : Twine()));
  currentPhase = &phase;
  values.beginPhase(phase);
  auto emitSteps = [&](Value begin, Value end) {
    for (const RowsStep *step : planned.steps)
      if (choices.isSequential && step->kind == RowsStep::Columns)
        emitStep(*step, begin, index(choices.numColumnUnits()));
      else
        emitStep(*step, begin, end);
  };
  bool isOneCall = planned.extent.constant == 1 && !planned.extent.perBatch;
  if (isOneCall || rows.isOfSamples)
    // An empty range must do nothing.
    loop(phase.begin(), phase.end(), 1, {},
         [&](Operation *, Value sample, ValueRange) {
           values.sample = sample;
           emitSteps(index(0), index(1));
           return Accumulators();
         });
  else
    emitSteps(phase.begin(), phase.end());
  scheduled.phases.push_back(
      phase.finish("rows", planned.extent, planned.grain));
}

ScheduledKernel CpuRowsScheduler::run() {
  for (const CpuRowsPhase &planned : choices.phases)
    emitPhase(planned);
  scheduled.workspaceBytes = plan.workspaceBytes();
  scheduled.scratchBytes = plan.scratchBytes;
  scheduled.mayAlias = values.findAliases();
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleRows(func::FuncOp kernel,
                                             const CpuModel &model,
                                             Refusal &refusal) {
  FailureOr<RowsKernel> rows = analyzeRows(kernel, refusal);
  if (failed(rows))
    return failure();
  RowsPlan plan(kernel, *rows);
  CpuRowsChoices choices(plan, model);
  return CpuRowsScheduler(plan, choices).run();
}

LogicalResult nnc::printRowsPlan(func::FuncOp kernel, const CpuModel &model,
                                 llvm::raw_ostream &os) {
  Refusal refusal;
  FailureOr<RowsKernel> rows = analyzeRows(kernel, refusal);
  if (failed(rows))
    return failure();
  RowsPlan plan(kernel, *rows);
  CpuRowsChoices choices(plan, model);
  os << kernel.getName() << ": " << choices.phases.size() << " phases\n";
  plan.print(os);
  return success();
}
