// Mutations of programs of the language, word by word and line by line: what
// stands beside the change stays a program.
#ifndef NNC_TEST_FUZZ_TEXTMUTATOR_H
#define NNC_TEST_FUZZ_TEXTMUTATOR_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace nnc::fuzz {

class TextMutator {
public:
  /// `words` may stand in a program: keywords, names of ops.
  explicit TextMutator(std::vector<std::string> words)
      : words(std::move(words)) {}

  /// As LLVMFuzzerCustomMutator.
  size_t mutate(uint8_t *data, size_t size, size_t maxSize,
                unsigned seed) const;

private:
  const std::vector<std::string> words;
};

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_TEXTMUTATOR_H
