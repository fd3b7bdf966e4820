// What sequences are given beside their tokens, such as the sentences that a
// translator reads.
#ifndef NNC_TOOLS_GENERATE_SOURCES_H
#define NNC_TOOLS_GENERATE_SOURCES_H

#include "runtime/Generation.h"
#include "tools/InputFiles.h"

#include <string>
#include <vector>

namespace nnc::tools {

struct SourceOptions {
  /// A file an input, a sample a line.
  InputFiles inputs;
  /// In place of it, the lines of the one text that the model reads, or the
  /// file that has them.
  std::string text, textFile;
};

/// Samples of all inputs beside the tokens.
class Sources {
public:
  /// InvalidArgument where an input is not given, or has another number of
  /// samples than the first.
  static runtime::StatusOr<Sources> read(const SourceOptions &options,
                                         const runtime::Generator &generator,
                                         const Learned &learned);

  /// At least one, also of a model that has no input beside the tokens.
  int64_t count() const;

  /// Gives all sequences sample `sample`; stands until the next call.
  runtime::Status give(runtime::Generator &generator, int64_t sample);

private:
  Columns columns;
  /// One an input: its sample, once for each sequence.
  std::vector<std::vector<uint8_t>> given;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_GENERATE_SOURCES_H
