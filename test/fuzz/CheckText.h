// What every text of a file promises that gets into a message, generated code
// or JSON.
#ifndef NNC_TEST_FUZZ_CHECKTEXT_H
#define NNC_TEST_FUZZ_CHECKTEXT_H

#include <string>

namespace nnc::fuzz {

/// Ends the program unless `text` is UTF-8 without control characters, but for
/// the ends of lines where `hasLines`.
void checkText(const std::string &text, const char *what,
               bool hasLines = false);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_CHECKTEXT_H
