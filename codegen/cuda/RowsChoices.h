// How a GPU goes through a rows kernel: what later phases read from memory, how
// reductions are split over blocks, how threads share a row.
#ifndef NNC_CODEGEN_CUDA_ROWSCHOICES_H
#define NNC_CODEGEN_CUDA_ROWSCHOICES_H

#include "codegen/RowsPlan.h"
#include "codegen/cuda/GpuModel.h"

namespace nnc {

/// Threads of a block, where nothing else decides, and of a warp.
constexpr int64_t kRowsThreads = 256;
constexpr int64_t kWarp = 32;

/// Reductions to a scalar that share a loop, because their domain is the same.
struct ScalarLoop {
  SpaceRole domain;
  llvm::SmallVector<RowsOp *> ops;
  int64_t lanes = 0;
  int64_t numBlocks = 1;

  int64_t width() const { return std::max<int64_t>(lanes, 1); }
};

/// How threads share a row.
struct RowGroup {
  /// A power of two.
  int64_t threads = 1;
  int64_t rowsPerBlock = 1;
  /// Neighbouring elements of a thread; 0 for one.
  int64_t lanes = 0;
  /// A thread's elements are neighbours, and all of the row's.
  bool isSingleChunk = true;

  int64_t blockThreads() const { return threads * rowsPerBlock; }
  int64_t width() const { return std::max<int64_t>(lanes, 1); }
};

/// A block that adds up columns.
struct ColumnBlock {
  int64_t columns, threadsAColumn;

  int64_t threads() const { return columns * threadsAColumn; }
};

/// A step of the plan, with what the GPU chooses for it.
struct GpuRowsStep {
  const RowsStep *step;
  /// Of a step over scalars: one phase for all or, for all, partial results.
  llvm::SmallVector<ScalarLoop> loops;
  /// Of a step over columns: parts of the rows, each reduced by a block.
  int64_t numSplits = 1;
};

struct GpuRowsChoices {
  /// Plans the steps of `plan`, which outlives this.
  GpuRowsChoices(RowsPlan &plan, const GpuModel &model);

  bool isFlat() const { return plan.rows.columns == 1; }
  /// Neighbouring elements for one thread: the widest tensor fills one vector
  /// access, and `length` is a multiple. 0 for one element.
  int64_t lanesFor(int64_t length) const;
  RowGroup chooseGroup() const;
  ColumnBlock columnBlock() const;
  /// How many times `lanes` elements there are.
  Extent numChunks(const ScalarLoop &loop) const;
  /// Of a phase that runs `loops` in one block.
  int64_t threadsFor(llvm::ArrayRef<ScalarLoop> loops) const;

  /// In the order in which they run.
  std::vector<GpuRowsStep> steps;

private:
  void placeEarlyScalars();
  void planKeptRows();
  void keepRowReductions(mlir::Value tensor);
  void addScalars(unsigned stage);
  void addColumns(unsigned stage);
  void addRows(unsigned stage);
  llvm::DenseSet<mlir::Value> readLater(unsigned stage) const;
  llvm::SmallVector<ScalarLoop> planScalarLoops(const RowsStep &step) const;
  int64_t splitsOf(const RowsStep &step) const;
  int64_t typicalRows() const;

  RowsPlan &plan;
  RowsKernel &rows;
  const GpuModel &model;
  /// Of each stage: what later phases need of a row's own reductions.
  std::vector<llvm::SetVector<mlir::Value>> keptRows;
  llvm::DenseSet<mlir::Operation *> withKeptReductions;
};

/// Whether partial results can go through shuffles.
bool canShuffle(const RowsPlan &plan);

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ROWSCHOICES_H
