// A run of `nnc train`: what it was asked for, and where it is.
#ifndef NNC_TOOLS_COMMANDS_TRAINRUN_H
#define NNC_TOOLS_COMMANDS_TRAINRUN_H

#include "tools/Program.h"
#include "tools/Resume.h"
#include "tools/Training.h"
#include "tools/TrainingLog.h"

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
  /// Whether the checkpoint is of this position.
  bool isSaved = false;
  TrainingLog log = {};
  /// How long steps have waited for data before this epoch.
  double waitedBefore = 0;
};

/// How many steps the state has behind it.
int64_t stepsOf(const TrainRun &run);

/// Says at which step numbers stopped being finite, where they are, and what
/// may help; any other status as it is.
runtime::Status explain(const TrainRun &run, const runtime::Status &status);

/// Every epoch that is left, a line each, and the last checkpoint, of a stopped
/// run too.
runtime::Status trainEpochs(TrainRun &run);

/// The line of the test split.
runtime::Status testAtEnd(TrainRun &run);

} // namespace nnc::tools

#endif // NNC_TOOLS_COMMANDS_TRAINRUN_H
