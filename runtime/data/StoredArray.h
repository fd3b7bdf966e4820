// Arrays of NumPy's that stay in their files: larger than what is kept in
// memory.
#ifndef NNC_RUNTIME_DATA_STOREDARRAY_H
#define NNC_RUNTIME_DATA_STOREDARRAY_H

#include "runtime/data/Reader.h"

namespace nnc::runtime {

/// As readNpy, for files that are not compressed; samples are read one by one,
/// and their values checked then.
StatusOr<std::vector<Column>> readStoredArray(const ReadRequest &request);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_STOREDARRAY_H
