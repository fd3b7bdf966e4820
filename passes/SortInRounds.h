// A topological sort that leaves what is in order where it is.
#ifndef NNC_PASSES_SORTINROUNDS_H
#define NNC_PASSES_SORTINROUNDS_H

#include "mlir/IR/Block.h"

namespace nnc {

/// Puts each op of `block` but its terminator behind what it uses, as if in
/// rounds through the block, each of which takes the ops whose operands have
/// been taken. The order is that of mlir::sortTopologically, which goes through
/// the rounds and takes time by the square of the block's length where many ops
/// have moved. Returns false, and leaves the block, if ops depend on each
/// other.
bool sortInRounds(mlir::Block &block);

} // namespace nnc

#endif // NNC_PASSES_SORTINROUNDS_H
