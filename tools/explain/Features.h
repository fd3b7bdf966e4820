// What a sample's inputs are made of for who explains it: pictures and their
// patches, columns of a table, words of a text.
#ifndef NNC_TOOLS_EXPLAIN_FEATURES_H
#define NNC_TOOLS_EXPLAIN_FEATURES_H

#include "tools/Data.h"
#include "tools/explain/Scorer.h"

#include <string>
#include <vector>

namespace nnc::tools {

/// How an input is looked at: as a picture, or as a row of elements.
struct View {
  std::string input;
  bool isPicture = false;
  /// A picture's; a row has its elements in `width`.
  int64_t height = 1, width = 1, channels = 1;
  /// A picture's channels are whole planes, one after the other.
  bool channelsFirst = false;
  /// A picture's patches have so many pixels a side.
  int64_t patch = 1;

  int64_t numElements() const { return height * width * channels; }
  /// Of which pixel an element is a channel; of a row the element itself.
  int64_t pixelOf(int64_t element) const {
    return channelsFirst ? element % (height * width) : element / channels;
  }
  /// The elements with the channels of a pixel side by side.
  std::vector<double> byPixels(const std::vector<double> &elements) const;
  /// Of the grid of patches, or of elements of a row.
  int64_t rows() const { return (height + patch - 1) / patch; }
  int64_t columns() const { return (width + patch - 1) / patch; }
};

struct ViewOptions {
  /// "28x28" or "32x32x3": what an input of rank 2 is a picture of; empty:
  /// nothing.
  std::string picture;
  /// 0: a seventh of the longer side, so that there are at most 49.
  int64_t patch = 0;
  /// "chw" or "hwc": of pictures; empty: as the model's data block says, "hwc"
  /// where it says nothing.
  std::string order;
};

/// How each input is looked at. Of rank 4, [batch, height, width, channels],
/// or [batch, channels, height, width] where the order is "chw", and of rank 3,
/// [batch, height, width], it is a picture.
runtime::StatusOr<std::vector<View>>
viewInputs(const std::vector<runtime::TensorInfo> &inputs,
           const runtime::Recipe &recipe, const ViewOptions &options);

/// Elements that are taken away together, by the baseline's in their place.
struct Feature {
  size_t input = 0;
  std::vector<int64_t> elements;
};

/// A patch of a picture, or an element of a row, each; input by input,
/// row-major.
std::vector<Feature> listFeatures(const std::vector<View> &views);

/// Sample `index` of `columns`, as numbers.
Sample readSample(const Columns &columns, int64_t index);

/// What stands for a feature that is not there: `text` is a number for all
/// elements, or "mean", of all samples of `columns`. Rounded where an input
/// takes whole numbers; InvalidArgument where it cannot hold the number.
runtime::StatusOr<Sample>
makeBaseline(const std::string &text, const Columns &columns,
             const std::vector<runtime::TensorInfo> &inputs);

} // namespace nnc::tools

#endif // NNC_TOOLS_EXPLAIN_FEATURES_H
