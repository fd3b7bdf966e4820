// See RowsChoices.h.
#include "codegen/cuda/RowsChoices.h"

#include "codegen/KernelForms.h"
#include "codegen/RandomBits.h"
#include "codegen/ScheduleKernels.h"
#include "codegen/cuda/GpuPhase.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

/// The elements of a row that one thread may keep in registers.
static constexpr int64_t kMaxLanes = 16;
/// The same where it keeps several vectors: of each tensor, and of all that it
/// reads.
static constexpr int64_t kMaxKept = 24, kMaxKeptOfAll = 96;
/// Threads of a row of many that is read once a pass: two blocks or more share
/// a multiprocessor, so that one reads while another waits.
static constexpr int64_t kLongRowThreads = 512;
/// Elements that one block reduces to a scalar by itself, and those that make
/// another block worth its launch. Estimates, as no GPU was at hand: 32
/// elements a thread take about as long as a launch.
static constexpr int64_t kOneBlockElements = 1 << 15;
static constexpr int64_t kBlockElements = 1 << 13;
/// Rows that a thread of a block of columns has at least, and blocks for each
/// of GpuModel::minBlocks. On an H200 a step of ResNet-50 took 23.19 ms with 2,
/// 23.34 with 4 and 23.41 with 8.
static constexpr int64_t kThreadRows = 8, kBlocksInTurn = 2;
static constexpr int64_t kMaxSplits = 1 << 10;
/// Columns of so many rows, and elements in all, are summed in less time than
/// some launches take.
static constexpr int64_t kShortColumn = 1 << 10, kShortColumns = 1 << 19;
/// What a thread's sums, and the columns' values that they are made of, take of
/// its registers; and bytes that it reads at once, so that half of the threads
/// that a multiprocessor can have cover the way to memory.
static constexpr int64_t kColumnLanes = 48, kBytesAtOnce = 64;
static constexpr int64_t kMaxColumnLanes = 8, kMaxRowsAtOnce = 4;
/// Rows of a thread that keeps values of columns: the same step took 23.42 ms
/// with 1, 23.22 with 2 and 23.34 with 4, which have fewer threads.
static constexpr int64_t kRowsAThread = 2;

GpuRowsChoices::GpuRowsChoices(RowsPlan &plan, const GpuModel &model)
    : plan(plan), rows(plan.rows), model(model), keptRows(plan.stages.size()) {
  placeEarlyScalars();
  planKeptRows();
  for (auto [number, stage] : llvm::enumerate(plan.stages)) {
    bool completesScalars = !stage.scalarSums.empty();
    if (completesScalars)
      addScalars(number);
    if (!stage.columnSums.empty() || !stage.columnResults.empty() ||
        !stage.keptColumns.empty())
      addColumns(number);
    if (!stage.rowResults.empty() || !keptRows[number].empty())
      addRows(number);
    // After the rows, so that they can overwrite what the rows read.
    if (!stage.scalarResults.empty() && !completesScalars)
      addScalars(number);
  }
}

//===----------------------------------------------------------------------===//
// What is stored when
//===----------------------------------------------------------------------===//

/// Scalars that wait for nothing are stored with the last others, so that they
/// may lie on operands and need no phase of their own.
void GpuRowsChoices::placeEarlyScalars() {
  for (RowsStage &stage :
       llvm::reverse(MutableArrayRef(plan.stages).drop_front()))
    if (!stage.scalarSums.empty()) {
      stage.scalarResults.append(plan.stages.front().scalarResults);
      plan.stages.front().scalarResults.clear();
      llvm::sort(stage.scalarResults);
      return;
    }
}

/// Stores what an element needs of its row's reductions.
void GpuRowsChoices::keepRowReductions(Value tensor) {
  Value root = rootOf(tensor);
  RowsOp *op = rows.definition(root);
  // Results are in memory anyway.
  if (!op || !op->followsRowReduction || plan.resultOf(root) ||
      !withKeptReductions.insert(op->op).second)
    return;
  if (rows.roleOf(root) == Row) {
    keptRows[op->stage].insert(root);
    return;
  }
  for (Value operand : op->op->getOperands())
    keepRowReductions(operand);
}

/// The loops of a reduction across rows compute elements, but no reductions.
void GpuRowsChoices::planKeptRows() {
  for (RowsStage &stage : plan.stages)
    for (ArrayRef<RowsOp *> ops :
         {ArrayRef(stage.columnSums), ArrayRef(stage.scalarSums)})
      for (RowsOp *op : ops)
        for (Value input : op->op.getInputs())
          keepRowReductions(input);
}

