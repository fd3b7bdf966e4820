// Where the lowerings of ops to linalg are listed.
#ifndef NNC_CODEGEN_LOWER_LOWERING_H
#define NNC_CODEGEN_LOWER_LOWERING_H

#include "codegen/lower/KernelBuilder.h"

#include "mlir/IR/Operation.h"

#include "llvm/ADT/DenseMap.h"

#include <functional>

namespace nnc {

/// Builds the values of an op's results from the values of its operands, whose
/// types are signless. Fails after a diagnostic.
using Lowering = std::function<mlir::FailureOr<llvm::SmallVector<mlir::Value>>(
    KernelBuilder &, mlir::Operation *, mlir::ValueRange)>;

/// The lowering of each op, by name.
class Lowerings {
public:
  /// `lowering` is called with the op itself, and returns one Value or failure.
  template <typename Op, typename Function> void add(Function lowering) {
    table[Op::getOperationName()] = [lowering](KernelBuilder &b,
                                               mlir::Operation *op,
                                               mlir::ValueRange operands)
        -> mlir::FailureOr<llvm::SmallVector<mlir::Value>> {
      mlir::FailureOr<mlir::Value> value =
          lowering(b, llvm::cast<Op>(op), operands);
      if (failed(value))
        return mlir::failure();
      return llvm::SmallVector<mlir::Value>{*value};
    };
  }

  /// Null where an op has none.
  const Lowering *find(mlir::OperationName name) const {
    auto found = table.find(name.getStringRef());
    return found == table.end() ? nullptr : &found->second;
  }

private:
  llvm::DenseMap<llvm::StringRef, Lowering> table;
};

/// Those of all of nnc's own primitives.
Lowerings allLowerings();

// One a file of codegen/lower, with the stems of ir/ops.
void addConstantLowerings(Lowerings &lowerings);
void addElementwiseLowerings(Lowerings &lowerings);
void addContractionLowerings(Lowerings &lowerings);
void addConvolutionLowerings(Lowerings &lowerings);
void addReductionLowerings(Lowerings &lowerings);
void addMovementLowerings(Lowerings &lowerings);
void addRandomLowerings(Lowerings &lowerings);
void addWindowLowerings(Lowerings &lowerings);
void addAlignmentLowerings(Lowerings &lowerings);

} // namespace nnc

#endif // NNC_CODEGEN_LOWER_LOWERING_H
