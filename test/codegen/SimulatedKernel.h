// A kernel as its simulated GPU runs it.
#ifndef NNC_TEST_CODEGEN_SIMULATEDKERNEL_H
#define NNC_TEST_CODEGEN_SIMULATEDKERNEL_H

#include "test/codegen/CompiledKernel.h"

#include "mlir/IR/OwningOpRef.h"

namespace nnc::test {

/// Schedules and compiles the one kernel of `module` for the simulator;
/// `target` is "sim" or "sim:fast". `allowTf32` as `nnc compile --allow-tf32`.
/// Fails after a diagnostic, which a kernel with a call of the library has too.
mlir::FailureOr<CompiledKernel>
compileSimulated(mlir::OwningOpRef<mlir::ModuleOp> module,
                 llvm::StringRef target, bool allowTf32);

/// What the simulator has found since the last call; empty if nothing.
std::string takeFault();

} // namespace nnc::test

#endif // NNC_TEST_CODEGEN_SIMULATEDKERNEL_H
