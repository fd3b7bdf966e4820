// --dry-run: a batch of everything that a run will do, before the night, and
// how long the whole may take.
#include "tools/Output.h"
#include "tools/StopSignal.h"
#include "tools/Text.h"
#include "tools/train/ConsoleLines.h"
#include "tools/train/Records.h"
#include "tools/train/Round.h"
#include "tools/train/Run.h"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <iostream>

#include <stdlib.h>
#include <sys/resource.h>

namespace nnc::tools {

using namespace runtime;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

namespace {
/// A folder that goes when this goes.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::error_code error;
    std::string name =
        (std::filesystem::temp_directory_path(error) / "nnc-dry-run-XXXXXX")
            .string();
    if (mkdtemp(name.data()))
      path = name;
  }
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  ~TemporaryFolder() {
    std::error_code error;
    if (!path.empty())
      std::filesystem::remove_all(path, error);
  }

  /// Empty: it could not be made.
  std::string path;
};

/// Some batches of one kind.
struct Trial {
  Averages averages = {};
  double secondsABatch = 0;
};
} // namespace

/// Runs batches from the first on, `most` at most and no more than two seconds
/// of them.
static Status tryBatches(TrainRun &run, std::vector<RoundRun> round,
                         Batches &batches, int64_t most, Trial &trial) {
  constexpr double enoughSeconds = 2;
  Progress hidden("", 0, false);
  Pass pass{run.session, std::move(round), batches, trial.averages, hidden};
  pass.held = heldOf(run, batches);
  pass.endBatch = most;
  Updates updates(run.plan, pass.round, run.identity.stepsPerEpoch, 0);
  pass.entryOf = [&](const RoundRun &one) {
    return entryOf(run.plan, one, updates.next(one));
  };
  const auto begin = Clock::now();
  // To know how long each takes.
  pass.isAwaited = [] { return true; };
  pass.afterBatch = [&](int64_t done) -> StatusOr<bool> {
    const double seconds =
        std::chrono::duration<double>(Clock::now() - begin).count();
    trial.secondsABatch = seconds / double(done);
    return stopSignal() == 0 && seconds < enoughSeconds;
  };
  return tools::run(pass);
}

namespace {
/// What a dry run has done, in its order.
struct Findings {
  Trial training, validation, test;
  int64_t weightsBytes = 0, peakBytes = 0;
  double seconds = 0;
};
} // namespace

/// Saves, and reads again what was saved.
static Status trySaving(TrainRun &run, const std::string &folder,
                        Findings &findings) {
  const std::string weights = folder + "/weights.safetensors",
                    checkpoint = folder + "/checkpoint.safetensors";
  Metadata notes = describe(run.identity, run.position);
  run.facts.save(notes);
  if (Status status = run.session.save(weights, SaveKind::Weights, notes);
      !status.isOk())
    return status;
  std::error_code error;
  findings.weightsBytes = int64_t(std::filesystem::file_size(weights, error));
  if (Status status = run.session.save(checkpoint, SaveKind::Checkpoint, notes);
      !status.isOk())
    return status;
  if (Status status = run.session.load(checkpoint, SaveKind::Checkpoint);
      !status.isOk())
    return status;
  return run.session.load(weights, SaveKind::Weights);
}

static int64_t peakBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return int64_t(usage.ru_maxrss) * 1024;
}

static double estimate(const TrainRun &run, const Findings &findings) {
  const double validation = double(run.validationBatches->numBatches()) *
                            findings.validation.secondsABatch;
  const double test = std::ceil(double(numSamples(run.test)) / run.batch) *
                      findings.test.secondsABatch;
  const double seconds =
      double(run.epochs) * (double(run.identity.stepsPerEpoch) *
                                findings.training.secondsABatch +
                            validation) +
      test;
  return std::min(seconds,
                  run.options.stop.secondsLimit.value_or(seconds) + test);
}

