// Counting the operands of ops by their signatures.
#include "ir/OperandCounts.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nnc {

bool hasOperandCounts(OperationName name) {
  return name.hasTrait<OpTrait::AttrSizedOperandSegments>();
}

SmallVector<int32_t> operandCounts(Operation *op, const Signature &signature) {
  if (hasOperandCounts(op->getName())) {
    auto counts = op->getAttrOfType<DenseI32ArrayAttr>(kOperandCounts);
    return SmallVector<int32_t>(counts.asArrayRef());
  }
  // One operand at most is not exactly one value.
  SmallVector<int32_t> counts(signature.operands.size(), 1);
  for (auto [operand, count] : llvm::zip_equal(signature.operands, counts))
    if (operand.arity != Arity::One)
      count = int32_t(op->getNumOperands()) - int32_t(counts.size()) + 1;
  return counts;
}

SmallVector<Value> operandsByName(Operation *op, const Signature &signature) {
  SmallVector<Value> operands;
  ValueRange values = op->getOperands();
  for (auto [operand, count] :
       llvm::zip_equal(signature.operands, operandCounts(op, signature))) {
    llvm::append_range(operands, values.take_front(count));
    values = values.drop_front(count);
    if (operand.arity == Arity::Variadic ||
        (operand.arity == Arity::Optional && count == 0))
      operands.push_back({});
  }
  while (!operands.empty() && !operands.back())
    operands.pop_back();
  return operands;
}

void fillOperand(Operation *op, const Signature &signature, unsigned index,
                 ValueRange values) {
  SmallVector<int32_t> counts = operandCounts(op, signature);
  assert(counts[index] == 0 && "the operand has no values yet");
  unsigned place = 0;
  for (int32_t count : ArrayRef(counts).take_front(index))
    place += count;
  op->insertOperands(place, values);
  counts[index] = values.size();
  if (hasOperandCounts(op->getName()))
    op->setAttr(kOperandCounts,
                DenseI32ArrayAttr::get(op->getContext(), counts));
}

SmallVector<int32_t> countOperands(const Signature &signature,
                                   ValueRange operands) {
  SmallVector<int32_t> counts;
  for (const OperandInfo &info : signature.operands) {
    size_t count = !operands.empty() && operands.front(), next = 1;
    if (info.arity == Arity::Variadic) {
      for (count = 0; count < operands.size() && operands[count];)
        ++count;
      next = count + 1;
    }
    counts.push_back(count);
    operands = operands.drop_front(std::min(next, operands.size()));
  }
  return counts;
}

} // namespace nnc
