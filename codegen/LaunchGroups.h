// Launches of an entry point that may run at once, beside each other.
#ifndef NNC_CODEGEN_LAUNCHGROUPS_H
#define NNC_CODEGEN_LAUNCHGROUPS_H

#include "codegen/ScheduleKernels.h"

namespace nnc {

/// Puts short launches that need nothing of each other behind one another, and
/// gives all but the first kBesideAttr: the memory plan then keeps what they
/// read and write apart. Long ones stay in their order. Returns the launches
/// and loops as they were.
std::vector<mlir::Operation *> groupLaunches(mlir::func::FuncOp function,
                                             const Schedule &schedule,
                                             int64_t maxBatch);

/// Undoes that.
void ungroupLaunches(mlir::func::FuncOp function,
                     llvm::ArrayRef<mlir::Operation *> asWritten);

} // namespace nnc

#endif // NNC_CODEGEN_LAUNCHGROUPS_H
