// Watches numbers of epochs, and multiplies rates.
#include "tools/train/Plateau.h"

#include "tools/Program.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <sstream>

namespace nnc::tools {

using namespace runtime;

Status setRunLength(Session &session, int64_t stepsPerEpoch, int64_t epochs) {
  if (!session.plan().findState("run_steps"))
    return {};
  if (Status status =
          session.setScalar("steps_per_epoch", double(stepsPerEpoch));
      !status.isOk())
    return status;
  return session.setScalar("run_steps", double(stepsPerEpoch * epochs));
}

static constexpr std::string_view validationPrefix = "validation_";

/// Shares of what is right are the better the higher; losses and errors are
/// not.
static bool isBetterHigh(const std::string &metric) {
  static constexpr std::string_view words[] = {
      "accuracy", "auc", "f1",  "precision", "recall",
      "r2",       "iou", "mcc", "bleu",      "kappa"};
  return std::any_of(std::begin(words), std::end(words),
                     [&](std::string_view word) {
                       return metric.find(word) != std::string::npos;
                     });
}

/// The names of the numbers that an epoch is told by.
static std::vector<std::string> listNumbers(const Plan &plan) {
  std::vector<std::string> names = {"loss"};
  for (const TensorInfo &output : plan.findEntryPoint("train_step")->outputs)
    if (output.kind == "metric")
      names.push_back(output.name);
  return names;
}

Status Plateaus::begin(const Plan &plan, bool isValidated) {
  const std::vector<std::string> known = listNumbers(plan);
  for (const Plateau &plateau : plan.recipe.plateaus) {
    Watched &added = watched.emplace_back();
    added.plateau = plateau;
    std::string name = plateau.metric;
    if (name.empty())
      name = isValidated ? "validation_loss" : "loss";
    added.isValidation = startsWith(name, validationPrefix);
    added.metric =
        added.isValidation ? name.substr(validationPrefix.size()) : name;
    added.isBetterHigh = isBetterHigh(added.metric);
    if (added.isValidation && !isValidated)
      return {Code::InvalidArgument,
              concat("the schedule of ", quote(plateau.rate), " watches ",
                     quote(name),
                     ", and no samples are held out: add `validation 0.1` to "
                     "the training block")};
    if (std::find(known.begin(), known.end(), added.metric) == known.end()) {
      std::string names;
      for (const std::string &one : known)
        names += (names.empty() ? "" : ", ") + one;
      return {Code::InvalidArgument,
              concat("the schedule of ", quote(plateau.rate), " watches ",
                     quote(name), ": expected one of ", names,
                     ", or validation_ before it")};
    }
  }
  return {};
}

static std::optional<double> findNumber(const Averages &averages,
                                        const std::string &name) {
  if (name == "loss")
    return averages.loss();
  for (auto &[metric, value] : averages.metrics())
    if (metric == name)
      return value;
  return std::nullopt;
}

Status Plateaus::epoch(const EpochRecord &record, Session &session) {
  for (Watched &one : watched) {
    const Averages *averages =
        one.isValidation ? record.validation : &record.training;
    std::optional<double> now =
        averages ? findNumber(*averages, one.metric) : std::nullopt;
    if (!now)
      continue;
    const double least = std::abs(one.best) * one.plateau.leastChange;
    const bool isBetter =
        !one.hasBest ||
        (one.isBetterHigh ? *now > one.best + least : *now < one.best - least);
    if (isBetter) {
      one.best = *now;
      one.hasBest = true;
      one.rests = 0;
      continue;
    }
    if (++one.rests < one.plateau.patience)
      continue;
    one.rests = 0;
    StatusOr<double> rate = session.scalar(one.plateau.rate);
    if (!rate.isOk())
      return rate.status();
    const double smaller = std::max(*rate * one.plateau.factor,
                                    std::min(*rate, one.plateau.final));
    if (Status status = session.setScalar(one.plateau.rate, smaller);
        !status.isOk())
      return status;
  }
  return {};
}

static constexpr const char *plateauKey = "nnc.plateaus";

void Plateaus::save(Metadata &notes) const {
  if (watched.empty())
    return;
  std::string text;
  for (const Watched &one : watched) {
    char line[80];
    // In base 16, a double's digits are all of its bits.
    std::snprintf(line, sizeof line, "%s%d %a %lld", text.empty() ? "" : " ",
                  int(one.hasBest), one.best, (long long)one.rests);
    text += line;
  }
  notes[plateauKey] = text;
}

bool Plateaus::restore(const Metadata &notes) {
  auto found = notes.find(plateauKey);
  std::istringstream words(found == notes.end() ? "" : found->second);
  std::string hasBest, best, rests;
  for (Watched &one : watched) {
    if (!(words >> hasBest >> best >> rests) ||
        !parseNumber(rests, one.rests) || one.rests < 0)
      return false;
    char *end = nullptr;
    one.best = std::strtod(best.c_str(), &end);
    if (end == best.c_str() || *end != '\0')
      return false;
    one.hasBest = hasBest == "1";
  }
  return !(words >> best);
}

} // namespace nnc::tools
