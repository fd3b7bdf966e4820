// What a mutator draws from: numbers and strings that readers get wrong.
#ifndef NNC_TEST_FUZZ_CHOICES_H
#define NNC_TEST_FUZZ_CHOICES_H

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

// libFuzzer's own mutation of bytes, for mutators that call it on a part.
extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace nnc::fuzz {

class Choices {
public:
  explicit Choices(unsigned seed) : engine(seed) {}

  /// One of [0, count); `count` is at least 1.
  size_t below(size_t count) { return engine() % count; }
  bool oneIn(size_t count) { return below(count) == 0; }

  /// Mostly few, seldom up to `most`: how often something is repeated.
  size_t count(size_t most) { return below(most && oneIn(16) ? most : 4) + 1; }

  /// Around zero, a power of two or the end of a type, or not far from
  /// `before`.
  int64_t integer(int64_t before);
  /// NaN, infinite, the smallest and largest, or not far from `before`.
  double real(double before);
  /// Empty, long, not UTF-8, with control characters, a path, a name that a
  /// format reserves, or what `before` becomes by a piece of these; at most
  /// `maxSize` bytes.
  std::string text(const std::string &before, size_t maxSize);
  /// `before` after libFuzzer's own mutation, at most `maxSize` bytes.
  std::string bytes(std::string before, size_t maxSize);

  template <typename T> const T &of(const std::vector<T> &values) {
    return values[below(values.size())];
  }

private:
  // By its state alone: seeding is most of the work of a larger engine.
  std::minstd_rand engine;
};

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_CHOICES_H
