// How often a rows kernel goes over a row: a reduction along the row is known
// only when a pass over it has ended.
#ifndef NNC_CODEGEN_ROWPASSES_H
#define NNC_CODEGEN_ROWPASSES_H

#include "codegen/RowsAnalysis.h"

#include "llvm/ADT/SetVector.h"

namespace nnc {

class RowPasses {
public:
  /// Finds what is computed of a row for `tensor`. What lies in memory needs no
  /// pass.
  void collect(RowsKernel &rows, mlir::Value tensor,
               llvm::function_ref<bool(mlir::Value)> isStored);

  /// The reductions along the row, in an order in which each comes after those
  /// that it depends on.
  llvm::ArrayRef<RowsOp *> reductions() const { return found; }
  /// Those whose operands are known in `pass` first.
  llvm::SmallVector<RowsOp *> reductions(unsigned pass) const;
  /// How many passes reduce. What is left is known in the one after them.
  unsigned numReducing() const;

  /// The first pass in which a value is known: how many reductions along the
  /// row follow one another before it.
  unsigned of(mlir::Value tensor) const;
  /// The first pass in which all operands of `op` are known.
  unsigned of(const RowsOp &op) const;

private:
  llvm::SmallVector<RowsOp *> found;
  llvm::DenseMap<mlir::Value, unsigned> known;
};

} // namespace nnc

#endif // NNC_CODEGEN_ROWPASSES_H
