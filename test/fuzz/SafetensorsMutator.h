// Mutations of safetensors files: a name, a type, a shape or a place of one
// tensor changes, or what the header holds beside the tensors.
#ifndef NNC_TEST_FUZZ_SAFETENSORSMUTATOR_H
#define NNC_TEST_FUZZ_SAFETENSORSMUTATOR_H

#include "test/fuzz/Choices.h"

#include <string>

namespace nnc::fuzz {

/// Empty if `file` has no header that can be read, or the result has more than
/// `maxSize` bytes.
std::string mutateSafetensors(const std::string &file, size_t maxSize,
                              Choices &choices);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_SAFETENSORSMUTATOR_H
