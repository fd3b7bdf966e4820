// See RowsChoices.h. Work is counted in bytes of memory traffic; a vector
// instruction on four-byte elements counts as much as loading one byte for each
// of its elements.
#include "codegen/cpu/RowsChoices.h"

#include "codegen/KernelForms.h"
#include "codegen/RandomBits.h"
#include "codegen/ScheduleKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kGrainBytes = 16 << 10;
static constexpr int64_t kBlockBytes = 64 << 10;
/// Below this much work a sample, a kernel of several stages runs in one call:
/// at a batch of 128 it takes as long as two barriers between threads.
static constexpr int64_t kSequentialBytesPerSample = 768;
static constexpr int64_t kSequentialBytes = 96 << 10;
/// Rows that a walk down the columns goes through at most. It is cut by columns
/// alone, of which there may be few, and leaves a gap in memory after each row;
/// blocks of rows need another phase, which adds up what they leave.
static constexpr int64_t kMostWalkedRows = 1024;
static constexpr int64_t kColumnBlocks = 64, kFewestBlockRows = 16;

CpuRowsChoices::CpuRowsChoices(RowsPlan &plan, const CpuModel &model)
    : plan(plan), rows(plan.rows), model(model) {
  isSequential = rows.isOfSamples;
  gatherScalarResults();
  rowCost = costPerRow();
  int64_t base = baseLanes();
  int64_t rowWidth = llvm::PowerOf2Ceil(rows.columns);
  isSingleChunk = !isFlat() && rowWidth <= 4 * base;
  // Two registers a value hide the latency of one.
  rowLanes = isSingleChunk ? rowWidth : 2 * base;
  if (drawsRandomBits() && !isSingleChunk &&
      (isFlat() || rows.columns % kRandomLanes == 0))
    rowLanes = kRandomLanes;
  columnLanes = std::min<int64_t>(std::max<int64_t>(2 * base, 16), rowWidth);
  flatBlock = 4 * rowLanes;
  choosePartials();
  if (isSequential)
    planSequence();
  else
    planPhases();
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

/// Ops that take many instructions, so that their result is kept rather than
/// computed again.
static bool isExpensive(Operation &op) {
  return isa<math::ExpOp, math::ExpM1Op, math::LogOp, math::Log1pOp,
             math::TanhOp, math::ErfOp, math::SinOp, math::CosOp, math::PowFOp,
             arith::DivFOp, math::SqrtOp, math::RsqrtOp>(op);
}

static int64_t costOf(RowsOp &op) {
  int64_t cost = 0;
  for (Operation &inner : op.op.getBody()->without_terminator())
    cost += isExpensive(inner) ? 16 : 1;
  return cost * windowSize(op);
}

static bool isExpensive(RowsOp &op) {
  // Many cheap ops cost as much as one call: a random generator's rounds.
  return costOf(op) >= 16;
}

int64_t CpuRowsChoices::costPerRow() const {
  int64_t cost = 0;
  auto elements = [&](SpaceRole role) {
    return role == Full ? rows.columns : role == Row ? 1 : 0;
  };
  for (auto [tensor, role] : rows.roles)
    if (isa<BlockArgument>(tensor))
      cost += elements(role) * elementBytes(tensor);
  for (Value result : rows.results)
    cost += elements(rows.roleOf(result)) * elementBytes(result);
  for (Operation *op : plan.needed) {
    RowsOp &rowsOp = *rows.definition(op->getResult(0));
    // Scalars of a row take as long as a vector does.
    int64_t lanes = rowsOp.domain == Row && !isFlat() ? baseLanes() : 1;
    cost += elements(rowsOp.domain) * costOf(rowsOp) * lanes;
  }
  return std::max<int64_t>(cost, 1);
}

int64_t CpuRowsChoices::costPerColumnUnit() const {
  int64_t walked = rows.rows.estimate(kTypicalBatch);
  return std::max<int64_t>(1, rowCost * columnLanes / rows.columns * walked);
}

/// Elements of the widest kind that fill a vector register.
int64_t CpuRowsChoices::baseLanes() const {
  for (Operation *op : plan.needed)
    for (Type type : op->getResultTypes())
      if (getElementTypeOrSelf(type).isF64())
        return model.vectorBytes / 8;
  return model.vectorBytes / 4;
}

bool CpuRowsChoices::drawsRandomBits() const {
  return llvm::any_of(plan.needed, [](Operation *op) {
    return randomBitsForm(cast<linalg::GenericOp>(op)).has_value();
  });
}

int64_t CpuRowsChoices::numColumnUnits() const {
  return llvm::divideCeil(rows.columns, columnLanes);
}

std::optional<int64_t> CpuRowsChoices::mostRows() const {
  std::optional<int64_t> batch =
      rows.rows.perBatch ? largestBatch(plan.kernel) : int64_t(1);
  if (!batch)
    return std::nullopt;
  return llvm::SaturatingMultiply<uint64_t>(*batch, rows.rows.factor);
}

//===----------------------------------------------------------------------===//
// Reductions across rows
//===----------------------------------------------------------------------===//

/// Scalars wait for each other: what ends a stage is a barrier.
void CpuRowsChoices::gatherScalarResults() {
  RowsStage *last = nullptr;
  SmallVector<unsigned> all;
  for (RowsStage &stage : plan.stages)
    if (!stage.scalarResults.empty()) {
      last = &stage;
      all.append(std::exchange(stage.scalarResults, {}));
    }
  llvm::sort(all);
  if (last)
    last->scalarResults = all;
}

bool CpuRowsChoices::canReduceDirectly(const RowsStage &stage) const {
  if (isFlat() || stage.entered.empty() || rows.isOfSamples ||
      rows.rows.estimate(kTypicalBatch) > kMostWalkedRows)
    return false;
  for (RowsOp *op : stage.entered)
    if (op->domain != Full || op->reduced != Row ||
        !llvm::all_of(op->op.getInputs(), [&](Value input) {
          return !rows.followsRowReduction(input);
        }))
      return false;
  return llvm::all_of(stage.rowResults, [&](unsigned result) {
    return rows.roleOf(rows.results[result]) == Full &&
           !rows.followsRowReduction(rows.results[result]);
  });
}

/// Whether a block of rows leaves partial results of columns.
bool CpuRowsChoices::leavesColumns() const {
  for (auto [stage, direct] : llvm::zip(plan.stages, isDirect))
    if (!direct && llvm::any_of(stage.entered, [](const RowsOp *op) {
          return op->reduced != op->domain;
        }))
      return true;
  return false;
}

/// Rows of a block that leaves a row of partial results: few blocks, as these
/// are read again, but enough for many threads. They are added up one after
/// another.
int64_t CpuRowsChoices::rowsPerColumnSum() const {
  int64_t each = rows.rows.estimate(kTypicalBatch) / kColumnBlocks;
  return llvm::bit_floor<uint64_t>(
      std::clamp<int64_t>(each, kFewestBlockRows, kSumBlock));
}

/// Of the partial results of all blocks, `width` each.
Extent CpuRowsChoices::partialElements(int64_t width) const {
  if (!inBlocks)
    return eachSample(width);
  if (rows.isOfSamples)
    return eachSample(width * llvm::divideCeil(rows.rows.factor, blockRows));
  // width * ceil(rows / blockRows), rounded up by at most one block.
  bool perBatch = rows.rows.perBatch;
  int64_t all = width * rows.rows.factor;
  return Extent{width * blockRows + (perBatch ? 0 : all), perBatch ? all : 0,
                blockRows};
}

/// How the reductions across rows are computed: without partial results, in one
/// call, or in blocks.
void CpuRowsChoices::choosePartials() {
  bool hasPartials = false;
  for (const RowsStage &stage : plan.stages) {
    isDirect.push_back(canReduceDirectly(stage));
    hasPartials |= !stage.entered.empty() && !isDirect.back();
  }
  if (!hasPartials)
    return;
  int64_t cost = rowCost * rows.rows.factor;
  isSequential |= cost <= (rows.rows.perBatch ? kSequentialBytesPerSample
                                              : kSequentialBytes);
  // A power of two, because batches are.
  blockRows =
      llvm::bit_floor<uint64_t>(std::max<int64_t>(1, kBlockBytes / rowCost));
  if (!isFlat() && leavesColumns())
    blockRows = rowsPerColumnSum();
  if (isSequential) {
    // A flat space has no partial results but its last.
    inBlocks = !isFlat() && mostRows().value_or(INT64_MAX) > 2 * kSumBlock;
    blockRows = kSumBlock;
    isDirect.assign(isDirect.size(), false);
  }
  if (isFlat())
    blockRows = llvm::alignTo(blockRows, rowLanes);
  for (auto [stage, direct] : llvm::zip(plan.stages, isDirect)) {
    if (direct)
      continue;
    for (RowsOp *op : stage.entered) {
      int64_t width = op->reduced == op->domain ? 1 : rows.columns;
      plan.addPartials(*op, partialElements(width));
    }
  }
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

bool CpuRowsChoices::hasColumns(unsigned number) const {
  const RowsStage &stage = plan.stages[number];
  return !stage.columnResults.empty() || !stage.keptColumns.empty() ||
         !stage.columnSums.empty();
}

bool CpuRowsChoices::hasScalars(unsigned number) const {
  const RowsStage &stage = plan.stages[number];
  return !stage.scalarResults.empty() || !stage.scalarSums.empty();
}

bool CpuRowsChoices::hasRows(unsigned number) const {
  const RowsStage &stage = plan.stages[number];
  return !isDirect[number] &&
         (!stage.rowResults.empty() || !stage.entered.empty());
}

/// In one call scalars stay where they are; phases to come read them from
/// memory.
const RowsStep *CpuRowsChoices::addScalars(unsigned number) {
  RowsStep &step = plan.addStep(RowsStep::Scalars, number);
  if (!isSequential)
    for (RowsOp *op : step.completed)
      for (Value root : op->op->getResults())
        if (!root.use_empty())
          plan.keep(step, root, Extent{1});
  return &step;
}

const RowsStep *CpuRowsChoices::addColumns(unsigned number) {
  RowsStep &step = plan.addStep(RowsStep::Columns, number);
  if (number > 0 && isDirect[number - 1]) {
    step.entered = plan.stages[number - 1].entered;
    step.walkedResults = plan.stages[number - 1].rowResults;
  }
  for (Value root : plan.stages[number].keptColumns)
    plan.keep(step, root, eachSample(rows.columns));
  return &step;
}

const RowsStep *CpuRowsChoices::addRows(unsigned number) {
  RowsStep &step = plan.addStep(RowsStep::Rows, number);
  step.entered = plan.stages[number].entered;
  SmallVector<Value> inputs;
  for (RowsOp *op : step.entered)
    llvm::append_range(inputs, op->op.getInputs());
  plan.planPasses(step, inputs);
  if (!isSingleChunk)
    planKeptRows(step);
  return &step;
}

namespace {

/// Finds what later passes over a row read from memory: what was expensive in
/// an earlier pass is kept, what was cheap is computed again.
class RowDemands {
public:
  RowDemands(const RowsPlan &plan, const RowsStep &step)
      : plan(plan), step(step) {}

  /// Notes that `pass` needs `tensor`.
  void demand(Value tensor, unsigned pass);
  void demandInputs(RowsOp &op) {
    for (Value input : op.op.getInputs())
      demand(input, step.passes.of(op));
  }

  ArrayRef<Value> kept() const { return found.getArrayRef(); }

private:
  const RowsPlan &plan;
  const RowsStep &step;
  llvm::SetVector<Value> found;
  llvm::DenseSet<std::pair<Value, unsigned>> demanded;
};

} // namespace

void RowDemands::demand(Value tensor, unsigned pass) {
  Value root = rootOf(tensor);
  RowsOp *op = plan.rows.definition(root);
  if (!op || plan.rows.roleOf(root) != Full || step.isStored(root) ||
      !demanded.insert({root, pass}).second)
    return;
  unsigned first = step.passes.of(root);
  bool isKept = pass > first && (isExpensive(*op) || plan.resultOf(root));
  if (isKept && !found.insert(root))
    return;
  for (Value operand : op->op->getOperands())
    demand(operand, isKept ? first : pass);
}

void CpuRowsChoices::planKeptRows(RowsStep &step) {
  RowDemands demands(plan, step);
  for (unsigned result : step.results)
    demands.demand(rows.results[result], step.passes.of(rows.results[result]));
  for (RowsOp *op : step.entered)
    demands.demandInputs(*op);
  for (RowsOp *op : step.passes.reductions())
    demands.demandInputs(*op);
  for (unsigned pass = 0; pass < step.passes.numReducing(); ++pass)
    for (Value root : demands.kept())
      if (step.passes.of(root) == pass)
        plan.keepInRow(step, root, pass);
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

void CpuRowsChoices::addPhase(StringRef name, Extent extent, int64_t grain,
                              ArrayRef<const RowsStep *> steps) {
  phases.push_back({name.str(), extent, grain, llvm::to_vector(steps)});
}

void CpuRowsChoices::planSequence() {
  SmallVector<const RowsStep *> steps;
  for (unsigned stage = 0; stage < plan.stages.size(); ++stage) {
    bool scalarsFirst = !plan.stages[stage].scalarSums.empty();
    if (scalarsFirst)
      steps.push_back(addScalars(stage));
    if (hasColumns(stage))
      steps.push_back(addColumns(stage));
    if (hasScalars(stage) && !scalarsFirst)
      steps.push_back(addScalars(stage));
    if (hasRows(stage))
      steps.push_back(addRows(stage));
  }
  int64_t cost = llvm::SaturatingMultiply<uint64_t>(rowCost, rows.rows.factor);
  addPhase("rows", eachSample(1), rows.isOfSamples ? kGrainBytes / cost : 1,
           steps);
}

void CpuRowsChoices::addRowsPhase(unsigned stage) {
  int64_t perIndex = !plan.stages[stage].entered.empty() ? blockRows
                     : isFlat()                          ? flatBlock
                                                         : 1;
  addPhase("rows", rows.numRows(perIndex), kGrainBytes / (rowCost * perIndex),
           addRows(stage));
}

/// None of the reductions to a scalar waits for a column, because a reduction
/// of columns ends a stage; columns, rows and other scalars may wait for one.
void CpuRowsChoices::planPhases() {
  for (unsigned stage = 0; stage < plan.stages.size(); ++stage) {
    bool completesScalars = !plan.stages[stage].scalarSums.empty();
    bool scalarsLeft = hasScalars(stage);
    auto addScalarsPhase = [&] {
      addPhase("scalars", Extent{1}, 1, addScalars(stage));
      scalarsLeft = false;
    };
    if (hasColumns(stage)) {
      bool withScalars = numColumnUnits() == 1 && scalarsLeft;
      if (completesScalars && !withScalars)
        addScalarsPhase();
      SmallVector<const RowsStep *> steps;
      if (withScalars && completesScalars)
        steps.push_back(addScalars(stage));
      steps.push_back(addColumns(stage));
      if (withScalars && !completesScalars)
        steps.push_back(addScalars(stage));
      addPhase("columns", Extent{numColumnUnits()},
               kGrainBytes / costPerColumnUnit(), steps);
      scalarsLeft &= !withScalars;
    }
    // Scalars that the rows do not wait for come after them, so that they can
    // overwrite what the rows read.
    bool completesAny =
        completesScalars || !plan.stages[stage].columnSums.empty();
    if (scalarsLeft && completesAny)
      addScalarsPhase();
    if (hasRows(stage))
      addRowsPhase(stage);
    if (scalarsLeft)
      addScalarsPhase();
  }
}
