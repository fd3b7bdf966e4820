// Mutations of a FlatBuffer that leave it one: a field, an element or a table
// is changed, and the rest stays valid. Made from the schema alone.
#ifndef NNC_TEST_FUZZ_FLATMUTATOR_H
#define NNC_TEST_FUZZ_FLATMUTATOR_H

#include "test/fuzz/FlatTree.h"

namespace nnc::fuzz {

class FlatMutator {
public:
  /// `binarySchema` as in FlatSchema; `verify` is the schema's own verifier.
  FlatMutator(const uint8_t *binarySchema,
              bool (*verify)(flatbuffers::Verifier &verifier))
      : schema(binarySchema), verify(verify) {}

  /// As LLVMFuzzerCustomMutator. Bytes alone change where `data` is no such
  /// buffer, and in a share of the calls.
  size_t mutate(uint8_t *data, size_t size, size_t maxSize,
                unsigned seed) const;

  /// As LLVMFuzzerCustomCrossOver: the first, with a part of the second.
  size_t cross(const uint8_t *data1, size_t size1, const uint8_t *data2,
               size_t size2, uint8_t *out, size_t maxOutSize,
               unsigned seed) const;

private:
  bool isValid(const uint8_t *data, size_t size) const;
  /// Ends the program if a buffer is not the same after a tree.
  void checkRoundTrip(const FlatPtr &tree, size_t size) const;

  const FlatSchema schema;
  bool (*const verify)(flatbuffers::Verifier &verifier);
};

/// The mutator of a fuzzer's format, which it defines: libFuzzer is given it.
const FlatMutator &flatMutator();

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_FLATMUTATOR_H
