// Folders of pictures, a folder a class.
#ifndef NNC_RUNTIME_DATA_IMAGES_H
#define NNC_RUNTIME_DATA_IMAGES_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// images("DIR"): the pictures, and for a second input the numbers of their
/// classes, by the names of their folders. Without one, pictures may lie in DIR
/// itself.
StatusOr<std::vector<Column>> readImages(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_IMAGES_H
