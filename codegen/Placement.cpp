// First fit by decreasing size: near the lower bound on training steps, whose
// lifetimes nest (a value of the forward pass dies in the backward pass).
#include "codegen/Placement.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace nnc;
using llvm::ArrayRef;
using llvm::SmallVector;

/// The lowest offset at which `sizeBytes` fit between `taken`, the (offset,
/// end) pairs in use.
static int64_t findGap(SmallVector<std::pair<int64_t, int64_t>> taken,
                       int64_t sizeBytes) {
  llvm::sort(taken);
  int64_t offset = 0;
  for (auto [begin, end] : taken) {
    if (offset + sizeBytes <= begin)
      break;
    offset = std::max(offset, end);
  }
  return offset;
}

Placement nnc::placeFirstFit(ArrayRef<Lifetime> lifetimes,
                             int64_t alignmentBytes) {
  SmallVector<size_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0);
  // Equal sizes in program order, so that a program has one plan.
  llvm::sort(order, [&](size_t lhs, size_t rhs) {
    return std::make_pair(-lifetimes[lhs].sizeBytes, lhs) <
           std::make_pair(-lifetimes[rhs].sizeBytes, rhs);
  });

  Placement placement;
  placement.offsetsBytes.resize(lifetimes.size());
  auto endOf = [&](size_t i) {
    return placement.offsetsBytes[i] +
           int64_t(llvm::alignTo(lifetimes[i].sizeBytes, alignmentBytes));
  };
  for (auto [rank, index] : llvm::enumerate(order)) {
    SmallVector<std::pair<int64_t, int64_t>> taken;
    for (size_t other : ArrayRef(order).take_front(rank))
      if (lifetimes[other].overlaps(lifetimes[index]))
        taken.push_back({placement.offsetsBytes[other], endOf(other)});
    placement.offsetsBytes[index] =
        findGap(std::move(taken), lifetimes[index].sizeBytes);
    placement.sizeBytes = std::max(placement.sizeBytes, endOf(index));
  }
  return placement;
}
