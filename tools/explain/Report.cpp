// What `nnc explain` says of what it found.
#include "tools/explain/Report.h"

#include "tools/Ranking.h"
#include "tools/Text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace nnc::tools {

using nlohmann::ordered_json;

/// The input's name and values, and its size where it is a picture.
static ordered_json describeInput(const View &view,
                                  const std::vector<double> &values) {
  ordered_json object = {{"input", view.input}};
  if (view.isPicture)
    object["picture"] = {{"height", view.height},
                         {"width", view.width},
                         {"channels", view.channels}};
  object["values"] = view.byPixels(values);
  return object;
}

ordered_json toJson(const std::string &method, int64_t sample,
                    const Question &question, const Explanation &explanation,
                    const std::vector<std::string> &classes) {
  ordered_json object = {{"kind", "explanation"},
                         {"method", method},
                         {"sample", sample},
                         {"output", question.scorer.output().name},
                         {"class", question.element}};
  if (!classes.empty())
    object["class_name"] = classes[size_t(question.element)];
  object["score"] = explanation.score;
  if (explanation.baselineScore)
    object["baseline_score"] = *explanation.baselineScore;
  if (explanation.residual)
    object["residual"] = *explanation.residual;
  if (explanation.fidelity)
    object["fidelity"] = *explanation.fidelity;
  if (!explanation.layer.empty())
    object["layer"] = explanation.layer;
  object["inputs"] = ordered_json::array();
  for (size_t i = 0; i < explanation.inputs.size(); ++i) {
    const Attributions &attributions = explanation.inputs[i];
    if (attributions.values.empty())
      continue;
    ordered_json input = describeInput(question.views[i], question.sample[i]);
    input["rows"] = attributions.rows;
    input["columns"] = attributions.columns;
    if (attributions.patch)
      input["patch"] = attributions.patch;
    input["attributions"] = attributions.values;
    if (!attributions.errors.empty())
      input["errors"] = attributions.errors;
    object["inputs"].push_back(std::move(input));
  }
  return object;
}

ordered_json toJson(const FilterSheet &filters) {
  return {{"kind", "filters"},
          {"parameter", filters.parameter},
          {"picture",
           {{"height", filters.height},
            {"width", filters.width},
            {"channels", filters.channels}}},
          {"filters", filters.filters}};
}

ordered_json toJson(const Mistake &mistake, const Sample &sample,
                    const std::vector<View> &views,
                    const std::vector<std::string> &classes) {
  ordered_json object = {
      {"kind", "misclassified"}, {"sample", mistake.sample},
      {"label", mistake.label},  {"predicted", mistake.predicted},
      {"score", mistake.score},  {"label_score", mistake.labelScore}};
  if (!classes.empty()) {
    object["label_name"] = classes[size_t(mistake.label)];
    object["predicted_name"] = classes[size_t(mistake.predicted)];
  }
  object["inputs"] = ordered_json::array();
  for (size_t i = 0; i < views.size(); ++i)
    object["inputs"].push_back(describeInput(views[i], sample[i]));
  return object;
}

/// A class for people: its name, or its number.
static std::string nameOf(int64_t element,
                          const std::vector<std::string> &classes) {
  return classes.empty() ? std::to_string(element)
                         : printable(classes[size_t(element)]);
}

/// The features of a row that count most, by their magnitude.
static void printRow(const View &view, const std::vector<double> &values,
                     const Attributions &attributions) {
  constexpr size_t most = 10;
  const std::vector<size_t> order = orderByMagnitude(attributions.values);
  for (size_t place = 0; place < std::min(order.size(), most); ++place) {
    const size_t i = order[place];
    std::printf("  %s[%zu] = %.6g  %+.6g", printable(view.input).c_str(), i,
                values[i], attributions.values[i]);
    if (!attributions.errors.empty())
      std::printf(" +- %.2g", attributions.errors[i]);
    std::printf("\n");
  }
  if (order.size() > most)
    std::printf("  and %zu more of %s\n", order.size() - most,
                printable(view.input).c_str());
}

static void printPicture(const View &view, const Attributions &attributions) {
  auto [least, largest] = std::minmax_element(attributions.values.begin(),
                                              attributions.values.end());
  std::printf("  %s: %lld x %lld attributions from %.4g to %.4g",
              printable(view.input).c_str(), (long long)attributions.rows,
              (long long)attributions.columns, *least, *largest);
  if (!attributions.errors.empty())
    std::printf(", standard error at most %.2g",
                *std::max_element(attributions.errors.begin(),
                                  attributions.errors.end()));
  std::printf("\n");
}

void print(const std::string &method, int64_t sample, const Question &question,
           const Explanation &explanation,
           const std::vector<std::string> &classes) {
  std::printf("sample %lld  %s[%s] %.6g  %s", (long long)sample,
              printable(question.scorer.output().name).c_str(),
              nameOf(question.element, classes).c_str(), explanation.score,
              method.c_str());
  if (explanation.baselineScore)
    std::printf("  baseline %.6g", *explanation.baselineScore);
  if (explanation.residual)
    std::printf("  residual %.2g", *explanation.residual);
  if (explanation.fidelity)
    std::printf("  fidelity %.4f", *explanation.fidelity);
  if (!explanation.layer.empty())
    std::printf("  layer %s", printable(explanation.layer).c_str());
  std::printf("\n");
  for (size_t i = 0; i < explanation.inputs.size(); ++i) {
    const Attributions &attributions = explanation.inputs[i];
    if (attributions.values.empty())
      continue;
    if (question.views[i].isPicture)
      printPicture(question.views[i], attributions);
    else
      printRow(question.views[i], question.sample[i], attributions);
  }
}

void print(const FilterSheet &filters) {
  std::printf("filters of %s: %zu, each %lld x %lld x %lld\n",
              printable(filters.parameter).c_str(), filters.filters.size(),
              (long long)filters.height, (long long)filters.width,
              (long long)filters.channels);
}

void print(const Mistake &mistake, const std::vector<std::string> &classes) {
  std::printf("sample %lld  label %s (%.4g)  predicted %s (%.4g)\n",
              (long long)mistake.sample, nameOf(mistake.label, classes).c_str(),
              mistake.labelScore, nameOf(mistake.predicted, classes).c_str(),
              mistake.score);
}

} // namespace nnc::tools
