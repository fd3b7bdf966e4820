// Of ops with several operands that need not have exactly one value: how many
// each has, which MLIR keeps in an attribute.
#ifndef NNC_IR_OPERANDCOUNTS_H
#define NNC_IR_OPERANDCOUNTS_H

#include "ir/Signature.h"

namespace nnc {

/// What MLIR calls that attribute.
inline constexpr llvm::StringLiteral kOperandCounts = "operandSegmentSizes";

bool hasOperandCounts(mlir::OperationName name);

/// Of operands as createByName takes them, how many values each has. Those of a
/// variadic one end with a null, or with the last operand.
llvm::SmallVector<int32_t> countOperands(const Signature &signature,
                                         mlir::ValueRange operands);

} // namespace nnc

#endif // NNC_IR_OPERANDCOUNTS_H