static Status tryAll(TrainRun &run, const std::string &folder,
                     Findings &findings) {
  // The first steps touch memory that later ones find; they say nothing of the
  // time.
  constexpr int64_t warmUp = 1, timed = 10;
  const std::vector<RoundRun> round = roundOf(run.plan);
  const int64_t update = run.plan.recipe.accumulate() * batchesPerRound(round);
  const std::vector<RoundRun> evaluation = {
      {run.plan.findEntryPoint("eval_step")}};
  Trial first;
  if (Status status =
          tryBatches(run, round, *run.trainingBatches, update, first);
      !status.isOk())
    return status;
  if (Status status = tryBatches(run, round, *run.trainingBatches,
                                 timed * update, findings.training);
      !status.isOk())
    return status;
  if (Status status = tryBatches(run, evaluation, *run.validationBatches,
                                 warmUp, findings.validation);
      !status.isOk())
    return status;
  if (numSamples(run.test) > 0) {
    std::vector<int64_t> some;
    for (int64_t i = 0; i < std::min(run.batch, numSamples(run.test)); ++i)
      some.push_back(i);
    Batches test(run.test, std::move(some), run.batch,
                 gatheringThreads(run.session));
    if (Status status =
            tryBatches(run, evaluation, test, warmUp, findings.test);
        !status.isOk())
      return status;
  }
  if (Status status = run.session.checkFinite(); !status.isOk())
    return status;
  if (Status status = trySaving(run, folder, findings); !status.isOk())
    return status;
  const EpochRecord record{1,
                           run.epochs,
                           stepsOf(run),
                           findings.training.averages,
                           run.validationBatches->numSamples() > 0
                               ? &findings.validation.averages
                               : nullptr,
                           learningRates(run.session),
                           findings.training.secondsABatch,
                           std::nullopt};
  for (auto &observer : run.observers)
    observer->epoch(record);
  return {};
}

static void report(const TrainRun &run, const Findings &findings) {
  if (run.options.asJson) {
    std::cout << toLine(ordered_json{
                     {"dry_run", true},
                     {"loss", findings.training.averages.loss()},
                     {"step_seconds", findings.training.secondsABatch},
                     {"peak_bytes", findings.peakBytes},
                     {"weights_bytes", findings.weightsBytes},
                     {"seconds", findings.seconds}})
              << std::endl;
    return;
  }
  auto line = [](const char *what, const Trial &trial) {
    if (trial.averages.samples() > 0)
      std::cout << what << columns("", trial.averages) << "  "
                << durationText(trial.secondsABatch) << " a batch\n";
  };
  line("training  ", findings.training);
  line("validation", findings.validation);
  line("test      ", findings.test);
  std::cout << "saved and read again: " << sizeText(findings.weightsBytes)
            << " of weights, and a checkpoint\n"
            << "memory " << sizeText(findings.peakBytes) << " at its peak\n"
            << "all of " << run.epochs << " epochs may take "
            << durationText(findings.seconds) << std::endl;
}

/// Watches as a run would, but writes into `folder`.
static Status tryObserved(TrainRun &run, const TrainOptions &elsewhere,
                          const std::string &folder, Findings &findings) {
  run.observers = observersFor(elsewhere);
  ConsoleLines console;
  if (!run.options.asJson)
    if (Status status = console.begin(run); !status.isOk())
      return status;
  for (auto &observer : run.observers)
    if (Status status = observer->begin(run); !status.isOk())
      return status;
  if (Status status = tryAll(run, folder, findings); !status.isOk())
    return status;
  for (auto &observer : run.observers)
    if (Status status = observer->end({folder, Ending::Epochs}); !status.isOk())
      return status;
  return {};
}

static int tryInFolder(const TrainOptions &options,
                       const std::shared_ptr<const Plan> &plan,
                       const std::string &folder) {
  RunOrExit begun = openRun(options, plan);
  if (!begun.run)
    return begun.exit;
  TrainRun &run = *begun.run;
  if (Status status = checkOutputs(options, *plan); !status.isOk())
    return fail(status);
  if (int exit = loadData(run))
    return exit;
  if (Status status = begin(run); !status.isOk())
    return fail(status);
  TrainOptions elsewhere = options;
  elsewhere.logFolder = folder + "/log";
  elsewhere.isQuiet = true;
  elsewhere.asJson = false;
  Findings findings;
  if (Status status = tryObserved(run, elsewhere, folder, findings);
      !status.isOk())
    return fail(explain(run, status));
  if (stopSignal() != 0)
    return Done;
  if (int exit = drawLog(elsewhere))
    return exit;
  findings.peakBytes = peakBytes();
  findings.seconds = estimate(run, findings);
  report(run, findings);
  return Done;
}

int dryRun(const TrainOptions &options,
           const std::shared_ptr<const Plan> &plan) {
  // A signal leaves no folder behind.
  catchStopSignals();
  int exit = Done;
  {
    TemporaryFolder folder;
    if (folder.path.empty())
      return fail({Code::IoError, "no temporary folder can be made"});
    exit = tryInFolder(options, plan, folder.path);
  }
  if (stopSignal() != 0)
    endBySignal(stopSignal());
  return exit;
}

} // namespace nnc::tools
