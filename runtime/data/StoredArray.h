// Arrays of NumPy's that stay in their files: larger than what is kept in
// memory.
#ifndef NNC_RUNTIME_DATA_STOREDARRAY_H
#define NNC_RUNTIME_DATA_STOREDARRAY_H

#include "runtime/data/ByteStream.h"
#include "runtime/data/Reader.h"

#include <functional>

namespace nnc::runtime {

/// As readNpy; samples are read one by one, and their values checked then. What
/// is not a file of its own, or compressed, is unpacked into a file without a
/// name.
///
/// open  gives the array of a path of the request.
StatusOr<std::vector<Column>> readStoredArray(
    const ReadRequest &request,
    const std::function<StatusOr<ByteStream>(const std::string &)> &open);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_STOREDARRAY_H
