// What a target would have of the passes that fuse.
#ifndef NNC_PASSES_FUSIONPREFERENCES_H
#define NNC_PASSES_FUSIONPREFERENCES_H

#include <cstdint>

namespace nnc {

struct FusionPreferences {
  /// Gather the updates of all parameters into one kernel (nnc-fuse-updates).
  bool groupUpdates = false;
  /// Merge kernels whose samples have a space of rows and columns each.
  bool samples = false;
  /// Keep attention whole: there are kernels for it, which have no scores in
  /// memory.
  bool attention = false;
  /// Those kernels are of heads of at most so many bytes; 0 where they are of
  /// all. Of 16 bits, of at most so many elements, a multiple of 16.
  int64_t largestHeadBytes = 0;
  int64_t largestHalfHead = 0;
  /// A hyperbolic tangent of 16 bits is computed again where its operand is read
  /// (nnc-recompute).
  bool hasTanh16 = false;
  /// Give large products of 16 bits rows of multiples of so many bytes
  /// (nnc-align-products); 0 where any are fast.
  int64_t alignedRowBytes = 0;
};

} // namespace nnc

#endif // NNC_PASSES_FUSIONPREFERENCES_H
