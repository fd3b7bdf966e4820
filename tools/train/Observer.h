// What watches a training run, and what it is told: the lines on the console,
// the files of --log. A new one is a class and its line in observersFor().
#ifndef NNC_TOOLS_TRAIN_OBSERVER_H
#define NNC_TOOLS_TRAIN_OBSERVER_H

#include "tools/Training.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nnc::tools {

struct TrainRun;

/// A step that is done.
struct StepRecord {
  /// Of the state, from 1 on.
  int64_t step;
  /// Finite or not.
  double loss;
  Rates rates;
  /// Which training step it is, where there are several.
  std::string name = "";
};

/// An epoch that is done, its validation too.
struct EpochRecord {
  /// Both from 1 on.
  int64_t epoch, epochs;
  int64_t step;
  const Averages &training;
  /// Null where no samples are held out.
  const Averages *validation;
  /// Of the epoch's last step.
  Rates rates;
  double seconds;
  /// How long its steps have waited for samples that are prepared; none where
  /// all are in memory.
  std::optional<double> dataSeconds;
  /// Of cross-validation, the part that is held out, from 1 on; 0: none.
  int64_t fold = 0;
};

/// The test split after the last epoch.
struct TestRecord {
  int64_t epoch;
  const Averages &averages;
  /// The names of the classes in each of the averages' confusions(); null: they
  /// have none.
  std::vector<const std::vector<std::string> *> classes = {};
};

/// Why a run is over.
enum class Ending {
  Epochs, ///< All are done.
  Rested, ///< The metric that is watched got no better.
  Time,   ///< The time is up.
  Signal  ///< It was asked to stop.
};

/// The run is over, and its weights are written.
struct EndRecord {
  const std::string &weights;
  Ending ending;
};

/// Every call is made between steps, in the order of the run. A Status that is
/// not Ok ends the run.
class Observer {
public:
  virtual ~Observer() = default;

  /// Before the first step, when data and state are there: `run` stays, and may
  /// have steps behind it.
  virtual runtime::Status begin(const TrainRun &run) = 0;
  /// Whether step() is to be called: reading the rates costs a little.
  virtual bool wantsSteps() const { return false; }
  virtual void step(const StepRecord &) {}
  virtual void epoch(const EpochRecord &) {}
  virtual void test(const TestRecord &) {}
  /// What was told so far is to outlive the process: a checkpoint is about to
  /// have it behind it.
  virtual runtime::Status flush() { return {}; }
  virtual runtime::Status end(const EndRecord &) { return {}; }
};

using Observers = std::vector<std::unique_ptr<Observer>>;

struct TrainOptions;

/// Those that the options ask for.
Observers observersFor(const TrainOptions &options);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAIN_OBSERVER_H
