// Schedules rows kernels. Shapes: R rows, C columns.
//
// What needs no element of another row runs in a *rows nest*, parallel over R:
// each row in as many passes over its columns as reductions follow one another
// (softmax: maximum, sum, quotient). Reductions across rows end a *stage*: a
// rows nest leaves partial results of fixed blocks of rows in a workspace, and
// the next stage adds them up, over columns in a *columns nest*. A kernel that
// only reduces columns needs no partial results: its columns nest, parallel
// over C, walks down the rows itself. Blocks depend on the shape alone, so that
// no bit of a result depends on the number of threads.
//
// A kernel with reductions across rows but too little work to share runs all of
// its nests one after another in a single call.
#include "codegen/cpu/Rows.h"

#include "codegen/KernelForms.h"
#include "codegen/RandomBits.h"
#include "codegen/RowPasses.h"
#include "codegen/RowsValues.h"
#include "codegen/ScheduleKernels.h"
#include "codegen/Vectorize.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <functional>
#include <optional>
#include <vector>

using namespace mlir;
using namespace nnc;

// Work is counted in bytes of memory traffic; a vector instruction on four-byte
// elements counts as much as loading one byte for each of its elements.
static constexpr int64_t kGrainBytes = 16 << 10;
static constexpr int64_t kBlockBytes = 64 << 10;
/// Below this much work a sample, a kernel of several stages runs in one call:
/// at a batch of 128 it takes as long as two barriers between threads.
static constexpr int64_t kSequentialBytesPerSample = 768;
static constexpr int64_t kSequentialBytes = 96 << 10;
/// Terms that are added up one after another; longer sums are sums of sums of
/// as many, in up to three levels. A sum of n terms errs by up to n / 2
/// epsilons of the type, in levels by 256 / 2 each (Higham 1993,
/// doi:10.1137/0914050).
static constexpr int64_t kSumBlock = 256;

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

static int64_t costOf(linalg::GenericOp op) {
  int64_t cost = 0;
  for (Operation &inner : op.getBody()->without_terminator())
    cost += isExpensive(inner) ? 16 : 1;
  return cost;
}

static bool isExpensive(linalg::GenericOp op) {
  // Many cheap ops cost as much as one call: a random generator's rounds.
  return costOf(op) >= 16;
}

static int64_t elementBytes(Value tensor) {
  Type type = cast<RankedTensorType>(tensor.getType()).getElementType();
  return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8);
}

namespace {

/// What is to be computed between two barriers.
struct Stage {
  /// Results of the kernel, by number.
  SmallVector<unsigned> columnResults, scalarResults, rowResults;
  /// Reductions across rows that this stage's elements enter, and those that
  /// are complete at its start.
  SmallVector<RowsOp *> entered, completed;
  /// Columns of this stage that later work needs from memory.
  SmallVector<Value> keptColumns;
  /// The entered reductions are computed by the next stage's columns nest, and
  /// the results by its walk down the rows.
  bool isDirect = false;
};

/// Values in phases for a CPU, which have a range of indices and scratch.
class CpuRowsValues : public RowsValues {
public:
  CpuRowsValues(func::FuncOp kernel, RowsKernel &rows)
      : RowsValues(builder, kernel, rows),
        builder(kernel.getLoc(), kernel.getContext()) {}

  /// Starts a phase's function.
  void beginPhase(const Twine &name);
  /// Ends the function and returns the phase, whose extent is not yet set.
  Phase endPhase();

  Value begin, end;

protected:
  Type storageOf(Type elementType) const override {
    return storageType(elementType);
  }
  Value argument(BufferRef reference, MemRefType type) override;
  Value scratch(int64_t offsetBytes, MemRefType type) override {
    return memref::ViewOp::create(b, type, scratchBytes, index(offsetBytes),
                                  ValueRange());
  }

private:
  ImplicitLocOpBuilder builder;
  Phase phase;
  Value scratchBytes;
};

using LoopBody =
    llvm::function_ref<SmallVector<Value>(Operation *, Value, ValueRange)>;
/// Two rows of accumulators as one.
using Combination =
    llvm::function_ref<SmallVector<Value>(ValueRange, ValueRange)>;

class RowsScheduler {
public:
  RowsScheduler(func::FuncOp kernel, RowsKernel &rows, const CpuModel &model)
      : kernel(kernel), rows(rows), model(model), values(kernel, rows),
        b(values.b) {}

  ScheduledKernel run();

private:
  // Planning.
  void collectNeeded(Value tensor);
  void planStages();
  void planKeptColumns();
  bool canReduceDirectly(const Stage &stage);
  int64_t costPerRow();
  int64_t costPerColumnUnit();
  int64_t baseLanes();
  bool drawsRandomBits();
  void choosePartials();

  // Phases.
  void inPhase(const Twine &name, Extent extent, int64_t grain,
               llvm::function_ref<void(Value, Value)> emit);
  void emitSequentially();
  void emitStages();
  void emitColumnsPhase(unsigned stage, bool withScalars);
  void emitRowsPhase(unsigned stage);

  // Nests.
  void emitColumnsNest(unsigned stage, Value begin, Value end);
  void emitColumnsAt(unsigned stage, Value unit);
  Value columnMask();
  void walkDownRows(Stage &stage);
  void finishPartial(RowsOp &op);
  void keepColumn(Value root);
  void emitScalars(unsigned stage);
  void keepScalar(Value root);
  void emitRowsNest(unsigned stage, Value begin, Value end);
  void emitBlock(unsigned stage, Value block);
  void emitRow(unsigned stage, Value row, Value block);
  void emitFlat(unsigned stage, Value first, Value last, Value block);
  void beginPartials(Stage &stage, Value block);
  void registerResults(ArrayRef<unsigned> results);

