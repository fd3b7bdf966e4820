// Kernels that do not depend on each other, but read the same operands or are
// small and alike, into one.
#include "passes/Bodies.h"
#include "passes/Passes.h"
#include "passes/RowFusion.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_FUSESIBLINGSPASS
#include "passes/Passes.h.inc"
} // namespace nnc

/// Up to this many elements, a kernel's start weighs more than its work.
static constexpr int64_t kFewElements = 8192;

static int64_t numElements(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() : kFewElements + 1;
}

/// With how many others a group is tried: each may refuse it only after a look
/// at all ops of both.
static constexpr size_t kMostTried = 32;

/// So many sums of siblings at once: each takes registers for as long as the
/// kernel goes over its elements.
static constexpr int64_t kMostSums = 8;

static int64_t numSums(const RowFusion &fusion, unsigned number) {
  return llvm::count_if(fusion.group(number).ops,
                        [](Operation *op) { return isa<Reducing>(op); });
}

/// Merges groups of a list, each with the first of those before it that takes
/// it.
static void mergeAll(RowFusion &fusion, ArrayRef<unsigned> alike) {
  SmallVector<unsigned> hosts;
  for (unsigned number : alike) {
    if (fusion.group(number).ops.empty())
      continue;
    auto tried = MutableArrayRef(hosts).take_back(kMostTried);
    int64_t sums = numSums(fusion, number);
    auto *host = llvm::find_if(tried, [&](unsigned &other) {
      if (sums > 0 && sums + numSums(fusion, other) > kMostSums)
        return false;
      std::optional<unsigned> both = fusion.merge(other, number);
      other = both.value_or(other);
      return both.has_value();
    });
    if (host == tried.end())
      hosts.push_back(number);
    else if (fusion.isFull(*host))
      hosts.erase(host);
  }
}

static bool isKernel(const RowFusion &fusion, unsigned number) {
  const RowFusion::Group &group = fusion.group(number);
  return !group.ops.empty() && group.isRows && !group.isFree;
}

/// Updates of small parameters, and all arithmetic on scalars.
static void mergeSmall(RowFusion &fusion) {
  llvm::MapVector<int64_t, SmallVector<unsigned>> bySize;
  for (unsigned number : fusion.groups()) {
    if (!isKernel(fusion, number))
      continue;
    int64_t largest = 0;
    for (Value input : fusion.inputs(number))
      largest = std::max(largest, numElements(input));
    for (Operation *op : fusion.group(number).ops)
      largest = std::max(largest, numElements(op->getResult(0)));
    if (largest <= kFewElements)
      bySize[largest].push_back(number);
  }
  for (auto &[size, alike] : bySize)
    mergeAll(fusion, alike);
}

/// Kernels that read the same tensor.
static void mergeByOperand(RowFusion &fusion) {
  llvm::MapVector<Value, SmallVector<unsigned>> byOperand;
  for (unsigned number : fusion.groups())
    if (isKernel(fusion, number))
      for (Value input : fusion.inputs(number))
        if (numElements(input) > 1)
          byOperand[input].push_back(number);
  for (auto &[operand, alike] : byOperand) {
    // Numbers may have been merged away, into one that is in the list too.
    SmallVector<unsigned> alive;
    for (unsigned number : alike)
      if (isKernel(fusion, number))
        alive.push_back(number);
    mergeAll(fusion, alive);
  }
}

/// Arithmetic on scalars costs nothing where a kernel ends with scalars anyway.
static void mergeScalars(RowFusion &fusion) {
  // First those that nothing waits for. They can run last, when a scalar of the
  // state may be overwritten: the number of steps then needs no copy.
  SmallVector<unsigned> hosts, others, groups = fusion.groups();
  for (unsigned number : groups)
    if (isKernel(fusion, number) && fusion.group(number).hasReduction &&
        fusion.endsWithScalar(number))
      (fusion.consumers(number).empty() ? hosts : others).push_back(number);
  llvm::append_range(hosts, others);
  for (unsigned scalars : groups) {
    if (!isKernel(fusion, scalars) || !fusion.group(scalars).isScalar)
      continue;
    size_t numTried = 0;
    for (unsigned host : hosts)
      if (isKernel(fusion, host) && fusion.endsWithScalar(host) &&
          (fusion.merge(host, scalars) || ++numTried == kMostTried))
        break;
  }
}

namespace {

struct FuseSiblingsPass
    : public nnc::impl::FuseSiblingsPassBase<FuseSiblingsPass> {
  void runOnOperation() override {
    forEachBody(getOperation(), [](Block &body) {
      RowFusion fusion(body);
      fusion.absorbFree();
      mergeByOperand(fusion);
      mergeSmall(fusion);
      mergeScalars(fusion);
      fusion.finish();
    });
  }
};

} // namespace
