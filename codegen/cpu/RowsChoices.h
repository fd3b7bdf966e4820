// How a CPU goes through a rows kernel: which steps share a call, what is
// reduced without partial results, how wide vectors are.
#ifndef NNC_CODEGEN_CPU_ROWSCHOICES_H
#define NNC_CODEGEN_CPU_ROWSCHOICES_H

#include "codegen/RowsPlan.h"
#include "codegen/cpu/CpuModel.h"

namespace nnc {

/// Terms that are added up one after another; longer sums are sums of sums of
/// as many, in up to three levels. A sum of n terms errs by up to n / 2
/// epsilons of the type, in levels by 256 / 2 each (Higham 1993,
/// doi:10.1137/0914050).
constexpr int64_t kSumBlock = 256;

/// Steps of a plan that run in one phase.
struct CpuRowsPhase {
  std::string name;
  Extent extent{1};
  int64_t grain = 1;
  llvm::SmallVector<const RowsStep *> steps;
};

struct CpuRowsChoices {
  /// Plans the steps of `plan`, which outlives this.
  CpuRowsChoices(RowsPlan &plan, const CpuModel &model);

  bool isFlat() const { return plan.rows.columns == 1; }
  int64_t numColumnUnits() const;
  /// The number of rows at the largest batch, if that is known.
  std::optional<int64_t> mostRows() const;

  /// The phases, in order.
  std::vector<CpuRowsPhase> phases;
  /// All steps run one after another in a single call, or in one a sample.
  bool isSequential = false;
  /// Partial results are of blocks of rows, and not of all rows.
  bool inBlocks = true;
  /// Rows of a block of partial results.
  int64_t blockRows = 0;
  /// Elements of a flat space without reductions that share an index of the
  /// extent.
  int64_t flatBlock = 0;
  /// Lanes of a chunk of a row or of a flat space, and of a unit of columns.
  int64_t rowLanes = 0, columnLanes = 0;
  /// A row is one chunk.
  bool isSingleChunk = false;

private:
  int64_t baseLanes() const;
  bool drawsRandomBits() const;
  int64_t costPerRow() const;
  int64_t costPerColumnUnit() const;
  bool canReduceDirectly(const RowsStage &stage) const;
  void choosePartials();
  /// `count`, or as many a sample where each has a space of its own.
  Extent eachSample(int64_t count) const {
    return rows.isOfSamples ? Extent{0, count} : Extent{count};
  }
  Extent partialElements(int64_t width) const;
  bool leavesColumns() const;
  int64_t rowsPerColumnSum() const;
  void gatherScalarResults();

  void planSequence();
  void planPhases();
  void addPhase(llvm::StringRef name, Extent extent, int64_t grain,
                llvm::ArrayRef<const RowsStep *> steps);
  void addRowsPhase(unsigned stage);
  bool hasScalars(unsigned stage) const;
  bool hasColumns(unsigned stage) const;
  bool hasRows(unsigned stage) const;
  const RowsStep *addScalars(unsigned stage);
  const RowsStep *addColumns(unsigned stage);
  const RowsStep *addRows(unsigned stage);
  void planKeptRows(RowsStep &step);

  RowsPlan &plan;
  RowsKernel &rows;
  const CpuModel &model;
  int64_t rowCost = 0;
  /// Of each stage: its reductions across rows are computed by the next stage's
  /// walk down the columns, with no partial results.
  llvm::SmallVector<bool> isDirect;
};

} // namespace nnc

#endif // NNC_CODEGEN_CPU_ROWSCHOICES_H