/// What later phases read of the scalars that the scalars phase of `stage`
/// knows: whatever is not an operand of this phase's own scalars alone.
llvm::DenseSet<Value> GpuRowsChoices::readLater(unsigned stage) const {
  llvm::DenseSet<Value> late;
  for (Operation *op : llvm::reverse(plan.needed)) {
    RowsOp &user = *rows.definition(op->getResult(0));
    bool isHere = user.domain == Scalar && user.stage == stage &&
                  llvm::none_of(op->getResults(), [&](Value result) {
                    return late.contains(result);
                  });
    if (!isHere)
      for (Value operand : op->getOperands())
        late.insert(rootOf(operand));
  }
  return late;
}

void GpuRowsChoices::addScalars(unsigned number) {
  RowsStep &step = plan.addStep(RowsStep::Scalars, number);
  SmallVector<ScalarLoop> loops = planScalarLoops(step);
  for (const ScalarLoop &loop : loops)
    if (loop.numBlocks > 1)
      for (RowsOp *op : loop.ops)
        plan.addPartials(*op, Extent{loop.numBlocks});
  llvm::DenseSet<Value> late = readLater(number);
  for (const ScalarLoop &loop : loops)
    for (RowsOp *op : loop.ops)
      for (Value root : op->op->getResults())
        if (late.contains(root))
          plan.keep(step, root, Extent{1});
  steps.push_back({&step, std::move(loops)});
}

void GpuRowsChoices::addColumns(unsigned number) {
  RowsStep &step = plan.addStep(RowsStep::Columns, number);
  ColumnBlock block = columnBlock(step);
  int64_t numSplits = splitsOf(step, block);
  if (numSplits > 1)
    for (RowsOp *op : step.completed)
      plan.addPartials(*op, Extent{numSplits * rows.columns});
  for (Value root : plan.stages[number].keptColumns)
    plan.keep(step, root, Extent{rows.columns});
  steps.push_back({&step, {}, block, numSplits});
}

/// A row's values are kept by the threads that have reduced it. What needs no
/// reduction is computed again.
void GpuRowsChoices::addRows(unsigned number) {
  RowsStep &step = plan.addStep(RowsStep::Rows, number);
  plan.planPasses(step, keptRows[number].getArrayRef());
  if (!step.passes.reductions().empty())
    for (Value root : keptRows[number])
      plan.keep(step, root, rows.numRows());
  steps.push_back({&step, {}});
}

//===----------------------------------------------------------------------===//
// Blocks and threads
//===----------------------------------------------------------------------===//

/// Whether partial results can go through shuffles.
bool nnc::canShuffle(const RowsPlan &plan) {
  return llvm::all_of(plan.needed, [&](Operation *op) {
    if (plan.rows.definition(op->getResult(0))->reduced == Scalar)
      return true;
    return llvm::all_of(op->getResults(), [](Value result) {
      Type type = elementTypeOf(result);
      return type.isF32() || type.isF64() || type.isInteger(32) ||
             type.isInteger(64);
    });
  });
}

int64_t GpuRowsChoices::lanesFor(int64_t length) const {
  // A random word is a hundred operations: a wider store would save nothing,
  // and the vectors of all these operations take NVRTC four times as long.
  if (llvm::any_of(rows.ops, [](const auto &entry) {
        return randomBitsForm(entry.second.op).has_value();
      }))
    return 0;
  int64_t widest = 2;
  SpaceRole whole = isFlat() ? Row : Full;
  for (auto [tensor, role] : rows.roles)
    if (role == whole)
      widest = std::max(widest, elementBytes(tensor));
  int64_t lanes = model.vectorBytes / widest;
  while (length % lanes)
    lanes /= 2;
  return lanes == 1 ? 0 : lanes;
}

int64_t GpuRowsChoices::typicalRows() const {
  return rows.rows.estimate(typicalBatch(plan.kernel));
}

SmallVector<ScalarLoop>
GpuRowsChoices::planScalarLoops(const RowsStep &step) const {
  SmallVector<ScalarLoop> loops;
  for (SpaceRole domain : {Row, Full}) {
    ScalarLoop loop{domain, {}};
    for (RowsOp *op : step.completed)
      if (op->domain == domain)
        loop.ops.push_back(op);
    if (loop.ops.empty())
      continue;
    int64_t elements = typicalRows() * (domain == Full ? rows.columns : 1);
    if (domain == Full)
      loop.lanes = lanesFor(rows.columns);
    else if (isFlat())
      loop.lanes = lanesFor(rows.rows.factor);
    if (elements > kOneBlockElements)
      loop.numBlocks =
          std::min<int64_t>(kRowsThreads, elements / kBlockElements);
    loops.push_back(loop);
  }
  // One phase for all or, for all, partial results.
  bool isSplit = llvm::any_of(
      loops, [](const ScalarLoop &loop) { return loop.numBlocks > 1; });
  if (isSplit)
    for (ScalarLoop &loop : loops)
      loop.numBlocks = std::max<int64_t>(loop.numBlocks, 2);
  return loops;
}

