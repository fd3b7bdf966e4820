// Sounds in RIFF WAVE files: PCM of 16 bits and floats of 32.
// Source: Microsoft's "Multiple Channel Audio Data and WAVE Files"; IBM and
// Microsoft, "Multimedia Programming Interface and Data Specifications 1.0".
#ifndef NNC_RUNTIME_DATA_WAVFILE_H
#define NNC_RUNTIME_DATA_WAVFILE_H

#include "runtime/File.h"

#include <cstdint>
#include <string>

namespace nnc::runtime {

struct WavInfo {
  /// Of a second.
  int64_t rate = 0;
  int64_t numFrames = 0;
  int numChannels = 0;
  bool isFloat = false;
  /// Where the frames begin.
  int64_t offsetBytes = 0;

  int64_t frameBytes() const { return numChannels * (isFloat ? 4 : 2); }
};

/// What the header says. InvalidFile for what is no such file, is cut off, or
/// has another form of samples.
StatusOr<WavInfo> readWavInfo(const std::string &path);

/// Reads `count` frames from `first` on: the mean of their channels, of PCM
/// from -1 to below 1. InvalidFile for floats that are not finite.
Status readWav(const std::string &path, const WavInfo &info, int64_t first,
               int64_t count, float *to);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_WAVFILE_H
