// What values are called in CUDA C++.
#ifndef NNC_CODEGEN_CUDA_CUDANAMES_H
#define NNC_CODEGEN_CUDA_CUDANAMES_H

#include "mlir/IR/Value.h"

#include <string>

namespace nnc {

/// Whether a value of that name would hide what the text says beside it: a word
/// of the language, or something of the prelude's, of CUDA's or of libm's.
bool isReservedInCuda(llvm::StringRef name);

/// An identifier much like `wanted`. Two underscores side by side, or one in
/// front, belong to compilers.
std::string toCudaName(llvm::StringRef wanted);

/// The name that a location gives; empty if it gives none.
std::string nameOf(mlir::Location loc);

/// What a value is called after the operation that makes it.
std::string describeOp(mlir::Operation *op);

/// What a loop makes of a value that it carries, by the operation it yields.
std::string describeCarried(mlir::Value yielded);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_CUDANAMES_H
