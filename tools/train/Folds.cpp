// Cross-validation: a run for each part of the training data, judged on that
// part alone, and the mean and spread of what they come to.
#include "tools/StopSignal.h"
#include "tools/Text.h"
#include "tools/train/Records.h"
#include "tools/train/Run.h"

#include <cmath>
#include <iostream>
#include <map>

namespace nnc::tools {

using namespace runtime;

using Scores = std::vector<std::pair<std::string, double>>;

namespace {
/// Keeps what the validation of each epoch came to.
class FoldScores : public Observer {
public:
  Status begin(const TrainRun &) override { return {}; }
  void epoch(const EpochRecord &record) override {
    if (!record.validation)
      return;
    Scores &scores = byEpoch[record.epoch];
    scores = {{"validation_loss", record.validation->loss()}};
    for (auto &[name, value] : record.validation->metrics())
      scores.emplace_back("validation_" + name, value);
  }

  std::map<int64_t, Scores> byEpoch;
};
} // namespace

/// "net.fold2.safetensors" beside where the weights would go.
static std::string withFold(const std::string &path, int64_t fold) {
  const size_t slash = path.rfind('/'), dot = path.rfind('.');
  const bool hasEnding =
      dot != std::string::npos && (slash == std::string::npos || dot > slash);
  const size_t end = hasEnding ? dot : path.size();
  return concat(path.substr(0, end), ".fold", fold, path.substr(end));
}

static TrainOptions optionsOf(const TrainOptions &all, int64_t fold) {
  TrainOptions one = all;
  one.split.fold = fold;
  one.weightsFile = withFold(weightsPath(all), fold);
  if (!all.logFolder.empty())
    one.logFolder = concat(all.logFolder, "/fold", fold);
  // The time is that of all, and no part is to be judged by a longer run.
  if (all.stop.secondsLimit)
    one.stop.secondsLimit = *all.stop.secondsLimit / double(all.split.folds);
  return one;
}

/// That all parts can write what they are to, before the first is trained.
static Status checkAllOutputs(const TrainOptions &all, const Plan &plan) {
  for (int64_t fold = 1; fold <= all.split.folds; ++fold) {
    const TrainOptions one = optionsOf(all, fold);
    if (Status status = checkLogFolder(one); !status.isOk())
      return status;
    if (!all.savesFolds)
      continue;
    if (Status status = checkOutputs(one, plan); !status.isOk())
      return status;
  }
  return {};
}

static Status trainFold(TrainRun &run) {
  if (Status status = begin(run); !status.isOk())
    return status;
  for (auto &observer : run.observers)
    if (Status status = observer->begin(run); !status.isOk())
      return status;
  return trainEpochs(run);
}

/// Writes what the log has of a part that is not done, and ends as the signal
/// would have ended the program.
static int endStopped(TrainRun &run) {
  for (auto &observer : run.observers)
    if (Status status = observer->flush(); !status.isOk())
      return fail(status);
  std::cerr << "stopped in part " << run.options.split.fold << " of "
            << run.options.split.folds
            << "; cross-validation begins anew each time" << std::endl;
  std::cout.flush();
  endBySignal(stopSignal());
}

/// Trains one part's run. `scores` receives those of the epoch that counts.
static int runFold(const TrainOptions &options,
                   const std::shared_ptr<const Plan> &plan, Scores &scores) {
  RunOrExit begun = openRun(options, plan);
  if (!begun.run)
    return begun.exit;
  TrainRun &run = *begun.run;
  if (int exit = loadData(run))
    return exit;
  run.observers = observersFor(options);
  auto judge = std::make_unique<FoldScores>();
  const FoldScores &judged = *judge;
  run.observers.push_back(std::move(judge));
  if (Status status = trainFold(run); !status.isOk())
    return fail(explain(run, status));
  if (stopSignal() != 0)
    return endStopped(run);
  if (Status status = restoreBest(run); !status.isOk())
    return fail(status);
  auto found = judged.byEpoch.find(resultEpoch(run));
  if (found != judged.byEpoch.end())
    scores = found->second;
  if (options.savesFolds)
    return saveResults(run);
  // No weights are written, which is all that the end would tell beside.
  for (auto &observer : run.observers)
    if (Status status = observer->flush(); !status.isOk())
      return fail(status);
  return drawLog(options);
}

/// Mean, and deviation with n - 1, of one score.
struct Spread {
  double mean = 0, deviation = 0;
};

static Spread spreadOf(const std::vector<double> &values) {
  Spread spread;
  for (double value : values)
    spread.mean += value / double(values.size());
  double squares = 0;
  for (double value : values)
    squares += (value - spread.mean) * (value - spread.mean);
  if (values.size() > 1)
    spread.deviation = std::sqrt(squares / double(values.size() - 1));
  return spread;
}

static void report(const std::vector<Scores> &folds, bool asJson) {
  nlohmann::ordered_json object = {{"folds", folds.size()}};
  std::string line = concat("folds    ", folds.size());
  for (size_t i = 0; i < folds.front().size(); ++i) {
    const std::string &name = folds.front()[i].first;
    std::vector<double> values;
    for (const Scores &scores : folds)
      values.push_back(scores[i].second);
    const Spread spread = spreadOf(values);
    object[name] = {{"mean", spread.mean},
                    {"deviation", spread.deviation},
                    {"values", values}};
    char text[80];
    std::snprintf(text, sizeof text, " %.4f ± %.4f", spread.mean,
                  spread.deviation);
    line += "  " + printable(name) + text;
  }
  std::cout << (asJson ? toLine(object) : line) << std::endl;
}

int crossValidate(const TrainOptions &options,
                  const std::shared_ptr<const Plan> &plan) {
  if (!options.savesFolds && !options.weightsFile.empty())
    return fail({Code::InvalidArgument,
                 "--folds keeps no weights for -o: --save-folds does, those of "
                 "each part beside it"});
  if (Status status = checkAllOutputs(options, *plan); !status.isOk())
    return fail(status);
  std::vector<Scores> folds;
  for (int64_t fold = 1; fold <= options.split.folds; ++fold) {
    const TrainOptions one = optionsOf(options, fold);
    Scores scores;
    if (int exit = runFold(one, plan, scores))
      return exit;
    if (scores.empty())
      return fail({Code::InvalidArgument,
                   concat("part ", fold, " was not judged: no epoch is done")});
    folds.push_back(std::move(scores));
  }
  if (!options.isQuiet)
    report(folds, options.asJson);
  return Done;
}

} // namespace nnc::tools
