// Finds what is watched in the plan, and which way it is better.
#include "tools/train/Stopping.h"

#include "runtime/MetricScores.h"
#include "runtime/data/Suggestion.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace nnc::tools {

using namespace runtime;

static constexpr std::string_view validationPrefix = "validation_";

bool StopRule::isBetter(double value, double than) const {
  return isSmallerBetter ? value < than - leastChange
                         : value > than + leastChange;
}

double StopRule::worst() const {
  const double infinity = std::numeric_limits<double>::infinity();
  return isSmallerBetter ? infinity : -infinity;
}

namespace {
/// A name that epochs have, and which of its values are better.
struct Watchable {
  std::string name;
  Better better;
};
} // namespace

/// "NAME.loss", of one of several training steps.
static bool isLossOfStep(const Plan &plan, const std::string &metric) {
  const std::vector<TrainingStep> &steps = plan.recipe.steps;
  return std::any_of(steps.begin(), steps.end(), [&](const TrainingStep &step) {
    return metric == step.entryPoint + ".loss";
  });
}

/// What is read from the order of a set has no value while weights change, and
/// is an area: the larger the better.
static std::vector<Watchable> watchablesOf(const Plan &plan,
                                           bool hasValidation) {
  std::vector<Watchable> known;
  for (const std::string &prefix :
       {std::string(), std::string(validationPrefix)})
    if (prefix.empty() || hasValidation) {
      known.push_back({prefix + "loss", Better::Smaller});
      for (const TensorInfo &output : plan.findEntryPoint("eval_step")->outputs)
        if (output.kind == "metric")
          known.push_back({prefix + output.name, isLossOfStep(plan, output.name)
                                                     ? Better::Smaller
                                                     : output.better});
        else if (!prefix.empty() && findScoreReading(output.kind))
          known.push_back(
              {prefix + output.name.substr(0, output.name.size() -
                                                  metricScoresSuffix.size()),
               Better::Larger});
    }
  return known;
}

static Status noSuchMetric(const std::string &name,
                           const std::vector<Watchable> &known,
                           bool hasValidation) {
  std::vector<std::string> names;
  std::string list;
  for (const Watchable &one : known) {
    names.push_back(one.name);
    list += (list.empty() ? "" : ", ") + one.name;
  }
  std::string text = concat("epochs have no metric ", quote(name));
  if (!hasValidation && startsWith(name, validationPrefix))
    text += ": no samples are held out; --validation 0.1 holds out a tenth";
  else
    text += suggestion(name, names) + "; they have " + list;
  return {Code::InvalidArgument, text};
}

Status readMetric(const std::string &given, const Plan &plan,
                  bool hasValidation, StopRule &rule) {
  const size_t colon = given.rfind(':');
  const std::string mode =
      colon == std::string::npos ? "" : given.substr(colon + 1);
  if (colon != std::string::npos && mode != "min" && mode != "max")
    return {Code::InvalidArgument,
            concat("the metric ", quote(given), " ends with ", quote(mode),
                   ": expected 'min' or 'max' behind the colon")};
  rule.metric = given.substr(0, colon);
  const std::vector<Watchable> known = watchablesOf(plan, hasValidation);
  auto found =
      std::find_if(known.begin(), known.end(), [&](const Watchable &one) {
        return one.name == rule.metric;
      });
  if (found == known.end())
    return noSuchMetric(rule.metric, known, hasValidation);
  if (mode.empty() && found->better == Better::Unknown)
    return {Code::InvalidArgument,
            concat("nothing says which values of ", quote(rule.metric),
                   " are better: watch ", quote(rule.metric + ":min"), " or ",
                   quote(rule.metric + ":max"))};
  rule.isSmallerBetter =
      mode.empty() ? found->better == Better::Smaller : mode == "min";
  return {};
}

StatusOr<StopRule> stopRuleFor(const StopOptions &options, const Plan &plan,
                               bool hasValidation) {
  StopRule rule;
  const Recipe &recipe = plan.recipe;
  const Setting *metric = recipe.findSetting("stop_metric");
  const Setting *epochs = recipe.findSetting("stop_epochs");
  const Setting *change = recipe.findSetting("stop_change");
  rule.epochs = options.patience.value_or(epochs ? epochs->integer : 0);
  rule.leastChange = options.leastChange.value_or(change ? change->real : 0);
  const bool isWatching =
      rule.epochs > 0 || !options.monitor.empty() || options.keep == "best";
  rule.keepsBest = isWatching && options.keep != "last";
  if (!isWatching && options.leastChange)
    return Status(Code::InvalidArgument,
                  "--least-change is of a metric that is watched: --patience N "
                  "stops by it, --monitor METRIC keeps its best weights");
  if (!isWatching)
    return rule;
  const std::string given = !options.monitor.empty() ? options.monitor
                            : metric                 ? metric->text
                            : hasValidation          ? "validation_loss"
                                                     : "loss";
  if (Status status = readMetric(given, plan, hasValidation, rule);
      !status.isOk())
    return status;
  return rule;
}

double valueOf(const EpochRecord &record, const std::string &metric) {
  const bool isValidation = startsWith(metric, validationPrefix);
  const Averages *averages =
      isValidation ? record.validation : &record.training;
  const std::string name =
      isValidation ? metric.substr(validationPrefix.size()) : metric;
  if (averages && name == "loss")
    return averages->loss();
  if (averages)
    for (auto &[known, value] : averages->metrics())
      if (known == name)
        return value;
  return std::numeric_limits<double>::quiet_NaN();
}

std::optional<double> parseDuration(const std::string &text) {
  struct Unit {
    char letter;
    double seconds;
  };
  static constexpr Unit units[] = {
      {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
  double sum = 0;
  size_t unit = 0, at = 0;
  while (at < text.size()) {
    const size_t end = text.find_first_not_of("0123456789.", at);
    char *stop = nullptr;
    const std::string digits = text.substr(at, end - at);
    const double number = std::strtod(digits.c_str(), &stop);
    if (digits.empty() || *stop != '\0' || end == std::string::npos)
      return std::nullopt;
    // From the largest to the smallest, each once.
    while (unit < std::size(units) && units[unit].letter != text[end])
      ++unit;
    if (unit == std::size(units))
      return std::nullopt;
    sum += number * units[unit++].seconds;
    at = end + 1;
  }
  return sum > 0 && std::isfinite(sum) ? std::optional<double>(sum)
                                       : std::nullopt;
}

} // namespace nnc::tools
