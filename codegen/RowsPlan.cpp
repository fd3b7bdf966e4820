// See RowsPlan.h.
#include "codegen/RowsPlan.h"

#include "mlir/IR/AsmState.h"

using namespace mlir;
using namespace nnc;

RowsPlan::RowsPlan(func::FuncOp kernel, RowsKernel &rows)
    : kernel(kernel), rows(rows) {
  for (Value result : rows.results)
    collectNeeded(result);
  planStages();
  planKeptColumns();
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

void RowsPlan::collectNeeded(Value tensor) {
  RowsOp *op = rows.definition(rootOf(tensor));
  if (!op || needed.contains(op->op))
    return;
  for (Value operand : op->op->getOperands())
    collectNeeded(operand);
  needed.insert(op->op);
}

void RowsPlan::planStages() {
  unsigned last = 0;
  for (Value result : rows.results)
    last = std::max(last, rows.stageOf(result));
  stages.resize(last + 1);
  for (auto [number, result] : llvm::enumerate(rows.results)) {
    RowsStage &stage = stages[rows.stageOf(result)];
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
    RowsStage &stage = stages[rowsOp.stage];
    bool givesScalar = rowsOp.domain == rowsOp.reduced;
    (givesScalar ? stage.scalarSums : stage.columnSums).push_back(&rowsOp);
    stages[rowsOp.stage - 1].entered.push_back(&rowsOp);
  }
}

/// A column of a later stage is stored where anything but that stage's own
/// columns reads it.
void RowsPlan::planKeptColumns() {
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

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

const Storage *RowsStep::find(Value root, unsigned pass) const {
  if (auto found = stored.find(root); found != stored.end())
    return &found->second;
  for (const Kept &value : kept)
    if (value.root == root && value.pass < pass)
      return &value.storage;
  return nullptr;
}

/// What lies in memory after the last step: operands, and what steps store.
/// Scratch holds the values of one row, for the pass over it alone.
DenseMap<Value, Storage> RowsPlan::storedBefore() const {
  DenseMap<Value, Storage> stored;
  if (steps.empty()) {
    for (BlockArgument argument :
         func::FuncOp(kernel).getArguments().drop_front())
      stored[argument] = {Storage::Buffer,
                          {BufferRef::Operand, argument.getArgNumber() - 1}};
    return stored;
  }
  const RowsStep &last = steps.back();
  stored = last.stored;
  for (ArrayRef<unsigned> results :
       {ArrayRef(last.results), ArrayRef(last.walkedResults)})
    for (unsigned result : results)
      stored.try_emplace(rows.results[result],
                         Storage{Storage::Buffer, {BufferRef::Result, result}});
  for (const RowsStep::Kept &value : last.kept)
    if (value.storage.kind == Storage::Buffer)
      stored.try_emplace(value.root, value.storage);
  return stored;
}

RowsStep &RowsPlan::addStep(RowsStep::Kind kind, unsigned number) {
  const RowsStage &stage = stages[number];
  RowsStep step;
  step.kind = kind;
  step.stage = number;
  step.stored = storedBefore();
  switch (kind) {
  case RowsStep::Scalars:
    step.completed = stage.scalarSums;
    step.results = stage.scalarResults;
    break;
  case RowsStep::Columns:
    step.completed = stage.columnSums;
    step.results = stage.columnResults;
    break;
  case RowsStep::Rows:
    step.results = stage.rowResults;
  }
  return steps.emplace_back(std::move(step));
}

void RowsPlan::planPasses(RowsStep &step, ArrayRef<Value> more) {
  auto isStored = [&](Value root) { return step.isStored(root); };
  for (unsigned result : step.results)
    step.passes.collect(rows, rows.results[result], isStored);
  for (Value tensor : more)
    step.passes.collect(rows, tensor, isStored);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

unsigned RowsPlan::addWorkspace(Value tensor, Extent elements) {
  workspaces.push_back({elementTypeOf(tensor), elements});
  return workspaces.size() - 1;
}

void RowsPlan::addPartials(RowsOp &op, Extent elements) {
  for (Value result : op.op->getResults())
    partials[op.op].push_back(addWorkspace(result, elements));
}

void RowsPlan::keep(RowsStep &step, Value root, Extent elements) {
  for (unsigned result : step.results)
    if (rows.results[result] == root)
      return;
  step.kept.push_back({root,
                       {Storage::Buffer,
                        {BufferRef::Workspace, addWorkspace(root, elements)}}});
}

void RowsPlan::keepInRow(RowsStep &step, Value root, unsigned pass) {
  Storage storage{Storage::Scratch, {}, scratchBytes};
  if (std::optional<unsigned> result = resultOf(root))
    storage = {Storage::Buffer, {BufferRef::Result, *result}};
  else
    scratchBytes += llvm::alignTo(rows.columns * elementBytes(root), 64);
  step.kept.push_back({root, storage, pass});
}

std::optional<unsigned> RowsPlan::resultOf(Value root) const {
  auto result = llvm::find(rows.results, root);
  if (result == rows.results.end())
    return std::nullopt;
  return result - rows.results.begin();
}

SmallVector<Extent> RowsPlan::workspaceBytes() const {
  return llvm::map_to_vector(workspaces, [](const Workspace &workspace) {
    int64_t bytes = elementBytes(workspace.elementType);
    const Extent &elements = workspace.elements;
    return Extent{elements.constant * bytes, elements.perBatch * bytes,
                  elements.divisor};
  });
}

//===----------------------------------------------------------------------===//
// The plan as text
//===----------------------------------------------------------------------===//

static void print(llvm::raw_ostream &os, const Storage &storage) {
  static constexpr StringRef kKinds[] = {"operand ", "result ", "workspace "};
  if (storage.kind == Storage::Scratch)
    os << "scratch at " << storage.scratchOffsetBytes;
  else
    os << kKinds[storage.buffer.kind] << storage.buffer.index;
}

void RowsPlan::print(llvm::raw_ostream &os) const {
  static constexpr StringRef kKinds[] = {"scalars", "columns", "rows"};
  AsmState names(kernel);
  auto printOps = [&](StringRef what, ArrayRef<RowsOp *> ops) {
    for (RowsOp *op : ops) {
      os << "  " << what;
      for (Value result : op->op->getResults()) {
        os << ' ';
        result.printAsOperand(os, names);
      }
      if (auto found = partials.find(op->op); found != partials.end()) {
        os << ", parts in workspace ";
        llvm::interleaveComma(found->second, os);
      }
      os << '\n';
    }
  };
  for (const RowsStep &step : steps) {
    os << "stage " << step.stage << ": " << kKinds[step.kind] << '\n';
    printOps("completes", step.completed);
    printOps("reduces along the row", step.passes.reductions());
    printOps("enters", step.entered);
    for (ArrayRef<unsigned> results :
         {ArrayRef(step.walkedResults), ArrayRef(step.results)})
      for (unsigned result : results) {
        os << "  stores ";
        rows.results[result].printAsOperand(os, names);
        os << " in result " << result << '\n';
      }
    for (const RowsStep::Kept &value : step.kept) {
      os << "  keeps ";
      value.root.printAsOperand(os, names);
      os << " in ";
      ::print(os, value.storage);
      if (step.kind == RowsStep::Rows)
        os << " after pass " << value.pass;
      os << '\n';
    }
  }
}
