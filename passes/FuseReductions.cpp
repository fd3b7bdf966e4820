// Reductions into the kernels that make their elements and those that use their
// results.
#include "passes/Bodies.h"
#include "passes/Passes.h"
#include "passes/RowFusion.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <set>

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_FUSEREDUCTIONSPASS
#include "passes/Passes.h.inc"
} // namespace nnc

/// Whether `op` makes floats of fewer bits.
static bool narrows(Operation *op) {
  auto convert = dyn_cast<CastOp>(op);
  if (!convert)
    return false;
  auto from = dyn_cast<FloatType>(convert.getX().getType().getElementType());
  auto to = dyn_cast<FloatType>(convert.getType().getElementType());
  return from && to && to.getWidth() < from.getWidth();
}

namespace {

/// Merges groups with what they use, in rounds through the block. A merge can
/// make room for another, as what lay between is inside then: the new group and
/// those that use it are tried again, and no others need be.
class ReductionFusion {
public:
  explicit ReductionFusion(RowFusion &fusion) : fusion(fusion) {}

  void run() {
    for (unsigned number : fusion.groups())
      nextRound.insert({fusion.position(number), number});
    while (!nextRound.empty()) {
      std::swap(round, nextRound);
      while (!round.empty())
        visit(*round.begin());
    }
    narrowAtTheSource();
  }

private:
  /// A group's place in the block, and its number.
  using Entry = std::pair<size_t, unsigned>;

  void visit(Entry entry) {
    round.erase(entry);
    std::optional<unsigned> merged = mergeWithProducers(entry.second);
    if (!merged)
      return;
    SmallVector<unsigned> affected = fusion.consumers(*merged);
    affected.push_back(*merged);
    for (unsigned number : affected) {
      Entry again{fusion.position(number), number};
      (entry < again ? round : nextRound).insert(again);
    }
  }

  /// The group that `number` has become part of, if any.
  std::optional<unsigned> mergeWithProducers(unsigned number) {
    std::optional<unsigned> result;
    if (fusion.group(number).ops.empty() || fusion.group(number).isFree)
      return result;
    for (unsigned producer : fusion.producers(number))
      if (!fusion.group(producer).isFree &&
          !fusion.isSharedScalar(producer, number))
        if (std::optional<unsigned> merged = fusion.merge(producer, number))
          result = number = *merged;
    return result;
  }

  /// A conversion to fewer bits that no user has taken in, as none of a product
  /// does, belongs to what makes its operand: that is not stored wider, then.
  void narrowAtTheSource() {
    for (unsigned number : fusion.groups()) {
      const RowFusion::Group &group = fusion.group(number);
      if (group.ops.empty() || !llvm::all_of(group.ops, narrows))
        continue;
      SmallVector<unsigned> producers = fusion.producers(number);
      if (producers.size() == 1 && fusion.group(producers.front()).isRows &&
          !fusion.group(producers.front()).isFree)
        fusion.merge(producers.front(), number);
    }
  }

  RowFusion &fusion;
  std::set<Entry> round, nextRound;
};

struct FuseReductionsPass
    : public nnc::impl::FuseReductionsPassBase<FuseReductionsPass> {
  using Base::Base;

  void runOnOperation() override {
    forEachBody(getOperation(), [&](Block &body) {
      RowFusion fusion(body, samples);
      fusion.absorbFree();
      ReductionFusion(fusion).run();
      fusion.finish();
    });
  }
};

} // namespace
