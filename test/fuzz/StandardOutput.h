// What a command prints, kept in memory.
#ifndef NNC_TEST_FUZZ_STANDARDOUTPUT_H
#define NNC_TEST_FUZZ_STANDARDOUTPUT_H

#include <string>

namespace nnc::fuzz {

/// From now on standard output goes into memory.
class StandardOutput {
public:
  StandardOutput();
  StandardOutput(const StandardOutput &) = delete;

  /// What was printed since the last call.
  std::string take();
};

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_STANDARDOUTPUT_H
