// Samples as steps see them: pictures, read one by one from wherever they are.
#ifndef NNC_RUNTIME_DATA_SAMPLES_H
#define NNC_RUNTIME_DATA_SAMPLES_H

#include "runtime/Random.h"
#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace nnc::runtime {

struct Column;

/// Rows, columns and channels of a sample. What has fewer dimensions is one
/// row, or one channel: a row of a table has its numbers as channels.
struct PictureSize {
  int64_t height = 1, width = 1, channels = 1;

  int64_t numValues() const { return height * width * channels; }
  bool operator==(const PictureSize &other) const {
    return height == other.height && width == other.width &&
           channels == other.channels;
  }
};

/// "32x32x3".
std::string describe(const PictureSize &extent);

/// Of a sample's shape, where rows come first or, in `channelsFirst`, channels
/// do. Nothing for more than three dimensions.
std::optional<PictureSize> extentOf(const Shape &sampleShape,
                                    bool channelsFirst);

/// Row after row, the channels of a place side by side.
struct Picture {
  PictureSize extent;
  std::vector<float> values;

  /// Gives it `extent`; values are undefined then.
  void resize(const PictureSize &to);
  float *at(int64_t row, int64_t column) {
    return values.data() + (row * extent.width + column) * extent.channels;
  }
  const float *at(int64_t row, int64_t column) const {
    return values.data() + (row * extent.width + column) * extent.channels;
  }
};

/// What one thread prepares samples in, kept from one to the next.
struct Workspace {
  /// The sample, and where the next step puts what it makes of it.
  Picture picture, next;
  /// A file that has been read, and a second sample to mix with.
  std::vector<uint8_t> pixels, bytes;
  /// The fields of a table's sample, and their bytes before.
  std::vector<double> fields;
  std::vector<uint8_t> elements;
  /// A sample of an array, before it is converted.
  std::vector<uint8_t> decoded;
  /// The last row of a file that was read alone, and which it is.
  std::vector<uint8_t> row;
  const void *rowFile = nullptr;
  int64_t rowIndex = 0;
};

/// What random steps draw by: with a sample's number, nothing else.
struct Draw {
  int64_t seed = 0;
  int64_t epoch = 0;
};

/// The numbers that one step draws for one sample.
class StepRandom {
public:
  /// Streams beside those of a program's ops, which count from 0, and those of
  /// Batches.cpp.
  static constexpr uint32_t firstStream = 0xffff0000;

  StepRandom(const Draw &draw, int64_t sample, uint32_t stream)
      : words(randomWords(static_cast<uint64_t>(draw.seed),
                          static_cast<uint32_t>(draw.epoch), stream,
                          static_cast<uint64_t>(sample))) {}

  /// From 0 to below 1; `index` is 0 to 3.
  double share(int index) const { return words[index] / 4294967296.0; }
  /// From 0 to `count` - 1, which is below 2^32.
  int64_t below(int index, int64_t count) const {
    return static_cast<int64_t>(static_cast<uint64_t>(words[index]) *
                                    static_cast<uint64_t>(count) >>
                                32);
  }

private:
  RandomWords words;
};

/// Samples as their files have them. Any thread may call it at any time.
class Samples {
public:
  virtual ~Samples() = default;
  /// Of the sample `index`, without reading all of it.
  virtual PictureSize extent(int64_t index) const = 0;
  /// Reads a sample into `work.picture`.
  virtual Status read(int64_t index, Workspace &work) const = 0;
  /// Where it is, for a message.
  virtual std::string nameOf(int64_t index) const = 0;
  /// The array that they are, or null.
  virtual const Column *array() const { return nullptr; }
};

/// The samples of an array that was read from `path`, of at most three
/// dimensions: in memory, or stored.
std::shared_ptr<const Samples> samplesOf(Column column, bool channelsFirst,
                                         std::string path);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_SAMPLES_H
