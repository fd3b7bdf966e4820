// Work on many things side by side, with one failure to report.
#ifndef NNC_RUNTIME_DATA_FORALL_H
#define NNC_RUNTIME_DATA_FORALL_H

#include "runtime/Status.h"
#include "runtime/ThreadPool.h"

#include <cstdint>
#include <functional>

namespace nnc::runtime {

/// Calls `work` with each index of [0, count) and the thread that it runs on,
/// at least `grain` neighbours on one. The failure of the smallest index that
/// has one; after it, not all are done.
Status forAll(ThreadPool &pool, int64_t count, int64_t grain,
              const std::function<Status(int64_t index, int thread)> &work);

} // namespace nnc::runtime

#endif // NNC_RUNTIME_DATA_FORALL_H
