// Mutations of files of data: what is compressed is changed inside, and the
// lengths and checksums around it stay right.
#ifndef NNC_TEST_FUZZ_DATAMUTATOR_H
#define NNC_TEST_FUZZ_DATAMUTATOR_H

#include "test/fuzz/Choices.h"

#include <string>

namespace nnc::fuzz {

/// The formats in the order of FuzzData.cpp's readers.
enum class DataFormat { Idx, Npy, Csv, Npz };

/// A file of that format, changed in one thing; perhaps compressed, perhaps as
/// a bomb. Empty if nothing can be done with it.
std::string mutateData(DataFormat format, const std::string &file,
                       size_t maxSize, Choices &choices);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_DATAMUTATOR_H
