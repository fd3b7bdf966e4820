// Names and numbers in the order of the model.
#include "tools/train/Records.h"

#include "tools/Text.h"

#include <cstdio>

namespace nnc::tools {

using nlohmann::ordered_json;

static void addAverages(ordered_json &record, const std::string &prefix,
                        const Averages &averages) {
  record[prefix + "loss"] = averages.loss();
  for (auto &[name, value] : averages.metrics())
    record[prefix + name] = value;
}

static void addRates(ordered_json &record, const Rates &rates) {
  for (auto &[name, rate] : rates)
    record[name] = rate;
}

ordered_json toJson(const StepRecord &record) {
  ordered_json object = {{"step", record.step}};
  if (!record.name.empty())
    object["of"] = record.name;
  object["loss"] = record.loss;
  addRates(object, record.rates);
  return object;
}

ordered_json toJson(const EpochRecord &record) {
  ordered_json object;
  if (record.fold > 0)
    object["fold"] = record.fold;
  object["epoch"] = record.epoch;
  object["step"] = record.step;
  addAverages(object, "", record.training);
  if (record.validation)
    addAverages(object, "validation_", *record.validation);
  addRates(object, record.rates);
  object["seconds"] = record.seconds;
  if (record.dataSeconds)
    object["data_seconds"] = *record.dataSeconds;
  return object;
}

ordered_json toJson(const TestRecord &record) {
  ordered_json object = {{"epoch", record.epoch}};
  addAverages(object, "test_", record.averages);
  const std::vector<ClassCounts> &confusions = record.averages.confusions();
  for (size_t i = 0; i < confusions.size(); ++i) {
    object[confusions[i].name] = confusions[i].counts;
    if (record.classes[i])
      object[confusions[i].nameOf("classes")] = *record.classes[i];
  }
  return object;
}

std::string epochLabel(int64_t epoch, int64_t epochs) {
  char text[48];
  std::snprintf(text, sizeof text, "epoch %3lld/%lld", (long long)epoch,
                (long long)epochs);
  return text;
}

std::string columns(const std::string &prefix, const Averages &averages) {
  std::string line;
  auto add = [&](const std::string &name, double value) {
    char text[32];
    std::snprintf(text, sizeof text, " %.4f", value);
    line += "  " + prefix + printable(name) + text;
  };
  add("loss", averages.loss());
  for (auto &[name, value] : averages.metrics())
    add(name, value);
  return line;
}

} // namespace nnc::tools
