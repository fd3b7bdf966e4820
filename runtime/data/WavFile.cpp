// Goes through the chunks of a file, then through its frames.
#include "runtime/data/WavFile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace nnc::runtime {

static constexpr int64_t mostChunks = 1024;
static constexpr int mostChannels = 64;
static constexpr uint32_t mostRate = 1'000'000;

template <typename T> static T at(const uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

static Status wrong(const std::string &path, const std::string &problem) {
  return {Code::InvalidFile, concat(path, ": ", problem)};
}

/// The chunk "fmt ".
static Status readFormat(const OpenFile &file, const std::string &path,
                         int64_t offset, int64_t size, WavInfo &info) {
  uint8_t bytes[40] = {};
  if (size < 16)
    return wrong(path, "its format is cut off");
  if (Status status = readAt(file, path, bytes,
                             std::min<int64_t>(size, sizeof bytes), offset);
      !status.isOk())
    return status;
  constexpr int pcm = 1, ieeeFloat = 3, extensible = 0xfffe;
  int form = at<uint16_t>(bytes);
  if (form == extensible && size >= 40)
    form = at<uint16_t>(bytes + 24);
  const int bits = at<uint16_t>(bytes + 14);
  info.numChannels = at<uint16_t>(bytes + 2);
  info.rate = at<uint32_t>(bytes + 4);
  info.isFloat = form == ieeeFloat;
  if (!(form == pcm && bits == 16) && !(form == ieeeFloat && bits == 32))
    return wrong(path, concat("samples of form ", form, " and ", bits,
                              " bits, expected PCM (1) of 16 bits or floats "
                              "(3) of 32"));
  if (info.numChannels < 1 || info.numChannels > mostChannels)
    return wrong(path, concat(info.numChannels, " channels, expected 1 to ",
                              mostChannels));
  if (info.rate < 1 || info.rate > mostRate)
    return wrong(
        path, concat(info.rate, " samples a second, expected 1 to ", mostRate));
  return {};
}

StatusOr<WavInfo> readWavInfo(const std::string &path) {
  int64_t fileBytes = 0;
  StatusOr<OpenFile> file = openToRead(path, fileBytes);
  if (!file.isOk())
    return file.status();
  uint8_t bytes[12] = {};
  constexpr int64_t headerBytes = 8;
  Status status =
      readAt(*file, path, bytes, std::min<int64_t>(fileBytes, sizeof bytes), 0);
  if (!status.isOk())
    return status;
  if (std::memcmp(bytes, "RIFF", 4) != 0 ||
      std::memcmp(bytes + 8, "WAVE", 4) != 0)
    return wrong(path, "no WAV file: it does not begin with RIFF and WAVE");
  WavInfo info;
  int64_t offset = sizeof bytes;
  for (int64_t chunk = 0; chunk < mostChunks; ++chunk) {
    if (offset > fileBytes - headerBytes)
      return wrong(path, "cut off before its samples");
    status = readAt(*file, path, bytes, headerBytes, offset);
    if (!status.isOk())
      return status;
    const int64_t size = at<uint32_t>(bytes + 4);
    offset += headerBytes;
    if (size > fileBytes - offset)
      return wrong(path,
                   concat("cut off: a part of ", size, " bytes begins at byte ",
                          offset, " of ", fileBytes));
    const bool isData = std::memcmp(bytes, "data", 4) == 0;
    if (std::memcmp(bytes, "fmt ", 4) == 0)
      status = readFormat(*file, path, offset, size, info);
    if (!status.isOk())
      return status;
    if (isData && info.numChannels == 0)
      return wrong(path, "its samples come before their format");
    if (isData) {
      info.offsetBytes = offset;
      info.numFrames = size / info.frameBytes();
      return info;
    }
    // Chunks begin at even bytes.
    offset += size + (size & 1);
  }
  return wrong(path, concat("more than ", mostChunks, " parts"));
}

Status readWav(const std::string &path, const WavInfo &info, int64_t first,
               int64_t count, float *to) {
  int64_t fileBytes = 0;
  StatusOr<OpenFile> file = openToRead(path, fileBytes);
  if (!file.isOk())
    return file.status();
  std::vector<uint8_t> bytes(size_t(count * info.frameBytes()));
  if (Status status = readAt(*file, path, bytes.data(), int64_t(bytes.size()),
                             info.offsetBytes + first * info.frameBytes());
      !status.isOk())
    return status;
  const uint8_t *sample = bytes.data();
  for (int64_t frame = 0; frame < count; ++frame) {
    double sum = 0;
    for (int channel = 0; channel < info.numChannels; ++channel) {
      sum += info.isFloat ? double(at<float>(sample))
                          : at<int16_t>(sample) / 32768.0;
      sample += info.isFloat ? 4 : 2;
    }
    if (!std::isfinite(sum))
      return wrong(path, concat("sample ", first + frame, " is not finite"));
    to[frame] = float(sum / info.numChannels);
  }
  return {};
}

} // namespace nnc::runtime
