// A training run from its model to its results.
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

/// Null if batches with what `all` reads have every input of `step`.
static const TensorInfo *findMissingInput(const EntryPoint &step,
                                          const EntryPoint &all) {
  for (const TensorInfo &input : step.inputs)
    if (std::none_of(
            all.inputs.begin(), all.inputs.end(),
            [&](const TensorInfo &known) { return isSameInput(known, input); }))
      return &input;
  return nullptr;
}

static Status checkModel(const Plan &plan) {
  if (!plan.findEntryPoint("eval_step"))
    return {Code::InvalidArgument,
            "the model has no loss: there is nothing to train"};
  if (plan.recipe.steps.empty())
    return {Code::InvalidArgument,
            "the model does not say how it is trained: add `training { ... }` "
            "with an optimizer, as in adam(0.001)"};
  for (const TrainingStep &step : plan.recipe.steps)
    if (const TensorInfo *missing =
            findMissingInput(*plan.findEntryPoint(step.entryPoint),
                             *plan.findEntryPoint("eval_step")))
      return {Code::InvalidArgument,
              concat("the plan's training step ", quote(step.entryPoint),
                     " reads ", quote(missing->name),
                     ", which eval_step does not read")};
  return {};
}

RunOrExit openRun(const TrainOptions &options,
                  const std::shared_ptr<const Plan> &plan) {
  if (Status status = checkModel(*plan); !status.isOk())
    return {nullptr, nullptr, failAt(options.request.model, status)};
  if (options.batch && *options.batch > plan->maxBatch)
    return {nullptr, nullptr,
            fail({Code::InvalidArgument,
                  concat("the plan runs batches up to ", plan->maxBatch,
                         "; --batch asks for ", *options.batch)})};
  // Few samples are learnt until they are known: nothing stops that.
  StatusOr<StopRule> rule = StopRule();
  if (options.split.most == 0)
    rule = stopRuleFor(options.stop, *plan, holdsOutSamples(options, *plan));
  if (!rule.isOk())
    return {nullptr, nullptr, failAt(options.request.model, rule.status())};
  const int64_t seed = options.seed.value_or(plan->recipe.seed);
  auto session = Session::create(plan, {options.threads, seed, nullptr});
  if (!session.isOk())
    return {nullptr, nullptr, fail(session.status())};
  const int64_t batch =
      std::min(options.batch.value_or(plan->recipe.batch), plan->maxBatch);
  const int64_t epochs = options.epochs.value_or(plan->recipe.epochs);
  std::unique_ptr<TrainRun> run(
      new TrainRun{options, *plan, **session, batch, epochs, seed});
  run->rule = std::move(*rule);
  if (options.checksNumerics)
    if (Status status = (*session)->setNumerics(&run->numerics); !status.isOk())
      return {nullptr, nullptr, fail(status)};
  return {std::move(*session), std::move(run), Done};
}

static Status prepare(TrainRun &run) {
  if (Status status = begin(run); !status.isOk())
    return status;
  run.observers = observersFor(run.options);
  for (auto &observer : run.observers)
    if (Status status = observer->begin(run); !status.isOk())
      return status;
  return {};
}

/// Says where a run stands that was asked to stop, and how it goes on; ends as
/// the signal would have ended the program.
[[noreturn]] static void endStopped(const TrainRun &run) {
  const TrainOptions &options = run.options;
  std::cerr << "stopped after step " << stepsOf(run) << ", in epoch "
            << std::min(run.position.epoch, run.epochs) << " of " << run.epochs;
  if (!options.checkpoint.empty())
    std::cerr << "; the same command with --resume goes on from "
              << options.checkpoint;
  else
    std::cerr << "; a run with --checkpoint FILE could go on from here, "
                 "--weights begins anew with these weights";
  std::cerr << std::endl;
  std::cout.flush();
  endBySignal(stopSignal());
}

Status restoreBest(TrainRun &run) {
  return run.rule.keepsBest ? run.best.restore(run.session) : Status();
}

/// What is left of a run whose epochs are over.
static int finish(TrainRun &run) {
  const bool isStopped = run.ending == Ending::Signal;
  // Nothing was learnt, and what there may be of another run stays.
  if (isStopped && stepsOf(run) == 0)
    endStopped(run);
  if (Status status = restoreBest(run); !status.isOk())
    return fail(status);
  if (!isStopped && numSamples(run.test) > 0)
    if (Status status = testAtEnd(run); !status.isOk())
      return fail(explain(run, status));
  const int exit = saveResults(run);
  if (stopSignal() != 0 && exit == Done)
    endStopped(run);
  return exit;
}

int runToEnd(TrainRun &run) {
  // Loading may take long.
  if (Status status = checkOutputs(run.options, run.plan); !status.isOk())
    return fail(status);
  if (int exit = loadData(run))
    return exit;
  if (Status status = prepare(run); !status.isOk())
    return fail(status);
  if (Status status = trainEpochs(run); !status.isOk())
    return fail(explain(run, status));
  return finish(run);
}

int train(const TrainOptions &options) {
  CompileRequest request = options.request;
  request.maxBatch = options.batch.value_or(0);
  request.eachOp = options.checksNumerics;
  PlanOrExit opened = openModel(request);
  if (!opened.plan)
    return opened.exit;
  if (options.isDry)
    return dryRun(options, opened.plan);
  if (options.split.folds > 0)
    return crossValidate(options, opened.plan);
  if (options.split.most > 0)
    return overfit(options, opened.plan);
  RunOrExit begun = openRun(options, opened.plan);
  return begun.run ? runToEnd(*begun.run) : begun.exit;
}

} // namespace nnc::tools
