// What ran when, and on which thread: profiled runs on a line of time.
#ifndef NNC_RUNTIME_TRACE_H
#define NNC_RUNTIME_TRACE_H

#include <chrono>
#include <cstdint>
#include <vector>

namespace nnc::runtime {

/// A moment of the steady clock, in nanoseconds.
inline int64_t nanoseconds(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             time.time_since_epoch())
      .count();
}

struct TraceSlice {
  /// nanoseconds() of when it began and ended.
  int64_t begin = 0, end = 0;
  /// Index into EntryPoint::commands.
  int64_t command = 0;
  /// A thread's part: its indices of the command's extent, or its samples of a
  /// loop that is shared out.
  int64_t first = 0, last = 0;
};

/// Room for what threads write down is made before, so that they need none.
struct Trace {
  static constexpr size_t mostParts = size_t(1) << 16;

  explicit Trace(int numThreads) : parts(numThreads) {
    for (std::vector<TraceSlice> &ofThread : parts)
      ofThread.reserve(mostParts);
  }

  /// Forgets all, and keeps the room.
  void clear() {
    commands.clear();
    for (std::vector<TraceSlice> &ofThread : parts)
      ofThread.clear();
  }

  /// On the thread of that number. What there is no room for is left out.
  void addPart(int thread, const TraceSlice &slice) {
    std::vector<TraceSlice> &ofThread = parts[thread];
    if (ofThread.size() < ofThread.capacity())
      ofThread.push_back(slice);
  }

  /// Commands as a whole, one after the other as the device ran them. Those of
  /// a loop that is shared out have parts alone.
  std::vector<TraceSlice> commands;
  /// By thread, of targets that compute on the host's threads.
  std::vector<std::vector<TraceSlice>> parts;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_TRACE_H
