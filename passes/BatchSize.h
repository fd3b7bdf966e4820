// A size that may depend on the batch, and how such sizes are multiplied and
// added: the one form that passes and emitters count elements in.
#ifndef NNC_PASSES_BATCHSIZE_H
#define NNC_PASSES_BATCHSIZE_H

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <cstdint>
#include <optional>

namespace nnc {

/// A size, stride or offset in elements: `factor`, times the batch if
/// `perBatch`. What would be neither (the batch squared, a sum of both kinds, a
/// factor of more than 64 bits) has no BatchSize; nothing wraps around.
struct BatchSize {
  int64_t factor = 0;
  bool perBatch = false;

  constexpr BatchSize() = default;
  constexpr explicit BatchSize(int64_t factor) : factor(factor) {}
  constexpr BatchSize(int64_t factor, bool perBatch)
      : factor(factor), perBatch(perBatch) {}

  /// Of a dimension, in which `?` is the batch.
  static BatchSize ofDim(int64_t dim) {
    return mlir::ShapedType::isDynamic(dim) ? BatchSize(1, true)
                                            : BatchSize(dim);
  }

  bool is(int64_t constant) const {
    return factor == constant && (!perBatch || factor == 0);
  }
  bool isZero() const { return is(0); }
  bool isOne() const { return is(1); }
  bool isStatic() const { return !perBatch || factor == 0; }
  bool operator==(const BatchSize &other) const {
    return factor == other.factor && isStatic() == other.isStatic();
  }
  bool operator!=(const BatchSize &other) const { return !(*this == other); }

  std::optional<BatchSize> times(BatchSize other) const {
    BatchSize product(0, !isStatic() || !other.isStatic());
    bool isSquared = !isStatic() && !other.isStatic();
    if (isSquared || llvm::MulOverflow(factor, other.factor, product.factor))
      return std::nullopt;
    return product;
  }
  std::optional<BatchSize> times(int64_t count) const {
    return times(BatchSize(count));
  }

  std::optional<BatchSize> plus(BatchSize other) const {
    if (isZero() || other.isZero())
      return isZero() ? other : *this;
    BatchSize sum(0, perBatch);
    if (perBatch != other.perBatch ||
        llvm::AddOverflow(factor, other.factor, sum.factor))
      return std::nullopt;
    return sum;
  }

  /// With a batch of that size, for estimates: the largest number if it is more.
  int64_t estimate(int64_t batch) const {
    int64_t size = factor;
    if (perBatch && llvm::MulOverflow(factor, batch, size))
      return INT64_MAX;
    return size;
  }
};

/// The number of elements of a shape.
inline std::optional<BatchSize> sizeOfShape(llvm::ArrayRef<int64_t> shape) {
  std::optional<BatchSize> size(1);
  for (int64_t dim : shape)
    if (size)
      size = size->times(BatchSize::ofDim(dim));
  return size;
}

/// Elements between neighbours along each dimension of a row-major tensor.
inline std::optional<llvm::SmallVector<BatchSize>>
rowMajorStrides(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<BatchSize> strides;
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    std::optional<BatchSize> stride = sizeOfShape(shape.drop_front(dim + 1));
    if (!stride)
      return std::nullopt;
    strides.push_back(*stride);
  }
  return strides;
}

} // namespace nnc

#endif // NNC_PASSES_BATCHSIZE_H
