// See Traits.h.
#include "ir/Traits.h"

#include "ir/Dialect.h"

using namespace mlir;

bool nnc::isElementwise(Operation *op) {
  if (op->hasTrait<Elementwise>())
    return true;
  // An op of MLIR's own, such as arith's on tensors, has the trait as well, but
  // no lowering here.
  return isa<Lowerable>(op) && op->getNumResults() == 1 &&
         op->hasTrait<OpTrait::Elementwise>();
}

bool nnc::isPermutable(Operation *op) {
  return isElementwise(op) || op->hasTrait<Permutable>();
}

bool nnc::isPositional(Operation *op) {
  return isElementwise(op) || op->hasTrait<Positional>();
}
