// Arithmetic of 16 bits, rounded where it is stored or compared.
#ifndef NNC_CODEGEN_CUDA_WIDEARITHMETIC_H
#define NNC_CODEGEN_CUDA_WIDEARITHMETIC_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc {

/// Leaves out the roundings to 16 bits between operations of one kernel, as
/// frameworks do that fuse them. Where what is rounded is compared, stored or
/// asked for by a cast of f32, it stays.
void keepWide(mlir::func::FuncOp phase);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_WIDEARITHMETIC_H
