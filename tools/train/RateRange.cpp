// Steps with a rate of their own each, and what the losses say.
#include "tools/train/RateRange.h"

#include "tools/StopSignal.h"
#include "tools/Text.h"
#include "tools/train/Round.h"

#include <algorithm>
#include <cmath>

namespace nnc::tools {

using namespace runtime;

namespace {
/// Sets the rates of a session's optimizers: the first to what is wanted, the
/// others in their proportion to it.
class RateSetter {
public:
  explicit RateSetter(Session &session) : session(session) {
    for (const StateTensor &tensor : session.plan().state)
      if (tensor.role == Role::Scalar && isLearningRate(tensor.name))
        if (StatusOr<double> rate = session.scalar(tensor.name); rate.isOk())
          bases.emplace_back(tensor.name, *rate);
  }

  bool hasRates() const { return !bases.empty(); }

  /// The rate of the next step.
  Status set(double wanted) {
    StatusOr<double> factor = nextFactor();
    if (!factor.isOk())
      return factor.status();
    const double first = bases.front().second;
    for (auto &[name, base] : bases)
      if (Status status = session.setScalar(
              name, (first > 0 ? base / first : 1) * wanted / *factor);
          !status.isOk())
        return status;
    return {};
  }

  /// The rate that the step had, by a schedule where there is one.
  double read() { return learningRates(session).front().second; }

private:
  /// What a schedule makes of a base of 1 in the next step; 1 where it makes
  /// nothing of it.
  StatusOr<double> nextFactor() {
    StatusOr<double> step = session.scalar("step");
    if (!step.isOk())
      return 1.0;
    Status status = session.setScalar("step", *step + 1);
    StatusOr<double> base = session.scalar(bases.front().first);
    const double rate = read();
    if (status.isOk())
      status = session.setScalar("step", *step);
    if (!status.isOk() || !base.isOk())
      return status.isOk() ? base.status() : status;
    return *base > 0 && rate > 0 ? rate / *base : 1.0;
  }

  Session &session;
  Rates bases;
};
} // namespace

/// One way through the batches, or what is left of the steps. False where the
/// test is over.
static StatusOr<bool> testEpoch(TrainRun &run, const RateRange &range,
                                RateSetter &rates,
                                std::vector<RatePoint> &points) {
  // Recent losses weigh more; the division takes out that the mean begins at
  // 0 (Kingma and Ba, "Adam", ICLR 2015, section 3).
  constexpr double memory = 0.9, mostRise = 4;
  Progress progress("rates", range.steps, !run.options.asJson,
                    int64_t(points.size()));
  Averages averages;
  Pass pass{run.session, roundOf(run.plan), *run.trainingBatches, averages,
            progress};
  pass.held = heldOf(run, *run.trainingBatches);
  auto rateOf = [&](size_t step) {
    return range.from * std::pow(range.to / range.from,
                                 double(step) / double(range.steps - 1));
  };
  bool goesOn = true;
  // Each step has a rate of its own, by what the step before came to.
  pass.isAwaited = [] { return true; };
  pass.afterRun = [&](const RoundRun &, double loss, const RunOutputs *) {
    const size_t count = points.size();
    const double before =
        count ? points.back().smoothed * (1 - std::pow(memory, count)) : 0;
    const double smoothed = (memory * before + (1 - memory) * loss) /
                            (1 - std::pow(memory, count + 1));
    double lowest = smoothed;
    for (const RatePoint &point : points)
      lowest = std::min(lowest, point.smoothed);
    const double rate = rates.read();
    // A schedule that has come to its end leaves nothing to test.
    goesOn = std::isfinite(smoothed) && rate > 0 &&
             smoothed <= lowest + (mostRise - 1) * std::abs(lowest) &&
             count + 1 < size_t(range.steps);
    if (std::isfinite(smoothed) && rate > 0)
      points.push_back({rate, loss, smoothed});
  };
  pass.afterBatch = [&](int64_t) -> StatusOr<bool> {
    if (!goesOn || stopSignal() != 0)
      return false;
    Status status = rates.set(rateOf(points.size()));
    return status.isOk() ? StatusOr<bool>(true) : status;
  };
  if (Status status = rates.set(rateOf(points.size())); !status.isOk())
    return status;
  Status status = tools::run(pass);
  // That the loss is not finite ends the test, as it is meant to.
  if (status.code() == Code::NotFinite)
    return false;
  return status.isOk() ? StatusOr<bool>(goesOn && stopSignal() == 0) : status;
}

static void conclude(RateFindings &findings) {
  const std::vector<RatePoint> &points = findings.points;
  // The mean has too few losses behind it in the first of them, and slopes over
  // a few steps are those of the batches.
  constexpr size_t unsure = 10;
  const size_t reach = std::max<size_t>(points.size() / 10, 2);
  if (points.size() < unsure + 2 * reach)
    return;
  auto lowest = std::min_element(points.begin() + unsure, points.end(),
                                 [](const RatePoint &a, const RatePoint &b) {
                                   return a.smoothed < b.smoothed;
                                 });
  double steepest = 0;
  for (size_t i = unsure + reach; i + reach < points.size(); ++i) {
    const RatePoint &before = points[i - reach], &after = points[i + reach];
    const double slope = (after.smoothed - before.smoothed) /
                         (std::log(after.rate) - std::log(before.rate));
    if (points[i].rate <= lowest->rate && slope < steepest) {
      steepest = slope;
      findings.suggestion = points[i].rate;
    }
  }
  if (findings.suggestion)
    findings.lowest = lowest->rate;
}

StatusOr<RateFindings> testRates(TrainRun &run, const RateRange &range) {
  RateSetter rates(run.session);
  if (!rates.hasRates())
    return Status(Code::InvalidArgument,
                  "the model's optimizer has no learning rate to test");
  catchStopSignals();
  RateFindings findings;
  StatusOr<bool> goesOn = true;
  for (int64_t epoch = 1; goesOn.isOk() && *goesOn; ++epoch) {
    if (!run.options.keepOrder)
      run.trainingBatches->shuffle(run.seed, epoch, windowOf(run.plan.recipe));
    run.trainingBatches->draw(run.seed, epoch);
    goesOn = testEpoch(run, range, rates, findings.points);
  }
  if (!goesOn.isOk())
    return goesOn.status();
  conclude(findings);
  return findings;
}

} // namespace nnc::tools
