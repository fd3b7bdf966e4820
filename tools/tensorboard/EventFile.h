// Event files as TensorBoard reads them: records, each with its length and
// checksums, of what is shown at a step.
#ifndef NNC_TOOLS_TENSORBOARD_EVENTFILE_H
#define NNC_TOOLS_TENSORBOARD_EVENTFILE_H

#include "runtime/Status.h"
#include "runtime/Tensor.h"

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::tools {

/// How often numbers were in equal parts between the least and the largest.
struct Histogram {
  double least = 0, largest = 0, sum = 0, sumOfSquares = 0;
  int64_t count = 0;
  std::vector<double> counts; ///< Of the parts, the smallest numbers first.
};

/// Of the finite ones among `count` elements at `data`.
Histogram makeHistogram(runtime::ElementType type, const void *data,
                        int64_t count);

/// What is written in one call is one event each; `tag` is the name that
/// TensorBoard groups by, up to the first slash.
class EventFile {
public:
  /// Opens a new file in `folder`. Of those that earlier runs of nnc have left
  /// there, events beyond `lastStep` are cut off, and what is behind them.
  runtime::Status open(const std::string &folder, int64_t lastStep);

  void addScalar(const std::string &tag, int64_t step, double value);
  void addHistogram(const std::string &tag, int64_t step,
                    const Histogram &histogram);
  void addPicture(const std::string &tag, int64_t step, int64_t width,
                  int64_t height, std::string_view png);
  /// As Markdown.
  void addText(const std::string &tag, int64_t step, const std::string &text);

  /// IoError if anything could not be written.
  runtime::Status flush();

private:
  void addRecord(std::string_view event);
  void addValue(int64_t step, std::string_view value);

  std::string path;
  std::ofstream file;
};

} // namespace nnc::tools

#endif // NNC_TOOLS_TENSORBOARD_EVENTFILE_H
