// Sounds with classes or transcripts.
#ifndef NNC_RUNTIME_DATA_WAV_H
#define NNC_RUNTIME_DATA_WAV_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// wav("path", rate = 16000): a folder with a folder of .wav files a class, or
/// a table of files and their transcripts or labels; docs/text-data.md.
StatusOr<std::vector<Column>> readWavs(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_WAV_H
