// Links one ELF object into a position-independent image.
#ifndef NNC_CODEGEN_CPU_LINKIMAGE_H
#define NNC_CODEGEN_CPU_LINKIMAGE_H

#include "codegen/cpu/EmitObject.h"

namespace nnc {

/// Lays out the object's code and constants and resolves the references among
/// them. `kernels` are the symbols to export, in order, with the locations at
/// which to report. An object that refers to anything outside of itself, holds
/// writable data, or needs an absolute address is refused, by name.
mlir::FailureOr<CodeImage>
linkImage(llvm::ArrayRef<char> object,
          llvm::ArrayRef<std::pair<std::string, mlir::Location>> kernels,
          mlir::Location loc);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_LINKIMAGE_H
