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

Status Averages::add(const Session &session) {
  const int64_t batch = session.lastBatch();
  StatusOr<double> loss = session.outputSum("loss");
  if (!loss.isOk())
    return loss.status();
  numSamples += batch;
  lossSum += *loss * batch;
  size_t metric = 0;
  for (const TensorInfo &output : session.lastRun()->outputs) {
    if (output.kind == "metric") {
      StatusOr<double> value = session.outputScalar(output);
      if (!value.isOk())
        return value.status();
      if (metric == metricSums.size())
        metricSums.emplace_back(output.name, 0);
      metricSums[metric++].second += *value * batch;
    }
    if (findMetricReading(output.kind))
      if (Status status = addSums(session, output); !status.isOk())
        return status;
    if (output.kind != "confusion" || output.shape.size() != 2)
      continue;
    if (Status status = addCounts(session, output); !status.isOk())
      return status;
  }
  return {};
}

Status Averages::addCounts(const Session &session, const TensorInfo &output) {
  StatusOr<const void *> data = session.outputData(output);
  if (!data.isOk())
    return data.status();
  const auto *values = static_cast<const char *>(*data);
  const int64_t classes = output.shape[0];
  counts.resize(classes, std::vector<double>(classes, 0));
  for (int64_t i = 0; i < classes * classes; ++i)
    counts[i / classes][i % classes] += toDouble(
        output.elementType, values + i * sizeBytes(output.elementType));
  return {};
}

Averages::Sums &Averages::sumsOf(const TensorInfo &output) {
  std::string metric =
      output.name.substr(0, output.name.rfind(metricSumsSuffix));
  for (Sums &known : sums)
    if (known.metric == metric)
      return known;
  const MetricReading *reading = findMetricReading(output.kind);
  sums.push_back(
      {metric, reading, std::vector<double>(size_t(reading->numSums), 0)});
  return sums.back();
}

Status Averages::addSums(const Session &session, const TensorInfo &output) {
  StatusOr<const void *> data = session.outputData(output);
  if (!data.isOk())
    return data.status();
  const auto *values = static_cast<const char *>(*data);
  std::vector<double> &totals = sumsOf(output).values;
  for (size_t i = 0; i < totals.size(); ++i)
    totals[i] += toDouble(output.elementType,
                          values + i * sizeBytes(output.elementType));
  return {};
}

std::vector<std::pair<std::string, double>> Averages::metrics() const {
  std::vector<std::pair<std::string, double>> means = metricSums;
  for (auto &[name, sum] : means)
    sum /= std::max<int64_t>(numSamples, 1);
  for (const Sums &read : sums)
    for (auto &[name, value] : means)
      if (name == read.metric)
        value = read.reading->read(read.values.data());
  return means;
}

static constexpr const char *samplesKey = "nnc.epoch_samples";
static constexpr const char *lossKey = "nnc.epoch_loss_sum";
static constexpr const char *metricsKey = "nnc.epoch_metric_sums";
/// What metrics are read from, where any is; in the order of the outputs.
static constexpr const char *readKey = "nnc.epoch_read_sums";

// In base 16, a double's digits are all of its bits.
static std::string toHex(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

static bool fromHex(const std::string &text, double &value) {
  char *end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && *end == '\0';
}

void Averages::save(Metadata &notes) const {
  notes[samplesKey] = std::to_string(numSamples);
  notes[lossKey] = toHex(lossSum);
  std::string text, read;
  for (auto &[name, sum] : metricSums)
    text += (text.empty() ? "" : " ") + toHex(sum);
  notes[metricsKey] = text;
  for (const Sums &all : sums)
    for (double sum : all.values)
      read += (read.empty() ? "" : " ") + toHex(sum);
  if (!read.empty())
    notes[readKey] = read;
}

bool Averages::restoreSums(const Metadata &notes, const EntryPoint &entry) {
  auto found = notes.find(readKey);
  std::istringstream words(found == notes.end() ? "" : found->second);
  std::string word;
  for (const TensorInfo &output : entry.outputs) {
    if (!findMetricReading(output.kind) || numSamples == 0)
      continue;
    for (double &sum : sumsOf(output).values)
      if (!(words >> word) || !fromHex(word, sum))
        return false;
  }
  return !(words >> word);
}

bool Averages::restore(const Metadata &notes, const EntryPoint &entry) {
  auto samples = notes.find(samplesKey), loss = notes.find(lossKey),
       metrics = notes.find(metricsKey);
  if (samples == notes.end() || loss == notes.end() || metrics == notes.end())
    return false;
  *this = {};
  if (!parseNumber(samples->second, numSamples) || numSamples < 0 ||
      !fromHex(loss->second, lossSum))
    return false;
  std::istringstream words(metrics->second);
  std::string word;
  for (const TensorInfo &output : entry.outputs) {
    // Before the first step there are none.
    if (output.kind != "metric" || numSamples == 0)
      continue;
    double sum = 0;
    if (!(words >> word) || !fromHex(word, sum))
      return false;
    metricSums.emplace_back(output.name, sum);
  }
  return !(words >> word) && restoreSums(notes, entry);
}

static std::string note(const Averages &averages) {
  std::string line;
  auto add = [&](const std::string &name, double value) {
    char text[32];
    std::snprintf(text, sizeof text, " %.4f", value);
    line += (line.empty() ? "" : "  ") + name + text;
  };
  add("loss", averages.loss());
  for (auto &[name, value] : averages.metrics())
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