Extent GpuRowsChoices::numChunks(const ScalarLoop &loop) const {
  int64_t perRow = loop.domain == Full ? rows.columns : 1;
  int64_t count = rows.rows.factor * perRow / loop.width();
  return Extent::of({count, rows.rows.perBatch});
}

int64_t GpuRowsChoices::threadsFor(ArrayRef<ScalarLoop> loops) const {
  int64_t threads = kWarp;
  for (const ScalarLoop &loop : loops) {
    Extent chunks = numChunks(loop);
    int64_t typical =
        chunks.constant + chunks.perBatch * typicalBatch(plan.kernel);
    threads = std::clamp<int64_t>(llvm::PowerOf2Ceil(typical), threads,
                                  model.maxBlockThreads);
  }
  return threads;
}

void GpuRowsChoices::collectReads(const RowsStep &step, Value tensor,
                                  llvm::DenseSet<Value> &seen,
                                  ElementReads &reads) const {
  Value root = rootOf(tensor);
  if (uniformValue(root) || !seen.insert(root).second)
    return;
  SpaceRole role = rows.roleOf(root);
  if (role == Column) {
    ++reads.numColumnValues;
    return;
  }
  RowsOp *op = rows.definition(root);
  if (step.isStored(root) || !op) {
    if (role == Full) {
      ++reads.numTensors;
      reads.bytes += elementBytes(root);
      reads.widestBytes = std::max(reads.widestBytes, elementBytes(root));
    }
    return;
  }
  for (const WindowRead &read : op->windowReads) {
    reads.hasWindows = true;
    reads.widestBytes = std::max(reads.widestBytes, elementBytes(read.tensor));
  }
  for (Value operand : op->op->getOperands())
    collectReads(step, operand, seen, reads);
}

/// Neighbouring columns for one thread: what is widest in memory fills one
/// vector access, if registers and shared memory have room for all that there
/// is of each column. A window's place is computed once for all of them.
int64_t GpuRowsChoices::lanesOfSums(const RowsStep &step,
                                    const ElementReads &reads) const {
  int64_t numVectors = reads.numColumnValues, sharedBytes = 0;
  for (RowsOp *op : step.completed)
    for (Value result : op->op->getResults()) {
      ++numVectors;
      sharedBytes += kRowsThreads * elementBytes(result);
    }
  int64_t lanes =
      std::min(model.vectorBytes / reads.widestBytes, kMaxColumnLanes);
  while (lanes > 1 &&
         (rows.columns % lanes || lanes * sharedBytes > model.sharedBytes ||
          (lanes * numVectors > kColumnLanes && lanes > 2)))
    lanes /= 2;
  bool isWide = reads.hasWindows || lanes * numVectors <= kColumnLanes / 2;
  if (lanes > 4 && !isWide)
    lanes = 4;
  return lanes == 1 || lanesFor(rows.columns) == 0 ? 0 : lanes;
}

/// Short sums have blocks of as many threads as those of small products, which
/// can share a launch with them. A row's part is whole sectors of memory, of 32
/// bytes, in 16 bits too. Columns of few rows have a thread each.
ColumnBlock GpuRowsChoices::columnBlock(const RowsStep &step) const {
  ColumnBlock block;
  if (step.completed.empty())
    return block;
  int64_t numRows = typicalRows();
  if (numRows <= kShortColumn && numRows * rows.columns <= kShortColumns) {
    block.threadsARow = 16;
    block.threadsAColumn = 8;
    return block;
  }
  ElementReads reads;
  llvm::DenseSet<Value> seen;
  for (RowsOp *op : step.completed)
    for (Value input : op->op.getInputs())
      collectReads(step, input, seen, reads);
  block.lanes = lanesOfSums(step, reads);
  int64_t numChunks = rows.columns / block.width();
  block.threadsARow = std::min<int64_t>(llvm::PowerOf2Ceil(numChunks), kWarp);
  block.threadsAColumn = kRowsThreads / block.threadsARow;
  if (numRows < kThreadRows * block.width() && numChunks >= kRowsThreads) {
    block.threadsARow = kRowsThreads;
    block.threadsAColumn = 1;
  }
  int64_t bytes = std::max<int64_t>(reads.bytes * block.width(), 1);
  if (!reads.hasWindows)
    block.rowsAtOnce =
        std::clamp<int64_t>(kBytesAtOnce / bytes, 1, kMaxRowsAtOnce);
  return block;
}

int64_t GpuRowsChoices::splitsOf(const RowsStep &step,
                                 const ColumnBlock &block) const {
  if (step.completed.empty() || block.threadsAColumn == 1)
    return 1;
  int64_t numColumnBlocks = llvm::divideCeil(rows.columns, block.columns());
  int64_t splits =
      std::min({typicalRows() / (kThreadRows * block.threadsAColumn),
                kBlocksInTurn * model.minBlocks / numColumnBlocks, kMaxSplits});
  return std::max<int64_t>(splits, 1);
}

