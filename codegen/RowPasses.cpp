// See RowPasses.h.
#include "codegen/RowPasses.h"

using namespace mlir;
using namespace nnc;

void RowPasses::collect(RowsKernel &rows, Value tensor,
                        llvm::function_ref<bool(Value)> isStored) {
  Value root = rootOf(tensor);
  RowsOp *op = rows.definition(root);
  // A reduction across rows is complete before the rows begin.
  if (!op || op->reduced & Row || isStored(root) || known.contains(root))
    return;
  for (Value operand : op->op->getOperands())
    collect(rows, operand, isStored);
  bool isReduced = op->reduced == Column;
  if (isReduced)
    found.push_back(op);
  unsigned pass = of(*op) + (isReduced ? 1 : 0);
  for (Value result : op->op->getResults())
    if (!isStored(result))
      known[result] = pass;
}

unsigned RowPasses::of(Value tensor) const {
  return known.lookup(rootOf(tensor));
}

unsigned RowPasses::of(const RowsOp &op) const {
  unsigned pass = 0;
  for (Value operand : op.op->getOperands())
    pass = std::max(pass, of(operand));
  return pass;
}

SmallVector<RowsOp *> RowPasses::reductions(unsigned pass) const {
  SmallVector<RowsOp *> ops;
  for (RowsOp *op : found)
    if (of(*op) == pass)
      ops.push_back(op);
  return ops;
}

unsigned RowPasses::numReducing() const {
  unsigned count = 0;
  for (RowsOp *op : found)
    count = std::max(count, of(*op) + 1);
  return count;
}
