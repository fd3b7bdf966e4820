// Steps that move the places of a picture: crop, flip, resize, rotate, cutout.
#include "runtime/data/Transform.h"

#include "runtime/SampleSteps.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace nnc::runtime {

// H and W rows and columns, C channels, of what a step is given.

namespace {
class Crop : public Transform {
public:
  explicit Crop(const SampleStep &step)
      : height(static_cast<int64_t>(stepNumberOr(step.arguments, "height", 1))),
        width(static_cast<int64_t>(
            stepNumberOr(step.arguments, "width", double(height)))),
        padding(
            static_cast<int64_t>(stepNumberOr(step.arguments, "padding", 0))) {}

  Status fit(PictureSize &extent) const override;
  void apply(Workspace &work, const StepRandom *random) const override;

private:
  int64_t height, width, padding;
};

class Flip : public Transform {
public:
  explicit Flip(const SampleStep &step)
      : horizontal(flagOr(step, "horizontal", true)),
        vertical(flagOr(step, "vertical", false)) {}

  Status fit(PictureSize &) const override { return {}; }
  void apply(Workspace &work, const StepRandom *random) const override;

private:
  bool horizontal, vertical;
};

class Resize : public Transform {
public:
  explicit Resize(const SampleStep &step)
      : height(static_cast<int64_t>(stepNumberOr(step.arguments, "height", 1))),
        width(static_cast<int64_t>(
            stepNumberOr(step.arguments, "width", double(height)))) {}

  Status fit(PictureSize &extent) const override;
  void apply(Workspace &work, const StepRandom *random) const override;

private:
  int64_t height, width;
};

class Rotate : public Transform {
public:
  explicit Rotate(const SampleStep &step)
      : degrees(stepNumberOr(step.arguments, "degrees", 0)) {}

  Status fit(PictureSize &) const override { return {}; }
  void apply(Workspace &work, const StepRandom *random) const override;

private:
  double degrees;
};

class Cutout : public Transform {
public:
  explicit Cutout(const SampleStep &step)
      : size(static_cast<int64_t>(stepNumberOr(step.arguments, "size", 1))) {}

  Status fit(PictureSize &) const override { return {}; }
  void apply(Workspace &work, const StepRandom *random) const override;

private:
  int64_t size;
};
} // namespace

//===----------------------------------------------------------------------===//
// Crop
//===----------------------------------------------------------------------===//

Status Crop::fit(PictureSize &extent) const {
  const int64_t paddedHeight = extent.height + 2 * padding;
  const int64_t paddedWidth = extent.width + 2 * padding;
  if (height > paddedHeight || width > paddedWidth)
    return {Code::InvalidArgument,
            concat("'crop' takes ", height, "x", width, " of ", paddedHeight,
                   "x", paddedWidth,
                   ": give it more padding, or resize first")};
  extent.height = height;
  extent.width = width;
  return {};
}

void Crop::apply(Workspace &work, const StepRandom *random) const {
  const Picture &from = work.picture;
  const auto [H, W, C] = from.extent;
  const int64_t moreRows = H + 2 * padding - height;
  const int64_t moreColumns = W + 2 * padding - width;
  const int64_t top =
      (random ? random->below(0, moreRows + 1) : moreRows / 2) - padding;
  const int64_t left =
      (random ? random->below(1, moreColumns + 1) : moreColumns / 2) - padding;
  Picture &to = work.next;
  to.resize({height, width, C});
  const int64_t begin = std::clamp<int64_t>(-left, 0, width);
  const int64_t end = std::clamp<int64_t>(W - left, begin, width);
  for (int64_t row = 0; row < height; ++row) {
    float *line = to.at(row, 0);
    const int64_t source = row + top;
    if (source < 0 || source >= H) {
      std::fill_n(line, width * C, 0.0f);
      continue;
    }
    std::fill_n(line, begin * C, 0.0f);
    std::copy_n(from.values.data() + (source * W + left + begin) * C,
                (end - begin) * C, line + begin * C);
    std::fill_n(line + end * C, (width - end) * C, 0.0f);
  }
  std::swap(work.picture, work.next);
}

