// Lines of the files that runs write: for reports and pictures of a run, and
// for one that goes on.
#ifndef NNC_TOOLS_LOGLINES_H
#define NNC_TOOLS_LOGLINES_H

#include "runtime/Status.h"

#include <cstdint>
#include <functional>
#include <string>

namespace nnc::tools {

/// Calls `use` with each line, without its end, and its number, from 1, until
/// it returns false. A last line without its end is one that is being written,
/// or was when a run was killed, and is left out.
///
/// NotFound if there is no file, IoError if it is no regular file or cannot be
/// read, InvalidFile at a line of more than 64 MiB.
runtime::Status
readLogLines(const std::string &path,
             const std::function<bool(const std::string &, int64_t)> &use);

} // namespace nnc::tools

#endif // NNC_TOOLS_LOGLINES_H
