// Members of a zip archive, as far as .npz files need them.
#ifndef NNC_RUNTIME_DATA_ZIP_H
#define NNC_RUNTIME_DATA_ZIP_H

#include "runtime/data/ByteStream.h"

namespace nnc::runtime {

/// Opens the member of that name; if `member` is empty, the only one, or among
/// several that of the name `usual`.
/// NotFound, with the members that there are, if there is none; InvalidFile
/// for a damaged archive.
StatusOr<ByteStream> openZipMember(const std::string &path,
                                   const std::string &member,
                                   const std::string &usual);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_ZIP_H