//===----------------------------------------------------------------------===//
// Flip
//===----------------------------------------------------------------------===//

static void mirrorRow(float *row, int64_t width, int64_t channels) {
  for (int64_t left = 0, right = width - 1; left < right; ++left, --right)
    std::swap_ranges(row + left * channels, row + (left + 1) * channels,
                     row + right * channels);
}

void Flip::apply(Workspace &work, const StepRandom *random) const {
  if (!random)
    return;
  Picture &picture = work.picture;
  const auto [H, W, C] = picture.extent;
  if (horizontal && random->share(0) < 0.5)
    for (int64_t row = 0; row < H; ++row)
      mirrorRow(picture.at(row, 0), W, C);
  if (vertical && random->share(1) < 0.5)
    for (int64_t top = 0, bottom = H - 1; top < bottom; ++top, --bottom)
      std::swap_ranges(picture.at(top, 0), picture.at(top, 0) + W * C,
                       picture.at(bottom, 0));
}

//===----------------------------------------------------------------------===//
// Resize
//===----------------------------------------------------------------------===//

namespace {
/// Which places along one side make a place of the result, and by how much.
struct Taps {
  int64_t first = 0;
  std::vector<float> weights;
};
} // namespace

// A triangle around the place, as wide as places of the result are where these
// are wider than the picture's own: Heckbert, "Fundamentals of Texture Mapping
// and Image Warping", 1989, section 3.5.2. Centres of places are at halves.
static std::vector<Taps> makeTaps(int64_t from, int64_t to) {
  const double scale = double(from) / double(to);
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> taps(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (double(i) + 0.5) * scale - 0.5;
    const auto first =
        std::max<int64_t>(0, static_cast<int64_t>(std::ceil(centre - reach)));
    const auto last = std::min<int64_t>(
        from - 1, static_cast<int64_t>(std::floor(centre + reach)));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t place = first; place <= last; ++place) {
      weights.push_back(
          std::max(0.0, 1 - std::abs(double(place) - centre) / reach));
      sum += weights.back();
    }
    taps[i].first = first;
    for (double weight : weights)
      taps[i].weights.push_back(static_cast<float>(weight / sum));
  }
  return taps;
}

Status Resize::fit(PictureSize &extent) const {
  extent.height = height;
  extent.width = width;
  return {};
}

/// Each row of `from` to as many columns as there are taps.
static void resizeColumns(const Picture &from, const std::vector<Taps> &taps,
                          Picture &to) {
  const auto [H, W, C] = from.extent;
  to.resize({H, static_cast<int64_t>(taps.size()), C});
  for (int64_t row = 0; row < H; ++row)
    for (size_t i = 0; i < taps.size(); ++i) {
      float *target = to.at(row, static_cast<int64_t>(i));
      const float *source = from.at(row, taps[i].first);
      std::fill_n(target, C, 0.0f);
      for (float weight : taps[i].weights)
        for (int64_t channel = 0; channel < C; ++channel)
          target[channel] += weight * *source++;
    }
}

/// The same for rows.
static void resizeRows(const Picture &from, const std::vector<Taps> &taps,
                       Picture &to) {
  const auto [H, W, C] = from.extent;
  const int64_t rowValues = W * C;
  to.resize({static_cast<int64_t>(taps.size()), W, C});
  for (size_t i = 0; i < taps.size(); ++i) {
    float *target = to.at(static_cast<int64_t>(i), 0);
    const float *source = from.at(taps[i].first, 0);
    std::fill_n(target, rowValues, 0.0f);
    for (float weight : taps[i].weights) {
      for (int64_t value = 0; value < rowValues; ++value)
        target[value] += weight * source[value];
      source += rowValues;
    }
  }
}

