// Sums up what the runs of a set say.
#include "tools/Averages.h"

#include "tools/Program.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace nnc::tools {

using namespace runtime;

Averages::Metric &Averages::metricOf(const TensorInfo &output,
                                     std::string_view suffix) {
  std::string name = output.name.substr(0, output.name.size() - suffix.size());
  for (Metric &known : all)
    if (known.name == name)
      return known;
  all.push_back({});
  all.back().name = std::move(name);
  return all.back();
}

std::vector<double> &Averages::sumsOf(const TensorInfo &output) {
  Metric &metric = metricOf(output, metricSumsSuffix);
  metric.reading = findMetricReading(output.kind);
  metric.sums.resize(size_t(output.numElements(1)), 0);
  return metric.sums;
}

std::string ClassCounts::step() const {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

std::string ClassCounts::nameOf(const std::string &what) const {
  const std::string of = step();
  return of.empty() ? what : of + "." + what;
}

void Averages::addCounts(const TensorInfo &output, const char *values) {
  const int64_t classes = output.shape[0];
  auto known =
      std::find_if(counted.begin(), counted.end(), [&](const ClassCounts &one) {
        return one.name == output.name && int64_t(one.counts.size()) == classes;
      });
  if (known == counted.end()) {
    counted.push_back({output.name, output.classesOf, {}});
    known = std::prev(counted.end());
    known->counts.assign(classes, std::vector<double>(classes, 0));
  }
  std::vector<std::vector<double>> &counts = known->counts;
  for (int64_t i = 0; i < classes * classes; ++i)
    counts[i / classes][i % classes] += toDouble(
        output.elementType, values + i * sizeBytes(output.elementType));
}

void Averages::addSums(const TensorInfo &output, const char *values) {
  std::vector<double> &totals = sumsOf(output);
  for (size_t i = 0; i < totals.size(); ++i)
    totals[i] += toDouble(output.elementType,
                          values + i * sizeBytes(output.elementType));
}

static bool isConfusion(const TensorInfo &output) {
  return output.kind == "confusion" && output.shape.size() == 2;
}

/// Scores as they are gathered; `room` has them where the plan's are f64.
static const float *inF32(const TensorInfo &output, const void *values,
                          int64_t count, std::vector<float> &room) {
  if (output.elementType == ElementType::F32)
    return static_cast<const float *>(values);
  room.resize(size_t(count));
  for (int64_t i = 0; i < count; ++i)
    room[size_t(i)] = float(static_cast<const double *>(values)[i]);
  return room.data();
}

bool Averages::takes(const TensorInfo &output) {
  return output.kind == "loss" || output.kind == "metric" ||
         isConfusion(output) || findScoreReading(output.kind) ||
         findMetricReading(output.kind);
}

Status Averages::addOutput(const RunOutputs &outputs,
                           const TensorInfo &output) {
  if (!takes(output) || output.kind == "loss")
    return {};
  StatusOr<const void *> data = outputs.data(output);
  if (!data.isOk())
    return data.status();
  const auto *values = static_cast<const char *>(*data);
  if (const ScoreReading *ranking = findScoreReading(output.kind)) {
    Metric &metric = metricOf(output, metricScoresSuffix);
    metric.ranking = ranking;
    const int64_t columns = output.shape.back();
    const int64_t count = output.numElements(outputs.batch());
    std::vector<float> room;
    return metric.scores.add(*ranking, inF32(output, *data, count, room),
                             count / columns, columns);
  }
  if (isConfusion(output))
    addCounts(output, values);
  else if (output.kind == "metric")
    metricOf(output, {}).sum +=
        toDouble(output.elementType, values) * outputs.batch();
  else
    addSums(output, values);
  return {};
}

Status Averages::add(const RunOutputs &outputs) {
  StatusOr<double> loss = outputs.sum("loss");
  if (!loss.isOk())
    return loss.status();
  numSamples += outputs.batch();
  lossSum += *loss * outputs.batch();
  for (const TensorInfo &output : outputs.entry().outputs)
    if (Status status = addOutput(outputs, output); !status.isOk())
      return status;
  return {};
}

Averages &Averages::of(const std::string &step) {
  if (step.empty())
    return *this;
  for (Part &part : parts)
    if (part.step == step)
      return part.averages;
  return parts.emplace_back(Part{step, {}}).averages;
}

int64_t Averages::samples() const {
  int64_t most = numSamples;
  for (const Part &part : parts)
    most = std::max(most, part.averages.samples());
  return most;
}

double Averages::loss() const {
  double sum = numSamples ? lossSum / numSamples : 0;
  for (const Part &part : parts)
    sum += part.averages.loss();
  return sum;
}

Averages::Values Averages::read(bool withScores) const {
  Values values;
  for (const Metric &metric : all) {
    if (metric.ranking && !withScores)
      continue;
    double value = metric.sum / std::max<int64_t>(numSamples, 1);
    if (metric.reading)
      value =
          metric.reading->read(metric.sums.data(), int64_t(metric.sums.size()) /
                                                       metric.reading->numRows);
    if (metric.ranking)
      value = metric.scores.read(*metric.ranking);
    values.emplace_back(metric.name, value);
  }
  for (const Part &part : parts) {
    values.emplace_back(part.step + ".loss", part.averages.loss());
    for (auto &[name, value] : part.averages.read(withScores))
      values.emplace_back(part.step + "." + name, value);
  }
  return values;
}

static constexpr const char *samplesKey = "nnc.epoch_samples";
static constexpr const char *lossKey = "nnc.epoch_loss_sum";
static constexpr const char *metricsKey = "nnc.epoch_metric_sums";
/// What metrics are read from, where any is; in the order of the outputs.
static constexpr const char *readKey = "nnc.epoch_read_sums";

std::string toHex(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

bool fromHex(const std::string &text, double &value) {
  char *end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end != text.c_str() && *end == '\0';
}

/// Notes of a training step are behind a slash and its name.
static std::string keyOf(const std::string &key, const std::string &step) {
  return step.empty() ? key : key + "/" + step;
}

void Averages::save(Metadata &notes) const {
  for (const Part &part : parts) {
    Metadata own;
    part.averages.save(own);
    for (auto &[key, value] : own)
      notes[keyOf(key, part.step)] = value;
  }
  if (!parts.empty())
    return;
  notes[samplesKey] = std::to_string(numSamples);
  notes[lossKey] = toHex(lossSum);
  std::string text, read;
  for (const Metric &metric : all) {
    text += (text.empty() ? "" : " ") + toHex(metric.sum);
    for (double sum : metric.sums)
      read += (read.empty() ? "" : " ") + toHex(sum);
  }
  notes[metricsKey] = text;
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
    for (double &sum : sumsOf(output))
      if (!(words >> word) || !fromHex(word, sum))
        return false;
  }
  return !(words >> word);
}

bool Averages::restore(const Metadata &notes, const EntryPoint &entry,
                       const std::string &step) {
  if (!step.empty()) {
    Metadata own;
    for (const char *key : {samplesKey, lossKey, metricsKey, readKey})
      if (auto found = notes.find(keyOf(key, step)); found != notes.end())
        own[key] = found->second;
    // A step that has not run in this epoch has none.
    return own.empty() || of(step).restore(own, entry);
  }
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
    if (!(words >> word) || !fromHex(word, metricOf(output, {}).sum))
      return false;
  }
  return !(words >> word) && restoreSums(notes, entry);
}

} // namespace nnc::tools
