// What a pass over a set says of it: its loss and metrics, batch by batch.
#ifndef NNC_TOOLS_AVERAGES_H
#define NNC_TOOLS_AVERAGES_H

#include "runtime/MetricScores.h"
#include "runtime/MetricSums.h"
#include "runtime/Session.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nnc::tools {

/// A number as text that `fromHex` gives the same bits back from: in base 16, a
/// double's digits are all of its bits.
std::string toHex(double value);
bool fromHex(const std::string &text, double &value);

/// How often samples of each class were taken for each.
struct ClassCounts {
  /// "confusion", of one of several training steps behind its name and a dot.
  std::string name;
  /// The input that has the labels; empty: not known.
  std::string labels;
  /// Row the label and column the prediction.
  std::vector<std::vector<double>> counts;

  /// What `what` of these classes is called beside them: "STEP.classes".
  std::string nameOf(const std::string &what) const;
  /// The step; empty: the model's only one.
  std::string step() const;
};

/// Means over samples of an entry point's loss and metrics, and the metrics
/// that are read from sums or scores of all of them. Of several training steps
/// it has a part each: its loss is the sum of theirs, and its metrics are their
/// losses and metrics, behind their names and a dot.
class Averages {
public:
  using Values = std::vector<std::pair<std::string, double>>;

  /// Whether an output of a run says something of a set.
  static bool takes(const runtime::TensorInfo &output);

  /// Adds the outputs of a run, weighted by its batch.
  runtime::Status add(const runtime::RunOutputs &outputs);

  /// The part of that training step; all of it for the empty name.
  Averages &of(const std::string &step);

  /// Of several steps, those of the one that has had most.
  int64_t samples() const;
  double loss() const;
  /// Metrics by name, in the model's order.
  Values metrics() const { return read(/*withScores=*/true); }
  /// The same without those that are read from an order of all samples, which
  /// takes a while.
  Values metricsSoFar() const { return read(/*withScores=*/false); }
  /// Notes that `restore` gives the same bits back from; without
  /// confusions(), and of no entry point that gathers scores.
  void save(runtime::Metadata &notes) const;
  /// `entry` is what the averages are of, one of several training steps where
  /// `step` names it. False if the notes are not there or not of this entry
  /// point.
  bool restore(const runtime::Metadata &notes, const runtime::EntryPoint &entry,
               const std::string &step = "");
  /// Of each training step that tells classes apart.
  const std::vector<ClassCounts> &confusions() const { return counted; }

private:
  /// Of one metric: the sum of its values, each by its batch, or what `reading`
  /// or `ranking` makes it of.
  struct Metric {
    std::string name;
    double sum = 0;
    const runtime::MetricReading *reading = nullptr;
    std::vector<double> sums;
    const runtime::ScoreReading *ranking = nullptr;
    runtime::GatheredScores scores;
  };

  Values read(bool withScores) const;
  Metric &metricOf(const runtime::TensorInfo &output, std::string_view suffix);
  std::vector<double> &sumsOf(const runtime::TensorInfo &output);
  runtime::Status addOutput(const runtime::RunOutputs &outputs,
                            const runtime::TensorInfo &output);
  void addCounts(const runtime::TensorInfo &output, const char *values);
  void addSums(const runtime::TensorInfo &output, const char *values);
  bool restoreSums(const runtime::Metadata &notes,
                   const runtime::EntryPoint &entry);

  struct Part;
  std::vector<Part> parts;
  double lossSum = 0;
  int64_t numSamples = 0;
  std::vector<Metric> all; // in the model's order
  std::vector<ClassCounts> counted;
};

struct Averages::Part {
  std::string step;
  Averages averages;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_AVERAGES_H
