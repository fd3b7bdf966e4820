// Writes runtime/plan.fbs: the last stage, and the only one that the runtime
// sees.
#ifndef NNC_CODEGEN_PLANWRITER_H
#define NNC_CODEGEN_PLANWRITER_H

#include "codegen/PlanMemory.h"

namespace nnc {

/// The finished plan. Names of inputs and outputs, roles of state, the recipe
/// and the data bindings come from the attributes of `module`, as
/// nnc-build-entry-points left them. `target`: Target::name(). Fails after a
/// diagnostic where something has no form in plans, or the parts do not fit.
mlir::FailureOr<std::vector<uint8_t>>
writePlan(mlir::ModuleOp module, const MemoryPlan &plan,
          const Schedule &schedule, const CodeImage &image,
          llvm::StringRef target, llvm::StringRef producer);

} // namespace nnc

#endif // NNC_CODEGEN_PLANWRITER_H
