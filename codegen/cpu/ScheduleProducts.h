// A kernel of several products (codegen/ContractionParts.h), scheduled one
// after the other.
#ifndef NNC_CODEGEN_CPU_SCHEDULEPRODUCTS_H
#define NNC_CODEGEN_CPU_SCHEDULEPRODUCTS_H

#include "codegen/ContractionAnalysis.h"
#include "codegen/Target.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Schedules one product and the part of the epilogue that is its own. Its
/// phases follow `after`, and their names end in `suffix`. Leaves no trace
/// where it fails.
using ProductScheduler = llvm::function_ref<mlir::FailureOr<ScheduledKernel>(
    Contraction contraction, mlir::Operation *after, llvm::StringRef suffix)>;

/// What a product is, as its scheduler would have it described.
using ProductAnalysis = llvm::function_ref<mlir::FailureOr<Contraction>(
    mlir::func::FuncOp kernel, const Products &products, const Product &product,
    Refusal &refusal)>;

mlir::FailureOr<Contraction> analyzeAsIs(mlir::func::FuncOp kernel,
                                         const Products &products,
                                         const Product &product,
                                         Refusal &refusal);

/// Schedules each product of `kernel`, and with or before them what is none's.
mlir::FailureOr<ScheduledKernel>
scheduleProducts(mlir::func::FuncOp kernel, const CpuModel &cpu,
                 ProductScheduler schedule, Refusal &refusal,
                 ProductAnalysis analyze = analyzeAsIs);

} // namespace nnc

#endif // NNC_CODEGEN_CPU_SCHEDULEPRODUCTS_H
