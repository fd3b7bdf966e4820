// Mutations of PNG files: chunks are changed inside, and their lengths and
// checksums stay right.
#ifndef NNC_TEST_FUZZ_PNGMUTATOR_H
#define NNC_TEST_FUZZ_PNGMUTATOR_H

#include "test/fuzz/Choices.h"

#include <string>

namespace nnc::fuzz {

/// `file` changed in one thing; empty if it is no PNG.
std::string mutatePng(const std::string &file, Choices &choices);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_PNGMUTATOR_H
