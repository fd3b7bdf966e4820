// Parts of a kernel as kernels of their own, which can be scheduled.
#ifndef NNC_CODEGEN_CUDA_KERNELPARTS_H
#define NNC_CODEGEN_CUDA_KERNELPARTS_H

#include "codegen/Target.h"

#include <functional>

namespace nnc {

/// Schedules a part as the kernel that it is.
using PartScheduler =
    std::function<mlir::FailureOr<ScheduledKernel>(mlir::func::FuncOp)>;

/// Inserts `<kernel>.<suffix>` after `previous`: a function of the kernel's
/// arguments and then `inputs`, values in it, that computes `outputs`.
mlir::func::FuncOp deriveKernel(mlir::func::FuncOp kernel,
                                mlir::Operation *previous,
                                llvm::StringRef suffix,
                                llvm::ArrayRef<mlir::Value> inputs,
                                llvm::ArrayRef<mlir::Value> outputs);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_KERNELPARTS_H
