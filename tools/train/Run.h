// A run of `nnc train`: what it was asked for, where it is, and its parts in
// their order. tools/train/Observer.h has what it tells, and whom.
#ifndef NNC_TOOLS_TRAIN_RUN_H
#define NNC_TOOLS_TRAIN_RUN_H

#include "tools/Program.h"
#include "tools/Training.h"
#include "tools/train/BestWeights.h"
#include "tools/train/Observer.h"
#include "tools/train/Plateau.h"
#include "tools/train/Resume.h"
#include "tools/train/Stopping.h"

#include "runtime/WeightsOrder.h"

#include <chrono>
#include <memory>
#include <optional>

namespace nnc::tools {

/// Which samples are held out; the model says what is left open.
struct SplitOptions {
  std::optional<double> validation;
  std::optional<int64_t> seed;
  std::string stratifiedBy;
  /// Of cross-validation: the part that is held out, from 1 on, and how many
  /// there are. 0: none.
  int64_t fold = 0, folds = 0;
  /// Trains on so many samples and holds out none; 0: on all.
  int64_t most = 0;
};

struct TrainOptions {
  CompileRequest request;
  std::string dataFolder, weightsFile, logFolder, initialWeights;
  std::string checkpoint;
  std::optional<runtime::WeightsOrder> order;
  std::string names;
  std::optional<int64_t> epochs, batch, seed, steps, every;
  SplitOptions split;
  StopOptions stop;
  int threads = 0;
  bool keepOrder = false;
  bool allowMissing = false;
  bool resume = false;
  bool asJson = false;
  bool tensorBoard = false;
  bool isQuiet = false;
  /// Replaces files that no run of the model has written.
  bool force = false;
  bool isDry = false;
  bool savesFolds = false;
  bool checksNumerics = false;
  DataOnDevice dataOnDevice = DataOnDevice::Auto;
};

/// A run under way: everything that its parts need.
struct TrainRun {
  const TrainOptions &options;
  const runtime::Plan &plan;
  runtime::Session &session;
  int64_t batch, epochs, seed;
  StopRule rule = {};
  /// `validation` only where the model binds data to it.
  Columns training = {}, validation = {}, test = {};
  /// What the training data taught.
  runtime::DataFacts facts = {};
  /// What batches are gathered in that go to a GPU.
  std::optional<PinnedMemory> pinned = {};
  /// Where no data are bound to validation, it is held out of `training`.
  std::optional<runtime::Batches> trainingBatches = {}, validationBatches = {};
  /// Where the device holds the samples of these.
  std::optional<HeldBatches> trainingHeld = {}, validationHeld = {};
  /// Where the data are, in words; empty where there is nothing to say.
  std::string dataPlace = {};
  RunIdentity identity = {};
  RunPosition position = {};
  /// Within an epoch, the steps that were told of: a GPU may be further.
  std::optional<int64_t> stepsTold = {};
  Plateaus plateaus = {};
  BestWeights best = {};
  Ending ending = Ending::Epochs;
  /// When the time is up.
  std::optional<std::chrono::steady_clock::time_point> deadline = {};
  /// What --check-numerics has found in the run of an entry point that is the
  /// last, and in the last training step.
  runtime::Numerics numerics = {}, found = {};
  const runtime::EntryPoint *foundIn = nullptr;
  /// Whether the checkpoint is of this position.
  bool isSaved = false;
  Observers observers = {};
  /// How long steps have waited for data before this epoch.
  double waitedBefore = 0;
};

/// How many steps the state has behind it.
int64_t stepsOf(const TrainRun &run);

/// How many neighbouring samples are mixed in an epoch; 0: all.
int64_t windowOf(const runtime::Recipe &recipe);

/// Whether an epoch was better than others, by the metric that is watched.
inline bool hasBest(const TrainRun &run) {
  return !run.rule.metric.empty() && run.position.best.epoch > 0 &&
         run.position.best.value != run.rule.worst();
}

/// The last epoch whose steps are in the run's result.
inline int64_t resultEpoch(const TrainRun &run) {
  return run.best.isEmpty() || !run.rule.keepsBest ? run.position.epoch - 1
                                                   : run.position.best.epoch;
}

/// A run of an opened model from its begin, or its exit status.
struct RunOrExit {
  /// Before `run`, which refers to it.
  std::unique_ptr<runtime::Session> session;
  std::unique_ptr<TrainRun> run;
  int exit = Done;
};

/// That the model has something to train, before data are loaded. `options`
/// outlive the run.
RunOrExit openRun(const TrainOptions &options,
                  const std::shared_ptr<const runtime::Plan> &plan);

/// Where the weights go.
std::string weightsPath(const TrainOptions &options);

/// Says at which step numbers stopped being finite, where they are, and what
/// may help; any other status as it is.
runtime::Status explain(const TrainRun &run, const runtime::Status &status);

/// Whether epochs of such a run are judged on samples that do not train.
bool holdsOutSamples(const TrainOptions &options, const runtime::Plan &plan);

/// The samples of those batches of the run's, where the device holds them.
const HeldBatches *heldOf(const TrainRun &run, const runtime::Batches &batches);

/// Has the device hold the data that were loaded, as far as that is wanted and
/// they fit.
runtime::Status placeData(TrainRun &run);

/// Loads the data and divides them. Returns an exit status, after a message.
int loadData(TrainRun &run);

/// That what the run is to write can be written, and is nothing that it reads
/// nor what no run has written.
runtime::Status checkOutputs(const TrainOptions &options,
                             const runtime::Plan &plan);

/// That the folder of the log has no files of those names that no run has
/// written.
runtime::Status checkLogFolder(const TrainOptions &options);

/// Writes the weights, those of the best epoch where they are kept, and tells
/// observers that the run is over; then pictures of the log. Returns an exit
/// status, after a message.
int saveResults(TrainRun &run);

/// Begins with the checkpoint where the run is to go on from one and it is
/// there, else with --weights or the initial values.
runtime::Status beginOrContinue(TrainRun &run);

/// The same for a run of `epochs`, which schedules and plateaus are told of.
runtime::Status begin(TrainRun &run);

/// Every epoch that is left, and the last checkpoint, of a stopped run too.
runtime::Status trainEpochs(TrainRun &run);

/// The test split.
runtime::Status testAtEnd(TrainRun &run);

/// Pictures of the log, where there is one. Returns an exit status.
int drawLog(const TrainOptions &options);

/// Puts the best epoch's weights into the session, where they are kept.
runtime::Status restoreBest(TrainRun &run);

/// --folds, --overfit and --dry-run. Each returns an exit status, after a
/// message.
int crossValidate(const TrainOptions &options,
                  const std::shared_ptr<const runtime::Plan> &plan);
int overfit(const TrainOptions &options,
            const std::shared_ptr<const runtime::Plan> &plan);
int dryRun(const TrainOptions &options,
           const std::shared_ptr<const runtime::Plan> &plan);

/// From the data to the results; returns an exit status, after a message.
int runToEnd(TrainRun &run);

/// The whole of `nnc train`; returns its exit status, after a message.
int train(const TrainOptions &options);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_RUN_H
