// Transposing a small square of elements that lie in vector registers.
#ifndef NNC_CODEGEN_CPU_TRANSPOSE_H
#define NNC_CODEGEN_CPU_TRANSPOSE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nnc {

/// Whether a vector of this type is a square that transposeInRegisters takes:
/// 32-bit elements, 4x4, 8x8 or 16x16.
bool canTransposeInRegisters(mlir::VectorType type);

/// The columns of the square whose rows are given: N vectors of N elements.
/// N log2(N) shuffles, each one instruction where N elements fill a register.
llvm::SmallVector<mlir::Value>
transposeInRegisters(mlir::OpBuilder &b, mlir::Location loc,
                     llvm::ArrayRef<mlir::Value> rows);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_TRANSPOSE_H
