// Emits the phases of a rows kernel on a CPU, as its plan says. The nests over
// columns and scalars are in RowsColumns.cpp, those over rows in RowsNests.cpp,
// loops and sums in RowsLoops.cpp.
#ifndef NNC_CODEGEN_CPU_ROWSSCHEDULER_H
#define NNC_CODEGEN_CPU_ROWSSCHEDULER_H

#include "codegen/RowsValues.h"
#include "codegen/cpu/CpuPhase.h"
#include "codegen/cpu/RowsChoices.h"

namespace nnc {

class CpuRowsScheduler {
public:
  CpuRowsScheduler(RowsPlan &plan, const CpuRowsChoices &choices)
      : plan(plan), rows(plan.rows), choices(choices), values(plan),
        b(values.b) {}

  ScheduledKernel run();

private:
  /// The body of a loop, which is given as an op, with what it carries.
  using LoopBody = llvm::function_ref<Accumulators(
      mlir::Operation *, mlir::Value, mlir::ValueRange)>;
  using ChunkBody = llvm::function_ref<Accumulators(mlir::ValueRange)>;

  void emitPhase(const CpuRowsPhase &planned);
  void emitStep(const RowsStep &step, mlir::Value begin, mlir::Value end);

  // Columns and scalars.
  void emitScalars(const RowsStep &step);
  void emitColumnsNest(const RowsStep &step, mlir::Value begin,
                       mlir::Value end);
  void emitColumnsAt(const RowsStep &step, mlir::Value unit);
  mlir::Value columnMask();
  void walkDownRows(const RowsStep &step);
  void finishPartial(RowsOp &op);

  // Rows.
  void emitRowsNest(const RowsStep &step, mlir::Value begin, mlir::Value end);
  void emitBlocks(const RowsStep &step, mlir::Value begin, mlir::Value end);
  void emitBlock(const RowsStep &step, mlir::Value block);
  void emitRows(const RowsStep &step, mlir::Value first, mlir::Value last,
                mlir::Value block);
  void beginPartials(const RowsStep &step, mlir::Value block);
  void emitRow(const RowsStep &step, mlir::Value row, mlir::Value block);
  void emitPass(const RowsStep &step, unsigned pass, mlir::Value block);
  void addToPartial(RowsOp &op, mlir::Value at);
  void emitFlat(const RowsStep &step, mlir::Value first, mlir::Value last,
                mlir::Value block);
  Accumulators emitFlatLoop(const RowsStep &step, mlir::Value begin,
                            mlir::Value end, int64_t lanes);

  // Loops.
  Accumulators loop(mlir::Value begin, mlir::Value end, int64_t step,
                    mlir::ValueRange inits, LoopBody body);
  Accumulators sumLoop(mlir::Value begin, mlir::Value end, int64_t step,
                       std::optional<int64_t> count,
                       llvm::ArrayRef<RowsOp *> ops, int64_t lanes,
                       LoopBody body);
  Accumulators forEachChunk(llvm::ArrayRef<RowsOp *> ops, ChunkBody body);

  CpuPhase &phase() { return *currentPhase; }
  mlir::Value index(int64_t value) { return phase().index(value); }
  mlir::Value numBlocks();
  /// Of a partial result: the element of a block's sum at the chunk.
  mlir::Value partialAt(RowsOp &op, mlir::Value block);

  RowsPlan &plan;
  RowsKernel &rows;
  const CpuRowsChoices &choices;
  RowsValues values;
  mlir::ImplicitLocOpBuilder &b;
  CpuPhase *currentPhase = nullptr;
  /// Within a loop over rows: the sums of columns that it carries.
  llvm::DenseMap<RowsOp *, Accumulators> sumsInRegisters;
  ScheduledKernel scheduled;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ROWSSCHEDULER_H
