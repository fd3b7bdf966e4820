// Elementary functions as arithmetic, so that kernels call no libm.
#ifndef NNC_CODEGEN_CPU_MATHFUNCTIONS_H
#define NNC_CODEGEN_CPU_MATHFUNCTIONS_H

#include "mlir/IR/PatternMatch.h"

namespace nnc {

/// Patterns that rewrite math ops on f32 and f64, scalars and vectors, into
/// arithmetic that LLVM compiles without a library. MathFunctions.cpp states
/// each one's error.
void populateMathFunctionPatterns(mlir::RewritePatternSet &patterns);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_MATHFUNCTIONS_H
