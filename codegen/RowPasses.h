// How often a rows kernel goes over a row: a reduction along the row is known
// only when a pass over it has ended.
#ifndef NNC_CODEGEN_ROWPASSES_H
#define NNC_CODEGEN_ROWPASSES_H

#include "codegen/RowsValues.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

namespace nnc {

class RowPasses {
public:
  /// Both outlive this. What `values` has in memory needs no pass.
  RowPasses(RowsKernel &rows, const RowsValues &values)
      : rows(rows), values(values) {}

  /// Forgets everything: what is in memory has changed.
  void clear();

  /// Adds the reductions along the row that `tensor` depends on.
  void collect(mlir::Value tensor);
  /// In an order in which each comes after those that it depends on.
  llvm::ArrayRef<mlir::Operation *> reductions() const {
    return found.getArrayRef();
  }

  /// The first pass in which a value is known: how many reductions along the
  /// row follow one another before it.
  unsigned of(mlir::Value tensor);
  /// The first pass in which all operands of `op` are known.
  unsigned of(RowsOp &op);

private:
  /// What computes `root` over again in this stage; null if nothing does.
  RowsOp *computing(mlir::Value root) const;

  RowsKernel &rows;
  const RowsValues &values;
  llvm::SetVector<mlir::Operation *> found;
  llvm::DenseSet<mlir::Operation *> visited;
  llvm::DenseMap<mlir::Value, unsigned> known;
};

} // namespace nnc

#endif // NNC_CODEGEN_ROWPASSES_H
