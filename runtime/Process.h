// Whether this is still the process in which something was made, or a child
// that has a copy of it and none of its threads.
#ifndef NNC_RUNTIME_PROCESS_H
#define NNC_RUNTIME_PROCESS_H

#include <cstdint>

namespace nnc::runtime {

/// Made with an object; knows a child by fork() from then on. Asking costs a
/// read of memory.
class ProcessMark {
public:
  ProcessMark();

  bool isHere() const;

private:
  uint64_t generation;
};

} // namespace nnc::runtime

#endif // NNC_RUNTIME_PROCESS_H
