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
  /// A thread's elements are in registers: so many vectors; 0 where a row is
  /// too long for that.
  int64_t numKept = 1;
  bool isKept() const { return numKept > 0; }

  int64_t blockThreads() const { return threads * rowsPerBlock; }
  int64_t width() const { return std::max<int64_t>(lanes, 1); }
};

/// A block that adds up columns: threads side by side, and below each other.
struct ColumnBlock {
  /// Neighbouring columns of a thread; 0 for one.
  int64_t lanes = 0;
  int64_t threadsARow = kWarp;
  int64_t threadsAColumn = 1;
  /// Rows that a thread reads before it adds them up.
  int64_t rowsAtOnce = 1;

  int64_t width() const { return std::max<int64_t>(lanes, 1); }
  int64_t columns() const { return threadsARow * width(); }
  int64_t threads() const { return threadsARow * threadsAColumn; }
};

/// A block of rows whose elements need no other's: each thread has the same
/// columns of some rows.
struct ElementsBlock {
  int64_t lanes = 0;
  /// Rows that the block's threads cover once, and how many times they do: 0
  /// where a thread has one vector anywhere.
  int64_t rowsAtOnce = 1, rowsAThread = 0;
};

/// What a step reads for an element of its sums or results.
struct ElementReads {
  /// Of the tensors of rows and columns in memory: all, and the widest.
  int64_t bytes = 0, widestBytes = 2;
  int64_t numTensors = 0;
  /// Values that are the same in all rows.
  int64_t numColumnValues = 0;
  bool hasWindows = false;
};

/// A step of the plan, with what the GPU chooses for it.
struct GpuRowsStep {
  const RowsStep *step;
  /// Of a step over scalars: one phase for all or, for all, partial results.
  llvm::SmallVector<ScalarLoop> loops;
  /// Of a step over columns that completes sums: a block, and parts of the
  /// rows, each reduced by one.
  ColumnBlock block = {};
  int64_t numSplits = 1;
};

struct GpuRowsChoices {
  /// Plans the steps of `plan`, which outlives this.
  GpuRowsChoices(RowsPlan &plan, const GpuModel &model);

  bool isFlat() const { return plan.rows.columns == 1; }
  /// Neighbouring elements for one thread: the widest tensor fills one vector
  /// access, and `length` is a multiple. 0 for one element.
  int64_t lanesFor(int64_t length) const;
  RowGroup chooseGroup(const RowsStep &step) const;
  ElementsBlock elementsBlock(const RowsStep &step) const;
  /// The block that adds up the parts of columns.
  ColumnBlock totalsBlock(int64_t numSplits) const;
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
  std::optional<RowGroup> groupOfVectors(const RowsStep &step) const;
  void collectReads(const RowsStep &step, mlir::Value tensor,
                    llvm::DenseSet<mlir::Value> &seen,
                    ElementReads &reads) const;
  int64_t lanesOfSums(const RowsStep &step, const ElementReads &reads) const;
  ColumnBlock columnBlock(const RowsStep &step) const;
  int64_t splitsOf(const RowsStep &step, const ColumnBlock &block) const;
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
