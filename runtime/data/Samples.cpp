// Samples of arrays in memory, in rows, columns and channels.
#include "runtime/data/Samples.h"

#include "runtime/data/Column.h"

#include <cstring>

namespace nnc::runtime {

std::string describe(const PictureSize &extent) {
  return concat(extent.height, "x", extent.width, "x", extent.channels);
}

std::optional<PictureSize> extentOf(const Shape &sampleShape,
                                    bool channelsFirst) {
  switch (sampleShape.size()) {
  case 0:
    return PictureSize{1, 1, 1};
  case 1:
    return PictureSize{1, 1, sampleShape[0]};
  case 2:
    return PictureSize{sampleShape[0], sampleShape[1], 1};
  case 3:
    return channelsFirst
               ? PictureSize{sampleShape[1], sampleShape[2], sampleShape[0]}
               : PictureSize{sampleShape[0], sampleShape[1], sampleShape[2]};
  default:
    return std::nullopt;
  }
}

void Picture::resize(const PictureSize &to) {
  extent = to;
  values.resize(static_cast<size_t>(to.numValues()));
}

namespace {
class ArraySamples : public Samples {
public:
  ArraySamples(Column column, bool channelsFirst, std::string path)
      : column(std::move(column)), channelsFirst(channelsFirst),
        path(std::move(path)),
        size(*extentOf(this->column.sampleShape, channelsFirst)) {}

  PictureSize extent(int64_t) const override { return size; }
  Status read(int64_t index, Workspace &work) const override;
  std::string nameOf(int64_t index) const override {
    return concat(path, ": sample ", index);
  }
  const Column *array() const override {
    return column.isInMemory() ? &column : nullptr;
  }

private:
  Column column;
  bool channelsFirst;
  std::string path;
  PictureSize size;
};
} // namespace

template <typename T>
static void widen(const uint8_t *from, int64_t count, float *to) {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, from + i * sizeof value, sizeof value);
    to[i] = static_cast<float>(value);
  }
}

/// `count` numbers of any type, rounded to f32.
static void toFloats(ElementType type, const uint8_t *from, int64_t count,
                     float *to) {
  switch (type) {
  case ElementType::U8:
  case ElementType::Bool:
    return widen<uint8_t>(from, count, to);
  case ElementType::F32:
    return widen<float>(from, count, to);
  default:
    for (int64_t i = 0; i < count; ++i)
      to[i] = static_cast<float>(toDouble(type, from + i * sizeBytes(type)));
  }
}

Status ArraySamples::read(int64_t index, Workspace &work) const {
  const uint8_t *from = column.data.data() + index * column.sampleBytes();
  if (column.stored) {
    work.elements.resize(size_t(column.sampleBytes()));
    if (Status status = column.stored->write(index, work, work.elements.data());
        !status.isOk())
      return status;
    from = work.elements.data();
  }
  Picture &picture = work.picture;
  picture.resize(size);
  if (!channelsFirst || size.channels == 1) {
    toFloats(column.elementType, from, size.numValues(), picture.values.data());
    return {};
  }
  work.next.resize(size);
  const float *planes = work.next.values.data();
  toFloats(column.elementType, from, size.numValues(), work.next.values.data());
  const int64_t places = size.height * size.width;
  for (int64_t channel = 0; channel < size.channels; ++channel)
    for (int64_t place = 0; place < places; ++place)
      picture.values[place * size.channels + channel] =
          planes[channel * places + place];
  return {};
}

std::shared_ptr<const Samples> samplesOf(Column column, bool channelsFirst,
                                         std::string path) {
  return std::make_shared<ArraySamples>(std::move(column), channelsFirst,
                                        std::move(path));
}

} // namespace nnc::runtime
