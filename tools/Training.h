// Epochs over data: what `nnc train` and `nnc eval` share.
#ifndef NNC_TOOLS_TRAINING_H
#define NNC_TOOLS_TRAINING_H

#include "runtime/Session.h"
#include "runtime/data/Batches.h"
#include "tools/Averages.h"
#include "tools/Data.h"
#include "tools/HeldData.h"
#include "tools/Progress.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nnc::tools {

/// Of weights and checkpoints: the seed of the run, so that evaluation draws
/// the same numbers later.
inline constexpr const char *seedNote = "nnc.seed";

/// Has a session draw by `seed`, or else by that of `notes` if it is there.
runtime::Status takeSeed(runtime::Session &session,
                         const runtime::Metadata &notes,
                         std::optional<int64_t> seed);

/// Learning rates, one an optimizer, by the names of their scalars:
/// "learning_rate" is that of the model's own. Then those of groups that scale
/// it, with their patterns before that: "encoder.*.learning_rate".
using Rates = std::vector<std::pair<std::string, double>>;

/// Reads the rates of steps while a GPU is at later ones.
class RateReader {
public:
  /// Scalars are read here: between epochs nothing sets them.
  explicit RateReader(runtime::Session &session);

  bool hasSchedule() const { return entry; }

  /// Of a schedule, computes the rates of the step that was begun last.
  runtime::StatusOr<runtime::RunOutputs> take();

  /// Those of a step; without what take() gave then, the scalars alone.
  Rates read(const runtime::RunOutputs *taken) const;

private:
  runtime::Session &session;
  const runtime::EntryPoint *entry;
  Rates scalars;
};

/// Those of the step that is done: a schedule's where there is one. None where
/// the model has no optimizer.
Rates learningRates(runtime::Session &session);

/// One run of an entry point in a round.
struct RoundRun {
  const runtime::EntryPoint *entry;
  /// The training step that it is, where there are several.
  std::string step = "";
  /// On the next batch; else on the one at hand.
  bool takesNext = true;
  /// Which of the batches' columns each of its inputs is. Empty: one each.
  std::vector<size_t> columns = {};
};

/// One way through the batches, or a part of it: rounds of runs, one after
/// another. A round begins with the next batch, and leaves out a run that takes
/// another where there is none.
struct Pass {
  runtime::Session &session;
  std::vector<RoundRun> round;
  runtime::Batches &batches;
  /// Each run is added to it.
  Averages &averages;
  Progress &progress;
  /// Where the device holds the samples; null: they are gathered on the host.
  const HeldBatches *held = nullptr;
  /// Batches before this one are passed over, and end where it ends.
  int64_t firstBatch = 0;
  int64_t endBatch = INT64_MAX;
  /// What a run of the round is, asked once when it begins; empty: its own
  /// entry point.
  std::function<const runtime::EntryPoint *(const RoundRun &)> entryOf = {};
  /// Whether what comes after the round that was begun reads the session, and
  /// is to find it as that round leaves it. Without it, a GPU may have further
  /// runs behind it when the calls below are made. May be empty.
  std::function<bool()> isAwaited = {};
  /// Where the rates of each run are wanted, what reads them; or null.
  RateReader *rates = nullptr;
  /// Called after each run with its loss, finite or not, and what the rates'
  /// reader took then, if it had to. May be empty.
  std::function<void(const RoundRun &, double, const runtime::RunOutputs *)>
      afterRun = {};
  /// What stands before the averages in the progress bar, asked for when that
  /// is drawn. May be empty.
  std::function<std::string()> note = {};
  /// Called after each round with the number of batches that are done, passed
  /// over or run; false ends the pass. May be empty.
  std::function<runtime::StatusOr<bool>(int64_t)> afterBatch = {};
};

/// NotFinite if a loss is not finite.
runtime::Status run(const Pass &pass);

/// Evaluates every sample of `columns` in order, with a progress bar if that is
/// to be shown; they are prepared by as many threads as the session has. Ends
/// early if a signal asks to stop.
runtime::Status evaluate(runtime::Session &session,
                         const runtime::EntryPoint &entry,
                         const Columns &columns, int64_t batch,
                         bool showsProgress, Averages &averages);

} // namespace nnc::tools

#endif // NNC_TOOLS_TRAINING_H
