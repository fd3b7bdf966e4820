// Where in one arena each buffer lies: lifetimes in, offsets out.
#ifndef NNC_CODEGEN_PLACEMENT_H
#define NNC_CODEGEN_PLACEMENT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace nnc {

/// A buffer that holds its value from command `first` to command `last`, both
/// included.
struct Lifetime {
  int64_t sizeBytes;
  int64_t first;
  int64_t last;

  bool overlaps(const Lifetime &other) const {
    return first <= other.last && other.first <= last;
  }
};

struct Placement {
  /// One for each lifetime, in its order; multiples of the alignment.
  llvm::SmallVector<int64_t> offsetsBytes;
  /// The end of the last buffer, rounded up to the alignment.
  int64_t sizeBytes = 0;
};

/// Places buffers that are alive together apart from one another: the largest
/// first, each at the lowest offset that is free throughout its life.
Placement placeFirstFit(llvm::ArrayRef<Lifetime> lifetimes,
                        int64_t alignmentBytes);

} // namespace nnc

#endif // NNC_CODEGEN_PLACEMENT_H
