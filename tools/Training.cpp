#include "tools/Training.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <ostream>

namespace nnc::tools {

using namespace runtime;

void Averages::add(const Session &session) {
  const int64_t batch = session.lastBatch();
  numSamples += batch;
  lossSum += session.outputSum("loss") * batch;
  size_t metric = 0;
  for (const TensorInfo &output : session.lastRun()->outputs) {
    if (output.kind == "metric") {
      if (metric == metricSums.size())
        metricSums.emplace_back(output.name, 0);
      metricSums[metric++].second += session.outputScalar(output) * batch;
    }
    if (output.kind != "confusion" || output.shape.size() != 2)
      continue;
    const auto *values = static_cast<const char *>(session.outputData(output));
    const int64_t classes = output.shape[0];
    counts.resize(classes, std::vector<double>(classes, 0));
    for (int64_t i = 0; i < classes * classes; ++i)
      counts[i / classes][i % classes] += toDouble(
          output.elementType, values + i * sizeBytes(output.elementType));
  }
}

std::vector<std::pair<std::string, double>> Averages::metrics() const {
  std::vector<std::pair<std::string, double>> means = metricSums;
  for (auto &[name, sum] : means)
    sum /= std::max<int64_t>(numSamples, 1);
  return means;
}

static std::string note(const Averages &averages) {
  char text[64];
  std::snprintf(text, sizeof text, "loss %.4f", averages.loss());
  std::string line = text;
  for (auto &[name, value] : averages.metrics()) {
    std::snprintf(text, sizeof text, "  %s %.4f", name.c_str(), value);
    line += text;
  }
  return line;
}

/// One JSON object a line. Nine digits give an f32 back as it was.
static void logStep(const Session &session, std::ostream &log) {
  StatusOr<double> step = session.scalar("step");
  char line[96];
  std::snprintf(line, sizeof line, "{\"step\":%lld,\"loss\":%.9g}\n",
                step.isOk() ? (long long)*step : 0, session.outputSum("loss"));
  log << line;
}

Status runEpoch(Session &session, const EntryPoint &entry, Batches &batches,
                Averages &averages, Progress &progress, int64_t mostSteps,
                std::ostream *stepLog) {
  batches.rewind();
  int64_t done = 0;
  for (int64_t step = 0; step < mostSteps && batches.next(); ++step) {
    if (Status status = session.run(entry, batches.inputs(), batches.size());
        !status.isOk())
      return status;
    averages.add(session);
    if (stepLog)
      logStep(session, *stepLog);
    done += batches.size();
    if (!std::isfinite(session.outputSum("loss")))
      return {Code::InvalidArgument,
              concat("the loss is not finite after ", done,
                     " samples of the epoch; a smaller "
                     "learning rate or clip_norm may help")};
    if (progress.isDue())
      progress.update(done, note(averages));
  }
  return {};
}

Status evaluate(Session &session, const EntryPoint &entry,
                const Columns &columns, int64_t batch, Averages &averages) {
  std::vector<int64_t> order(size_t(numSamples(columns)));
  std::iota(order.begin(), order.end(), 0);
  Batches batches(columns, std::move(order), batch);
  Progress progress("test", batches.numSamples());
  return runEpoch(session, entry, batches, averages, progress);
}

} // namespace nnc::tools
