// Labels beside predictions.
#include "tools/explain/Misclassified.h"

#include "tools/explain/Features.h"

#include <algorithm>

namespace nnc::tools {

using namespace runtime;

static bool isInput(const Scorer &scorer, const std::string &name) {
  return std::any_of(
      scorer.inputs().begin(), scorer.inputs().end(),
      [&](const TensorInfo &input) { return input.name == name; });
}

static StatusOr<size_t> findLabel(const Scorer &scorer,
                                  const EntryPoint &entry) {
  std::vector<size_t> others;
  for (size_t i = 0; i < entry.inputs.size(); ++i)
    if (!isInput(scorer, entry.inputs[i].name))
      others.push_back(i);
  if (others.size() != 1)
    return Status(Code::InvalidArgument,
                  concat("which samples are misclassified is known where one "
                         "input is the label, which the output is not computed "
                         "from: ",
                         others.size(), " inputs are such"));
  const TensorInfo &label = entry.inputs[others[0]];
  const int64_t elements = label.numElements(1);
  if (elements != 1 && elements != scorer.numElements())
    return Status(
        Code::InvalidArgument,
        concat("input ", quote(label.name), " is ",
               describe(label.elementType, label.shape), " and output ",
               quote(scorer.output().name), " ",
               describe(scorer.output().elementType, scorer.output().shape),
               ": a label is a class, or a row of the output's size"));
  return std::move(others[0]);
}

static int64_t argmax(const std::vector<double> &values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

static int64_t readLabel(const Column &column, int64_t sample) {
  const int64_t size = sizeBytes(column.elementType);
  const uint8_t *data = column.data.data() + sample * column.sampleBytes();
  std::vector<double> values;
  for (int64_t i = 0; i < column.sampleBytes() / size; ++i)
    values.push_back(toDouble(column.elementType, data + i * size));
  return values.size() == 1 ? int64_t(values[0]) : argmax(values);
}

bool hasInputs(const Scorer &scorer, const EntryPoint &entry) {
  return std::all_of(scorer.inputs().begin(), scorer.inputs().end(),
                     [&](const TensorInfo &input) {
                       return std::any_of(entry.inputs.begin(),
                                          entry.inputs.end(),
                                          [&](const TensorInfo &other) {
                                            return other.name == input.name &&
                                                   other.shape == input.shape;
                                          });
                     });
}

/// Where each of the scorer's inputs is among `columns`, which have all.
static std::vector<size_t> placesOf(const Scorer &scorer,
                                    const Columns &columns) {
  std::vector<size_t> places;
  for (const TensorInfo &input : scorer.inputs())
    for (size_t i = 0; i < columns.size(); ++i)
      if (columns[i].name == input.name)
        places.push_back(i);
  return places;
}

StatusOr<std::vector<Mistake>>
findMistakes(Scorer &scorer, const EntryPoint &entry, const Columns &columns) {
  StatusOr<size_t> label = findLabel(scorer, entry);
  if (!label.isOk())
    return label.status();
  const int64_t classes = scorer.numElements();
  if (classes < 2)
    return Status(Code::InvalidArgument,
                  concat("output ", quote(scorer.output().name),
                         " has one element: there are no classes"));
  if (!hasInputs(scorer, entry))
    return Status(Code::InvalidArgument,
                  concat("output ", quote(scorer.output().name),
                         " is computed from an input that the loss is not: its "
                         "labels are not known"));
  const std::vector<size_t> places = placesOf(scorer, columns);
  std::vector<Mistake> mistakes;
  auto make = [&](int64_t index, Sample &sample) {
    const Sample all = readSample(columns, index);
    for (size_t i = 0; i < places.size(); ++i)
      sample[i] = all[places[i]];
  };
  auto use = [&](int64_t index, const Scored &result) {
    Mistake mistake{index, readLabel(columns[*label], index),
                    argmax(result.output)};
    // A label beyond the classes, as for what is to be ignored, is no class.
    if (mistake.label == mistake.predicted || mistake.label < 0 ||
        mistake.label >= classes)
      return;
    mistake.score = result.output[size_t(mistake.predicted)];
    mistake.labelScore = result.output[size_t(mistake.label)];
    mistakes.push_back(mistake);
  };
  if (Status status = scorer.run(numSamples(columns), 0, make, use);
      !status.isOk())
    return status;
  auto margin = [](const Mistake &m) { return m.score - m.labelScore; };
  std::sort(mistakes.begin(), mistakes.end(),
            [&](const Mistake &a, const Mistake &b) {
              return margin(a) != margin(b) ? margin(a) > margin(b)
                                            : a.sample < b.sample;
            });
  return mistakes;
}

Columns takeInputs(const Scorer &scorer, Columns &&columns) {
  Columns taken;
  for (size_t place : placesOf(scorer, columns))
    taken.push_back(std::move(columns[place]));
  return taken;
}

} // namespace nnc::tools
