// Operations of arith and math on scalars as expressions of C++.
#ifndef NNC_CODEGEN_CUDA_CUDAOPERATIONS_H
#define NNC_CODEGEN_CUDA_CUDAOPERATIONS_H

#include "codegen/cuda/CudaScalars.h"

namespace nnc {

/// The one result of `op`, or of a lane of it; failure, without a diagnostic,
/// for what is not of arith or math.
mlir::FailureOr<Expression> printOperation(mlir::Operation &op,
                                           const ScalarPrinter &printer,
                                           ScalarPrinter::Use use);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CUDAOPERATIONS_H
