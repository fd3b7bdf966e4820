// Runs batches through an entry point and sums up what they say.
#include "tools/Training.h"

#include "tools/Program.h"
#include "tools/StopSignal.h"
#include "tools/Text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
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

Rates learningRates(Session &session) {
  Rates rates;
  for (const StateTensor &tensor : session.plan().state)
    if (tensor.role == Role::Scalar && isLearningRate(tensor.name))
      if (StatusOr<double> rate = session.scalar(tensor.name); rate.isOk())
        rates.emplace_back(tensor.name, *rate);
  const EntryPoint *entry = session.plan().findEntryPoint("scheduled_rate");
  if (!entry || !entry->inputs.empty() ||
      !session.run(*entry, nullptr, 1).isOk())
    return rates;
  for (const TensorInfo &output : entry->outputs)
    for (auto &[name, rate] : rates)
      if (name == output.name)
        if (StatusOr<double> scheduled = session.outputScalar(output);
            scheduled.isOk())
          rate = *scheduled;
  return rates;
}

/// What runs on the batch that is gathered. A GPU is still at it when this
/// returns.
static Status startStep(const Pass &pass, int64_t firstSample) {
  Session &session = pass.session;
  // A training step draws anew in each step.
  if (pass.entry.name != "train_step")
    if (Status status = session.setFirstSample(firstSample); !status.isOk())
      return status;
  return session.run(pass.entry, pass.batches.inputs(), pass.batches.size());
}

/// Waits for the step that was started, adds what it gave to the averages, and
/// returns its loss.
static StatusOr<double> finishStep(const Pass &pass) {
  if (Status status = pass.averages.add(pass.session); !status.isOk())
    return status;
  return pass.session.outputSum("loss");
}

Status run(const Pass &pass) {
  pass.batches.rewind();
  pass.batches.skip(pass.firstBatch);
  int64_t samples = pass.averages.samples();
  auto next = [&](int64_t i) -> StatusOr<bool> {
    return i < pass.endBatch ? pass.batches.next() : StatusOr<bool>(false);
  };
  StatusOr<bool> hasBatch = next(pass.firstBatch);
  for (int64_t i = pass.firstBatch; hasBatch.isOk() && *hasBatch; ++i) {
    const int64_t batch = pass.batches.size();
    if (Status status = startStep(pass, samples); !status.isOk())
      return status;
    // While the step is under way.
    hasBatch = next(i + 1);
    StatusOr<double> loss = finishStep(pass);
    if (!loss.isOk())
      return loss.status();
    if (pass.afterRun)
      pass.afterRun(*loss);
    samples += batch;
    if (!std::isfinite(*loss))
      return {Code::NotFinite, concat("the loss is ",
                                      std::isnan(*loss) ? "nan"
                                      : *loss > 0       ? "inf"
                                                        : "-inf",
                                      " after ", samples, " samples")};
    if (pass.progress.isDue())
      pass.progress.update(samples, note(pass.averages));
    if (!pass.afterBatch)
      continue;
    StatusOr<bool> goesOn = pass.afterBatch(i + 1);
    if (!goesOn.isOk())
      return goesOn.status();
    if (!*goesOn)
      return {};
  }
  return hasBatch.status();
}

Status evaluate(Session &session, const EntryPoint &entry,
                const Columns &columns, int64_t batch, bool showsProgress,
                Averages &averages) {
  std::vector<int64_t> order(size_t(numSamples(columns)));
  std::iota(order.begin(), order.end(), 0);
  Batches batches(columns, std::move(order), batch, session.numThreads());
  Progress progress("test", batches.numSamples(), showsProgress);
  Pass pass{session, entry, batches, averages, progress};
  pass.afterBatch = [](int64_t) -> StatusOr<bool> { return stopSignal() == 0; };
  return run(pass);
}

} // namespace nnc::tools
