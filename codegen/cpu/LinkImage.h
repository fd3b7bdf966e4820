// Links ELF objects into one position-independent image.
#ifndef NNC_CODEGEN_CPU_LINKIMAGE_H
#define NNC_CODEGEN_CPU_LINKIMAGE_H

#include "codegen/cpu/EmitObject.h"

namespace nnc {

/// Lays out the objects' code and constants and resolves each one's references
/// among its own. `kernels` are the symbols to export, in order, with the
/// locations at which to report. An object that refers to anything outside of
/// itself, holds writable data, or needs an absolute address is refused, by
/// name.
mlir::FailureOr<CodeImage>
linkImage(llvm::ArrayRef<llvm::SmallVector<char, 0>> objects,
          llvm::ArrayRef<std::pair<std::string, mlir::Location>> kernels,
          mlir::Location loc);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_LINKIMAGE_H
