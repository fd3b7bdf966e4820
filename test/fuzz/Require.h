// What a fuzzer promises of an input that was read.
#ifndef NNC_TEST_FUZZ_REQUIRE_H
#define NNC_TEST_FUZZ_REQUIRE_H

#include <cstdio>
#include <cstdlib>
#include <string>

namespace nnc::fuzz {

/// Unless `condition`, ends the program, so that the fuzzer keeps the input.
inline void require(bool condition, const char *what,
                    const std::string &found = {}) {
  if (condition)
    return;
  std::fprintf(stderr, "expected: %s\n%s\n", what, found.c_str());
  std::abort();
}

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_REQUIRE_H
