// Which part of a model a loss, a metric or an output is of: a training step,
// or a group of outputs. A model need not have any; what is then of no part is
// the whole model's.
#ifndef NNC_IR_MODELPARTS_H
#define NNC_IR_MODELPARTS_H

#include "mlir/IR/Operation.h"

#include <string>

namespace nnc {

/// On nnc.loss and nnc.metric: a string, the name of their training step.
inline constexpr llvm::StringLiteral kStepAttr = "nnc.step";

/// On nnc.output: a string, the name of its group.
inline constexpr llvm::StringLiteral kGroupAttr = "nnc.group";

/// The step or the group that `op` is of; empty: of the whole model.
llvm::StringRef partOf(mlir::Operation *op);

/// What a name of a step or a group lacks to be one: an entry point has it, and
/// others have it before a dot. Empty if nothing is.
std::string findNoPartName(llvm::StringRef name);

/// Verifies one of the attributes above.
llvm::LogicalResult verifyPart(mlir::Operation *op,
                               mlir::NamedAttribute attribute);

} // namespace nnc

#endif // NNC_IR_MODELPARTS_H
