// What a rows kernel computes, in which order, and where everything that is
// known lies in memory: planned whole before any of it is emitted, so that what
// may be read where is a fact of the plan.
//
// Reductions across rows end a *stage*, because they need all rows. A stage is
// carried out in *steps*, each over scalars, over columns or over rows; a
// target says which steps there are, in which order, and what it keeps beside
// the results (codegen/cpu/RowsChoices.h, codegen/cuda/RowsChoices.h).
#ifndef NNC_CODEGEN_ROWSPLAN_H
#define NNC_CODEGEN_ROWSPLAN_H

#include "codegen/RowPasses.h"
#include "codegen/RowsAnalysis.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/raw_ostream.h"

#include <deque>
#include <vector>

namespace nnc {

/// Where a tensor lies in memory.
struct Storage {
  enum Kind { Buffer, Scratch };
  Kind kind = Buffer;
  BufferRef buffer{};
  /// Of a row's worth of elements in the thread's scratch.
  int64_t scratchOffsetBytes = 0;
};

/// What is to be computed between two barriers across rows.
struct RowsStage {
  /// Results of the kernel, by number, that are known here first.
  llvm::SmallVector<unsigned> scalarResults, columnResults, rowResults;
  /// Reductions across rows that are complete at its start: to columns, and to
  /// scalars.
  llvm::SmallVector<RowsOp *> columnSums, scalarSums;
  /// Reductions across rows that this stage's elements enter.
  llvm::SmallVector<RowsOp *> entered;
  /// Columns of this stage that later work needs from memory.
  llvm::SetVector<mlir::Value> keptColumns;
};

/// A part of a stage: over scalars, over columns, or over rows.
struct RowsStep {
  enum Kind { Scalars, Columns, Rows };
  /// A value that the step stores beside the kernel's results.
  struct Kept {
    mlir::Value root;
    Storage storage;
    /// Of a row's value in scratch: the pass that computes it. Later passes of
    /// the step read it; for all else later steps do.
    unsigned pass = 0;
  };

  Kind kind = Rows;
  unsigned stage = 0;
  /// Reductions across rows that are complete before the step's values.
  llvm::SmallVector<RowsOp *> completed;
  /// Reductions across rows that its elements enter.
  llvm::SmallVector<RowsOp *> entered;
  /// Results of the kernel that it stores, by number.
  llvm::SmallVector<unsigned> results;
  /// Columns that reduce without partial results: the results that are stored
  /// on the walk down the rows.
  llvm::SmallVector<unsigned> walkedResults;
  llvm::SmallVector<Kept> kept;
  /// Of a step over rows.
  RowPasses passes;

  /// What lies in memory when the step begins.
  llvm::DenseMap<mlir::Value, Storage> stored;

  bool isStored(mlir::Value root) const { return stored.contains(root); }
  /// Where `root` can be read from in a pass of the step; null if nowhere.
  const Storage *find(mlir::Value root, unsigned pass) const;
};

struct RowsPlan {
  /// Finds the stages, and what they have to compute. `rows` outlives the plan.
  explicit RowsPlan(mlir::func::FuncOp kernel, RowsKernel &rows);

  mlir::func::FuncOp kernel;
  RowsKernel &rows;
  /// Ops that a result depends on, each after those that it depends on.
  llvm::SetVector<mlir::Operation *> needed;
  std::vector<RowsStage> stages;

  /// In the order in which they run.
  std::deque<RowsStep> steps;
  struct Workspace {
    mlir::Type elementType;
    Extent elements;
  };
  std::vector<Workspace> workspaces;
  int64_t scratchBytes = 0;
  /// Workspaces of the partial results of a reduction, one a result of the op.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<unsigned>> partials;

  /// The next step of a stage, with what its kind completes. What lies in
  /// memory is what the steps before it have stored, which is complete.
  RowsStep &addStep(RowsStep::Kind kind, unsigned stage);
  /// Finds the passes over a row in which `step` computes its results and
  /// `more`.
  void planPasses(RowsStep &step, llvm::ArrayRef<mlir::Value> more);

  /// A workspace for elements of the type of `tensor`'s.
  unsigned addWorkspace(mlir::Value tensor, Extent elements);
  /// Workspaces for the partial results of `op`, `elements` each.
  void addPartials(RowsOp &op, Extent elements);
  /// Has `step` store `root`: in the kernel's result if it is one, else in a
  /// workspace of `elements`.
  void keep(RowsStep &step, mlir::Value root, Extent elements);
  /// Has `step` keep a row's worth of `root` from `pass` on: in the kernel's
  /// result if it is one, else in scratch.
  void keepInRow(RowsStep &step, mlir::Value root, unsigned pass);

  /// The number of the result that `root` is, if it is one.
  std::optional<unsigned> resultOf(mlir::Value root) const;
  /// The workspaces as a schedule lists them.
  llvm::SmallVector<Extent> workspaceBytes() const;

  /// For people: a line for each step and each thing that it stores.
  void print(llvm::raw_ostream &os) const;

private:
  void collectNeeded(mlir::Value tensor);
  void planStages();
  void planKeptColumns();
  llvm::DenseMap<mlir::Value, Storage> storedBefore() const;
};

} // namespace nnc

#endif // NNC_CODEGEN_ROWSPLAN_H
