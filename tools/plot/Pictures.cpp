// Colours of values.
#include "tools/plot/Pictures.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace nnc::tools {

using nlohmann::json;

bool readNumbers(const json &object, const char *key,
                 std::vector<double> &numbers) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array())
    return false;
  for (const json &element : *found) {
    if (!element.is_number() || !std::isfinite(element.get<double>()))
      return false;
    numbers.push_back(element.get<double>());
  }
  return true;
}

bool readWhole(const json &object, const char *key, int least, int most,
               int &number) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer())
    return false;
  // As a double, what is beyond an integer's range is beyond `most`.
  const double value = found->get<double>();
  if (!(value >= least && value <= most))
    return false;
  number = int(value);
  return true;
}

bool readPictureSize(const json &object, Picture &picture) {
  constexpr int mostPixels = 2048, mostChannels = 65536;
  const auto size = object.find("picture");
  return size != object.end() && size->is_object() &&
         readWhole(*size, "height", 1, mostPixels, picture.height) &&
         readWhole(*size, "width", 1, mostPixels, picture.width) &&
         readWhole(*size, "channels", 1, mostChannels, picture.channels);
}

/// The mean of the channels of pixel `i`.
static double meanOf(const Picture &picture, size_t i) {
  double sum = 0;
  for (int c = 0; c < picture.channels; ++c)
    sum += picture.values[i * size_t(picture.channels) + size_t(c)];
  return sum / picture.channels;
}

std::vector<Colour> toPixels(const Picture &picture) {
  auto [least, largest] =
      std::minmax_element(picture.values.begin(), picture.values.end());
  double low = *least, high = *largest;
  if (low >= 0 && high <= 255) {
    high = high <= 1 ? 1 : 255;
    low = 0;
  }
  const double span = high > low ? high - low : 1;
  std::vector<Colour> pixels(size_t(picture.height) * size_t(picture.width));
  for (size_t i = 0; i < pixels.size(); ++i) {
    auto value = [&](size_t c) {
      return (picture.values[i * 3 + c] - low) / span;
    };
    const double grey = (meanOf(picture, i) - low) / span;
    pixels[i] = picture.channels == 3 ? Colour{value(0), value(1), value(2)}
                                      : Colour{grey, grey, grey};
  }
  return pixels;
}

/// The map at a place of the picture, between the centres of its cells where
/// they are stretched.
static double valueAt(const HeatMap &map, const Picture &picture, int row,
                      int column) {
  auto cell = [&](int r, int c) {
    return map.values[size_t(std::min(r, map.rows - 1)) * size_t(map.columns) +
                      size_t(std::min(c, map.columns - 1))];
  };
  if (map.patch > 0)
    return cell(row / map.patch, column / map.patch);
  auto place = [](int pixel, int pixels, int cells) {
    const double at = (pixel + 0.5) * cells / pixels - 0.5;
    return std::clamp(at, 0.0, double(cells - 1));
  };
  const double r = place(row, picture.height, map.rows);
  const double c = place(column, picture.width, map.columns);
  const int r0 = int(r), c0 = int(c);
  const double above =
      cell(r0, c0) + (c - c0) * (cell(r0, c0 + 1) - cell(r0, c0));
  const double below =
      cell(r0 + 1, c0) + (c - c0) * (cell(r0 + 1, c0 + 1) - cell(r0 + 1, c0));
  return above + (r - r0) * (below - above);
}

static double largestMagnitude(const std::vector<double> &values) {
  double largest = 0;
  for (double value : values)
    largest = std::max(largest, std::abs(value));
  return largest > 0 ? largest : 1;
}

std::vector<Colour> layOver(const Picture &picture, const HeatMap &map) {
  const double largest = largestMagnitude(map.values);
  std::vector<Colour> pixels = toPixels(picture);
  for (size_t i = 0; i < pixels.size(); ++i) {
    const Colour pixel = pixels[i];
    const double light = (pixel.red + pixel.green + pixel.blue) / 3;
    const double faded = 1 - 0.3 * (1 - light);
    const double value =
        valueAt(map, picture, int(i) / picture.width, int(i) % picture.width);
    pixels[i] = mix({faded, faded, faded}, value > 0 ? kVermilion : kBlue,
                    std::min(1.0, std::abs(value) / largest));
  }
  return pixels;
}

std::vector<Colour> filterPixels(const Picture &filter) {
  const double largest = largestMagnitude(filter.values);
  std::vector<Colour> pixels(size_t(filter.height) * size_t(filter.width));
  for (size_t i = 0; i < pixels.size(); ++i) {
    auto value = [&](size_t c) {
      return 0.5 + 0.5 * filter.values[i * 3 + c] / largest;
    };
    const double mean = meanOf(filter, i) / largest;
    pixels[i] =
        filter.channels == 3
            ? Colour{value(0), value(1), value(2)}
            : mix({1, 1, 1}, mean > 0 ? kVermilion : kBlue, std::abs(mean));
  }
  return pixels;
}

} // namespace nnc::tools
