// A training run from its first file to its last.
#include "tools/train/Run.h"

#include "tools/StopSignal.h"
#include "tools/train/ConsoleLines.h"
#include "tools/train/LogFiles.h"
#include "tools/train/RunNotes.h"
#include "tools/train/TensorBoard.h"

#include <algorithm>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

Observers observersFor(const TrainOptions &options) {
  Observers observers;
  const std::string &folder = options.logFolder;
  if (!folder.empty()) {
    observers.push_back(std::make_unique<LogFiles>(folder));
    auto notes = std::make_unique<RunNotes>(folder);
    const RunNotes &itsNotes = *notes;
    observers.push_back(std::move(notes));
    if (options.tensorBoard)
      observers.push_back(std::make_unique<TensorBoard>(folder, itsNotes));
  }
  if (options.asJson)
    observers.push_back(std::make_unique<JsonLines>());
  else if (!options.isQuiet)
    observers.push_back(std::make_unique<ConsoleLines>());
  return observers;
}

/// Says how to go on, and ends as the signal would have ended the program.
[[noreturn]] static void endStopped(TrainRun &run) {
  std::cerr << "stopped after step " << stepsOf(run) << ", in epoch "
            << std::min(run.position.epoch, run.epochs) << " of " << run.epochs
            << "; the same command with --resume goes on from "
            << run.options.checkpoint << std::endl;
  std::cout.flush();
  endBySignal(stopSignal());
}

static Status prepare(TrainRun &run) {
  if (Status status = checkOutputs(run.options); !status.isOk())
    return status;
  const bool isValidated = run.validationBatches->numSamples() > 0;
  if (Status status = run.plateaus.begin(run.plan, isValidated); !status.isOk())
    return status;
  if (Status status = beginOrContinue(run); !status.isOk())
    return status;
  // Of this run, whatever a checkpoint was told.
  if (Status status =
          setRunLength(run.session, updatesPerEpoch(run), run.epochs);
      !status.isOk())
    return status;
  run.observers = observersFor(run.options);
  for (auto &observer : run.observers)
    if (Status status = observer->begin(run); !status.isOk())
      return status;
  return {};
}

static int drawLog(const TrainOptions &options) {
  if (options.logFolder.empty())
    return Done;
  const bool isQuiet = options.asJson || options.isQuiet;
  if (!isQuiet)
    std::cout << "pictures" << std::endl;
  return drawPictures(options.logFolder, isQuiet);
}

static Status saveWeights(TrainRun &run, const std::string &path) {
  if (Status status = run.session.checkFinite(); !status.isOk())
    return explain(run, status);
  Metadata notes = {{"model", run.plan.model}};
  run.facts.save(notes);
  return run.session.save(path, SaveKind::Weights, notes);
}

static int saveResults(TrainRun &run) {
  const std::string weights = weightsPath(run.options);
  if (Status status = saveWeights(run, weights); !status.isOk())
    return fail(status);
  for (auto &observer : run.observers)
    if (Status status = observer->end({weights}); !status.isOk())
      return fail(status);
  return drawLog(run.options);
}

int train(const TrainOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch.value_or(0);
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  const Plan &plan = *opened.plan;
  if (!plan.findEntryPoint("eval_step"))
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model has no loss: there is nothing to train"});
  if (plan.recipe.steps.empty())
    return failAt(request.model,
                  {Code::InvalidArgument,
                   "the model does not say how it is trained: add `training { "
                   "... }` with an optimizer, as in adam(0.001)"});
  int64_t seed = options.seed.value_or(plan.recipe.seed);
  int64_t batch =
      std::min(options.batch.value_or(plan.recipe.batch), plan.maxBatch);
  if (options.batch && *options.batch > plan.maxBatch)
    return fail({Code::InvalidArgument,
                 concat("the plan runs batches up to ", plan.maxBatch,
                        "; --batch asks for ", *options.batch)});
  auto session = Session::create(opened.plan, {options.threads, seed, nullptr});
  if (!session.isOk())
    return fail(session.status());
  TrainRun run{options,
               plan,
               **session,
               batch,
               options.epochs.value_or(plan.recipe.epochs),
               seed};
  if (int exit = loadData(run))
    return exit;
  if (Status status = prepare(run); !status.isOk())
    return fail(status);
  if (Status status = trainEpochs(run); !status.isOk())
    return fail(explain(run, status));
  if (stopSignal() == 0 && numSamples(run.test) > 0)
    if (Status status = testAtEnd(run); !status.isOk())
      return fail(status);
  if (stopSignal() != 0)
    endStopped(run);
  return saveResults(run);
}

} // namespace nnc::tools
