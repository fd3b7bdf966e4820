// How a window slides over the spatial dimensions of a tensor: those between
// the first, which is the batch, and the last, which is the channels.
#ifndef NNC_IR_WINDOWS_H
#define NNC_IR_WINDOWS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace nnc {

/// Windows over the spatial dimensions of a tensor [n, spatial.., c], one entry
/// a dimension: a convolution's filter, or a pool. Position o of a dimension
/// covers its elements o * stride + k * dilation - low, for k below the size;
/// outside of the tensor, by `low` before it or `high` after it, is padding.
struct Windows {
  llvm::SmallVector<int64_t> sizes, strides, low, high, dilations;

  /// From the first to the last element that a window covers.
  int64_t reach(unsigned dim) const {
    return (sizes[dim] - 1) * dilations[dim] + 1;
  }
  /// How many positions there are on `extent` elements; less than 1 where none.
  int64_t positions(unsigned dim, int64_t extent) const {
    int64_t room = extent + low[dim] + high[dim] - reach(dim);
    return room < 0 ? 0 : room / strides[dim] + 1;
  }
};

/// With the attributes of an op as it has them: an empty list of strides or
/// dilations stands for ones, of padding for none.
Windows makeWindows(llvm::ArrayRef<int64_t> sizes,
                    llvm::ArrayRef<int64_t> strides,
                    llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
                    llvm::ArrayRef<int64_t> dilations);

/// The sizes of the spatial dimensions of [n, size.., channels].
inline llvm::ArrayRef<int64_t> spatialDims(llvm::ArrayRef<int64_t> shape) {
  return shape.drop_front().drop_back();
}

/// The sizes of a filter's window: [window.., in, out].
inline llvm::ArrayRef<int64_t> windowDims(llvm::ArrayRef<int64_t> shape) {
  return shape.drop_back(2);
}

} // namespace nnc

#endif // NNC_IR_WINDOWS_H
