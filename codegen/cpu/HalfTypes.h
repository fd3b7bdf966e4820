// f16 and bf16 for machines that have no instructions for them: arithmetic on
// their bits.
//
// LLVM promotes such a value to f32 wherever it has no instruction for it, in a
// vector's insertion or a select too, and asks a library to round it again.
#ifndef NNC_CODEGEN_CPU_HALFTYPES_H
#define NNC_CODEGEN_CPU_HALFTYPES_H

#include "codegen/cpu/CpuModel.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"

namespace nnc {

/// Conversions between f32 (and wider) and the 16-bit types in integer
/// arithmetic: of bf16, and of f16 where `model` lacks F16C. Rounded to
/// nearest, ties to even, f16's subnormal numbers included.
void populateHalfTypePatterns(mlir::RewritePatternSet &patterns,
                              const CpuModel &model);

/// Makes i16 of every value of these types under `function`, once no op is left
/// that computes with them.
void replaceHalfTypes(mlir::func::FuncOp function, const CpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_HALFTYPES_H
