// Phases that are made of others when a plan is known, and those that they
// replace.
#ifndef NNC_CODEGEN_CUDA_JOINEDPHASES_H
#define NNC_CODEGEN_CUDA_JOINEDPHASES_H

#include "codegen/PlanMemory.h"

namespace nnc {

/// Threads of a block, as its attribute says.
int64_t threadsOf(mlir::func::FuncOp phase);
/// Bytes of an element in a buffer.
int64_t bytesOf(mlir::Type element);
/// Of a size without a divisor.
Extent plus(Extent lhs, Extent rhs);

/// A name that no phase has: the stem, perhaps with a number behind it.
std::string freeName(mlir::ModuleOp phases, llvm::StringRef stem);

/// Has the launch run an equal phase of those that were `made` before, as
/// another entry point has, if there is one; else adds its own.
void shareEqual(PlannedLaunch &launch,
                llvm::SmallVectorImpl<mlir::func::FuncOp> &made,
                mlir::ModuleOp phases);

/// Erases those of the `replaced` phases that no command runs.
void eraseUnused(const MemoryPlan &plan, llvm::ArrayRef<std::string> replaced,
                 mlir::ModuleOp phases);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_JOINEDPHASES_H
