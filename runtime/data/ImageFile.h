// Pictures in files: PNG by libpng, JPEG by libjpeg-turbo.
#ifndef NNC_RUNTIME_DATA_IMAGEFILE_H
#define NNC_RUNTIME_DATA_IMAGEFILE_H

#include "runtime/data/Samples.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nnc::runtime {

/// Whether a file of this name is taken for a picture: it ends in .png, .jpg or
/// .jpeg, in any case.
bool isPictureName(std::string_view name);

/// Whether a file that begins so is a PNG or a JPEG.
bool isPicture(std::string_view begin);

/// Rows and columns of the picture in a file, without reading all of it.
/// InvalidFile if it is none, or larger than 2^25 pixels.
StatusOr<PictureSize> readPictureSize(const std::string &path);

/// Reads a picture into `pixels`, row after row, as `extent` has it: 1 channel
/// is grey, 3 are red, green and blue. A grey picture is read as 3 equal
/// channels, a coloured one as its luma; what is transparent is laid on black;
/// 16 bits are rounded to 8. InvalidFile for what is damaged or of another
/// size.
Status readPicture(const std::string &path, const PictureSize &extent,
                   std::vector<uint8_t> &pixels);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_IMAGEFILE_H
