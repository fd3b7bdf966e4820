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

Status Plateaus::begin(const Plan &plan, bool isValidated) {
  for (const Plateau &plateau : plan.recipe.plateaus) {
    Watched &added = watched.emplace_back();
    added.plateau = plateau;
    std::string name = plateau.metric;
    if (name.empty())
      name = isValidated ? "validation_loss" : "loss";
    if (Status status = readMetric(name, plan, isValidated, added.rule);
        !status.isOk())
      return {status.code(), concat("the schedule of ", quote(plateau.rate),
                                    ": ", status.message())};
  }
  return {};
}

Status Plateaus::epoch(const EpochRecord &record, Session &session) {
  for (Watched &one : watched) {
    const double now = valueOf(record, one.rule.metric);
    one.rule.leastChange = std::abs(one.best) * one.plateau.leastChange;
    // What is not finite is no better than anything, and nothing compares to
    // it.
    if (std::isfinite(now) &&
        (!one.hasBest || one.rule.isBetter(now, one.best))) {
      one.best = now;
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
