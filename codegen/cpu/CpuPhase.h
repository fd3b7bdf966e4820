// A phase for the CPU under construction: a range of indices of its outermost
// loop, and scratch of the thread's own. The form is that of codegen/Target.h.
#ifndef NNC_CODEGEN_CPU_CPUPHASE_H
#define NNC_CODEGEN_CPU_CPUPHASE_H

#include "codegen/PhaseBuilder.h"

namespace nnc {

class CpuPhase : public PhaseBuilder {
public:
  CpuPhase(mlir::ImplicitLocOpBuilder &b, mlir::func::FuncOp kernel,
           mlir::Operation *previous, const llvm::Twine &suffix);

  /// The thread's share of the extent.
  mlir::Value begin() { return argumentAfterBuffers(1); }
  mlir::Value end() { return argumentAfterBuffers(2); }

  mlir::Type storageOf(mlir::Type elementType) const override;
  mlir::Value scratch(int64_t offsetBytes, mlir::MemRefType type) override;

  /// The first `count` of `lanes`; all or none where it is beyond them.
  mlir::Value mask(mlir::Value count, int64_t lanes);

  /// Ends the function. `grain`: the fewest indices worth a thread.
  Phase finish(llvm::StringRef kind, Extent extent, int64_t grain);
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_CPUPHASE_H
