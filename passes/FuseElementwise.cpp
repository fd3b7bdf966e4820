// Chains of elementwise ops into one kernel each.
#include "passes/Bodies.h"
#include "passes/Passes.h"
#include "passes/RowFusion.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_FUSEELEMENTWISEPASS
#include "passes/Passes.h.inc"
} // namespace nnc

namespace {

struct FuseElementwisePass
    : public nnc::impl::FuseElementwisePassBase<FuseElementwisePass> {
  void runOnOperation() override { forEachBody(getOperation(), fuse); }

  static void fuse(Block &body) {
    RowFusion fusion(body);
    fusion.absorbFree();
    for (unsigned number : fusion.groups()) {
      if (fusion.group(number).ops.empty() || !isElementwise(fusion, number))
        continue;
      for (unsigned producer : fusion.producers(number))
        if (isElementwise(fusion, producer) &&
            !fusion.isSharedScalar(producer, number))
          if (std::optional<unsigned> merged = fusion.merge(producer, number))
            number = *merged;
    }
    fusion.finish();
  }

  static bool isElementwise(const RowFusion &fusion, unsigned number) {
    const RowFusion::Group &group = fusion.group(number);
    return group.isRows && !group.hasReduction && !group.isFree;
  }
};

} // namespace
