// The sums of a tile by tensor cores.
#ifndef NNC_CODEGEN_CUDA_TENSORSUMS_H
#define NNC_CODEGEN_CUDA_TENSORSUMS_H

#include "codegen/cuda/TileSums.h"

namespace nnc {

/// Products of two 16-bit numbers, or two of TF32, are exact; sums are in f32.
class TensorSums : public TileSums {
public:
  TensorSums(GpuContractionPhase &phase, const Tiling &tiling,
             const TileLoad &lhs, const TileLoad &rhs);

  llvm::SmallVector<mlir::Value> start() override;
  llvm::SmallVector<mlir::Value> add(mlir::ValueRange sums,
                                     mlir::Value half) override;
  llvm::SmallVector<TileRow> rowsOf(mlir::ValueRange sums) override;

private:
  mlir::Value placeOf(const TileLoad &operand, mlir::Value half,
                      mlir::Value row, mlir::Value term);
  mlir::Value loadMatrices(const TileLoad &operand, mlir::Value half,
                           mlir::Value row, mlir::Value term, bool rowsFirst);
  mlir::Value loadBits(const TileLoad &operand, mlir::Value half,
                       mlir::Value row, mlir::Value term);
  mlir::Value loadLeft(mlir::Value half, mlir::Value row, mlir::Value term);
  llvm::SmallVector<mlir::Value> loadRight(mlir::Value half, mlir::Value column,
                                           mlir::Value term);
  llvm::StringRef instruction();

  GpuContractionPhase &phase;
  mlir::ImplicitLocOpBuilder &b;
  const TileShape &shape;
  const TileLoad &lhs, &rhs;
  /// Of one instruction.
  const int64_t numTerms;
  /// Of a warp.
  const int64_t warpRows, warpColumns;
  /// The warp's first, and the thread's number in the warp.
  mlir::Value row, column, lane;
  /// Of a step.
  mlir::Value firstTerm;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_TENSORSUMS_H
