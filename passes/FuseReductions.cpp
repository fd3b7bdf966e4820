// Reductions into the kernels that make their elements and those that use their
// results.
#include "passes/Passes.h"
#include "passes/RowFusion.h"

#include "ir/Dialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace nnc;

namespace nnc {
#define GEN_PASS_DEF_FUSEREDUCTIONSPASS
#include "passes/Passes.h.inc"
} // namespace nnc

namespace {

struct FuseReductionsPass
    : public nnc::impl::FuseReductionsPassBase<FuseReductionsPass> {
  void runOnOperation() override {
    RowFusion fusion(getOperation().getBody().front());
    fusion.absorbFree();
    // A merge can make room for another: what lay between is now inside.
    while (mergeOnce(fusion))
      continue;
    fusion.finish();
  }

  static bool mergeOnce(RowFusion &fusion) {
    bool isChanged = false;
    for (unsigned number : fusion.groups()) {
      if (fusion.group(number).ops.empty() || fusion.group(number).isFree)
        continue;
      for (unsigned producer : fusion.producers(number)) {
        if (fusion.group(producer).isFree ||
            fusion.isSharedScalar(producer, number))
          continue;
        if (std::optional<unsigned> merged = fusion.merge(producer, number)) {
          number = *merged;
          isChanged = true;
        }
      }
    }
    return isChanged;
  }
};

} // namespace
