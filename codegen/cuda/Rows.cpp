// Schedules rows kernels on a GPU. Shapes: R rows, C columns.
//
// Reductions across rows end a *stage*, because they need every block. The
// phases of a stage, each of which is left out where it has nothing to do:
//
//   scalars   complete the reductions to a scalar: one block, or many that
//             leave partial results to one
//   columns   complete the sums over the rows: 32 columns a block, 32 threads a
//             column, and more blocks where there are many rows
//   rows      the values of the stage, and what later stages need of a row's
//             own reductions
//
// In a rows phase with reductions a *group* of threads has a row, so that every
// element stays in a register until the row is done; a row that is too long for
// that is read once a pass. Threads beyond the row's end, or the last row,
// compute an element over again and keep it to themselves, because all threads
// take part in shuffles and barriers.
//
// What partial results there are, and the order in which they are combined,
// depends on the shape alone.
#include "codegen/cuda/Rows.h"

#include "codegen/KernelForms.h"
#include "codegen/Reference.h"
#include "codegen/RowPasses.h"
#include "codegen/RowsValues.h"
#include "codegen/cuda/GpuPhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <vector>

using namespace mlir;
using namespace nnc;

static constexpr int64_t kThreads = 256;
static constexpr int64_t kWarp = 32;
/// The elements of a row that one thread may keep in registers.
static constexpr int64_t kMaxLanes = 16;
/// Of a columns phase: the threads that share a column.
static constexpr int64_t kRowThreads = 32;
/// Elements that one block reduces to a scalar by itself, and those that make
/// another block worth its launch. Estimates, as no GPU was at hand: 32
/// elements a thread take about as long as a launch.
static constexpr int64_t kOneBlockElements = 1 << 15;
static constexpr int64_t kBlockElements = 1 << 13;
/// The same for rows that a block of columns walks down.
static constexpr int64_t kBlockRows = 256;
static constexpr int64_t kMaxSplits = 64;

namespace {

/// Values in phases for a GPU.
class GpuRowsValues : public RowsValues {
public:
  GpuRowsValues(func::FuncOp kernel, RowsKernel &rows)
      : RowsValues(builder, kernel, rows),
        builder(kernel.getLoc(), kernel.getContext()) {}

  void beginPhase(Operation *previous, const Twine &name) {
    phase = std::make_unique<GpuPhase>(builder, kernel, previous, name);
    beginFunction(phase->batch());
  }

  std::unique_ptr<GpuPhase> phase;

protected:
  Type storageOf(Type elementType) const override {
    return phase->storageOf(elementType);
  }
  Value argument(BufferRef reference, MemRefType type) override {
    return phase->buffer(reference, type);
  }
  Value scratch(int64_t, MemRefType) override {
    llvm_unreachable("threads of a GPU have registers only");
  }

private:
  ImplicitLocOpBuilder builder;
};

/// What is to be computed between two barriers of all blocks.
struct Stage {
  /// Results of the kernel, by number.
  SmallVector<unsigned> scalarResults, columnResults, rowResults;
  /// Reductions across rows that are complete at its start.
  SmallVector<RowsOp *> columnSums, scalarSums;
  /// What later phases need from memory.
  llvm::SetVector<Value> keptColumns, keptRows;
};

/// How threads share a row.
struct RowGroup {
  /// A power of two.
  int64_t threads = 1;
  int64_t rowsPerBlock = 1;
  /// A thread's elements are neighbours, and all of the row's.
  bool isSingleChunk = true;

  int64_t blockThreads() const { return threads * rowsPerBlock; }
};

using Accumulators = SmallVector<Value>;

class GpuRowsScheduler {
public:
  GpuRowsScheduler(func::FuncOp kernel, RowsKernel &rows, const GpuModel &model)
      : kernel(kernel), rows(rows), model(model), values(kernel, rows),
        b(values.b), last(kernel) {}

  FailureOr<ScheduledKernel> run();

private:
  // Planning.
  void collectNeeded(Value tensor);
  void planStages();
  void placeEarlyScalars();
  void planKeptColumns();
  void planKeptRows();
  void keepRowReductions(Value tensor);
  bool canReduce();
  int64_t lanesFor(int64_t length);
  int64_t typicalRows();

  // Phases.
  void beginPhase(const Twine &name);
  void endPhase(Extent numBlocks, int64_t threads);
  void emitScalars(unsigned stage);
  void emitColumns(unsigned stage);
  void emitColumnVectors(unsigned stage);
  void emitColumnSums(unsigned stage, int64_t numSplits);
  void emitColumnTotals(unsigned stage, int64_t numSplits);
  void emitRows(unsigned stage);
  void emitUngrouped(unsigned stage);
  void emitGrouped(unsigned stage);

