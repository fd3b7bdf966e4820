// Runs batches through an entry point and sums up what they say.
#include "tools/Training.h"

#include "tools/Program.h"
#include "tools/ShortForms.h"
#include "tools/StopSignal.h"
#include "tools/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <numeric>
#include <sstream>

namespace nnc::tools {

using namespace runtime;

static std::string note(const Averages &averages) {
  std::string line;
  auto add = [&](const std::string &name, double value) {
    char text[32];
    std::snprintf(text, sizeof text, " %.4f", value);
    line += (line.empty() ? "" : "  ") + name + text;
  };
  add("loss", averages.loss());
  for (auto &[name, value] : averages.metricsSoFar())
    add(name, value);
  return line;
}

RateReader::RateReader(Session &session)
    : session(session), entry(session.plan().findEntryPoint("scheduled_rate")) {
  for (const StateTensor &tensor : session.plan().state)
    if (tensor.role == Role::Scalar && isLearningRate(tensor.name))
      if (StatusOr<double> rate = session.scalar(tensor.name); rate.isOk())
        scalars.emplace_back(tensor.name, *rate);
  if (entry && !entry->inputs.empty())
    entry = nullptr;
}

StatusOr<RunOutputs> RateReader::take() {
  if (Status status = session.run(*entry, nullptr, 1); !status.isOk())
    return status;
  return session.takeOutputs([](const TensorInfo &) { return true; });
}

Rates RateReader::read(const RunOutputs *taken) const {
  Rates rates = scalars;
  if (!taken)
    return rates;
  for (const TensorInfo &output : taken->entry().outputs) {
    StatusOr<const void *> value = taken->data(output);
    if (!value.isOk())
      continue;
    const double rate = toDouble(output.elementType, *value);
    auto known = std::find_if(rates.begin(), rates.end(), [&](auto &one) {
      return one.first == output.name;
    });
    if (known == rates.end())
      rates.emplace_back(output.name, rate);
    else
      known->second = rate;
  }
  return rates;
}

Rates learningRates(Session &session) {
  RateReader reader(session);
  if (!reader.hasSchedule())
    return reader.read(nullptr);
  StatusOr<RunOutputs> taken = reader.take();
  return reader.read(taken.isOk() ? &*taken : nullptr);
}

Status takeSeed(Session &session, const Metadata &notes,
                std::optional<int64_t> seed) {
  auto noted = notes.find(seedNote);
  int64_t number = seed.value_or(0);
  const bool isSaid =
      seed || (noted != notes.end() && parseNumber(noted->second, number) &&
               number >= 0);
  return isSaid && session.plan().findState("seed")
             ? session.writeState("seed", &number, sizeof number)
             : Status();
}

/// What runs on the batch at hand. A GPU is still at it when this returns.
static Status startRun(const Pass &pass, const RoundRun &run,
                       const EntryPoint &entry, ShortForms &forms,
                       int64_t firstSample) {
  Session &session = pass.session;
  // A training step draws anew in each step.
  if (!session.plan().findTrainingStep(run.entry->name))
    if (Status status = session.setFirstSample(firstSample); !status.isOk())
      return status;
  if (pass.held)
    return session.run(entry, pass.held->at(pass.batches, run.columns));
  std::vector<const void *> chosen;
  for (size_t column : run.columns)
    chosen.push_back(pass.batches.inputs()[column]);
  const int64_t batch = pass.batches.size();
  const void *const *whole =
      chosen.empty() ? pass.batches.inputs() : chosen.data();
  const ShortForms::Chosen form = forms.take(whole, batch);
  RunInputs inputs;
  inputs.data = form.inputs;
  inputs.isPinned = pass.batches.isInGivenMemory() && form.inputs == whole;
  return session.run(form.entry, inputs, batch);
}

namespace {
/// A run that was begun.
struct Begun {
  const RoundRun *run;
  RunOutputs outputs;
  std::optional<RunOutputs> rates;
  /// Samples and batches that are done with it.
  int64_t samples, batches;
  bool endsRound;
};
} // namespace

/// Waits for a run, adds what it gave to the averages, and tells its loss.
/// NotFinite if that is not finite.
static Status finishRun(const Pass &pass, const Begun &begun) {
  const RoundRun &run = *begun.run;
  if (Status status = pass.averages.of(run.step).add(begun.outputs);
      !status.isOk())
    return status;
  StatusOr<double> loss = begun.outputs.sum("loss");
  if (!loss.isOk())
    return loss.status();
  if (pass.afterRun)
    pass.afterRun(run, *loss, begun.rates ? &*begun.rates : nullptr);
  if (std::isfinite(*loss))
    return {};
  return {Code::NotFinite,
          concat("the loss ",
                 run.step.empty() ? "" : concat("of ", quote(run.step), " "),
                 "is ",
                 std::isnan(*loss) ? "nan"
                 : *loss > 0       ? "inf"
                                   : "-inf",
                 " after ", begun.samples, " samples")};
}

namespace {
/// A pass under way.
class Rounds {
public:
  explicit Rounds(const Pass &pass)
      : pass(pass), samples(pass.averages.samples()), samplesShown(samples),
        taken(pass.firstBatch),
        end(std::min(pass.endBatch, pass.batches.numBatches())),
        takesRates(pass.rates && pass.rates->hasSchedule()),
        mostBegun(size_t(pass.session.mostTaken() / (takesRates ? 2 : 1))) {
    pass.batches.rewind();
    pass.batches.skip(taken);
  }

