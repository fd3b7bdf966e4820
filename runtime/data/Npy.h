// NumPy's array files, and archives of them.
// Source: numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef NNC_RUNTIME_DATA_NPY_H
#define NNC_RUNTIME_DATA_NPY_H

#include "runtime/data/Array.h"
#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// npy("path"): one input.
StatusOr<std::vector<Column>> readNpy(const ReadRequest &request);

/// npz("path", array = "x"): one input; the array may be left out where it has
/// the input's name, or the archive holds no other.
StatusOr<std::vector<Column>> readNpz(const ReadRequest &request);

/// Reads the header of an array, which `stream` stands behind then. `isU16`
/// receives whether its type is u2, which is none of nnc's: it is refused where
/// that is null.
Status readNpyHeader(ByteStream &stream, ArrayHeader &header,
                     bool *isU16 = nullptr);

/// Writes an array of format version 1.0; for the outputs of `nnc predict`.
Status writeNpy(const std::string &path, ElementType elementType,
                const Shape &shape, const void *data);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_NPY_H
