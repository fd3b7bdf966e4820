// Samples with features taken away, their scores, and what follows from them.
#include "tools/explain/ByRemoval.h"

#include "tools/explain/LeastSquares.h"

#include "runtime/Random.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nnc::tools {

using namespace runtime;

namespace {

/// The score as a function of which features are there.
class Removal {
public:
  explicit Removal(const Question &question)
      : question(question), features(listFeatures(question.views)) {}

  int64_t numFeatures() const { return int64_t(features.size()); }

  /// Says of sample `index` which features it keeps; all zero at first.
  using Choose = std::function<void(int64_t index, std::vector<char> &kept)>;

  Status scores(int64_t count, const Choose &choose,
                std::vector<double> &values) const {
    std::vector<char> kept;
    return question.scorer.scores(
        count, question.element,
        [&](int64_t index, Sample &sample) {
          kept.assign(features.size(), 0);
          choose(index, kept);
          sample = question.baseline;
          for (size_t f = 0; f < features.size(); ++f)
            if (kept[f])
              copy(features[f], sample);
        },
        values);
  }

  /// The scores of the sample and of the baseline.
  Status ends(Explanation &explanation) const {
    std::vector<double> values;
    Status status = scores(
        2,
        [](int64_t index, std::vector<char> &kept) {
          std::fill(kept.begin(), kept.end(), index == 0);
        },
        values);
    if (!status.isOk())
      return status;
    explanation.score = values[0];
    explanation.baselineScore = values[1];
    return {};
  }

  /// Gives each input its features' numbers. `errors` may be empty.
  void distribute(const std::vector<double> &values,
                  const std::vector<double> &errors,
                  Explanation &explanation) const {
    for (const View &view : question.views) {
      Attributions &attributions = explanation.inputs.emplace_back();
      attributions.rows = view.rows();
      attributions.columns = view.columns();
      attributions.patch = view.isPicture ? view.patch : 0;
    }
    for (size_t f = 0; f < features.size(); ++f) {
      Attributions &attributions = explanation.inputs[features[f].input];
      attributions.values.push_back(values[f]);
      if (!errors.empty())
        attributions.errors.push_back(errors[f]);
    }
  }

private:
  void copy(const Feature &feature, Sample &sample) const {
    for (int64_t i : feature.elements)
      sample[feature.input][size_t(i)] =
          question.sample[feature.input][size_t(i)];
  }

  const Question &question;
  const std::vector<Feature> features;
};

} // namespace

StatusOr<Explanation> explainByOcclusion(const Question &question) {
  const Removal removal(question);
  Explanation explanation;
  if (Status status = removal.ends(explanation); !status.isOk())
    return status;
  std::vector<double> values;
  Status status = removal.scores(
      removal.numFeatures(),
      [](int64_t index, std::vector<char> &kept) {
        std::fill(kept.begin(), kept.end(), 1);
        kept[size_t(index)] = 0;
      },
      values);
  if (!status.isOk())
    return status;
  for (double &value : values)
    value = explanation.score - value;
  removal.distribute(values, {}, explanation);
  return explanation;
}

/// Which random stream a method draws from, so that one seed gives each its
/// own numbers.
enum Stream : uint32_t { LimeStream = 1, ShapleyStream = 2 };

/// The kernel of LIME for a sample that keeps `kept` of `all` features.
static double proximity(int64_t kept, int64_t all) {
  constexpr double width = 0.25;
  const double distance = 1 - std::sqrt(double(kept) / double(all));
  return std::exp(-distance * distance / (width * width));
}