  // Reductions to a scalar.
  struct ScalarLoop {
    SpaceRole domain;
    SmallVector<RowsOp *> ops;
    int64_t lanes = 0;
    int64_t numBlocks = 1;
  };
  SmallVector<ScalarLoop> planScalarLoops(const Stage &stage);
  Extent numChunks(const ScalarLoop &loop);
  Accumulators reduceElements(const ScalarLoop &loop, int64_t threads);
  void emitPartialScalars(const ScalarLoop &loop);
  Accumulators reducePartials(const ScalarLoop &loop, int64_t threads);
  void finishScalars(unsigned number,
                     ArrayRef<std::pair<RowsOp *, Accumulators>> totals);
  llvm::DenseSet<Value> readLater(unsigned stage);

  // Reductions of a row.
  RowGroup chooseGroup();
  Accumulators forEachChunk(ValueRange inits,
                            llvm::function_ref<Accumulators(ValueRange)> body);
  void reducePass(unsigned pass);

  // Threads together.
  Accumulators accumulate(ArrayRef<RowsOp *> ops, ValueRange accumulators);
  Accumulators identities(ArrayRef<RowsOp *> ops, int64_t lanes);
  Accumulators combineLanes(ArrayRef<RowsOp *> ops, Accumulators vectors);
  Accumulators combine(ArrayRef<RowsOp *> ops, ValueRange lhs, ValueRange rhs);
  Accumulators combineThreads(ArrayRef<RowsOp *> ops, Accumulators own,
                              int64_t threads, int64_t blockThreads);
  Accumulators butterfly(ArrayRef<RowsOp *> ops, Accumulators own,
                         int64_t threads);

  // Memory.
  void storeAll(ArrayRef<unsigned> results);
  void registerResults(ArrayRef<unsigned> results);
  Storage placeOf(Value root, Extent elements);
  unsigned addWorkspace(Value root, Extent elements);
  void storeColumns(unsigned stage);

  bool isFlat() const { return rows.columns == 1; }
  Value index(int64_t value) { return values.index(value); }
  GpuPhase &phase() { return *values.phase; }
  void forgetElements() {
    for (SpaceRole role : {Row, Column, Full})
      values.forget(role);
  }

  func::FuncOp kernel;
  RowsKernel &rows;
  const GpuModel &model;
  GpuRowsValues values;
  ImplicitLocOpBuilder &b;
  Operation *last;
  ScheduledKernel scheduled;

  llvm::SetVector<Operation *> needed;
  std::vector<Stage> stages;
  llvm::DenseSet<Operation *> withKeptReductions;
  /// Workspaces of the partial results of an op, one a result.
  DenseMap<Operation *, SmallVector<unsigned>> partials;

  /// Of the rows that are being emitted.
  RowPasses passes{rows, values};
  RowGroup group;
  int64_t groupLanes = 0;
  Value threadInGroup, isInRow;
};

} // namespace

//===----------------------------------------------------------------------===//
// Planning
//===----------------------------------------------------------------------===//

static Type elementTypeOf(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getElementType();
}

static int64_t elementBytes(Value tensor) {
  return llvm::divideCeil(elementTypeOf(tensor).getIntOrFloatBitWidth(), 8);
}

void GpuRowsScheduler::collectNeeded(Value tensor) {
  RowsOp *op = rows.definition(rootOf(tensor));
  if (!op || needed.contains(op->op))
    return;
  for (Value operand : op->op->getOperands())
    collectNeeded(operand);
  needed.insert(op->op);
}

