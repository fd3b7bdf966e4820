// One step that a sample goes through: what it does to a picture.
#ifndef NNC_RUNTIME_DATA_TRANSFORM_H
#define NNC_RUNTIME_DATA_TRANSFORM_H

#include "runtime/Plan.h"
#include "runtime/data/Samples.h"

#include <memory>
#include <string_view>
#include <vector>

namespace nnc::runtime {

class Transform {
public:
  virtual ~Transform() = default;
  /// Turns the extent of a sample into that after the step. InvalidArgument if
  /// the step cannot be done to such a sample.
  virtual Status fit(PictureSize &extent) const = 0;
  /// Does it to `work.picture`, which fits. Without `random`, a step that draws
  /// does what it does to a sample in evaluation.
  virtual void apply(Workspace &work, const StepRandom *random) const = 0;
};

/// The least and the largest value that a step keeps to: those of u8 where the
/// file has u8, else none.
struct ValueRange {
  float least, most;
};

/// Arguments of a step, which are checked; numbers are of SampleSteps.h.
bool flagOr(const SampleStep &step, std::string_view name, bool otherwise);
/// Empty where they are not given or to be measured.
std::vector<double> numbersOf(const SampleStep &step, std::string_view name);

// What changes places; what is outside of a picture is 0 (Geometry.cpp).
std::unique_ptr<Transform> makeCrop(const SampleStep &step);
std::unique_ptr<Transform> makeFlip(const SampleStep &step);
std::unique_ptr<Transform> makeResize(const SampleStep &step);
std::unique_ptr<Transform> makeRotate(const SampleStep &step);
std::unique_ptr<Transform> makeCutout(const SampleStep &step);

// What changes values (Values.cpp).
std::unique_ptr<Transform> makeJitter(const SampleStep &step, ValueRange range);
/// From a class's number to a 1 among zeros.
std::unique_ptr<Transform> makeOneHot(int64_t numClasses);

/// (x - mean) / deviation, channel by channel.
class Normalize : public Transform {
public:
  explicit Normalize(const SampleStep &step);

  Status fit(PictureSize &extent) const override;
  void apply(Workspace &work, const StepRandom *random) const override;

  /// Whether a mean or a deviation is to be measured and is not yet known.
  bool isOpen() const { return mean.empty() || deviation.empty(); }
  /// Takes those that are to be measured.
  void settle(const std::vector<double> &measuredMean,
              const std::vector<double> &measuredDeviation);

private:
  /// One for all channels, or one each.
  std::vector<double> mean, deviation;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_TRANSFORM_H
