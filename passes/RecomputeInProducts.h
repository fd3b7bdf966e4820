// What regions of products read of each other, and could compute.
#ifndef NNC_PASSES_RECOMPUTEINPRODUCTS_H
#define NNC_PASSES_RECOMPUTEINPRODUCTS_H

#include "mlir/IR/Block.h"

namespace nnc {

/// Has each region of a product in `block` compute what another computes of
/// values that both know, as the backward pass reads of an activation, and
/// drops the results that nothing reads any more. `hasTanh16`: a hyperbolic
/// tangent of 16 bits takes an instruction or two.
void recomputeInProducts(mlir::Block &block, bool hasTanh16);

} // namespace nnc

#endif // NNC_PASSES_RECOMPUTEINPRODUCTS_H
