// What a thread reads again at each step of a loop, read once before it.
#ifndef NNC_CODEGEN_CUDA_KEEPWEIGHTS_H
#define NNC_CODEGEN_CUDA_KEEPWEIGHTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace nnc {

/// Has the thread read elements that unrolled loops within `steps` ask for, and
/// that are the same at each step, before the first: at most so many, which it
/// has registers for.
void keepWeights(mlir::func::FuncOp function, mlir::scf::ForOp steps,
                 int64_t mostElements);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_KEEPWEIGHTS_H