  // Passes over a row.
  void planPasses(Stage &stage);
  void planKeptRows(Stage &stage);
  void demand(Value tensor, unsigned pass);
  void emitPass(unsigned stage, unsigned pass, Value block);
  void addToPartial(RowsOp &op, Value at);
  void addRowTotals(RowsOp &op, ValueRange totals, Value at);
  Storage placeOf(Value root);
  SmallVector<Value>
  forEachChunk(ArrayRef<RowsOp *> ops,
               llvm::function_ref<SmallVector<Value>(ValueRange)> body);

  bool isFlat() const { return rows.columns == 1; }
  bool hasColumns(unsigned stage);
  bool hasScalars(unsigned stage);
  bool completesScalars(unsigned stage);
  bool hasRows(unsigned stage);
  int64_t numColumnUnits() {
    return llvm::divideCeil(rows.columns, columnLanes);
  }
  Value numBlocks();
  SmallVector<Value> loop(Value begin, Value end, int64_t step,
                          ValueRange inits, LoopBody body);
  SmallVector<Value> sumLoop(Value begin, Value end, int64_t step,
                             std::optional<int64_t> count, ValueRange inits,
                             Combination combine, LoopBody body);
  SmallVector<Value> sumLoop(Value begin, Value end, int64_t step,
                             std::optional<int64_t> count,
                             ArrayRef<RowsOp *> ops, int64_t lanes,
                             LoopBody body);
  std::optional<int64_t> mostRows();

  func::FuncOp kernel;
  RowsKernel &rows;
  const CpuModel &model;
  CpuRowsValues values;
  ImplicitLocOpBuilder &b;
  ScheduledKernel scheduled;

  llvm::SetVector<Operation *> needed;
  std::vector<Stage> stages;
  bool isSequential = false;
  /// Partial results are of blocks of rows, and not of all rows.
  bool inBlocks = true;
  int64_t rowCost = 0;
  /// Rows of a block of partial results.
  int64_t blockRows = 0;
  /// Workspaces of the partial results of an op, one a result.
  DenseMap<Operation *, SmallVector<unsigned>> partials;

  /// Lanes of a chunk of a row or of a flat space, and of a unit of columns.
  int64_t rowLanes = 0, columnLanes = 0;
  bool isSingleChunk = false;

  /// Of the rows that are being emitted.
  RowPasses passes{rows, values};
  unsigned lastPass = 0;
  /// Values that a later pass reads instead of computing them again.
  llvm::SetVector<Value> kept;
  llvm::DenseSet<std::pair<Value, unsigned>> demanded;
};

} // namespace

//===----------------------------------------------------------------------===//
// Functions of phases
//===----------------------------------------------------------------------===//

void CpuRowsValues::beginPhase(const Twine &name) {
  phase = Phase();
  phase.kind = "rows";
  Type index = b.getIndexType();
  auto scratchType = MemRefType::get({ShapedType::kDynamic}, b.getI8Type());
  b.setInsertionPointAfter(kernel);
  phase.function = func::FuncOp::create(
      b, name.str(),
      b.getFunctionType({index, index, index, scratchType}, TypeRange()));
  Block *entry = phase.function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  begin = entry->getArgument(1);
  end = entry->getArgument(2);
  scratchBytes = entry->getArgument(3);
  beginFunction(/*batch=*/entry->getArgument(0));
}

