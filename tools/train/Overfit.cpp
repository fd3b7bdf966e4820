// --overfit: whether the model can learn a few samples by heart. One that
// cannot has a fault, or cannot see what it is to predict.
#include "tools/StopSignal.h"
#include "tools/train/Records.h"
#include "tools/train/Run.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace nnc::tools {

using namespace runtime;

namespace {
/// The loss of the first epoch and of the last one, without what is drawn.
struct Learning {
  double first = 0, last = 0;

  /// A hundredth of what it began with: far below what guessing comes to, and
  /// within reach of any model with more numbers than the samples.
  bool isLearned() const { return last <= 0.01 * first; }
};
} // namespace

/// As in evaluation: dropout would keep the loss of a model up that knows it
/// all.
static Status evaluateSamples(TrainRun &run, double &loss) {
  Progress hidden("", 0, false);
  Averages averages;
  Pass pass{run.session,
            {{run.plan.findEntryPoint("eval_step")}},
            *run.trainingBatches,
            averages,
            hidden};
  pass.held = heldOf(run, *run.trainingBatches);
  Status status = tools::run(pass);
  loss = averages.loss();
  return status;
}

/// Epoch after epoch until the samples are learnt, or `most` are done.
static Status learn(TrainRun &run, int64_t most, Learning &learning) {
  const bool isShown = !run.options.asJson;
  Progress progress("overfit", most, isShown);
  if (Status status = evaluateSamples(run, learning.first); !status.isOk())
    return status;
  if (learning.first < 0)
    return {Code::InvalidArgument,
            concat("the loss of these samples begins at ", learning.first,
                   ": a model learns by heart where its loss comes near 0, "
                   "which is no aim of one that falls below")};
  learning.last = learning.first;
  for (run.epochs = 1; run.epochs <= most && !learning.isLearned();
       ++run.epochs) {
    if (Status status = trainEpochs(run); !status.isOk())
      return status;
    if (run.ending == Ending::Signal || run.ending == Ending::Time)
      return {};
    if (Status status = evaluateSamples(run, learning.last); !status.isOk())
      return status;
    progress.update(run.epochs, concat("loss ", learning.last));
  }
  return {};
}

static void report(const TrainRun &run, const Learning &learning) {
  const int64_t samples = run.trainingBatches->numSamples();
  if (run.options.asJson) {
    std::cout << toLine(
                     nlohmann::ordered_json{{"samples", samples},
                                            {"step", stepsOf(run)},
                                            {"first_loss", learning.first},
                                            {"loss", learning.last},
                                            {"overfits", learning.isLearned()}})
              << std::endl;
    return;
  }
  char losses[80];
  std::snprintf(losses, sizeof losses, "from %.4g to %.4g", learning.first,
                learning.last);
  std::cout << "the loss of " << samples << " samples went " << losses << " in "
            << stepsOf(run) << " steps: "
            << (learning.isLearned()
                    ? "the model can learn them by heart"
                    : "expected a hundredth of what it began with; look at the "
                      "labels, at what the loss is given and at the learning "
                      "rate, or give it more --epochs")
            << std::endl;
}

int overfit(const TrainOptions &options,
            const std::shared_ptr<const Plan> &plan) {
  TrainOptions few = options;
  // One line at the end, and nothing on disk.
  few.isQuiet = true;
  few.logFolder.clear();
  RunOrExit begun = openRun(few, plan);
  if (!begun.run)
    return begun.exit;
  TrainRun &run = *begun.run;
  if (int exit = loadData(run))
    return exit;
  // Where the model says how many epochs, it means all the data.
  constexpr int64_t steps = 1000;
  const int64_t most = options.epochs.value_or(
      std::max<int64_t>(1, steps / run.identity.stepsPerEpoch));
  run.epochs = most;
  if (Status status = begin(run); !status.isOk())
    return fail(status);
  Learning learning;
  if (Status status = learn(run, most, learning); !status.isOk())
    return fail(explain(run, status));
  if (stopSignal() != 0)
    endBySignal(stopSignal());
  report(run, learning);
  return learning.isLearned() ? Done : InputWrong;
}

} // namespace nnc::tools