void Resize::apply(Workspace &work, const StepRandom *) const {
  const PictureSize before = work.picture.extent;
  if (before.width != width) {
    resizeColumns(work.picture, makeTaps(before.width, width), work.next);
    std::swap(work.picture, work.next);
  }
  if (before.height != height) {
    resizeRows(work.picture, makeTaps(before.height, height), work.next);
    std::swap(work.picture, work.next);
  }
}

//===----------------------------------------------------------------------===//
// Rotate
//===----------------------------------------------------------------------===//

/// Adds what the place (row, column) gives to `to`; nothing outside.
static void addPlace(const Picture &from, int64_t row, int64_t column,
                     float weight, float *to) {
  const auto [H, W, C] = from.extent;
  if (row < 0 || row >= H || column < 0 || column >= W)
    return;
  const float *source = from.at(row, column);
  for (int64_t channel = 0; channel < C; ++channel)
    to[channel] += weight * source[channel];
}

void Rotate::apply(Workspace &work, const StepRandom *random) const {
  if (!random)
    return;
  constexpr double radians = 3.14159265358979323846 / 180;
  const double angle = (2 * random->share(0) - 1) * degrees * radians;
  const double sine = std::sin(angle), cosine = std::cos(angle);
  const Picture &from = work.picture;
  const auto [H, W, C] = from.extent;
  const double middleRow = double(H - 1) / 2, middleColumn = double(W - 1) / 2;
  Picture &to = work.next;
  to.resize(from.extent);
  for (int64_t row = 0; row < H; ++row)
    for (int64_t column = 0; column < W; ++column) {
      const double y = double(row) - middleRow,
                   x = double(column) - middleColumn;
      const double sourceRow = middleRow + cosine * y - sine * x;
      const double sourceColumn = middleColumn + sine * y + cosine * x;
      const double top = std::floor(sourceRow), left = std::floor(sourceColumn);
      const auto down = static_cast<float>(sourceRow - top);
      const auto right = static_cast<float>(sourceColumn - left);
      const auto r = static_cast<int64_t>(top), c = static_cast<int64_t>(left);
      float *target = to.at(row, column);
      std::fill_n(target, C, 0.0f);
      addPlace(from, r, c, (1 - down) * (1 - right), target);
      addPlace(from, r, c + 1, (1 - down) * right, target);
      addPlace(from, r + 1, c, down * (1 - right), target);
      addPlace(from, r + 1, c + 1, down * right, target);
    }
  std::swap(work.picture, work.next);
}

//===----------------------------------------------------------------------===//
// Cutout
//===----------------------------------------------------------------------===//

// DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks
// with Cutout", 2017: a square around any place, the part of it that is inside.
void Cutout::apply(Workspace &work, const StepRandom *random) const {
  if (!random)
    return;
  Picture &picture = work.picture;
  const auto [H, W, C] = picture.extent;
  const int64_t top = random->below(0, H) - size / 2;
  const int64_t left = random->below(1, W) - size / 2;
  const int64_t begin = std::clamp<int64_t>(left, 0, W);
  const int64_t end = std::clamp<int64_t>(left + size, 0, W);
  for (int64_t row = std::max<int64_t>(top, 0);
       row < std::min<int64_t>(top + size, H); ++row)
    std::fill_n(picture.at(row, begin), (end - begin) * C, 0.0f);
}

std::unique_ptr<Transform> makeCrop(const SampleStep &step) {
  return std::make_unique<Crop>(step);
}

std::unique_ptr<Transform> makeFlip(const SampleStep &step) {
  return std::make_unique<Flip>(step);
}

std::unique_ptr<Transform> makeResize(const SampleStep &step) {
  return std::make_unique<Resize>(step);
}

std::unique_ptr<Transform> makeRotate(const SampleStep &step) {
  return std::make_unique<Rotate>(step);
}

std::unique_ptr<Transform> makeCutout(const SampleStep &step) {
  return std::make_unique<Cutout>(step);
}

} // namespace nnc::runtime