/// Erases constants and the like that were cloned or emitted in vain.
static void eraseDead(func::FuncOp function) {
  for (Operation &op : llvm::make_early_inc_range(
           llvm::reverse(function.getBody().front().getOperations())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

Phase CpuRowsValues::endPhase() {
  func::ReturnOp::create(b);
  eraseDead(phase.function);
  return std::move(phase);
}

Value CpuRowsValues::argument(BufferRef reference, MemRefType type) {
  for (auto [number, known] : llvm::enumerate(phase.buffers))
    if (known.kind == reference.kind && known.index == reference.index)
      return phase.function.getArgument(number);
  unsigned number = phase.buffers.size();
  phase.buffers.push_back(reference);
  LogicalResult inserted =
      phase.function.insertArgument(number, type, DictionaryAttr(), b.getLoc());
  assert(succeeded(inserted) && "a phase's arguments can be added to");
  (void)inserted;
  return phase.function.getArgument(number);
}

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

void RowsScheduler::collectNeeded(Value tensor) {
  RowsOp *op = rows.definition(rootOf(tensor));
  if (!op || needed.contains(op->op))
    return;
  for (Value operand : op->op->getOperands())
    collectNeeded(operand);
  needed.insert(op->op);
}

void RowsScheduler::planStages() {
  unsigned last = 0;
  for (Value result : rows.results) {
    collectNeeded(result);
    last = std::max(last, rows.stageOf(result));
  }
  stages.resize(last + 1);
  // Scalars wait for each other: what ends a stage is a barrier.
  unsigned scalarStage = 0;
  for (Value result : rows.results)
    if (rows.roleOf(result) == Scalar)
      scalarStage = std::max(scalarStage, rows.stageOf(result));
  for (auto [number, result] : llvm::enumerate(rows.results)) {
    Stage &stage = stages[rows.stageOf(result)];
    switch (rows.roleOf(result)) {
    case Scalar:
      stages[scalarStage].scalarResults.push_back(number);
      break;
    case Column:
      stage.columnResults.push_back(number);
      break;
    case Row:
    case Full:
      stage.rowResults.push_back(number);
    }
  }
  for (Operation *op : needed) {
    RowsOp &rowsOp = *rows.definition(op->getResult(0));
    if (!(rowsOp.reduced & Row))
      continue;
    stages[rowsOp.stage].completed.push_back(&rowsOp);
    stages[rowsOp.stage - 1].entered.push_back(&rowsOp);
  }
}

/// A column of a later stage is stored where anything but that stage's own
/// columns reads it.
void RowsScheduler::planKeptColumns() {
  for (Operation *op : needed)
    for (Value operand : op->getOperands()) {
      Value root = rootOf(operand);
      RowsOp *producer = rows.definition(root);
      if (!producer || producer->stage == 0 || rows.roleOf(root) != Column)
        continue;
      RowsOp &user = *rows.definition(op->getResult(0));
      Stage &stage = stages[producer->stage];
      if ((user.domain != Column || user.stage != producer->stage) &&
          !llvm::is_contained(stage.keptColumns, root))
        stage.keptColumns.push_back(root);
    }
}

bool RowsScheduler::canReduceDirectly(const Stage &stage) {
  if (isFlat() || stage.entered.empty())
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

int64_t RowsScheduler::costPerRow() {
  int64_t cost = 0;
  auto elements = [&](SpaceRole role) {
    return role == Full ? rows.columns : role == Row ? 1 : 0;
  };
  for (auto [tensor, role] : rows.roles)
    if (isa<BlockArgument>(tensor))
      cost += elements(role) * elementBytes(tensor);
  for (Value result : rows.results)
    cost += elements(rows.roleOf(result)) * elementBytes(result);
  for (Operation *op : needed) {
    RowsOp &rowsOp = *rows.definition(op->getResult(0));
    // Scalars of a row take as long as a vector does.
    int64_t lanes = rowsOp.domain == Row && !isFlat() ? baseLanes() : 1;
    cost += elements(rowsOp.domain) * costOf(rowsOp.op) * lanes;
  }
  return std::max<int64_t>(cost, 1);
}

/// Elements of the widest kind that fill a vector register.
int64_t RowsScheduler::baseLanes() {
  for (Operation *op : needed)
    for (Type type : op->getResultTypes())
      if (getElementTypeOrSelf(type).isF64())
        return model.vectorBytes / 8;
  return model.vectorBytes / 4;
}

bool RowsScheduler::drawsRandomBits() {
  return llvm::any_of(needed, [](Operation *op) {
    return randomBitsForm(cast<linalg::GenericOp>(op)).has_value();
  });
}

/// How the reductions across rows are computed: without partial results, in one
/// call, or in blocks.
void RowsScheduler::choosePartials() {
  bool hasPartials = false;
  for (Stage &stage : stages) {
    stage.isDirect = canReduceDirectly(stage);
    hasPartials |= !stage.entered.empty() && !stage.isDirect;
  }
  if (!hasPartials)
    return;
  int64_t cost = rowCost * rows.rows.factor;
  isSequential = cost <= (rows.rows.perBatch ? kSequentialBytesPerSample
                                             : kSequentialBytes);
  // A power of two, because batches are.
  blockRows =
      llvm::bit_floor<uint64_t>(std::max<int64_t>(1, kBlockBytes / rowCost));
  if (isSequential) {
    // A flat space has no partial results but its last.
    inBlocks = !isFlat() && mostRows().value_or(INT64_MAX) > 2 * kSumBlock;
    blockRows = kSumBlock;
  }
  if (isFlat())
    blockRows = llvm::alignTo(blockRows, rowLanes);
  for (Stage &stage : stages) {
    if (isSequential)
      stage.isDirect = false;
    if (stage.isDirect)
      continue;
    for (RowsOp *op : stage.entered)
      for (Value result : op->op->getResults()) {
        int64_t width = rows.roleOf(result) == Column ? rows.columns : 1;
        int64_t bytes = width * elementBytes(result);
        partials[op->op].push_back(values.addWorkspace(
            cast<RankedTensorType>(result.getType()).getElementType()));
        // bytes * ceil(rows / blockRows), rounded up by at most one block.
        scheduled.workspaceBytes.push_back(
            !inBlocks
                ? Extent{bytes}
                : Extent{bytes * blockRows + (rows.rows.perBatch
                                                  ? 0
                                                  : bytes * rows.rows.factor),
                         rows.rows.perBatch ? bytes * rows.rows.factor : 0,
                         blockRows});
      }
  }
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

SmallVector<Value> RowsScheduler::loop(Value begin, Value end, int64_t step,
                                       ValueRange inits, LoopBody body) {
  auto loopOp = scf::ForOp::create(b, begin, end, values.index(step), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loopOp.getBody());
  SmallVector<Value> next =
      body(loopOp, loopOp.getInductionVar(), loopOp.getRegionIterArgs());
  if (!inits.empty()) {
    b.setInsertionPointToEnd(loopOp.getBody());
    scf::YieldOp::create(b, next);
  }
  return SmallVector<Value>(loopOp.getResults());
}

/// The number of rows at the largest batch.
std::optional<int64_t> RowsScheduler::mostRows() {
  std::optional<int64_t> batch =
      rows.rows.perBatch ? largestBatch(kernel) : int64_t(1);
  if (!batch)
    return std::nullopt;
  return llvm::SaturatingMultiply<uint64_t>(*batch, rows.rows.factor);
}

/// How many levels of blocks a loop of `count` iterations is in: more than one
/// where blocks would still be many, and all where no limit is known.
static int64_t levelsOf(std::optional<int64_t> count) {
  if (!count)
    return 2;
  int64_t levels = 0;
  for (int64_t left = *count; left > 2 * kSumBlock && levels < 2; ++levels)
    left /= kSumBlock;
  return levels;
}

/// A loop that adds up blocks of iterations, whose accumulators begin as
/// `inits`, and so on; `body` is given the outermost loop.
SmallVector<Value> RowsScheduler::sumLoop(Value begin, Value end, int64_t step,
                                          std::optional<int64_t> count,
                                          ValueRange inits, Combination combine,
                                          LoopBody body) {
  Operation *outermost = nullptr;
  std::function<SmallVector<Value>(Value, Value, int64_t)> emit =
      [&](Value from, Value to, int64_t level) {
        int64_t width = step;
        for (int64_t i = 0; i < level; ++i)
          width *= kSumBlock;
        return loop(from, to, width, inits,
                    [&](Operation *op, Value at,
                        ValueRange sums) -> SmallVector<Value> {
                      if (!outermost)
                        outermost = op;
                      if (level == 0)
                        return body(outermost, at, sums);
                      Value stop = arith::MinUIOp::create(
                          b, values.add(at, values.index(width)), to);
                      return combine(sums, emit(at, stop, level - 1));
                    });
      };
  return emit(begin, end, inits.empty() ? 0 : levelsOf(count));
}

/// The same for reductions of `ops`, of `lanes` lanes each, 0 for scalars.
SmallVector<Value> RowsScheduler::sumLoop(Value begin, Value end, int64_t step,
                                          std::optional<int64_t> count,
                                          ArrayRef<RowsOp *> ops, int64_t lanes,
                                          LoopBody body) {
  SmallVector<Value> inits;
  for (RowsOp *op : ops)
    llvm::append_range(inits, values.identity(*op, lanes));
  auto combine = [&](ValueRange lhs, ValueRange rhs) {
    SmallVector<Value> both;
    for (RowsOp *op : ops) {
      unsigned width = op->op.getNumResults();
      llvm::append_range(both, values.combine(*op, lhs.take_front(width),
                                              rhs.take_front(width)));
      lhs = lhs.drop_front(width);
      rhs = rhs.drop_front(width);
    }
    return both;
  };
  return sumLoop(begin, end, step, count, inits, combine, body);
}

Value RowsScheduler::numBlocks() {
  if (!inBlocks)
    return values.index(1);
  return arith::CeilDivUIOp::create(b, values.numRows(),
                                    values.index(blockRows));
}

bool RowsScheduler::hasColumns(unsigned number) {
  Stage &stage = stages[number];
  return !stage.columnResults.empty() || !stage.keptColumns.empty() ||
         llvm::any_of(stage.completed, [](RowsOp *op) {
           return op->domain == Full && op->reduced == Row;
         });
}

bool RowsScheduler::hasScalars(unsigned number) {
  return !stages[number].scalarResults.empty() || completesScalars(number);
}

/// Whether there are reductions to a scalar that the stage's columns, rows and
/// other scalars may wait for. None of them waits for a column: a reduction of
/// columns ends a stage.
bool RowsScheduler::completesScalars(unsigned number) {
  return llvm::any_of(stages[number].completed,
                      [](RowsOp *op) { return op->domain == op->reduced; });
}

bool RowsScheduler::hasRows(unsigned number) {
  Stage &stage = stages[number];
  return !stage.isDirect &&
         (!stage.rowResults.empty() || !stage.entered.empty());
}

void RowsScheduler::inPhase(const Twine &name, Extent extent, int64_t grain,
                            llvm::function_ref<void(Value, Value)> emit) {
  std::string unique =
      (kernel.getName() + "." + name +
       (scheduled.phases.empty() ? "" : Twine(scheduled.phases.size())))
          .str();
  values.beginPhase(unique);
  if (extent.constant == 1 && extent.perBatch == 0)
    // An empty range must do nothing.
    loop(values.begin, values.end, 1, {}, [&](Operation *, Value, ValueRange) {
      emit(values.index(0), values.index(1));
      return SmallVector<Value>();
    });
  else
    emit(values.begin, values.end);
  Phase phase = values.endPhase();
  phase.extent = extent;
  phase.grain = std::max<int64_t>(1, grain);
  scheduled.phases.push_back(std::move(phase));
}

void RowsScheduler::emitSequentially() {
  inPhase("rows", Extent{1}, 1, [&](Value, Value) {
    for (size_t stage = 0; stage < stages.size(); ++stage) {
      bool scalarsFirst = completesScalars(stage);
      if (scalarsFirst)
        emitScalars(stage);
      if (hasColumns(stage))
        emitColumnsNest(stage, values.index(0), values.index(numColumnUnits()));
      if (hasScalars(stage) && !scalarsFirst)
        emitScalars(stage);
      if (hasRows(stage))
        emitRowsNest(stage, values.index(0), values.index(1));
    }
  });
}

/// Rows that a unit of columns walks down: a guess where they are the batch's.
int64_t RowsScheduler::costPerColumnUnit() {
  int64_t walked = rows.rows.factor * (rows.rows.perBatch ? 64 : 1);
  return std::max<int64_t>(1, rowCost * columnLanes / rows.columns * walked);
}

void RowsScheduler::emitRowsPhase(unsigned stage) {
  // Without partial results, a flat space is shared out in small blocks.
  if (stages[stage].entered.empty())
    blockRows = isFlat() ? 4 * rowLanes : 1;
  inPhase("rows", rows.numRows(blockRows), kGrainBytes / (rowCost * blockRows),
          [&](Value begin, Value end) { emitRowsNest(stage, begin, end); });
}

void RowsScheduler::emitColumnsPhase(unsigned stage, bool withScalars) {
  inPhase("columns", Extent{numColumnUnits()},
          kGrainBytes / costPerColumnUnit(), [&](Value begin, Value end) {
            bool scalarsFirst = completesScalars(stage);
            if (withScalars && scalarsFirst)
              emitScalars(stage);
            emitColumnsNest(stage, begin, end);
            if (withScalars && !scalarsFirst)
              emitScalars(stage);
          });
}

void RowsScheduler::emitStages() {
  for (unsigned stage = 0; stage < stages.size(); ++stage) {
    bool scalarsLeft = hasScalars(stage);
    auto emitScalarsPhase = [&] {
      inPhase("scalars", Extent{1}, 1,
              [&](Value, Value) { emitScalars(stage); });
      scalarsLeft = false;
    };
    if (hasColumns(stage)) {
      bool isOneUnit = numColumnUnits() == 1;
      if (completesScalars(stage) && !isOneUnit)
        emitScalarsPhase();
      emitColumnsPhase(stage, isOneUnit && scalarsLeft);
      scalarsLeft &= !isOneUnit;
    }
    // Scalars that the rows do not wait for come after them, so that they can
    // overwrite what the rows read.
    if (scalarsLeft && !stages[stage].completed.empty())
      emitScalarsPhase();
    if (hasRows(stage))
      emitRowsPhase(stage);
    if (scalarsLeft)
      emitScalarsPhase();
  }
}

ScheduledKernel RowsScheduler::run() {
  planStages();
  planKeptColumns();
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
  choosePartials();
  if (isSequential)
    emitSequentially();
  else
    emitStages();
  scheduled.mayAlias = values.findAliases();
  return std::move(scheduled);
}

//===----------------------------------------------------------------------===//
// Columns nests and scalars
//===----------------------------------------------------------------------===//

void RowsScheduler::registerResults(ArrayRef<unsigned> results) {
  for (unsigned result : results)
    if (Value root = rows.results[result]; !values.isStored(root))
      values.setStorage(root, {Storage::Buffer, {BufferRef::Result, result}});
}

void RowsScheduler::emitColumnsNest(unsigned number, Value begin, Value end) {
  Stage &stage = stages[number];
  for (SpaceRole role : {Row, Column, Full})
    values.forget(role);
  values.tick();
  if (numColumnUnits() == 1)
    emitColumnsAt(number, values.index(0));
  else
    loop(begin, end, 1, {}, [&](Operation *loop, Value unit, ValueRange) {
      values.anchors[Scalar] = loop;
      emitColumnsAt(number, unit);
      return SmallVector<Value>();
    });
  values.anchors[Scalar] = nullptr;
  values.forget(Column);
  registerResults(stage.columnResults);
  if (number > 0 && stages[number - 1].isDirect)
    registerResults(stages[number - 1].rowResults);
}

Value RowsScheduler::columnMask() {
  if (rows.columns % columnLanes == 0)
    return {};
  if (numColumnUnits() == 1)
    return values.maskFirst(rows.columns);
  return values.maskFirst(arith::SubIOp::create(b, values.index(rows.columns),
                                                values.chunk.column));
}

void RowsScheduler::emitColumnsAt(unsigned number, Value unit) {
  Stage &stage = stages[number];
  for (SpaceRole role : {Row, Column, Full})
    values.forget(role);
  values.chunk.lanes = columnLanes;
  values.chunk.column = values.multiply(unit, columnLanes);
  values.chunk.mask = columnMask();
  bool isDirect = number > 0 && stages[number - 1].isDirect;
  if (isDirect)
    walkDownRows(stages[number - 1]);
  for (RowsOp *op : stage.completed)
    if (!isDirect && op->reduced != op->domain)
      finishPartial(*op);
  // All are read before any is written: a result may lie on an operand.
  for (unsigned result : stage.columnResults)
    values.get(rows.results[result]);
  for (unsigned result : stage.columnResults)
    values.storeResult(result, values.get(rows.results[result]));
  for (Value root : stage.keptColumns)
    keepColumn(root);
}

/// Reduces columns from the first row to the last, and stores the rows' full
/// results on the way.
void RowsScheduler::walkDownRows(Stage &stage) {
  Operation *outerScalars = values.anchors[Scalar];
  SmallVector<Value> totals = sumLoop(
      values.index(0), values.numRows(), 1, mostRows(), stage.entered,
      columnLanes, [&](Operation *loop, Value row, ValueRange accumulators) {
        values.anchors[Column] = loop;
        if (!outerScalars)
          values.anchors[Scalar] = loop;
        values.chunk.row = row;
        SmallVector<Value> next;
        for (RowsOp *op : stage.entered) {
          unsigned width = op->op.getNumResults();
          llvm::append_range(
              next, values.accumulate(*op, accumulators.take_front(width)));
          accumulators = accumulators.drop_front(width);
        }
        for (unsigned result : stage.rowResults)
          values.get(rows.results[result]);
        for (unsigned result : stage.rowResults)
          values.storeResult(result, values.get(rows.results[result]));
        return next;
      });
  values.anchors[Column] = nullptr;
  values.anchors[Scalar] = outerScalars;
  values.forget(Row);
  values.forget(Full);
  ArrayRef<Value> left = totals;
  for (RowsOp *op : stage.entered) {
    values.finish(*op, left.take_front(op->op.getNumResults()));
    left = left.drop_front(op->op.getNumResults());
  }
}

/// Adds up the blocks' partial results, first block first.
void RowsScheduler::finishPartial(RowsOp &op) {
  bool isColumn = op.reduced != op.domain;
  auto load = [&](Value block) {
    Value at = isColumn ? values.add(values.multiply(block, rows.columns),
                                     values.chunk.column)
                        : block;
    return llvm::map_to_vector(partials[op.op], [&](unsigned workspace) {
      return values.loadWorkspace(workspace, at, isColumn);
    });
  };
  if (!inBlocks)
    return values.finish(op, load(values.index(0)));
  std::optional<int64_t> count = mostRows();
  if (count)
    count = llvm::divideCeil(*count, blockRows);
  values.finish(op, sumLoop(values.index(0), numBlocks(), 1, count, &op,
                            isColumn ? values.chunk.lanes : 0,
                            [&](Operation *, Value block, ValueRange sums) {
                              return values.combine(op, sums, load(block));
                            }));
}

void RowsScheduler::keepColumn(Value root) {
  if (llvm::is_contained(rows.results, root))
    return;
  Value value = values.get(root);
  unsigned workspace = values.addWorkspace(
      cast<RankedTensorType>(root.getType()).getElementType());
  scheduled.workspaceBytes.push_back(Extent{rows.columns * elementBytes(root)});
  Storage storage{Storage::Buffer, {BufferRef::Workspace, workspace}};
  values.store(root, storage, value);
  values.setStorage(root, storage);
}

/// Scalars at the level of the function; partial results first.
void RowsScheduler::emitScalars(unsigned number) {
  Stage &stage = stages[number];
  values.tick();
  for (RowsOp *op : stage.completed)
    if (op->reduced == op->domain)
      finishPartial(*op);
  for (unsigned result : stage.scalarResults)
    values.get(rows.results[result]);
  for (unsigned result : stage.scalarResults)
    values.storeResult(result, values.get(rows.results[result]));
  registerResults(stage.scalarResults);
  for (RowsOp *op : stage.completed)
    if (op->reduced == op->domain)
      for (Value root : op->op->getResults())
        keepScalar(root);
}

/// Stores a scalar for the phases to come.
void RowsScheduler::keepScalar(Value root) {
  if (isSequential || values.isStored(root) || root.use_empty())
    return;
  unsigned workspace = values.addWorkspace(
      cast<RankedTensorType>(root.getType()).getElementType());
  scheduled.workspaceBytes.push_back(Extent{elementBytes(root)});
  Storage storage{Storage::Buffer, {BufferRef::Workspace, workspace}};
  values.store(root, storage, values.get(root));
  values.setStorage(root, storage);
}

//===----------------------------------------------------------------------===//
// Passes over a row
//===----------------------------------------------------------------------===//

void RowsScheduler::planPasses(Stage &stage) {
  passes.clear();
  kept.clear();
  demanded.clear();
  lastPass = 0;
  for (unsigned result : stage.rowResults)
    passes.collect(rows.results[result]);
  for (RowsOp *op : stage.entered)
    for (Value operand : op->op.getInputs())
      passes.collect(operand);
  for (unsigned result : stage.rowResults)
    lastPass = std::max(lastPass, passes.of(rows.results[result]));
  for (RowsOp *op : stage.entered)
    lastPass = std::max(lastPass, passes.of(*op));
  for (Operation *op : passes.reductions())
    lastPass =
        std::max(lastPass, passes.of(*rows.definition(op->getResult(0))));
  if (!isSingleChunk)
    planKeptRows(stage);
}

/// Finds what later passes over the row read from memory.
void RowsScheduler::planKeptRows(Stage &stage) {
  for (unsigned result : stage.rowResults)
    demand(rows.results[result], passes.of(rows.results[result]));
  auto demandInputs = [&](RowsOp &op) {
    for (Value input : op.op.getInputs())
      demand(input, passes.of(op));
  };
  for (RowsOp *op : stage.entered)
    demandInputs(*op);
  for (Operation *op : passes.reductions())
    demandInputs(*rows.definition(op->getResult(0)));
}

/// Notes that `pass` needs `tensor`: what was expensive in an earlier pass is
/// kept, what was cheap is computed again.
void RowsScheduler::demand(Value tensor, unsigned pass) {
  Value root = rootOf(tensor);
  RowsOp *op = rows.definition(root);
  if (!op || rows.roleOf(root) != Full || values.isStored(root) ||
      !demanded.insert({root, pass}).second)
    return;
  unsigned first = passes.of(root);
  bool isKept = pass > first &&
                (isExpensive(op->op) || llvm::is_contained(rows.results, root));
  if (isKept && !kept.insert(root))
    return;
  for (Value operand : op->op->getOperands())
    demand(operand, isKept ? first : pass);
}

/// Where a kept value lies: in the kernel's result, or in scratch.
Storage RowsScheduler::placeOf(Value root) {
  auto result = llvm::find(rows.results, root);
  if (result != rows.results.end())
    return {Storage::Buffer,
            {BufferRef::Result, unsigned(result - rows.results.begin())}};
  Storage storage{Storage::Scratch, {}, scheduled.scratchBytes};
  scheduled.scratchBytes +=
      llvm::alignTo(rows.columns * elementBytes(root), 64);
  return storage;
}

SmallVector<Value> RowsScheduler::forEachChunk(
    ArrayRef<RowsOp *> ops,
    llvm::function_ref<SmallVector<Value>(ValueRange)> body) {
  if (isSingleChunk) {
    SmallVector<Value> inits;
    for (RowsOp *op : ops)
      llvm::append_range(inits, values.identity(*op, rowLanes));
    return body(inits);
  }
  auto forgetLanes = [&] {
    values.forget(Column);
    values.forget(Full);
  };
  int64_t whole = rows.columns / rowLanes * rowLanes;
  values.chunk.mask = {};
  SmallVector<Value> state = sumLoop(
      values.index(0), values.index(whole), rowLanes, rows.columns / rowLanes,
      ops, rowLanes, [&](Operation *loop, Value column, ValueRange arguments) {
        values.anchors[Row] = loop;
        values.chunk.column = column;
        forgetLanes();
        return body(arguments);
      });
  values.anchors[Row] = nullptr;
  forgetLanes();
  if (whole == rows.columns)
    return state;
  values.chunk.column = values.index(whole);
  values.chunk.mask = values.maskFirst(rows.columns - whole);
  state = body(state);
  forgetLanes();
  return state;
}

/// Adds the chunk's elements to the block's partial result.
void RowsScheduler::addToPartial(RowsOp &op, Value at) {
  bool isColumn = op.reduced != op.domain;
  auto sums = llvm::map_to_vector(partials[op.op], [&](unsigned workspace) {
    return values.loadWorkspace(workspace, at, isColumn);
  });
  sums = values.accumulate(op, sums);
  for (auto [workspace, sum] : llvm::zip(partials[op.op], sums))
    values.storeWorkspace(workspace, at, sum);
}

/// Adds what a row's lanes came to.
void RowsScheduler::addRowTotals(RowsOp &op, ValueRange totals, Value at) {
  auto sums = llvm::map_to_vector(partials[op.op], [&](unsigned workspace) {
    return values.loadWorkspace(workspace, at, /*vector=*/false);
  });
  sums = values.combine(op, sums, totals);
  for (auto [workspace, sum] : llvm::zip(partials[op.op], sums))
    values.storeWorkspace(workspace, at, sum);
}

void RowsScheduler::emitPass(unsigned number, unsigned pass, Value block) {
  Stage &stage = stages[number];
  SmallVector<RowsOp *> overLanes, downRows;
  for (Operation *op : passes.reductions())
    if (RowsOp *rowsOp = rows.definition(op->getResult(0));
        passes.of(*rowsOp) == pass)
      overLanes.push_back(rowsOp);
  for (RowsOp *op : stage.entered)
    if (op->domain == Full && passes.of(*op) == pass)
      (op->reduced == Full ? overLanes : downRows).push_back(op);
  SmallVector<unsigned> results;
  for (unsigned result : stage.rowResults)
    if (Value root = rows.results[result];
        rows.roleOf(root) == Full && passes.of(root) == pass)
      results.push_back(result);
  SmallVector<std::pair<Value, Storage>> keptHere;
  for (Value root : kept)
    if (passes.of(root) == pass)
      keptHere.push_back({root, placeOf(root)});
  if (overLanes.empty() && downRows.empty() && results.empty() &&
      keptHere.empty())
    return;

  SmallVector<Value> totals =
      forEachChunk(overLanes, [&](ValueRange accumulators) {
        SmallVector<Value> next;
        for (RowsOp *op : overLanes) {
          unsigned width = op->op.getNumResults();
          llvm::append_range(
              next, values.accumulate(*op, accumulators.take_front(width)));
          accumulators = accumulators.drop_front(width);
        }
        for (RowsOp *op : downRows)
          addToPartial(*op, values.add(values.multiply(block, rows.columns),
                                       values.chunk.column));
        for (unsigned result : results)
          values.get(rows.results[result]);
        for (unsigned result : results)
          values.storeResult(result, values.get(rows.results[result]));
        for (auto &[root, storage] : keptHere)
          if (storage.kind == Storage::Scratch)
            values.store(root, storage, values.get(root));
        return next;
      });
  ArrayRef<Value> left = totals;
  for (RowsOp *op : overLanes) {
    unsigned width = op->op.getNumResults();
    SmallVector<Value> row = values.combineLanes(*op, left.take_front(width));
    left = left.drop_front(width);
    if (op->reduced == Column)
      values.finish(*op, row);
    else
      addRowTotals(*op, row, block);
  }
  for (auto &[root, storage] : keptHere)
    values.setStorage(root, storage);
  values.tick();
}

void RowsScheduler::emitRow(unsigned number, Value row, Value block) {
  Stage &stage = stages[number];
  values.forget(Row);
  values.forget(Full);
  values.chunk.row = row;
  for (unsigned pass = 0; pass <= lastPass; ++pass)
    emitPass(number, pass, block);
  for (unsigned result : stage.rowResults)
    if (rows.roleOf(rows.results[result]) == Row)
      values.storeResult(result, values.get(rows.results[result]));
  for (RowsOp *op : stage.entered)
    if (op->domain == Row)
      addToPartial(*op, block);
}

//===----------------------------------------------------------------------===//
// Rows nests
//===----------------------------------------------------------------------===//

/// Elements first to last of a flat space, in vectors and then one by one.
void RowsScheduler::emitFlat(unsigned number, Value first, Value last,
                             Value block) {
  Stage &stage = stages[number];
  auto emitLoop = [&](Value begin, Value end, int64_t lanes) {
    std::optional<int64_t> count = blockRows / lanes;
    if (isSequential)
      count = mostRows();
    if (lanes == 1)
      count = rowLanes; // the tail
    bool isOutermost = !values.anchors[Scalar];
    values.chunk.lanes = lanes;
    SmallVector<Value> totals = sumLoop(
        begin, end, lanes, count, stage.entered, lanes,
        [&](Operation *loop, Value element, ValueRange accumulators) {
          if (isOutermost)
            values.anchors[Scalar] = loop;
          values.chunk.column = element;
          values.forget(Row);
          SmallVector<Value> next;
          for (RowsOp *op : stage.entered) {
            unsigned width = op->op.getNumResults();
            llvm::append_range(
                next, values.accumulate(*op, accumulators.take_front(width)));
            accumulators = accumulators.drop_front(width);
          }
          for (unsigned result : stage.rowResults)
            values.get(rows.results[result]);
          for (unsigned result : stage.rowResults)
            values.storeResult(result, values.get(rows.results[result]));
          return next;
        });
    if (isOutermost)
      values.anchors[Scalar] = nullptr;
    values.forget(Row);
    return totals;
  };
  bool hasTail = rows.rows.factor % rowLanes != 0;
  Value whole = last;
  if (hasTail) {
    Value length = arith::SubIOp::create(b, last, first);
    Value vectors = arith::DivUIOp::create(b, length, values.index(rowLanes));
    whole = values.add(first, values.multiply(vectors, rowLanes));
  }
  SmallVector<Value> lanes = emitLoop(first, whole, rowLanes);
  SmallVector<Value> singles;
  if (hasTail)
    singles = emitLoop(whole, last, 1);
  unsigned next = 0;
  for (RowsOp *op : stage.entered) {
    unsigned width = op->op.getNumResults();
    SmallVector<Value> totals =
        values.combineLanes(*op, ArrayRef(lanes).slice(next, width));
    if (hasTail)
      totals = values.combine(
          *op, totals,
          values.combineLanes(*op, ArrayRef(singles).slice(next, width)));
    for (auto [workspace, total] : llvm::zip(partials[op->op], totals))
      values.storeWorkspace(workspace, block, total);
    next += width;
  }
}

/// Sets a block's partial results to those of no rows.
void RowsScheduler::beginPartials(Stage &stage, Value block) {
  for (RowsOp *op : stage.entered) {
    bool isColumn = op->reduced != op->domain;
    SmallVector<Value> none = values.identity(*op, isColumn ? rowLanes : 0);
    auto store = [&](Value at) {
      for (auto [workspace, value] : llvm::zip(partials[op->op], none))
        values.storeWorkspace(workspace, at, value);
    };
    if (!isColumn) {
      store(block);
      continue;
    }
    forEachChunk({}, [&](ValueRange) {
      store(values.add(values.multiply(block, rows.columns),
                       values.chunk.column));
      return SmallVector<Value>();
    });
  }
}

void RowsScheduler::emitBlock(unsigned number, Value block) {
  Value first = values.index(0), last = values.numRows();
  if (inBlocks) {
    first = values.multiply(block, blockRows);
    last = arith::MinUIOp::create(b, values.add(first, values.index(blockRows)),
                                  last);
  }
  if (isFlat())
    return emitFlat(number, first, last, block);
  beginPartials(stages[number], block);
  bool isOutermost = !values.anchors[Scalar];
  loop(first, last, 1, {}, [&](Operation *loop, Value row, ValueRange) {
    if (isOutermost) {
      values.anchors[Scalar] = loop;
      values.anchors[Column] = isSingleChunk ? loop : nullptr;
    }
    emitRow(number, row, block);
    return SmallVector<Value>();
  });
}

void RowsScheduler::emitRowsNest(unsigned number, Value begin, Value end) {
  Stage &stage = stages[number];
  planPasses(stage);
  for (SpaceRole role : {Row, Column, Full})
    values.forget(role);
  values.tick();
  values.chunk = Chunk();
  values.chunk.lanes = rowLanes;
  values.chunk.column = values.index(0);
  if (isSingleChunk && rows.columns != rowLanes)
    values.chunk.mask = values.maskFirst(rows.columns);
  bool hasPartials = !stage.entered.empty();
  if (!inBlocks && hasPartials) {
    emitBlock(number, begin);
  } else if (isFlat() && !hasPartials) {
    Value last = values.numRows();
    Value first = isSequential ? begin : values.multiply(begin, blockRows);
    if (!isSequential)
      last = arith::MinUIOp::create(b, values.multiply(end, blockRows), last);
    emitFlat(number, first, last, {});
  } else {
    Value last = end;
    if (isSequential)
      last = hasPartials ? numBlocks() : values.numRows();
    loop(begin, last, 1, {}, [&](Operation *loop, Value at, ValueRange) {
      values.anchors[Scalar] = loop;
      values.anchors[Column] = isSingleChunk ? loop : nullptr;
      if (hasPartials)
        emitBlock(number, at);
      else
        emitRow(number, at, {});
      return SmallVector<Value>();
    });
  }
  for (SpaceRole role : {Scalar, Row, Column, Full})
    values.anchors[role] = nullptr;
  for (SpaceRole role : {Row, Column, Full})
    values.forget(role);
  values.forgetScratch();
  registerResults(stage.rowResults);
}

FailureOr<ScheduledKernel> nnc::scheduleRows(func::FuncOp kernel,
                                             const CpuModel &model) {
  FailureOr<RowsKernel> rows = analyzeRows(kernel);
  if (failed(rows))
    return failure();
  return RowsScheduler(kernel, *rows, model).run();
}
