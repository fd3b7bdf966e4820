// A run of `nnc train`: what it was asked for, where it is, and its parts in
// their order. tools/train/Observer.h has what it tells, and whom.
#ifndef NNC_TOOLS_TRAIN_RUN_H
#define NNC_TOOLS_TRAIN_RUN_H

#include "tools/Program.h"
#include "tools/Training.h"
#include "tools/train/Observer.h"
#include "tools/train/Plateau.h"
#include "tools/train/Resume.h"

#include "runtime/WeightsOrder.h"

#include <optional>

namespace nnc::tools {

struct TrainOptions {
  CompileRequest request;
  std::string dataFolder, weightsFile, logFolder, initialWeights;
  std::string checkpoint;
  std::optional<runtime::WeightsOrder> order;
  std::string names;
  std::optional<int64_t> epochs, batch, seed, steps, every;
  int threads = 0;
  bool keepOrder = false;
  bool allowMissing = false;
  bool resume = false;
  bool asJson = false;
  bool tensorBoard = false;
  bool isQuiet = false;
};

/// A run under way: everything that its parts need.
struct TrainRun {
  const TrainOptions &options;
  const runtime::Plan &plan;
  runtime::Session &session;
  int64_t batch, epochs, seed;
  Columns training = {}, test = {};
  /// What the training data taught.
  runtime::DataFacts facts = {};
  /// Of `training`: the validation samples are held out of it.
  std::optional<runtime::Batches> trainingBatches = {}, validationBatches = {};
  RunIdentity identity = {};
  RunPosition position = {};
  Plateaus plateaus = {};
  /// Whether the checkpoint is of this position.
  bool isSaved = false;
  Observers observers = {};
  /// How long steps have waited for data before this epoch.
  double waitedBefore = 0;
};

/// How many updates an epoch makes: one of the last batches, however many.
int64_t updatesPerEpoch(const TrainRun &run);

/// How many steps the state has behind it.
int64_t stepsOf(const TrainRun &run);

/// How many neighbouring samples are mixed in an epoch; 0: all.
int64_t windowOf(const runtime::Recipe &recipe);

/// Where the weights go.
std::string weightsPath(const TrainOptions &options);

/// Says at which step numbers stopped being finite, where they are, and what
/// may help; any other status as it is.
runtime::Status explain(const TrainRun &run, const runtime::Status &status);

/// Loads the data and divides them. Returns an exit status, after a message.
int loadData(TrainRun &run);

/// That what the run is to write can be written, and is nothing that it reads.
runtime::Status checkOutputs(const TrainOptions &options);

/// Begins with the checkpoint where the run is to go on from one and it is
/// there, else with --weights or the initial values.
runtime::Status beginOrContinue(TrainRun &run);

/// Every epoch that is left, and the last checkpoint, of a stopped run too.
runtime::Status trainEpochs(TrainRun &run);

/// The test split.
runtime::Status testAtEnd(TrainRun &run);

/// The whole of `nnc train`; returns its exit status, after a message.
int train(const TrainOptions &options);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_RUN_H
