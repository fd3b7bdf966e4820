// NumPy's array files, and archives of them.
// Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef NNC_RUNTIME_DATA_NPY_H
#define NNC_RUNTIME_DATA_NPY_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// npy("path"): one input.
StatusOr<std::vector<Column>> readNpy(const ReadRequest &request);

/// npz("path", array = "x"): one input; the array may be left out where it has
/// the input's name, or the archive holds no other.
StatusOr<std::vector<Column>> readNpz(const ReadRequest &request);

/// Writes an array of format version 1.0; for the outputs of `nnc predict`.
Status writeNpy(const std::string &path, ElementType elementType,
                const Shape &shape, const void *data);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_NPY_H