/// Threads of a column hide the way to memory of each other; few parts are
/// added up by one, which needs no other.
ColumnBlock GpuRowsChoices::totalsBlock(int64_t numSplits) const {
  ColumnBlock block;
  block.threadsAColumn = numSplits >= 128 ? 32 : numSplits >= 16 ? 8 : 1;
  block.threadsARow = kRowsThreads / block.threadsAColumn;
  block.rowsAtOnce = kMaxRowsAtOnce;
  return block;
}

/// Values of columns stay in registers from one row to the next, if threads
/// can have some rows each and there are still blocks for all multiprocessors.
/// A window's place is computed once for all lanes, of which there are as many
/// as fill one access of what is in memory.
ElementsBlock GpuRowsChoices::elementsBlock(const RowsStep &step) const {
  ElementReads reads;
  llvm::DenseSet<Value> seen;
  bool areFull = true;
  for (unsigned result : step.results) {
    Value root = rows.results[result];
    collectReads(step, root, seen, reads);
    reads.widestBytes = std::max(reads.widestBytes, elementBytes(root));
    areFull &= rows.roleOf(root) == Full;
  }
  ElementsBlock block;
  block.lanes = lanesFor(rows.columns);
  if (reads.hasWindows && block.lanes)
    while (block.lanes < model.vectorBytes / reads.widestBytes &&
           block.lanes < kMaxColumnLanes &&
           rows.columns % (2 * block.lanes) == 0)
      block.lanes *= 2;
  int64_t numChunks = rows.columns / std::max<int64_t>(block.lanes, 1);
  int64_t rowsAtOnce = std::max<int64_t>(kRowsThreads / numChunks, 1);
  bool fillsWarps = numChunks * rowsAtOnce % kWarp == 0;
  if (!block.lanes || reads.hasWindows || reads.numColumnValues < 2 ||
      !areFull || numChunks > 2 * kRowsThreads || !fillsWarps)
    return block;
  block.rowsAtOnce = rowsAtOnce;
  if (typicalRows() >= 2 * model.minBlocks * rowsAtOnce * kRowsAThread)
    block.rowsAThread = kRowsAThread;
  return block;
}

/// A warp, or a few, for a row whose vectors they share evenly, where there
/// are rows for all multiprocessors: fewer threads of a row exchange less, and
/// none is idle. Vectors are as wide as one access of what is in memory.
std::optional<RowGroup>
GpuRowsChoices::groupOfVectors(const RowsStep &step) const {
  ElementReads reads;
  llvm::DenseSet<Value> seen;
  for (unsigned result : step.results)
    collectReads(step, rows.results[result], seen, reads);
  for (const RowsStep::Kept &value : step.kept)
    collectReads(step, value.root, seen, reads);
  RowGroup group;
  group.lanes =
      std::min(model.vectorBytes / reads.widestBytes, kMaxColumnLanes);
  if (reads.hasWindows || !lanesFor(rows.columns))
    return std::nullopt;
  int64_t mostElements = std::min(
      kMaxKept, kMaxKeptOfAll / std::max<int64_t>(reads.numTensors, 1));
  for (group.threads = kWarp; group.threads <= model.maxBlockThreads;
       group.threads *= 2) {
    int64_t elements = rows.columns / group.threads;
    group.numKept = elements / group.lanes;
    group.rowsPerBlock = std::max<int64_t>(1, kRowsThreads / group.threads);
    if (elements <= mostElements && group.numKept &&
        group.threads * group.numKept * group.lanes == rows.columns &&
        typicalRows() >= model.minBlocks * group.rowsPerBlock)
      return group;
  }
  return std::nullopt;
}

RowGroup GpuRowsChoices::chooseGroup(const RowsStep &step) const {
  if (auto group = groupOfVectors(step))
    return *group;
  RowGroup group;
  group.lanes = lanesFor(rows.columns);
  auto numChunks = [&] { return rows.columns / group.width(); };
  while (numChunks() > model.maxBlockThreads && group.lanes &&
         group.lanes < kMaxLanes && rows.columns % (2 * group.lanes) == 0)
    group.lanes *= 2;
  group.numKept = numChunks() <= model.maxBlockThreads;
  bool isOneOfMany = typicalRows() >= model.minBlocks;
  group.threads = group.isKept() ? llvm::PowerOf2Ceil(numChunks())
                  : isOneOfMany  ? kLongRowThreads
                                 : model.maxBlockThreads;
  group.rowsPerBlock = std::max<int64_t>(1, kRowsThreads / group.threads);
  return group;
}
