// Orders of dimensions.
#include "ir/Layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace llvm;

namespace nnc {

SmallVector<int64_t> pytorchDims(int64_t rank) {
  SmallVector<int64_t> dims{rank - 1, rank - 2};
  append_range(dims, seq<int64_t>(0, rank - 2));
  return dims;
}

SmallVector<int64_t> channelsToLast(int64_t rank) {
  SmallVector<int64_t> dims{0};
  append_range(dims, seq<int64_t>(2, rank));
  dims.push_back(1);
  return dims;
}

bool isPermutation(ArrayRef<int64_t> dims, int64_t rank) {
  SmallVector<int64_t> sorted(dims);
  sort(sorted);
  return equal(sorted, seq<int64_t>(0, rank));
}

} // namespace nnc
