// What a composite op becomes where it is expanded.
#ifndef NNC_IR_EXPANSION_H
#define NNC_IR_EXPANSION_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

#include <initializer_list>

namespace nnc {

/// A new value for a buffer, after a training step.
struct StateUpdate {
  mlir::Value state; ///< The operand that reads the buffer.
  mlir::Value value;
};

/// The values of the results, and the updates of state that a training step
/// makes of them. Nothing else than a training step applies updates.
struct Expansion {
  Expansion(std::initializer_list<mlir::Value> values) : values(values) {}

  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<StateUpdate> updates;
};

} // namespace nnc

#endif // NNC_IR_EXPANSION_H
