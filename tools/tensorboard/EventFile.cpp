// TFRecord framing and the messages of tensorflow/core/util/event.proto and
// tensorflow/core/framework/summary.proto, whose numbers of fields stand here.
#include "tools/tensorboard/EventFile.h"

#include "tools/tensorboard/Protobuf.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include <unistd.h>

namespace nnc::tools {

using namespace runtime;

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

/// The polynomial 0x1EDC6F41 bit-reversed, byte by byte (RFC 3720, appendix
/// B.4).
static constexpr std::array<uint32_t, 256> makeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    table[byte] = crc;
  }
  return table;
}

/// CRC-32C, rotated by 15 bits and moved, as records have it: a checksum of
/// bytes that contain their checksum would be of little use.
static uint32_t maskedCrc(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> table = makeCrcTable();
  uint32_t crc = 0xffffffff;
  for (char byte : bytes)
    crc = table[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ crc >> 8;
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8;
}

template <typename T> static std::string rawBytes(T value) {
  return {reinterpret_cast<const char *>(&value), sizeof value};
}

template <typename T> static T fromRaw(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

void EventFile::addRecord(std::string_view event) {
  const std::string length = rawBytes(uint64_t(event.size()));
  file << length << rawBytes(maskedCrc(length)) << event
       << rawBytes(maskedCrc(event));
}

//===----------------------------------------------------------------------===//
// What earlier runs left
//===----------------------------------------------------------------------===//

static constexpr std::string_view ourBegin = "events.out.tfevents.",
                                  ourEnd = ".nnc";

static bool isOurs(const std::string &name) {
  return name.size() > ourBegin.size() + ourEnd.size() &&
         name.compare(0, ourBegin.size(), ourBegin) == 0 &&
         name.compare(name.size() - ourEnd.size(), ourEnd.size(), ourEnd) == 0;
}

/// The bytes of a file up to the first event that is beyond `lastStep`, or no
/// whole event.
static int64_t bytesUpTo(const std::string &path, int64_t lastStep) {
  // Far beyond what is written; a length from a file asks for no more memory.
  constexpr uint64_t mostBytes = 64 << 20;
  std::ifstream file(path, std::ios::binary);
  int64_t kept = 0;
  char head[12], tail[4];
  std::string event;
  while (file.read(head, sizeof head)) {
    const auto length = fromRaw<uint64_t>(head);
    if (length > mostBytes ||
        maskedCrc({head, 8}) != fromRaw<uint32_t>(head + 8))
      break;
    event.resize(length);
    if (!file.read(event.data(), int64_t(length)) ||
        !file.read(tail, sizeof tail) ||
        maskedCrc(event) != fromRaw<uint32_t>(tail))
      break;
    std::optional<uint64_t> step = findInteger(event, 2);
    if (!step || *step > uint64_t(lastStep))
      break;
    kept += int64_t(sizeof head + length + sizeof tail);
  }
  return kept;
}

/// A run that begins leaves nothing of the one before; one that goes on, what
/// it has behind it.
static Status cutEarlier(const std::string &folder, int64_t lastStep) {
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string path = entry.path().string();
    if (!isOurs(entry.path().filename().string()) ||
        !entry.is_regular_file(error))
      continue;
    const bool isDone =
        lastStep > 0 ? truncate(path.c_str(), bytesUpTo(path, lastStep)) == 0
                     : unlink(path.c_str()) == 0;
    if (!isDone)
      return {Code::IoError,
              concat(path, ": cannot be cut: ", std::strerror(errno))};
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

static double now() {
  return std::chrono::duration<double>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

static std::string makeName() {
  char host[256] = "machine";
  gethostname(host, sizeof host - 1);
  for (char &c : host)
    if (c == '/')
      c = '_';
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%010lld", (long long)now());
  return concat(ourBegin, seconds, ".", host, ".", getpid(), ourEnd);
}

Status EventFile::open(const std::string &folder, int64_t lastStep) {
  if (Status status = cutEarlier(folder, lastStep); !status.isOk())
    return status;
  path = folder + "/" + makeName();
  file.open(path, std::ios::binary | std::ios::trunc);
  // Event: wall_time = 1, step = 2, file_version = 3, session_log = 7.
  addRecord(Message().addDouble(1, now()).addBytes(3, "brain.Event:2"));
  // SessionLog: status = 1, START = 1: readers pass over what others have
  // behind this step.
  if (lastStep > 0)
    addRecord(Message()
                  .addDouble(1, now())
                  .addInteger(2, uint64_t(lastStep + 1))
                  .addBytes(7, Message().addInteger(1, 1)));
  return flush();
}

/// Event: summary = 5. Summary: value = 1.
void EventFile::addValue(int64_t step, std::string_view value) {
  addRecord(Message()
                .addDouble(1, now())
                .addInteger(2, uint64_t(step))
                .addBytes(5, Message().addBytes(1, value)));
}

/// Value: tag = 1, simple_value = 2.
void EventFile::addScalar(const std::string &tag, int64_t step, double value) {
  addValue(step, Message().addBytes(1, tag).addFloat(2, float(value)));
}

/// Value: histo = 5. HistogramProto: min = 1, max = 2, num = 3, sum = 4,
/// sum_squares = 5, bucket_limit = 6, bucket = 7.
void EventFile::addHistogram(const std::string &tag, int64_t step,
                             const Histogram &histogram) {
  const size_t numParts = histogram.counts.size();
  std::vector<double> limits;
  for (size_t i = 1; i <= numParts; ++i)
    limits.push_back(histogram.least + (histogram.largest - histogram.least) *
                                           double(i) / double(numParts));
  Message proto;
  proto.addDouble(1, histogram.least)
      .addDouble(2, histogram.largest)
      .addDouble(3, double(histogram.count))
      .addDouble(4, histogram.sum)
      .addDouble(5, histogram.sumOfSquares)
      .addDoubles(6, limits)
      .addDoubles(7, histogram.counts);
  addValue(step, Message().addBytes(1, tag).addBytes(5, proto));
}

/// Value: image = 4. Image: height = 1, width = 2, colorspace = 3 (3: RGB),
/// encoded_image_string = 4.
void EventFile::addPicture(const std::string &tag, int64_t step, int64_t width,
                           int64_t height, std::string_view png) {
  Message image;
  image.addInteger(1, uint64_t(height))
      .addInteger(2, uint64_t(width))
      .addInteger(3, 3)
      .addBytes(4, png);
  addValue(step, Message().addBytes(1, tag).addBytes(4, image));
}

/// Value: tensor = 8, metadata = 9. TensorProto: dtype = 1 (7: strings),
/// tensor_shape = 2, string_val = 8. SummaryMetadata: plugin_data = 1, of which
/// plugin_name = 1.
void EventFile::addText(const std::string &tag, int64_t step,
                        const std::string &text) {
  const Message dimension = Message().addInteger(1, 1);
  Message tensor;
  tensor.addInteger(1, 7)
      .addBytes(2, Message().addBytes(2, dimension))
      .addBytes(8, text);
  const Message plugin = Message().addBytes(1, "text");
  addValue(step, Message().addBytes(1, tag).addBytes(8, tensor).addBytes(
                     9, Message().addBytes(1, plugin)));
}

Status EventFile::flush() {
  if (file.flush())
    return {};
  return {Code::IoError,
          concat(path, ": cannot be written: ", std::strerror(errno))};
}

//===----------------------------------------------------------------------===//
// Histograms
//===----------------------------------------------------------------------===//

/// Calls `use` with each finite number.
template <typename Use>
static void forFinite(ElementType type, const void *data, int64_t count,
                      Use &&use) {
  const auto *bytes = static_cast<const char *>(data);
  const int64_t size = sizeBytes(type);
  for (int64_t i = 0; i < count; ++i)
    if (double value = toDouble(type, bytes + i * size); std::isfinite(value))
      use(value);
}

Histogram makeHistogram(ElementType type, const void *data, int64_t count) {
  constexpr int64_t numParts = 64;
  Histogram result;
  result.counts.assign(numParts, 0);
  forFinite(type, data, count, [&](double value) {
    result.least = result.count ? std::min(result.least, value) : value;
    result.largest = result.count ? std::max(result.largest, value) : value;
    result.sum += value;
    result.sumOfSquares += value * value;
    ++result.count;
  });
  const double width = result.largest - result.least;
  // Not even as a double, of f64 from one end of its range to the other.
  const bool hasParts = width > 0 && std::isfinite(width);
  forFinite(type, data, count, [&](double value) {
    const double place = hasParts ? (value - result.least) / width : 0;
    ++result.counts[std::min(int64_t(place * numParts), numParts - 1)];
  });
  return result;
}

} // namespace nnc::tools
