// One run, or one a point of a line, and what is made of the gradients.
#include "tools/explain/ByGradients.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nnc::tools {

using namespace runtime;

static Status checkAnyGradient(const Scorer &scorer) {
  for (size_t i = 0; i < scorer.inputs().size(); ++i)
    if (scorer.hasGradient(i))
      return {};
  return {Code::InvalidArgument,
          "no input has a gradient; occlusion, lime and shapley need none"};
}

/// Room for a number a pixel of a picture, or an element of a row.
static Attributions makeRoom(const View &view) {
  Attributions room;
  room.rows = view.height;
  room.columns = view.width;
  room.values.resize(size_t(view.height * view.width));
  return room;
}

StatusOr<Explanation> explainBySaliency(const Question &question) {
  if (Status status = checkAnyGradient(question.scorer); !status.isOk())
    return status;
  Explanation explanation;
  auto use = [&](int64_t, const Scored &result) {
    explanation.score = result.output[size_t(question.element)];
    for (size_t input = 0; input < question.views.size(); ++input) {
      const View &view = question.views[input];
      Attributions &attributions = explanation.inputs.emplace_back();
      const std::vector<double> &gradient = result.gradients[input];
      if (gradient.empty())
        continue;
      attributions = makeRoom(view);
      for (size_t i = 0; i < gradient.size(); ++i) {
        double &value = attributions.values[size_t(view.pixelOf(int64_t(i)))];
        value = view.isPicture ? std::max(value, std::abs(gradient[i]))
                               : gradient[i];
      }
    }
  };
  Status status = question.scorer.run(
      1, question.element,
      [&](int64_t, Sample &sample) { sample = question.sample; }, use);
  if (!status.isOk())
    return status;
  return explanation;
}

namespace {
/// The straight line from the baseline (0) to the sample (1).
struct Line {
  const Question &question;

  void at(double t, Sample &point) const {
    point = question.sample;
    for (size_t input = 0; input < point.size(); ++input)
      if (question.scorer.hasGradient(input))
        for (size_t i = 0; i < point[input].size(); ++i) {
          const double from = question.baseline[input][i];
          point[input][i] = from + t * (point[input][i] - from);
        }
  }
};
} // namespace

/// The attributions of a mean gradient, and what they do not add up to.
static void addUp(const Question &question, const Sample &meanGradients,
                  Explanation &explanation) {
  double sum = 0;
  for (size_t input = 0; input < question.views.size(); ++input) {
    Attributions &attributions = explanation.inputs.emplace_back();
    const std::vector<double> &gradient = meanGradients[input];
    if (gradient.empty())
      continue;
    const View &view = question.views[input];
    attributions = makeRoom(view);
    for (size_t i = 0; i < gradient.size(); ++i) {
      const double part = gradient[i] * (question.sample[input][i] -
                                         question.baseline[input][i]);
      attributions.values[size_t(view.pixelOf(int64_t(i)))] += part;
      sum += part;
    }
  }
  explanation.residual = explanation.score - *explanation.baselineScore - sum;
}

StatusOr<Explanation> explainByIntegratedGradients(const Question &question,
                                                   int64_t steps) {
  if (Status status = checkAnyGradient(question.scorer); !status.isOk())
    return status;
  const Line line{question};
  Explanation explanation;
  Sample means(question.views.size());
  // The two ends come after the points of the rule.
  auto make = [&](int64_t index, Sample &sample) {
    line.at(index < steps ? (double(index) + 0.5) / double(steps)
                          : double(index - steps),
            sample);
  };
  auto use = [&](int64_t index, const Scored &result) {
    const double score = result.output[size_t(question.element)];
    if (index == steps)
      explanation.baselineScore = score;
    if (index == steps + 1)
      explanation.score = score;
    if (index >= steps)
      return;
    for (size_t input = 0; input < means.size(); ++input) {
      means[input].resize(result.gradients[input].size());
      for (size_t i = 0; i < means[input].size(); ++i)
        means[input][i] += result.gradients[input][i] / double(steps);
    }
  };
  Status status = question.scorer.run(steps + 2, question.element, make, use);
  if (!status.isOk())
    return status;
  addUp(question, means, explanation);
  return explanation;
}

/// Of the layer's values A and their gradient, both [H, W, C].
static Attributions mapClass(const std::vector<double> &values,
                             const std::vector<double> &gradient,
                             int64_t height, int64_t width, int64_t channels) {
  std::vector<double> weights(static_cast<size_t>(channels)); // [C]
  for (size_t i = 0; i < gradient.size(); ++i)
    weights[i % weights.size()] += gradient[i] / double(height * width);
  Attributions map;
  map.rows = height;
  map.columns = width;
  map.values.resize(size_t(height * width)); // [H, W]
  for (size_t place = 0; place < map.values.size(); ++place)
    map.values[place] = std::max(
        0.0, std::inner_product(weights.begin(), weights.end(),
                                values.begin() + place * weights.size(), 0.0));
  return map;
}

StatusOr<Explanation> explainByGradCam(const Question &question) {
  const TensorInfo *layer = question.scorer.layer();
  if (!layer)
    return Status(Code::InvalidArgument,
                  "grad-cam looks at a layer of pictures, [batch, height, "
                  "width, channels], and the model has none");
  if (layer->shape.size() != 4)
    return Status(Code::InvalidArgument,
                  concat("grad-cam looks at a layer of pictures, [batch, "
                         "height, width, channels]; ",
                         quote(question.scorer.layerName()), " is ",
                         describe(layer->elementType, layer->shape)));
  auto picture = std::find_if(question.views.begin(), question.views.end(),
                              [](const View &v) { return v.isPicture; });
  if (picture == question.views.end())
    return Status(Code::InvalidArgument,
                  "grad-cam draws over a picture, and no input is one; "
                  "--picture HEIGHTxWIDTH says that a row is");
  Explanation explanation;
  explanation.layer = question.scorer.layerName();
  explanation.inputs.resize(question.views.size());
  auto use = [&](int64_t, const Scored &result) {
    explanation.score = result.output[size_t(question.element)];
    explanation.inputs[size_t(picture - question.views.begin())] =
        mapClass(result.layer, result.layerGradient, layer->shape[1],
                 layer->shape[2], layer->shape[3]);
  };
  Status status = question.scorer.run(
      1, question.element,
      [&](int64_t, Sample &sample) { sample = question.sample; }, use);
  if (!status.isOk())
    return status;
  return explanation;
}

} // namespace nnc::tools