void GpuRowsScheduler::planStages() {
  unsigned lastStage = 0;
  for (Value result : rows.results) {
    collectNeeded(result);
    lastStage = std::max(lastStage, rows.stageOf(result));
  }
  stages.resize(lastStage + 1);
  for (auto [number, result] : llvm::enumerate(rows.results)) {
    Stage &stage = stages[rows.stageOf(result)];
    switch (rows.roleOf(result)) {
    case Scalar:
      stage.scalarResults.push_back(number);
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
    bool givesColumns = rowsOp.domain == Full && rowsOp.reduced == Row;
    Stage &stage = stages[rowsOp.stage];
    (givesColumns ? stage.columnSums : stage.scalarSums).push_back(&rowsOp);
  }
  placeEarlyScalars();
}

/// Scalars that wait for nothing are stored with the last others, so that they
/// may lie on operands and need no phase of their own.
void GpuRowsScheduler::placeEarlyScalars() {
  for (Stage &stage : llvm::reverse(MutableArrayRef(stages).drop_front()))
    if (!stage.scalarSums.empty()) {
      stage.scalarResults.append(stages.front().scalarResults);
      stages.front().scalarResults.clear();
      llvm::sort(stage.scalarResults);
      return;
    }
}

/// A column of a later stage is stored where anything but that stage's own
/// columns reads it.
void GpuRowsScheduler::planKeptColumns() {
  for (Operation *op : needed)
    for (Value operand : op->getOperands()) {
      Value root = rootOf(operand);
      RowsOp *producer = rows.definition(root);
      if (!producer || producer->stage == 0 || rows.roleOf(root) != Column)
        continue;
      RowsOp &user = *rows.definition(op->getResult(0));
      if (user.domain != Column || user.stage != producer->stage)
        stages[producer->stage].keptColumns.insert(root);
    }
}

/// Stores what an element needs of its row's reductions.
void GpuRowsScheduler::keepRowReductions(Value tensor) {
  Value root = rootOf(tensor);
  RowsOp *op = rows.definition(root);
  // Results are in memory anyway.
  if (!op || !op->followsRowReduction ||
      llvm::is_contained(rows.results, root) ||
      !withKeptReductions.insert(op->op).second)
    return;
  if (rows.roleOf(root) == Row) {
    stages[op->stage].keptRows.insert(root);
    return;
  }
  for (Value operand : op->op->getOperands())
    keepRowReductions(operand);
}

/// The loops of a reduction across rows compute elements, but no reductions.
void GpuRowsScheduler::planKeptRows() {
  for (Stage &stage : stages)
    for (ArrayRef<RowsOp *> ops :
         {ArrayRef(stage.columnSums), ArrayRef(stage.scalarSums)})
      for (RowsOp *op : ops)
        for (Value input : op->op.getInputs())
          keepRowReductions(input);
}

/// Whether partial results can go through shuffles.
bool GpuRowsScheduler::canReduce() {
  return llvm::all_of(needed, [&](Operation *op) {
    if (rows.definition(op->getResult(0))->reduced == Scalar)
      return true;
    return llvm::all_of(op->getResults(), [](Value result) {
      Type type = elementTypeOf(result);
      return type.isF32() || type.isF64() || type.isInteger(32) ||
             type.isInteger(64);
    });
  });
}

/// Neighbouring elements for one thread: the widest tensor fills one vector
/// access, and `length` is a multiple. 0 for one element.
int64_t GpuRowsScheduler::lanesFor(int64_t length) {
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

int64_t GpuRowsScheduler::typicalRows() {
  return rows.rows.estimate(typicalBatch(kernel));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// All are read before any is written: a result may lie on an operand.
void GpuRowsScheduler::storeAll(ArrayRef<unsigned> results) {
  for (unsigned result : results)
    values.get(rows.results[result]);
  for (unsigned result : results)
    values.storeResult(result, values.get(rows.results[result]));
}

void GpuRowsScheduler::registerResults(ArrayRef<unsigned> results) {
  for (unsigned result : results)
    if (Value root = rows.results[result]; !values.isStored(root))
      values.setStorage(root, {Storage::Buffer, {BufferRef::Result, result}});
}

unsigned GpuRowsScheduler::addWorkspace(Value root, Extent elements) {
  int64_t bytes = elementBytes(root);
  scheduled.workspaceBytes.push_back(
      {elements.constant * bytes, elements.perBatch * bytes, elements.divisor});
  return values.addWorkspace(elementTypeOf(root));
}

/// Where a value that later phases read lies: in the kernel's result if it is
/// one, else in a workspace.
Storage GpuRowsScheduler::placeOf(Value root, Extent elements) {
  auto result = llvm::find(rows.results, root);
  if (result != rows.results.end())
    return {Storage::Buffer,
            {BufferRef::Result, unsigned(result - rows.results.begin())}};
  return {Storage::Buffer,
          {BufferRef::Workspace, addWorkspace(root, elements)}};
}

//===----------------------------------------------------------------------===//
// Threads together
//===----------------------------------------------------------------------===//

/// `apply` to each op with its part of the accumulators.
static Accumulators forEachOp(
    ArrayRef<RowsOp *> ops,
    llvm::function_ref<Accumulators(RowsOp &, unsigned, unsigned)> apply) {
  Accumulators results;
  unsigned first = 0;
  for (RowsOp *op : ops) {
    unsigned width = op->op.getNumResults();
    llvm::append_range(results, apply(*op, first, width));
    first += width;
  }
  return results;
}

Accumulators GpuRowsScheduler::accumulate(ArrayRef<RowsOp *> ops,
                                          ValueRange accumulators) {
  return forEachOp(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    return values.accumulate(op, accumulators.slice(first, width));
  });
}

Accumulators GpuRowsScheduler::identities(ArrayRef<RowsOp *> ops,
                                          int64_t lanes) {
  return forEachOp(ops, [&](RowsOp &op, unsigned, unsigned) {
    return values.identity(op, lanes);
  });
}

Accumulators GpuRowsScheduler::combine(ArrayRef<RowsOp *> ops, ValueRange lhs,
                                       ValueRange rhs) {
  return forEachOp(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    return values.combine(op, lhs.slice(first, width), rhs.slice(first, width));
  });
}

/// The lanes of a thread's vectors combined, halves first.
Accumulators GpuRowsScheduler::combineLanes(ArrayRef<RowsOp *> ops,
                                            Accumulators vectors) {
  if (vectors.empty() || !isa<VectorType>(vectors.front().getType()))
    return vectors;
  int64_t lanes = cast<VectorType>(vectors.front().getType()).getNumElements();
  std::vector<Accumulators> parts;
  for (int64_t lane = 0; lane < lanes; ++lane)
    parts.push_back(llvm::map_to_vector(vectors, [&](Value vector) -> Value {
      return vector::ExtractOp::create(b, vector, lane);
    }));
  for (int64_t half = lanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      parts[lane] = combine(ops, parts[lane], parts[lane + half]);
  return parts.front();
}

/// The totals of `threads` neighbours in a warp, in each of them. Both of a
/// pair combine the same two, in an order that changes no bit of a sum or
/// maximum.
Accumulators GpuRowsScheduler::butterfly(ArrayRef<RowsOp *> ops,
                                         Accumulators own, int64_t threads) {
  for (int64_t mask = threads / 2; mask > 0; mask /= 2) {
    auto others = llvm::map_to_vector(
        own, [&](Value value) { return phase().shuffle(value, mask); });
    own = combine(ops, own, others);
  }
  return own;
}

/// The totals of each `threads` neighbours of a block, in all of them.
Accumulators GpuRowsScheduler::combineThreads(ArrayRef<RowsOp *> ops,
                                              Accumulators own, int64_t threads,
                                              int64_t blockThreads) {
  own = butterfly(ops, std::move(own), std::min(threads, kWarp));
  if (threads <= kWarp)
    return own;
  // One value a warp, of which every warp then reads those of its group.
  int64_t warps = threads / kWarp;
  Value thread = phase().thread();
  auto shared = llvm::map_to_vector(own, [&](Value value) {
    return phase().shared(blockThreads / kWarp, value.getType());
  });
  Value isFirst = phase().isEqual(phase().remainder(thread, kWarp), index(0));
  phase().when(isFirst, [&] {
    Value warp = phase().divide(thread, kWarp);
    for (auto [value, memory] : llvm::zip(own, shared))
      memref::StoreOp::create(b, value, memory, warp);
  });
  phase().barrier();
  Value at = phase().remainder(thread, warps);
  if (threads < blockThreads)
    at = phase().add(phase().multiply(phase().divide(thread, threads), warps),
                     at);
  auto loaded = llvm::map_to_vector(shared, [&](Value memory) -> Value {
    return memref::LoadOp::create(b, memory, at);
  });
  return butterfly(ops, std::move(loaded), warps);
}

//===----------------------------------------------------------------------===//
// Phases
//===----------------------------------------------------------------------===//

void GpuRowsScheduler::beginPhase(const Twine &name) {
  size_t number = scheduled.phases.size();
  values.beginPhase(last, (number ? name + Twine(number) : name).str());
  values.chunk = Chunk();
}

void GpuRowsScheduler::endPhase(Extent numBlocks, int64_t threads) {
  scheduled.phases.push_back(phase().finish("rows", numBlocks, threads));
  last = scheduled.phases.back().function;
  forgetElements();
}

//===----------------------------------------------------------------------===//
// Reductions to a scalar
//===----------------------------------------------------------------------===//

SmallVector<GpuRowsScheduler::ScalarLoop>
GpuRowsScheduler::planScalarLoops(const Stage &stage) {
  SmallVector<ScalarLoop> loops;
  for (SpaceRole domain : {Row, Full}) {
    ScalarLoop loop{domain, {}};
    for (RowsOp *op : stage.scalarSums)
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
      loop.numBlocks = std::min<int64_t>(kThreads, elements / kBlockElements);
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

/// How many times `lanes` elements there are.
Extent GpuRowsScheduler::numChunks(const ScalarLoop &loop) {
  int64_t perRow = loop.domain == Full ? rows.columns : 1;
  int64_t count = rows.rows.factor * perRow / std::max<int64_t>(loop.lanes, 1);
  return Extent::of({count, rows.rows.perBatch});
}

/// All elements, shared out over the phase's threads; the totals of the block.
Accumulators GpuRowsScheduler::reduceElements(const ScalarLoop &plan,
                                              int64_t threads) {
  values.chunk.lanes = plan.lanes;
  int64_t lanes = std::max<int64_t>(plan.lanes, 1);
  Accumulators totals = phase().loop(
      phase().globalThread(threads), phase().value(numChunks(plan)),
      index(threads * plan.numBlocks), identities(plan.ops, plan.lanes),
      [&](Value chunk, ValueRange carried) {
        for (SpaceRole role : {Scalar, Row, Column, Full})
          values.anchors[role] = nullptr;
        values.anchors[Scalar] = b.getInsertionBlock()->getParentOp();
        forgetElements();
        if (plan.domain == Full) {
          int64_t perRow = rows.columns / lanes;
          values.chunk.row = phase().divide(chunk, perRow);
          values.chunk.column =
              phase().multiply(phase().remainder(chunk, perRow), lanes);
        } else {
          values.chunk.row = chunk;
          values.chunk.column = phase().multiply(chunk, lanes);
        }
        return accumulate(plan.ops, carried);
      });
  values.anchors[Scalar] = nullptr;
  forgetElements();
  values.chunk = Chunk();
  totals = combineLanes(plan.ops, std::move(totals));
  return combineThreads(plan.ops, std::move(totals), threads, threads);
}

void GpuRowsScheduler::emitPartialScalars(const ScalarLoop &plan) {
  beginPhase("partials");
  Accumulators totals = reduceElements(plan, kThreads);
  for (RowsOp *op : plan.ops)
    for (Value result : op->op->getResults())
      partials[op->op].push_back(addWorkspace(result, Extent{plan.numBlocks}));
  phase().when(phase().isEqual(phase().thread(), index(0)), [&] {
    forEachOp(plan.ops, [&](RowsOp &op, unsigned first, unsigned) {
      for (auto [number, workspace] : llvm::enumerate(partials[op.op]))
        values.storeWorkspace(workspace, phase().block(),
                              totals[first + number]);
      return Accumulators();
    });
  });
  endPhase(Extent{plan.numBlocks}, kThreads);
}

Accumulators GpuRowsScheduler::reducePartials(const ScalarLoop &plan,
                                              int64_t threads) {
  Accumulators totals = phase().loop(
      phase().thread(), index(plan.numBlocks), index(threads),
      identities(plan.ops, 0), [&](Value block, ValueRange carried) {
        Accumulators part = forEachOp(plan.ops, [&](RowsOp &op, unsigned,
                                                    unsigned) {
          return llvm::map_to_vector(partials[op.op], [&](unsigned workspace) {
            return values.loadWorkspace(workspace, block,
                                        /*vector=*/false);
          });
        });
        return combine(plan.ops, carried, part);
      });
  return combineThreads(plan.ops, std::move(totals), threads, threads);
}

/// What later phases read of the scalars that the scalars phase of `stage`
/// knows: whatever is not an operand of this phase's own scalars alone.
llvm::DenseSet<Value> GpuRowsScheduler::readLater(unsigned stage) {
  llvm::DenseSet<Value> late;
  for (Operation *op : llvm::reverse(needed)) {
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

/// By one thread: the results, and what later phases read.
void GpuRowsScheduler::finishScalars(
    unsigned number, ArrayRef<std::pair<RowsOp *, Accumulators>> totals) {
  ArrayRef<unsigned> results = stages[number].scalarResults;
  llvm::DenseSet<Value> late = readLater(number);
  values.tick();
  SmallVector<std::pair<Value, Storage>> kept;
  phase().when(phase().isEqual(phase().thread(), index(0)), [&] {
    for (auto &[op, total] : totals)
      values.finish(*op, total);
    storeAll(results);
    for (auto &[op, total] : totals)
      for (Value root : op->op->getResults()) {
        if (!late.contains(root))
          continue;
        kept.push_back({root, placeOf(root, Extent{1})});
        if (kept.back().second.buffer.kind == BufferRef::Workspace)
          values.store(root, kept.back().second, values.get(root));
      }
  });
  values.forget(Scalar);
  for (auto &[root, storage] : kept)
    values.setStorage(root, storage);
  registerResults(results);
}

void GpuRowsScheduler::emitScalars(unsigned number) {
  Stage &stage = stages[number];
  SmallVector<ScalarLoop> loops = planScalarLoops(stage);
  bool isSplit = !loops.empty() && loops.front().numBlocks > 1;
  int64_t threads = kWarp;
  if (isSplit)
    threads = kThreads;
  else
    for (const ScalarLoop &loop : loops) {
      Extent chunks = numChunks(loop);
      int64_t typical =
          chunks.constant + chunks.perBatch * typicalBatch(kernel);
      threads = std::clamp<int64_t>(llvm::PowerOf2Ceil(typical), threads,
                                    model.maxBlockThreads);
    }
  if (isSplit)
    for (const ScalarLoop &loop : loops)
      emitPartialScalars(loop);

  beginPhase("scalars");
  SmallVector<std::pair<RowsOp *, Accumulators>> totals;
  for (const ScalarLoop &loop : loops) {
    Accumulators sums =
        isSplit ? reducePartials(loop, threads) : reduceElements(loop, threads);
    forEachOp(loop.ops, [&](RowsOp &op, unsigned first, unsigned width) {
      totals.push_back({&op, Accumulators(ArrayRef(sums).slice(first, width))});
      return Accumulators();
    });
  }
  finishScalars(number, totals);
  endPhase(Extent{1}, threads);
}

//===----------------------------------------------------------------------===//
// Columns
//===----------------------------------------------------------------------===//

/// The columns of a stage at the chunk, whose reductions are known.
void GpuRowsScheduler::storeColumns(unsigned number) {
  Stage &stage = stages[number];
  storeAll(stage.columnResults);
  for (Value root : stage.keptColumns) {
    Storage place = placeOf(root, Extent{rows.columns});
    if (place.buffer.kind == BufferRef::Workspace)
      values.store(root, place, values.get(root));
    values.setStorage(root, place);
  }
}

/// Columns that wait for no sum: one phase over [C].
void GpuRowsScheduler::emitColumnVectors(unsigned number) {
  beginPhase("columns");
  int64_t lanes = lanesFor(rows.columns);
  int64_t numChunks = rows.columns / std::max<int64_t>(lanes, 1);
  Value chunk = phase().globalThread(kThreads);
  phase().when(phase().isLess(chunk, index(numChunks)), [&] {
    values.chunk.lanes = lanes;
    values.chunk.column = phase().multiply(chunk, std::max<int64_t>(lanes, 1));
    storeColumns(number);
  });
  values.forget(Scalar);
  endPhase(Extent{numChunks, 0, kThreads}, kThreads);
}

/// Blocks of 32 columns, with 32 threads each that walk down the rows, or down
/// one of `numSplits` parts of them.
void GpuRowsScheduler::emitColumnSums(unsigned number, int64_t numSplits) {
  Stage &stage = stages[number];
  bool isSplit = numSplits > 1;
  beginPhase(isSplit ? "partials" : "columns");
  int64_t threads = kWarp * kRowThreads;
  int64_t numColumnBlocks = llvm::divideCeil(rows.columns, kWarp);
  Value thread = phase().thread();
  Value lane = phase().remainder(thread, kWarp);
  Value firstRow = phase().divide(thread, kWarp), lastRow = values.numRows();
  Value block = phase().block();
  Value split = index(0);
  if (isSplit) {
    split = phase().divide(block, numColumnBlocks);
    block = phase().remainder(block, numColumnBlocks);
    Value perSplit =
        phase().divide(phase().add(lastRow, numSplits - 1), numSplits);
    Value begin = phase().multiply(split, perSplit);
    firstRow = phase().add(begin, firstRow);
    lastRow = phase().minimum(phase().add(begin, perSplit), lastRow);
  }
  Value column = phase().add(phase().multiply(block, kWarp), lane);
  Value isInside = phase().isLess(column, index(rows.columns));
  values.chunk.column = rows.columns % kWarp
                            ? phase().minimum(column, index(rows.columns - 1))
                            : column;
  Accumulators totals = phase().loop(
      firstRow, lastRow, index(kRowThreads), identities(stage.columnSums, 0),
      [&](Value row, ValueRange carried) {
        Operation *loop = b.getInsertionBlock()->getParentOp();
        values.anchors[Column] = values.anchors[Scalar] = loop;
        values.chunk.row = row;
        return accumulate(stage.columnSums, carried);
      });
  values.anchors[Column] = values.anchors[Scalar] = nullptr;
  values.forget(Row);
  values.forget(Full);

  auto shared = llvm::map_to_vector(totals, [&](Value value) {
    return phase().shared(threads, value.getType());
  });
  for (auto [value, memory] : llvm::zip(totals, shared))
    memref::StoreOp::create(b, value, memory, thread);
  phase().barrier();
  values.tick();
  if (isSplit)
    for (RowsOp *op : stage.columnSums)
      for (Value result : op->op->getResults())
        partials[op->op].push_back(
            addWorkspace(result, Extent{numSplits * rows.columns}));
  Value isFirst = phase().isLess(thread, index(kWarp));
  phase().when(phase().both(isFirst, isInside), [&] {
    auto load = [&](Value at) {
      return llvm::map_to_vector(shared, [&](Value memory) -> Value {
        return memref::LoadOp::create(b, memory, at);
      });
    };
    Accumulators sums =
        phase().loop(phase().add(lane, kWarp), index(threads), index(kWarp),
                     load(lane), [&](Value at, ValueRange carried) {
                       return combine(stage.columnSums, carried, load(at));
                     });
    Value at = phase().add(phase().multiply(split, rows.columns), column);
    forEachOp(stage.columnSums,
              [&](RowsOp &op, unsigned first, unsigned width) {
                ArrayRef<Value> own = ArrayRef(sums).slice(first, width);
                if (!isSplit)
                  values.finish(op, own);
                else
                  for (auto [workspace, sum] : llvm::zip(partials[op.op], own))
                    values.storeWorkspace(workspace, at, sum);
                return Accumulators();
              });
    if (!isSplit)
      storeColumns(number);
  });
  values.forget(Scalar);
  endPhase(Extent{numColumnBlocks * numSplits}, threads);
}

/// Adds up the parts, first part first.
void GpuRowsScheduler::emitColumnTotals(unsigned number, int64_t numSplits) {
  Stage &stage = stages[number];
  beginPhase("columns");
  Value column = phase().globalThread(kThreads);
  phase().when(phase().isLess(column, index(rows.columns)), [&] {
    values.chunk.column = column;
    Accumulators sums = phase().loop(
        index(0), index(numSplits), index(1), identities(stage.columnSums, 0),
        [&](Value split, ValueRange carried) {
          Value at = phase().add(phase().multiply(split, rows.columns), column);
          Accumulators part =
              forEachOp(stage.columnSums, [&](RowsOp &op, unsigned, unsigned) {
                return llvm::map_to_vector(
                    partials[op.op], [&](unsigned workspace) {
                      return values.loadWorkspace(workspace, at,
                                                  /*vector=*/false);
                    });
              });
          return combine(stage.columnSums, carried, part);
        });
    forEachOp(stage.columnSums,
              [&](RowsOp &op, unsigned first, unsigned width) {
                values.finish(op, ArrayRef(sums).slice(first, width));
                return Accumulators();
              });
    storeColumns(number);
  });
  values.forget(Scalar);
  endPhase(Extent{rows.columns, 0, kThreads}, kThreads);
}

void GpuRowsScheduler::emitColumns(unsigned number) {
  Stage &stage = stages[number];
  if (stage.columnSums.empty()) {
    emitColumnVectors(number);
  } else {
    int64_t numColumnBlocks = llvm::divideCeil(rows.columns, kWarp);
    int64_t numSplits =
        std::min({typicalRows() / kBlockRows, model.minBlocks / numColumnBlocks,
                  kMaxSplits});
    numSplits = std::max<int64_t>(numSplits, 1);
    emitColumnSums(number, numSplits);
    if (numSplits > 1)
      emitColumnTotals(number, numSplits);
  }
  registerResults(stage.columnResults);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Every thread has elements of its own, or a row.
void GpuRowsScheduler::emitUngrouped(unsigned number) {
  Stage &stage = stages[number];
  bool hasFull = llvm::any_of(stage.rowResults, [&](unsigned result) {
    return rows.roleOf(rows.results[result]) == Full;
  });
  int64_t lanes = isFlat()  ? lanesFor(rows.rows.factor)
                  : hasFull ? lanesFor(rows.columns)
                            : 0;
  int64_t width = std::max<int64_t>(lanes, 1);
  int64_t chunksPerRow = hasFull ? rows.columns / width : 1;
  int64_t count =
      rows.rows.factor * (isFlat() ? 1 : chunksPerRow) / (isFlat() ? width : 1);
  Extent numChunks = Extent::of({count, rows.rows.perBatch});
  int64_t threads =
      rows.rows.perBatch
          ? kThreads
          : std::min<int64_t>(kThreads, llvm::alignTo(count, kWarp));
  Value chunk = phase().globalThread(threads);
  phase().when(phase().isLess(chunk, phase().value(numChunks)), [&] {
    values.chunk.lanes = lanes;
    if (isFlat()) {
      values.chunk.column = phase().multiply(chunk, width);
    } else {
      values.chunk.row = phase().divide(chunk, chunksPerRow);
      values.chunk.column =
          phase().multiply(phase().remainder(chunk, chunksPerRow), width);
    }
    for (unsigned result : stage.rowResults)
      values.get(rows.results[result]);
    SmallVector<unsigned> ofRows;
    for (unsigned result : stage.rowResults)
      if (rows.roleOf(rows.results[result]) == Row && !isFlat() && hasFull)
        ofRows.push_back(result);
      else
        values.storeResult(result, values.get(rows.results[result]));
    if (!ofRows.empty())
      phase().when(phase().isEqual(values.chunk.column, index(0)),
                   [&] { storeAll(ofRows); });
  });
  values.forget(Scalar);
  endPhase(divideUp(numChunks, threads), threads);
}

RowGroup GpuRowsScheduler::chooseGroup() {
  RowGroup group;
  groupLanes = lanesFor(rows.columns);
  auto numChunks = [&] {
    return rows.columns / std::max<int64_t>(groupLanes, 1);
  };
  while (numChunks() > model.maxBlockThreads && groupLanes &&
         groupLanes < kMaxLanes && rows.columns % (2 * groupLanes) == 0)
    groupLanes *= 2;
  group.isSingleChunk = numChunks() <= model.maxBlockThreads;
  group.threads =
      std::min<int64_t>(llvm::PowerOf2Ceil(numChunks()), model.maxBlockThreads);
  group.rowsPerBlock = std::max<int64_t>(1, kThreads / group.threads);
  return group;
}

/// `body` at the elements of the row that are the thread's.
Accumulators GpuRowsScheduler::forEachChunk(
    ValueRange inits, llvm::function_ref<Accumulators(ValueRange)> body) {
  if (group.isSingleChunk)
    return body(inits);
  int64_t width = std::max<int64_t>(groupLanes, 1);
  Accumulators totals =
      phase().loop(phase().multiply(threadInGroup, width), index(rows.columns),
                   index(group.threads * width), inits,
                   [&](Value column, ValueRange carried) {
                     Operation *loop = b.getInsertionBlock()->getParentOp();
                     values.anchors[Row] = values.anchors[Scalar] = loop;
                     values.chunk.column = column;
                     values.forget(Column);
                     values.forget(Full);
                     return body(carried);
                   });
  values.anchors[Row] = values.anchors[Scalar] = nullptr;
  values.forget(Column);
  values.forget(Full);
  return totals;
}

/// The reductions of a row that need no other reduction than those of earlier
/// passes.
void GpuRowsScheduler::reducePass(unsigned pass) {
  SmallVector<RowsOp *> ops;
  for (Operation *op : passes.reductions())
    if (RowsOp *rowsOp = rows.definition(op->getResult(0));
        passes.of(*rowsOp) == pass)
      ops.push_back(rowsOp);
  Accumulators none = identities(ops, groupLanes);
  Accumulators own = forEachChunk(
      none, [&](ValueRange carried) { return accumulate(ops, carried); });
  own = combineLanes(ops, std::move(own));
  if (isInRow)
    for (auto [value, nothing] : llvm::zip(own, identities(ops, 0)))
      value = arith::SelectOp::create(b, isInRow, value, nothing);
  own =
      combineThreads(ops, std::move(own), group.threads, group.blockThreads());
  forEachOp(ops, [&](RowsOp &op, unsigned first, unsigned width) {
    values.finish(op, ArrayRef(own).slice(first, width));
    return Accumulators();
  });
  values.tick();
}

void GpuRowsScheduler::emitGrouped(unsigned number) {
  Stage &stage = stages[number];
  group = chooseGroup();
  int64_t width = std::max<int64_t>(groupLanes, 1);
  values.chunk.lanes = groupLanes;
  Value thread = phase().thread();
  threadInGroup = phase().remainder(thread, group.threads);
  Value row = phase().add(phase().multiply(phase().block(), group.rowsPerBlock),
                          phase().divide(thread, group.threads));
  Value isRow;
  if (group.rowsPerBlock > 1) {
    isRow = phase().isLess(row, values.numRows());
    row = phase().minimum(row, phase().subtract(values.numRows(), index(1)));
  }
  values.chunk.row = row;
  isInRow = Value();
  if (group.isSingleChunk) {
    int64_t numChunks = rows.columns / width;
    Value chunk = threadInGroup;
    if (numChunks < group.threads) {
      isInRow = phase().isLess(chunk, index(numChunks));
      chunk = phase().minimum(chunk, index(numChunks - 1));
    }
    values.chunk.column = phase().multiply(chunk, width);
  }
  unsigned lastPass = 0;
  for (Operation *op : passes.reductions())
    lastPass =
        std::max(lastPass, passes.of(*rows.definition(op->getResult(0))));
  for (unsigned pass = 0; pass <= lastPass; ++pass)
    reducePass(pass);

  SmallVector<unsigned> fullResults, ofRows;
  for (unsigned result : stage.rowResults)
    (rows.roleOf(rows.results[result]) == Full ? fullResults : ofRows)
        .push_back(result);
  // Computed by all threads, as others' elements may need them.
  for (unsigned result : ofRows)
    values.get(rows.results[result]);
  for (Value root : stage.keptRows)
    values.get(root);
  auto always = [&] {
    return arith::ConstantOp::create(b, b.getBoolAttr(true)).getResult();
  };
  Value isFirst = phase().isEqual(threadInGroup, index(0));
  phase().when(isRow ? phase().both(isRow, isFirst) : isFirst, [&] {
    for (unsigned result : ofRows)
      values.storeResult(result, values.get(rows.results[result]));
    for (Value root : stage.keptRows) {
      if (llvm::is_contained(rows.results, root))
        continue;
      Storage place = placeOf(root, rows.numRows());
      values.store(root, place, values.get(root));
      values.setStorage(root, place);
    }
  });
  if (!fullResults.empty()) {
    forEachChunk({}, [&](ValueRange) {
      for (unsigned result : fullResults)
        values.get(rows.results[result]);
      Value isInside = isRow ? isRow : always();
      if (isInRow)
        isInside = phase().both(isInside, isInRow);
      phase().when(isInside, [&] {
        for (unsigned result : fullResults)
          values.storeResult(result, values.get(rows.results[result]));
      });
      return Accumulators();
    });
  }
  values.forget(Scalar);
  endPhase(rows.numRows(group.rowsPerBlock), group.blockThreads());
}

void GpuRowsScheduler::emitRows(unsigned number) {
  Stage &stage = stages[number];
  if (stage.rowResults.empty() && stage.keptRows.empty())
    return;
  passes.clear();
  for (unsigned result : stage.rowResults)
    passes.collect(rows.results[result]);
  for (Value root : stage.keptRows)
    passes.collect(root);
  beginPhase("rows");
  if (passes.reductions().empty())
    emitUngrouped(number);
  else
    emitGrouped(number);
  registerResults(stage.rowResults);
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

FailureOr<ScheduledKernel> GpuRowsScheduler::run() {
  planStages();
  if (!canReduce())
    return failure();
  planKeptColumns();
  planKeptRows();
  for (unsigned number = 0; number < stages.size(); ++number) {
    Stage &stage = stages[number];
    bool hasScalars = !stage.scalarSums.empty();
    if (hasScalars)
      emitScalars(number);
    if (!stage.columnSums.empty() || !stage.columnResults.empty() ||
        !stage.keptColumns.empty())
      emitColumns(number);
    emitRows(number);
    // After the rows, so that they can overwrite what the rows read.
    if (!stage.scalarResults.empty() && !hasScalars)
      emitScalars(number);
  }
  // Threads of a row read its scalars while one of them writes.
  for (auto pair : values.findAliases())
    if (isFlat() || rows.roleOf(rows.results[pair.second]) != Row)
      scheduled.mayAlias.push_back(pair);
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> nnc::scheduleGpuRows(func::FuncOp kernel,
                                                const GpuModel &model) {
  FailureOr<RowsKernel> rows = analyzeRows(kernel);
  if (failed(rows))
    return failure();
  return GpuRowsScheduler(kernel, *rows, model).run();
}
