// Numbers as pixels: pictures as they are, filters, and what counts in a
// picture laid over it.
#ifndef NNC_TOOLS_PLOT_PICTURES_H
#define NNC_TOOLS_PLOT_PICTURES_H

#include "tools/plot/Canvas.h"

#include <nlohmann/json_fwd.hpp>

#include <vector>

namespace nnc::tools {

/// [height, width, channels], row-major.
struct Picture {
  int height = 0, width = 0, channels = 0;
  std::vector<double> values;
};

/// A number for each cell of a grid over a picture: patches of `patch` pixels,
/// or where that is 0, `rows` times `columns` of equal size.
struct HeatMap {
  int rows = 0, columns = 0, patch = 0;
  std::vector<double> values;
};

/// The array of finite numbers `key` of an object from a file; false unless it
/// is one.
bool readNumbers(const nlohmann::json &object, const char *key,
                 std::vector<double> &numbers);

/// A whole number `key` between `least` and `most`; false unless it is one.
bool readWhole(const nlohmann::json &object, const char *key, int least,
               int most, int &number);

/// The size that the object's "picture" gives; false unless it has one that can
/// be drawn.
bool readPictureSize(const nlohmann::json &object, Picture &picture);

/// Pixels of three channels in colour, of others the mean in grey. Values are
/// taken to be from 0 to 1 or from 0 to 255 where all of them lie there, else
/// from their least to their largest.
std::vector<Colour> toPixels(const Picture &picture);

/// What the picture is faded to, with the map's values over it: vermilion where
/// they are above 0, blue where below, by their share of the largest magnitude.
std::vector<Colour> layOver(const Picture &picture, const HeatMap &map);

/// A filter around 0: of three channels in colour around grey, of others the
/// mean, vermilion above 0 and blue below.
std::vector<Colour> filterPixels(const Picture &filter);

} // namespace nnc::tools

#endif // NNC_TOOLS_PLOT_PICTURES_H
