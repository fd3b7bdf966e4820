// Lowers scheduled phases to MLIR's LLVM dialect.
#ifndef NNC_CODEGEN_CPU_LOWERTOLLVM_H
#define NNC_CODEGEN_CPU_LOWERTOLLVM_H

#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// A phase `name` becomes two functions: `name`, with the C signature, and
/// `name` with this suffix, which that one calls.
inline constexpr llvm::StringLiteral kBodySuffix = ".body";

/// Rewrites the module of phases that EmitObject.h describes into the LLVM
/// dialect, each phase with the C signature of runtime/abi.h.
mlir::LogicalResult lowerToLlvm(mlir::ModuleOp phases, const CpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_LOWERTOLLVM_H
