// Inputs as pictures and rows, and what stands in for a part of them.
#include "tools/explain/Features.h"

#include "tools/Program.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace nnc::tools {

using namespace runtime;

/// Reads "HxW" or "HxWxC".
static bool parsePicture(const std::string &text, View &view) {
  std::vector<int64_t> sizes;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('x', begin), text.size());
    int64_t size = 0;
    if (!parseNumber(text.substr(begin, end - begin), size) || size < 1 ||
        size > 1 << 20)
      return false;
    sizes.push_back(size);
    begin = end + 1;
  }
  if (sizes.size() < 2 || sizes.size() > 3)
    return false;
  view.height = sizes[0];
  view.width = sizes[1];
  view.channels = sizes.size() == 3 ? sizes[2] : 1;
  return true;
}

std::vector<double> View::byPixels(const std::vector<double> &elements) const {
  if (!channelsFirst)
    return elements;
  std::vector<double> result;
  for (int64_t pixel = 0; pixel < height * width; ++pixel)
    for (int64_t channel = 0; channel < channels; ++channel)
      result.push_back(elements[size_t(channel * height * width + pixel)]);
  return result;
}

/// Whether the input's pictures are in the order "chw".
static bool isChannelsFirst(const Recipe &recipe, const std::string &input,
                            const std::string &order) {
  if (!order.empty())
    return order == "chw";
  for (const DataBinding &binding : recipe.data)
    if (std::count(binding.inputs.begin(), binding.inputs.end(), input))
      for (const auto &[name, value] : binding.arguments)
        if (name == "order")
          return value == "chw";
  return false;
}

static View viewInput(const TensorInfo &info, bool channelsFirst) {
  View view;
  view.input = info.name;
  const Shape &shape = info.shape;
  view.isPicture = shape.size() == 3 || shape.size() == 4;
  if (!view.isPicture) {
    view.width = info.numElements(1);
    return view;
  }
  view.channelsFirst = channelsFirst && shape.size() == 4;
  const size_t rows = view.channelsFirst ? 2 : 1;
  view.height = shape[rows];
  view.width = shape[rows + 1];
  if (shape.size() == 4)
    view.channels = shape[view.channelsFirst ? 1 : 3];
  return view;
}

StatusOr<std::vector<View>> viewInputs(const std::vector<TensorInfo> &inputs,
                                       const Recipe &recipe,
                                       const ViewOptions &options) {
  View picture;
  if (!options.picture.empty() && !parsePicture(options.picture, picture))
    return Status(Code::InvalidArgument,
                  concat("--picture ", quote(options.picture),
                         ": expected HEIGHTxWIDTH or HEIGHTxWIDTHxCHANNELS, "
                         "such as 28x28"));
  std::vector<View> views;
  bool isUsed = options.picture.empty();
  for (const TensorInfo &info : inputs) {
    const bool channelsFirst =
        isChannelsFirst(recipe, info.name, options.order);
    View view = viewInput(info, channelsFirst);
    if (!options.picture.empty() && !view.isPicture &&
        view.numElements() == picture.numElements()) {
      view = picture;
      view.input = info.name;
      view.isPicture = isUsed = true;
      view.channelsFirst = channelsFirst;
    }
    if (view.isPicture)
      view.patch = options.patch
                       ? options.patch
                       : std::max(int64_t(1),
                                  (std::max(view.height, view.width) + 6) / 7);
    views.push_back(view);
  }
  if (!isUsed)
    return Status(Code::InvalidArgument,
                  concat("--picture ", options.picture, ": no input has ",
                         picture.numElements(), " elements in a row"));
  return views;
}

std::vector<Feature> listFeatures(const std::vector<View> &views) {
  std::vector<Feature> features;
  for (size_t input = 0; input < views.size(); ++input) {
    const View &view = views[input];
    const size_t first = features.size();
    features.resize(first + size_t(view.rows() * view.columns()));
    for (int64_t i = 0; i < view.numElements(); ++i) {
      const int64_t pixel = view.pixelOf(i);
      const int64_t row = pixel / view.width / view.patch;
      const int64_t column = pixel % view.width / view.patch;
      Feature &feature =
          features[first + size_t(row * view.columns() + column)];
      feature.input = input;
      feature.elements.push_back(i);
    }
  }
  return features;
}

Sample readSample(const Columns &columns, int64_t index) {
  Sample sample;
  for (const Column &column : columns) {
    const int64_t size = sizeBytes(column.elementType);
    const uint8_t *data = column.data.data() + index * column.sampleBytes();
    std::vector<double> &values = sample.emplace_back();
    for (int64_t i = 0; i < column.sampleBytes() / size; ++i)
      values.push_back(toDouble(column.elementType, data + i * size));
  }
  return sample;
}

/// The mean of each element over all samples of `columns`.
static Sample meanSample(const Columns &columns) {
  Sample mean = readSample(columns, 0);
  const int64_t count = numSamples(columns);
  for (int64_t index = 1; index < count; ++index) {
    const Sample sample = readSample(columns, index);
    for (size_t input = 0; input < mean.size(); ++input)
      for (size_t i = 0; i < mean[input].size(); ++i)
        mean[input][i] += sample[input][i];
  }
  for (std::vector<double> &values : mean)
    for (double &value : values)
      value /= double(count);
  return mean;
}

/// Whether an input of this kind may have the value.
static bool takes(const TensorInfo &input, double value) {
  return fits(input.elementType, value) &&
         (input.indexLimit == 0 ||
          (value >= 0 && value < double(input.indexLimit)));
}

StatusOr<Sample> makeBaseline(const std::string &text, const Columns &columns,
                              const std::vector<TensorInfo> &inputs) {
  Sample baseline;
  if (text == "mean") {
    baseline = meanSample(columns);
  } else {
    double number = 0;
    auto [stop, error] =
        std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || stop != text.data() + text.size() ||
        !std::isfinite(number))
      return Status(
          Code::InvalidArgument,
          concat("--baseline ", quote(text), ": expected a number, or mean"));
    for (const TensorInfo &input : inputs)
      baseline.emplace_back(size_t(input.numElements(1)), number);
  }
  for (size_t i = 0; i < inputs.size(); ++i)
    for (double &value : baseline[i]) {
      if (isInteger(inputs[i].elementType) && text == "mean")
        value = std::round(value);
      if (!takes(inputs[i], value))
        return Status(Code::InvalidArgument,
                      concat("--baseline ", text, ": input ",
                             quote(inputs[i].name), " (",
                             describe(inputs[i].elementType, inputs[i].shape),
                             ") cannot hold it"));
    }
  return baseline;
}

} // namespace nnc::tools
