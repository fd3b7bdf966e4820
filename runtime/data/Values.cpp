// Steps that change the values of a picture: jitter, normalize, one_hot.
#include "runtime/data/Transform.h"

#include "runtime/SampleSteps.h"

#include <algorithm>
#include <cmath>

namespace nnc::runtime {

bool flagOr(const SampleStep &step, std::string_view name, bool otherwise) {
  const std::string *text = findStepArgument(step.arguments, name);
  return text ? *text == "true" : otherwise;
}

std::vector<double> numbersOf(const SampleStep &step, std::string_view name) {
  const std::string *text = findStepArgument(step.arguments, name);
  std::vector<double> numbers;
  if (!text || !parseStepNumbers(*text, numbers))
    numbers.clear();
  return numbers;
}

//===----------------------------------------------------------------------===//
// Jitter
//===----------------------------------------------------------------------===//

namespace {
class Jitter : public Transform {
public:
  Jitter(const SampleStep &step, ValueRange range)
      : brightness(stepNumberOr(step.arguments, "brightness", 0)),
        contrast(stepNumberOr(step.arguments, "contrast", 0)),
        saturation(stepNumberOr(step.arguments, "saturation", 0)),
        range(range) {}

  Status fit(PictureSize &extent) const override;
  void apply(Workspace &work, const StepRandom *random) const override;

private:
  float clamp(double value) const {
    return std::clamp(static_cast<float>(value), range.least, range.most);
  }

  double brightness, contrast, saturation;
  ValueRange range;
};
} // namespace

Status Jitter::fit(PictureSize &extent) const {
  if (extent.channels == 1 || extent.channels == 3)
    return {};
  return {Code::InvalidArgument,
          concat("'jitter' is for pictures of 1 or 3 channels, found ",
                 describe(extent))};
}

// Of red, green and blue: ITU-R BT.601, section 2.5.1.
static double greyOf(const float *place, int64_t channels) {
  return channels == 1 ? place[0]
                       : 0.299 * place[0] + 0.587 * place[1] + 0.114 * place[2];
}

static double meanGrey(const Picture &picture) {
  const int64_t places = picture.extent.height * picture.extent.width;
  double sum = 0;
  for (int64_t i = 0; i < places; ++i)
    sum += greyOf(picture.values.data() + i * picture.extent.channels,
                  picture.extent.channels);
  return sum / double(std::max<int64_t>(places, 1));
}

void Jitter::apply(Workspace &work, const StepRandom *random) const {
  if (!random)
    return;
  auto factor = [&](int index, double strength) {
    return 1 + (2 * random->share(index) - 1) * strength;
  };
  Picture &picture = work.picture;
  const int64_t channels = picture.extent.channels;
  if (const double by = factor(0, brightness); brightness > 0)
    for (float &value : picture.values)
      value = clamp(value * by);
  if (const double by = factor(1, contrast); contrast > 0) {
    const double middle = meanGrey(picture);
    for (float &value : picture.values)
      value = clamp(middle + (value - middle) * by);
  }
  if (saturation == 0 || channels == 1)
    return;
  const double by = factor(2, saturation);
  for (float *place = picture.values.data(),
             *end = place + picture.values.size();
       place < end; place += channels) {
    const double grey = greyOf(place, channels);
    for (int64_t channel = 0; channel < channels; ++channel)
      place[channel] = clamp(grey + (place[channel] - grey) * by);
  }
}

std::unique_ptr<Transform> makeJitter(const SampleStep &step,
                                      ValueRange range) {
  return std::make_unique<Jitter>(step, range);
}

//===----------------------------------------------------------------------===//
// Normalize
//===----------------------------------------------------------------------===//

Normalize::Normalize(const SampleStep &step)
    : mean(numbersOf(step, "mean")), deviation(numbersOf(step, "deviation")) {}

void Normalize::settle(const std::vector<double> &measuredMean,
                       const std::vector<double> &measuredDeviation) {
  if (mean.empty())
    mean = measuredMean;
  if (deviation.empty())
    deviation = measuredDeviation;
}

Status Normalize::fit(PictureSize &extent) const {
  for (const std::vector<double> *numbers : {&mean, &deviation})
    if (numbers->size() > 1 && int64_t(numbers->size()) != extent.channels)
      return {Code::InvalidArgument,
              concat("'normalize' has ", numbers->size(),
                     numbers == &mean ? " means" : " deviations",
                     ", the samples are ", describe(extent))};
  return {};
}

void Normalize::apply(Workspace &work, const StepRandom *) const {
  Picture &picture = work.picture;
  const int64_t channels = picture.extent.channels;
  for (int64_t channel = 0; channel < channels; ++channel) {
    const auto of = [&](const std::vector<double> &numbers) {
      return numbers[numbers.size() > 1 ? size_t(channel) : 0];
    };
    const auto middle = static_cast<float>(of(mean));
    const auto factor = static_cast<float>(1 / of(deviation));
    for (size_t i = size_t(channel); i < picture.values.size();
         i += size_t(channels))
      picture.values[i] = (picture.values[i] - middle) * factor;
  }
}

//===----------------------------------------------------------------------===//
// One of many
//===----------------------------------------------------------------------===//

namespace {
class OneHot : public Transform {
public:
  explicit OneHot(int64_t numClasses) : numClasses(numClasses) {}

  Status fit(PictureSize &extent) const override {
    extent.channels = numClasses;
    return {};
  }
  void apply(Workspace &work, const StepRandom *) const override {
    const auto label = static_cast<int64_t>(work.picture.values[0]);
    work.picture.resize({1, 1, numClasses});
    std::fill(work.picture.values.begin(), work.picture.values.end(), 0.0f);
    work.picture.values[static_cast<size_t>(label)] = 1;
  }

private:
  int64_t numClasses;
};
} // namespace

std::unique_ptr<Transform> makeOneHot(int64_t numClasses) {
  return std::make_unique<OneHot>(numClasses);
}

} // namespace nnc::runtime
