// What the samples of an input go through between their file and the model.
#ifndef NNC_RUNTIME_DATA_PREPARATION_H
#define NNC_RUNTIME_DATA_PREPARATION_H

#include "runtime/Plan.h"
#include "runtime/data/Column.h"
#include "runtime/data/Transform.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::runtime {

/// The part of a sample's values that normalize subtracts and divides by, one a
/// channel.
struct Normalization {
  std::vector<double> mean, deviation;
};

/// The steps of one input, and the form that the model takes its samples in.
class Preparation {
public:
  /// Of the steps of a recipe, those of `input`, for samples that are of type
  /// `stored` in their file. InvalidArgument for a step that the input cannot
  /// have; `source` receives its place then.
  static StatusOr<std::shared_ptr<Preparation>>
  create(const Recipe &recipe, const TensorInfo &input, bool channelsFirst,
         ElementType stored, std::string *source);

  /// Whether a sample of this extent becomes what the input takes: InvalidFile
  /// if not. InvalidArgument for a step that cannot be done to it, of which
  /// `source` receives the place.
  Status check(PictureSize extent, std::string *source) const;

  /// Takes `work.picture` through the steps. Steps that draw are passed over
  /// without `draw`, or do what they do in evaluation.
  void apply(Workspace &work, const Draw *draw, int64_t sample) const;

  /// Writes a sample that has gone through the steps as the input takes it.
  void store(Workspace &work, uint8_t *to) const;

  /// The part of mixup: 0 where the input has no such step.
  double mixupAlpha() const { return alpha; }
  const std::string &mixupSource() const { return alphaSource; }

  /// Whether a normalize waits for what is to be measured.
  bool isOpen() const { return open && open->isOpen(); }
  /// As apply, up to the step that waits.
  void applyToOpen(Workspace &work) const;
  void settle(const Normalization &measured);

private:
  struct Step {
    std::unique_ptr<Transform> transform;
    uint32_t stream;
    std::string source;
  };

  Status add(const SampleStep &step, uint32_t stream, const TensorInfo &input,
             ValueRange range);

  std::vector<Step> steps;
  /// Of the steps, the one that takes what is measured, and its place.
  Normalize *open = nullptr;
  size_t openPlace = 0;
  double alpha = 0;
  std::string alphaSource;

  std::string inputName;
  ElementType elementType = ElementType::F32;
  PictureSize extent;
  bool channelsFirst = false;
};

/// What mixup draws by.
inline constexpr uint32_t mixupStream = 0xfffffff2;

/// Whether the recipe has a step of that name for the input.
bool hasStep(const Recipe &recipe, std::string_view input,
             std::string_view step);

/// Writes sample `index` of `column` to `to`, prepared.
Status writeSample(const Column &column, int64_t index, const Draw *draw,
                   Workspace &work, uint8_t *to);

/// `column` with all of its samples in memory, as they are in evaluation.
StatusOr<Column> inMemory(Column column);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_PREPARATION_H
