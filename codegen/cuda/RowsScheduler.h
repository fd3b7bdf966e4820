// Emits the phases of a rows kernel on a GPU, as its plan says. Reductions to a
// scalar are in RowsScalars.cpp, columns in RowsColumns.cpp, rows in
// RowsNests.cpp, what threads do together in RowsThreads.cpp.
#ifndef NNC_CODEGEN_CUDA_ROWSSCHEDULER_H
#define NNC_CODEGEN_CUDA_ROWSSCHEDULER_H

#include "codegen/RowsValues.h"
#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/RowsChoices.h"

#include <optional>

namespace nnc {

class GpuRowsScheduler {
public:
  GpuRowsScheduler(RowsPlan &plan, const GpuRowsChoices &choices)
      : plan(plan), rows(plan.rows), choices(choices), values(plan),
        b(values.b), last(plan.kernel) {}

  ScheduledKernel run();

private:
  using ChunkBody = llvm::function_ref<Accumulators(mlir::ValueRange)>;

  void emitStep(const GpuRowsStep &step);
  void beginPhase(const llvm::Twine &name);
  void endPhase(Extent numBlocks, int64_t threads);

  // Reductions to a scalar.
  void emitScalars(const GpuRowsStep &planned);
  Accumulators reduceElements(const ScalarLoop &loop, int64_t threads);
  void emitPartialScalars(const ScalarLoop &loop);
  Accumulators reducePartials(const ScalarLoop &loop, int64_t threads);

  // Columns.
  void emitColumns(const GpuRowsStep &planned);
  void emitColumnVectors(const RowsStep &step);
  void emitColumnSums(const GpuRowsStep &planned);
  void emitOwnColumns(const GpuRowsStep &planned);
  void placeColumns(const ColumnBlock &block, mlir::Value number);
  Accumulators sumDownRows(const GpuRowsStep &planned, mlir::Value firstRow,
                           mlir::Value lastRow);
  void joinThreadsOfColumn(const RowsStep &step, const ColumnBlock &block,
                           mlir::Value firstColumn, Accumulators totals,
                           llvm::function_ref<void(mlir::ValueRange)> store);
  void emitColumnTotals(const GpuRowsStep &planned);
  void storeColumns(const RowsStep &step);

  // Rows.
  void emitRows(const RowsStep &step);
  void emitUngrouped(const RowsStep &step);
  void emitSeveralRows(const RowsStep &step, const ElementsBlock &block);
  void storeElements(const RowsStep &step, bool hasFull);
  void emitGrouped(const RowsStep &step);
  mlir::Value placeGroup();
  void storeRows(const RowsStep &step, llvm::ArrayRef<unsigned> ofRows,
                 mlir::Value isRow);
  void storeFull(llvm::ArrayRef<unsigned> results, mlir::Value isRow);
  Accumulators forEachChunk(mlir::ValueRange inits, ChunkBody body);
  void reducePass(llvm::ArrayRef<RowsOp *> ops);

  void storeLongRow(llvm::ArrayRef<unsigned> results, mlir::Value isRow);

  /// Has the loop that made `results` do so many of its iterations at once.
  void unroll(mlir::ValueRange results, int64_t iterations);

  // Threads together.
  Accumulators combineLanes(llvm::ArrayRef<RowsOp *> ops, Accumulators vectors);
  Accumulators combineThreads(llvm::ArrayRef<RowsOp *> ops, Accumulators own,
                              int64_t threads, int64_t blockThreads);
  Accumulators butterfly(llvm::ArrayRef<RowsOp *> ops, Accumulators own,
                         int64_t threads);

  mlir::Value index(int64_t value) { return phase().index(value); }
  GpuPhase &phase() { return *currentPhase; }

  RowsPlan &plan;
  RowsKernel &rows;
  const GpuRowsChoices &choices;
  RowsValues values;
  mlir::ImplicitLocOpBuilder &b;
  mlir::Operation *last;
  std::optional<GpuPhase> currentPhase;
  ScheduledKernel scheduled;

  /// Of the rows that are being emitted.
  RowGroup group;
  mlir::Value threadInGroup, isInRow;
  /// The vectors that a thread keeps, where it has several.
  llvm::SmallVector<RowsValues::Place> places;
};

} // namespace nnc

#endif // NNC_CODEGEN_CUDA_ROWSSCHEDULER_H