StatusOr<Explanation> explainByLime(const Question &question, int64_t samples,
                                    int64_t seed) {
  const Removal removal(question);
  const int64_t features = removal.numFeatures();
  if (Status status = checkLeastSquares(samples, features); !status.isOk())
    return status;
  Explanation explanation;
  if (Status status = removal.ends(explanation); !status.isOk())
    return status;
  // The first sample is the one that is explained.
  auto choose = [&](int64_t index, std::vector<char> &kept) {
    for (int64_t f = 0; f < features; ++f)
      kept[size_t(f)] =
          index == 0 || (randomWord(uint64_t(seed), 0, LimeStream,
                                    uint64_t(index * features + f)) &
                         1);
  };
  std::vector<double> scores;
  if (Status status = removal.scores(samples, choose, scores); !status.isOk())
    return status;
  std::vector<Observation> observations(static_cast<size_t>(samples));
  for (int64_t index = 0; index < samples; ++index) {
    Observation &observation = observations[size_t(index)];
    observation.present.resize(size_t(features));
    choose(index, observation.present);
    observation.value = scores[size_t(index)];
    observation.weight = proximity(
        std::count(observation.present.begin(), observation.present.end(), 1),
        features);
  }
  StatusOr<LinearModel> model = fitLinear(observations);
  if (!model.isOk())
    return model.status();
  explanation.fidelity = model->fidelity;
  removal.distribute(model->weights, model->errors, explanation);
  return explanation;
}

/// Random order number `pair` of `count` features (Fisher and Yates).
static std::vector<int64_t> drawOrder(int64_t count, int64_t seed,
                                      int64_t pair) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i) {
    const uint64_t word = randomWord(uint64_t(seed), 0, ShapleyStream,
                                     uint64_t(pair * count + i));
    std::swap(order[size_t(i)], order[size_t(word * uint64_t(i + 1) >> 32)]);
  }
  return order;
}

/// Adds to `gains` what each feature adds to those before it in `order`, of
/// which `scores` has the score after each feature but the last.
static void addGains(const std::vector<int64_t> &order, const double *scores,
                     const Explanation &ends, std::vector<double> &gains) {
  double before = *ends.baselineScore;
  for (size_t k = 0; k < order.size(); ++k) {
    const double after = k + 1 < order.size() ? scores[k] : ends.score;
    gains[size_t(order[k])] += after - before;
    before = after;
  }
}

namespace {
/// Mean and variance as numbers come in.
struct Welford {
  // Knuth, TAOCP vol. 2, 4.2.2.
  double mean = 0, squares = 0;
  int64_t count = 0;

  void add(double value) {
    const double change = value - mean;
    mean += change / double(++count);
    squares += change * (value - mean);
  }
  double standardError() const {
    return std::sqrt(squares / double(count - 1) / double(count));
  }
};
} // namespace

StatusOr<Explanation> explainByShapley(const Question &question,
                                       int64_t permutations, int64_t seed) {
  const Removal removal(question);
  const int64_t features = removal.numFeatures();
  const int64_t pairs = (permutations + 1) / 2;
  Explanation explanation;
  if (Status status = removal.ends(explanation); !status.isOk())
    return status;
  std::vector<Welford> gains(static_cast<size_t>(features));
  const int64_t inner = features - 1;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    const std::vector<int64_t> order = drawOrder(features, seed, pair);
    const std::vector<int64_t> reverse(order.rbegin(), order.rend());
    auto choose = [&](int64_t index, std::vector<char> &kept) {
      const std::vector<int64_t> &one = index < inner ? order : reverse;
      for (int64_t k = 0; k <= index % inner; ++k)
        kept[size_t(one[size_t(k)])] = 1;
    };
    std::vector<double> scores;
    if (Status status = removal.scores(2 * inner, choose, scores);
        !status.isOk())
      return status;
    std::vector<double> both(static_cast<size_t>(features));
    addGains(order, scores.data(), explanation, both);
    addGains(reverse, scores.data() + inner, explanation, both);
    for (size_t f = 0; f < both.size(); ++f)
      gains[f].add(both[f] / 2);
  }
  std::vector<double> values, errors;
  for (const Welford &gain : gains) {
    values.push_back(gain.mean);
    if (pairs > 1)
      errors.push_back(gain.standardError());
  }
  explanation.residual = explanation.score - *explanation.baselineScore -
                         std::accumulate(values.begin(), values.end(), 0.0);
  removal.distribute(values, errors, explanation);
  return explanation;
}

} // namespace nnc::tools