  /// All that are left, unless `afterBatch` ends them.
  Status run();

private:
  bool hasNext() const { return taken < end; }
  Status takeNext();
  Status startRun(const RoundRun &run);
  size_t runAfter(size_t run) const;
  Status runRound(Status &next);
  Status takeRates(Begun &last);
  Status finish(size_t left);
  Status finishSome();

  const Pass &pass;
  int64_t samples, samplesShown;
  /// Batches that are done or at hand, and how many there are.
  int64_t taken, end;
  bool hasBatch = false;
  /// Whether `afterBatch` has ended the pass.
  bool isOver = false;
  /// Runs that the session may still be at, and how many there may be.
  std::deque<Begun> begun;
  /// Of the entry points that have run.
  std::deque<ShortForms> forms;
  bool takesRates;
  size_t mostBegun;
};
} // namespace

/// The next batch, if there is one.
Status Rounds::takeNext() {
  hasBatch = hasNext();
  if (!hasBatch)
    return {};
  ++taken;
  return pass.batches.next().status();
}

/// The columns that the inputs of a run are.
static std::vector<const Column *> columnsOf(const Pass &pass,
                                             const RoundRun &run) {
  std::vector<const Column *> columns;
  for (const Column &column : pass.batches.allColumns())
    columns.push_back(&column);
  if (run.columns.empty())
    return columns;
  std::vector<const Column *> chosen;
  for (size_t column : run.columns)
    chosen.push_back(columns[column]);
  return chosen;
}

Status Rounds::startRun(const RoundRun &run) {
  const EntryPoint &entry = pass.entryOf ? *pass.entryOf(run) : *run.entry;
  auto known = std::find_if(forms.begin(), forms.end(), [&](ShortForms &one) {
    return &one.wholeEntry() == &entry;
  });
  if (known == forms.end())
    known =
        forms.emplace(known, pass.session.plan(), entry, columnsOf(pass, run));
  return tools::startRun(pass, run, entry, *known, samples);
}

/// The run of the round behind this one that there is a batch for; the number
/// of runs where there is none.
size_t Rounds::runAfter(size_t run) const {
  do
    ++run;
  while (run < pass.round.size() && pass.round[run].takesNext && !hasNext());
  return run;
}

/// A round, whose batch is at hand; that of the next round is after it. `next`
/// says whether it could be gathered.
Status Rounds::runRound(Status &next) {
  for (size_t i = 0, following = 0; i < pass.round.size(); i = following) {
    const RoundRun &run = pass.round[i];
    const int64_t batch = pass.batches.size();
    if (Status status = startRun(run); !status.isOk())
      return status;
    StatusOr<RunOutputs> outputs = pass.session.takeOutputs(Averages::takes);
    if (!outputs.isOk())
      return outputs.status();
    following = runAfter(i);
    const bool isLast = following == pass.round.size();
    begun.push_back({&run, *outputs, {}, samples + batch, taken, isLast});
    if (Status status = takeRates(begun.back()); !status.isOk())
      return status;
    // While the run is under way.
    if (isLast || pass.round[following].takesNext)
      next = takeNext();
    if (Status status = finishSome(); !status.isOk())
      return status;
    if (!isLast && !next.isOk())
      return next;
    if (isLast || pass.round[following].takesNext)
      samples += batch;
  }
  return {};
}

/// Behind a run whose outputs are on their way: else they would be lost.
Status Rounds::takeRates(Begun &last) {
  if (!takesRates || !last.outputs.isOnItsWay())
    return {};
  StatusOr<RunOutputs> taken = pass.rates->take();
  if (taken.isOk() && taken->isOnItsWay())
    last.rates = std::move(*taken);
  return taken.status();
}

/// Finishes what is begun, in its order, but for the last `left` runs.
Status Rounds::finish(size_t left) {
  // One wait for all of them.
  if (begun.size() > left)
    if (Status status = begun[begun.size() - left - 1].outputs.wait();
        !status.isOk())
      return status;
  while (begun.size() > left) {
    const Begun first = std::move(begun.front());
    begun.pop_front();
    if (Status status = finishRun(pass, first); !status.isOk())
      return status;
    samplesShown = first.samples;
    if (!first.endsRound || !pass.afterBatch)
      continue;
    StatusOr<bool> goesOn = pass.afterBatch(first.batches);
    if (!goesOn.isOk())
      return goesOn.status();
    isOver |= !*goesOn;
  }
  return {};
}

/// All where the outputs of the last run stand only until the next, or the
/// session is to be read; else the older half, once there is no room for more.
Status Rounds::finishSome() {
  const Begun &last = begun.back();
  if (!last.outputs.isOnItsWay() ||
      (last.endsRound && pass.isAwaited && pass.isAwaited()))
    return finish(0);
  return begun.size() < mostBegun ? Status() : finish(mostBegun / 2);
}

Status Rounds::run() {
  if (pass.held)
    if (Status status = pass.held->beginEpoch(pass.session, pass.batches);
        !status.isOk())
      return status;
  Status next = takeNext();
  while (next.isOk() && hasBatch && !isOver) {
    if (Status status = runRound(next); !status.isOk())
      return status;
    if (pass.progress.isDue())
      pass.progress.update(samplesShown, (pass.note ? pass.note() : "") +
                                             note(pass.averages));
  }
  if (Status status = finish(0); !status.isOk())
    return status;
  return isOver ? Status() : next;
}

Status run(const Pass &pass) { return Rounds(pass).run(); }

Status evaluate(Session &session, const EntryPoint &entry,
                const Columns &columns, int64_t batch, bool showsProgress,
                Averages &averages) {
  std::vector<int64_t> order(size_t(numSamples(columns)));
  std::iota(order.begin(), order.end(), 0);
  Batches batches(columns, std::move(order), batch, gatheringThreads(session));
  Progress progress("test", batches.numSamples(), showsProgress);
  Pass pass{session, {{&entry}}, batches, averages, progress};
  pass.afterBatch = [](int64_t) -> StatusOr<bool> { return stopSignal() == 0; };
  return run(pass);
}

} // namespace nnc::tools
