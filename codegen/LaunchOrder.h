// The launches of an entry point in an order that takes less memory.
#ifndef NNC_CODEGEN_LAUNCHORDER_H
#define NNC_CODEGEN_LAUNCHORDER_H

#include "codegen/LaunchGraph.h"

namespace nnc {

/// The launches as they stand, but that each comes as soon as it can where it
/// leaves no more in memory than it finds: the product that updates a weight
/// comes when the gradient that it reads is there, and not at the end of the
/// step. What overwrites a parameter stays behind all who read it.
std::vector<unsigned> orderForMemory(const LaunchGraph &graph);

/// Puts the launches of `function`, of which `graph` is, in this order.
void moveLaunches(mlir::func::FuncOp function, const LaunchGraph &graph,
                  llvm::ArrayRef<unsigned> order);
/// The same of launches, and loops, themselves: all that there are.
void moveLaunches(mlir::func::FuncOp function,
                  llvm::ArrayRef<mlir::Operation *> order);

} // namespace nnc

#endif // NNC_CODEGEN_LAUNCHORDER_H
