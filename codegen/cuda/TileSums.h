// The sums of a tile: what a thread adds up of it, term by term, from shared
// memory.
#ifndef NNC_CODEGEN_CUDA_TILESUMS_H
#define NNC_CODEGEN_CUDA_TILESUMS_H

#include "codegen/cuda/TileLoads.h"

#include <memory>

namespace nnc {

/// Neighbouring sums of one row of the tile.
struct TilePiece {
  /// In the tile; that of the first sum.
  mlir::Value column;
  mlir::Value sums;
};

struct TileRow {
  mlir::Value row;
  llvm::SmallVector<TilePiece> pieces;
};

class TileSums {
public:
  virtual ~TileSums() = default;

  /// The sums of a thread before the first step.
  virtual llvm::SmallVector<mlir::Value> start() = 0;
  /// Those after the step that lies in one of the two halves of shared memory.
  virtual llvm::SmallVector<mlir::Value> add(mlir::ValueRange sums,
                                             mlir::Value half) = 0;
  /// Which rows and columns they are of. Pieces have one length.
  virtual llvm::SmallVector<TileRow> rowsOf(mlir::ValueRange sums) = 0;
};

std::unique_ptr<TileSums> createTileSums(GpuContractionPhase &phase,
                                         const Tiling &tiling,
                                         const TileLoad &lhs,
                                         const TileLoad &rhs);

/// Of a step, the first term of this thread's slice; `team`: its threads.
mlir::Value firstTermOfSlice(GpuPhase &phase, const TileShape &shape,
                             int64_t team);

/// Sums of all slices, of those that each thread has of its own: which rows and
/// columns they are of. All threads of the block call it, behind a barrier
/// after which the operands are read no more: slices meet in the memory of one
/// of them where it holds their sums.
llvm::SmallVector<TileRow> addSlices(GpuPhase &phase, const Tiling &tiling,
                                     llvm::ArrayRef<TileRow> rows,
                                     const TileLoad &lhs, const TileLoad &rhs);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TILESUMS_H
