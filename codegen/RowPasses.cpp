// See RowPasses.h.
#include "codegen/RowPasses.h"

using namespace mlir;
using namespace nnc;

void RowPasses::clear() {
  found.clear();
  visited.clear();
  known.clear();
}

RowsOp *RowPasses::computing(Value root) const {
  RowsOp *op = rows.definition(root);
  return op && !(op->reduced & Row) && !values.isStored(root) ? op : nullptr;
}

void RowPasses::collect(Value tensor) {
  RowsOp *op = computing(rootOf(tensor));
  if (!op || !visited.insert(op->op).second)
    return;
  for (Value operand : op->op->getOperands())
    collect(operand);
  if (op->reduced == Column)
    found.insert(op->op);
}

unsigned RowPasses::of(Value tensor) {
  Value root = rootOf(tensor);
  RowsOp *op = computing(root);
  if (!op)
    return 0;
  if (auto pass = known.find(root); pass != known.end())
    return pass->second;
  unsigned pass = of(*op) + (op->reduced == Column ? 1 : 0);
  return known[root] = pass;
}

unsigned RowPasses::of(RowsOp &op) {
  unsigned pass = 0;
  for (Value operand : op.op->getOperands())
    pass = std::max(pass, of(operand));
  return pass;
}
