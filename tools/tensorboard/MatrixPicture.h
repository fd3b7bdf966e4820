// A confusion matrix as a picture: a row a label, a column a prediction.
#ifndef NNC_TOOLS_TENSORBOARD_MATRIXPICTURE_H
#define NNC_TOOLS_TENSORBOARD_MATRIXPICTURE_H

#include <cstdint>
#include <string>
#include <vector>

namespace nnc::tools {

struct PngPicture {
  int64_t width = 0, height = 0;
  std::string bytes;
};

/// Cells are the darker the larger their share of the row. Empty where the
/// matrix is, or too large to be seen.
PngPicture drawMatrix(const std::vector<std::vector<double>> &counts);

} // namespace nnc::tools

#endif // NNC_TOOLS_TENSORBOARD_MATRIXPICTURE_H
