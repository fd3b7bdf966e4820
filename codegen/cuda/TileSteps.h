// The sums of a tile, step by step.
#ifndef NNC_CODEGEN_CUDA_TILESTEPS_H
#define NNC_CODEGEN_CUDA_TILESTEPS_H

#include "codegen/cuda/TileSums.h"

namespace nnc {

/// The sums that each thread has of its own, over the block's terms.
/// `isOneStep`: all terms are in one step, of which there is no next.
llvm::SmallVector<mlir::Value>
addSteps(GpuContractionPhase &phase, const Tiling &tiling, TileLoad &lhs,
         TileLoad &rhs, TileSums &sums, TileStep terms, bool isOneStep);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TILESTEPS_H
