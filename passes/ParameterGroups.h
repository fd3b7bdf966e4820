// What the groups of a recipe say of each parameter of an update.
#ifndef NNC_PASSES_PARAMETERGROUPS_H
#define NNC_PASSES_PARAMETERGROUPS_H

#include "ir/Ops.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/DenseMap.h"

#include <string>

namespace nnc {

/// How one parameter is updated.
struct ParameterUpdate {
  NamedCall optimizer;
  double rate = 1; ///< A factor of the update's learning rate.
};

class ParameterGroups {
public:
  /// Reads the groups of `op`, whose optimizer is `optimizer`. Fails after a
  /// diagnostic where a pattern matches nothing.
  static llvm::FailureOr<ParameterGroups> create(OptimizeOp op,
                                                 const NamedCall &optimizer);

  ParameterUpdate updateOf(ParameterOp parameter) const;

private:
  explicit ParameterGroups(const NamedCall &optimizer) : optimizer(optimizer) {}

  NamedCall optimizer;
  llvm::SmallVector<RecipeGroup> groups;
  /// The groups of each parameter, in order.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<unsigned>> members;
};

/// A rate of an update that a group scales.
struct GroupRate {
  std::string name; ///< Of its patterns: "encoder.*,head.*".
  double factor;
};

/// The rates of the groups of `op` that have one of their own, by name, each
/// name once.
llvm::SmallVector<GroupRate> listGroupRates(OptimizeOp op);

} // namespace nnc

#endif // NNC_PASSES_PARAMETERGROUPS_H
