// The order of a block's ops while a pass moves them: MLIR numbers the whole
// block anew after each move, which a pass that asks in between pays for with
// the square of the program's length.
#ifndef NNC_PASSES_BLOCKORDER_H
#define NNC_PASSES_BLOCKORDER_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"

#include <cstdint>

namespace nnc {

class BlockOrder {
public:
  explicit BlockOrder(mlir::Block &block);

  /// Whether `lhs` stands before `rhs`; both are in the block.
  bool isBefore(mlir::Operation *lhs, mlir::Operation *rhs) const {
    return labels.lookup(lhs) < labels.lookup(rhs);
  }
  /// Learns where `op`, which is new in the block or has been moved, stands.
  void place(mlir::Operation *op);
  /// Forgets an op that is to be erased.
  void remove(mlir::Operation *op) { labels.erase(op); }

private:
  void relabel();

  mlir::Block &block;
  /// Numbers that grow along the block, with gaps between them.
  llvm::DenseMap<mlir::Operation *, uint64_t> labels;
};

} // namespace nnc

#endif // NNC_PASSES_BLOCKORDER_H
