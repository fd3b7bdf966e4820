// Reads records of all files, one after the other, and turns planes into
// pixels.
#include "runtime/data/Cifar.h"

#include "runtime/PlanNames.h"
#include "runtime/data/Array.h"
#include "runtime/data/ByteStream.h"

#include <algorithm>
#include <cstring>

namespace nnc::runtime {

static constexpr int64_t side = 32, channels = 3, planeBytes = side * side;
static constexpr int64_t pictureBytes = channels * planeBytes;

namespace {
struct Variant {
  /// Of a record, before its picture, and which of them is the label.
  int64_t labelBytes, labelPlace;
  int numClasses;
  /// The file of the classes' names, which lies beside the data.
  const char *namesFile;

  int64_t recordBytes() const { return labelBytes + pictureBytes; }
};
} // namespace

//===----------------------------------------------------------------------===//
// Names of classes
//===----------------------------------------------------------------------===//

/// A line a class; none where the file is not there or has other lines.
static std::vector<std::string> readNames(const std::string &dataPath,
                                          const Variant &variant) {
  constexpr int64_t mostBytes = 1 << 16;
  const size_t slash = dataPath.rfind('/');
  const std::string path =
      (slash == std::string::npos ? "" : dataPath.substr(0, slash + 1)) +
      variant.namesFile;
  StatusOr<ByteStream> stream = ByteStream::open(path);
  std::string text(size_t(mostBytes), '\0');
  StatusOr<int64_t> size = stream.isOk()
                               ? stream->readSome(text.data(), mostBytes)
                               : StatusOr<int64_t>(stream.status());
  if (!size.isOk())
    return {};
  text.resize(size_t(*size));
  std::vector<std::string> names;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string name = text.substr(begin, end - begin);
    if (!name.empty() && name.back() == '\r')
      name.pop_back();
    if (!name.empty())
      names.push_back(std::move(name));
    begin = end + 1;
  }
  const bool areNames =
      int(names.size()) == variant.numClasses &&
      std::none_of(names.begin(), names.end(), [](const std::string &name) {
        return problemOfName(name) || name.find('/') != std::string::npos;
      });
  return areNames ? names : std::vector<std::string>();
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

/// Number of records in a file, which says it by its length alone.
static StatusOr<int64_t> countRecords(const std::string &path,
                                      const Variant &variant) {
  int64_t bytes = 0;
  StatusOr<OpenFile> file = openToRead(path, bytes);
  if (!file.isOk())
    return file.status();
  if (bytes > 0 && bytes % variant.recordBytes() == 0)
    return bytes / variant.recordBytes();
  return Status(Code::InvalidFile,
                concat(path, ": ", bytes, " bytes, expected a multiple of ",
                       variant.recordBytes(), ": ", variant.labelBytes,
                       variant.labelBytes == 1 ? " byte" : " bytes",
                       " of labels and 32x32x3 of a picture each"));
}

/// From planes to pixels, unless the input takes planes.
static void placePicture(const uint8_t *planes, bool channelsFirst,
                         uint8_t *to) {
  if (channelsFirst) {
    std::memcpy(to, planes, pictureBytes);
    return;
  }
  for (int64_t place = 0; place < planeBytes; ++place)
    for (int64_t channel = 0; channel < channels; ++channel)
      to[place * channels + channel] = planes[channel * planeBytes + place];
}

/// Fills samples from `first` on with the records of one file, at most as many
/// as there is room for.
static StatusOr<int64_t> readRecords(const std::string &path,
                                     const Variant &variant, bool channelsFirst,
                                     int64_t first, Column &pictures,
                                     Column &labels) {
  StatusOr<int64_t> count = countRecords(path, variant);
  if (!count.isOk())
    return count;
  StatusOr<ByteStream> stream = ByteStream::open(
      path, 0, *count * variant.recordBytes(), ByteStream::Coding::Plain);
  if (!stream.isOk())
    return stream.status();
  int64_t end = std::min(pictures.numSamples, first + *count);
  std::vector<uint8_t> record(size_t(variant.recordBytes()));
  for (int64_t i = first; i < end; ++i) {
    Status status =
        stream->read(record.data(), variant.recordBytes(), "a record");
    if (!status.isOk())
      return status;
    const int label = record[size_t(variant.labelPlace)];
    if (label >= variant.numClasses)
      return Status(Code::InvalidFile,
                    concat(path, ": record ", i - first, " has label ", label,
                           ", expected 0 to ", variant.numClasses - 1));
    labels.data.data()[i] = uint8_t(label);
    placePicture(record.data() + variant.labelBytes, channelsFirst,
                 pictures.data.data() + i * pictureBytes);
  }
  return end - first;
}

static StatusOr<int64_t> countAll(const ReadRequest &request,
                                  const Variant &variant) {
  int64_t total = 0;
  for (const std::string &path : request.paths) {
    StatusOr<int64_t> count = countRecords(path, variant);
    if (!count.isOk())
      return count;
    total += *count;
  }
  total = std::min(total, request.mostSamples);
  return total;
}

static Column emptyColumn(const TensorInfo &input, Shape sampleShape,
                          int64_t numSamples) {
  Column column;
  column.name = input.name;
  column.elementType = ElementType::U8;
  column.sampleShape = std::move(sampleShape);
  column.numSamples = numSamples;
  column.data = AlignedBytes(size_t(numSamples * column.sampleBytes()));
  return column;
}

static StatusOr<std::vector<Column>> readCifar(const ReadRequest &request,
                                               const Variant &variant) {
  if (request.inputs.size() != 2)
    return Status(Code::InvalidArgument,
                  concat(request.binding.reader,
                         " fills two inputs, with pictures and their labels, "
                         "the binding names ",
                         request.inputs.size()));
  StatusOr<int64_t> total = countAll(request, variant);
  if (!total.isOk())
    return total.status();
  const bool first = request.channelsFirst;
  std::vector<Column> columns;
  columns.push_back(emptyColumn(*request.inputs[0],
                                first ? Shape{channels, side, side}
                                      : Shape{side, side, channels},
                                *total));
  columns.push_back(emptyColumn(*request.inputs[1], {}, *total));
  int64_t done = 0;
  for (const std::string &path : request.paths) {
    StatusOr<int64_t> read =
        readRecords(path, variant, first, done, columns[0], columns[1]);
    if (!read.isOk())
      return read.status();
    done += *read;
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    StatusOr<Column> fitted = request.fit(i, std::move(columns[i]));
    if (!fitted.isOk())
      return fitted.status();
    columns[i] = std::move(*fitted);
  }
  columns[1].classes = readNames(request.paths[0], variant);
  return columns;
}

StatusOr<std::vector<Column>> readCifar10(const ReadRequest &request) {
  if (Status status = request.checkArguments({"order"}); !status.isOk())
    return status;
  return readCifar(request, {1, 0, 10, "batches.meta.txt"});
}

StatusOr<std::vector<Column>> readCifar100(const ReadRequest &request) {
  if (Status status = request.checkArguments({"order", "label"});
      !status.isOk())
    return status;
  const std::string *label = request.argument("label");
  if (label && *label != "fine" && *label != "coarse")
    return Status(Code::InvalidArgument,
                  concat("cifar100: argument 'label' is ", quote(*label),
                         ", expected fine or coarse"));
  if (label && *label == "coarse")
    return readCifar(request, {2, 0, 20, "coarse_label_names.txt"});
  return readCifar(request, {2, 1, 100, "fine_label_names.txt"});
}

} // namespace nnc::runtime
