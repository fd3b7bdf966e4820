// From scheduled phases to machine code: MLIR's LLVM dialect, LLVM IR, an
// object in memory, and one position-independent image of it.
#ifndef NNC_CODEGEN_CPU_EMITOBJECT_H
#define NNC_CODEGEN_CPU_EMITOBJECT_H

#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

#include <string>
#include <vector>

namespace nnc {

// Each of the following consumes `phases`: a module of func.funcs.
//
// A public function is a phase, in the form that codegen/Target.h states. It is
// exported under its name. A private function may be called by others
// (func.call); it takes flat memrefs, scalars and vectors, and returns at most
// one scalar or vector. The argument attribute `llvm.noalias` is passed on.
// Allowed in bodies: scf, arith, math, vector, memref (no allocation on the
// heap), index, cf, llvm. Arithmetic of f16 and bf16 may only be extension to
// and truncation from f32.
//
// Failure is reported at the function that cannot be compiled; code that would
// need a function from outside, such as libm's, is such a failure.

mlir::FailureOr<CodeImage> emitCode(mlir::ModuleOp phases,
                                    const CpuModel &model);

/// An ELF object of x86-64 that holds `bytes` as read-only data: the symbol
/// `name`, on a boundary of NNC_ALIGNMENT_BYTES, and NAME_size, a size_t.
std::vector<uint8_t> emitDataObject(llvm::ArrayRef<uint8_t> bytes,
                                    llvm::StringRef name);

mlir::FailureOr<std::string> emitAssembly(mlir::ModuleOp phases,
                                          const CpuModel &model);

mlir::FailureOr<std::string> emitLlvmIr(mlir::ModuleOp phases,
                                        const CpuModel &model);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_EMITOBJECT_H
