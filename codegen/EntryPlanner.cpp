// An entry point's values and commands; those of loops are in
// EntryPlannerLoops.cpp.
#include "codegen/EntryPlanner.h"

#include "codegen/CountWork.h"
#include "codegen/KernelForms.h"
#include "codegen/Reference.h"
#include "runtime/abi.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kAlignmentBytes = NNC_ALIGNMENT_BYTES;

static Extent sizeOf(Value value) {
  return sizeBytes(cast<RankedTensorType>(value.getType()));
}

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

LogicalResult EntryPlanner::collect() {
  for (Operation &op : body.without_terminator())
    if (failed(collect(op)))
      return failure();
  return success();
}

LogicalResult EntryPlanner::collect(Operation &op) {
  if (auto launch = dyn_cast<LaunchOp>(op)) {
    launches.push_back(launch);
    lastScan = nullptr;
    return collectLaunch(launch);
  }
  if (auto scan = dyn_cast<ScanOp>(op))
    return collectScan(scan);
  if (auto assign = dyn_cast<AssignOp>(op)) {
    assigns.push_back(assign);
    if (!assignOf.try_emplace(assign.getParameterAttr().getAttr(), assign)
             .second)
      return assign.emitOpError("assigns ")
             << assign.getParameterAttr() << " a second time";
  } else if (auto read = dyn_cast<ReadOp>(op)) {
    reads[read.getParameterAttr().getAttr()].push_back(read.getY());
  } else if (!isa<ReshapeOp, ConstantOp>(op)) {
    return op.emitOpError("is not part of any kernel");
  }
  return success();
}

LogicalResult EntryPlanner::collectLaunch(LaunchOp launch) {
  if (!schedule.kernels.contains(launch.getKernel()))
    return launch.emitOpError("a fault of the compiler: '")
           << launch.getKernel() << "' has no schedule";
  bool isBeside = launch->hasAttr(kBesideAttr);
  timeOf[launch] = isBeside ? endOfTime - 1 : endOfTime++;
  return success();
}

//===----------------------------------------------------------------------===//
// Where it lies
//===----------------------------------------------------------------------===//

/// When the buffer is last touched because of `use`.
int64_t EntryPlanner::timeOfUse(OpOperand &use) const {
  Operation *user = use.getOwner();
  if (auto scan = dyn_cast<ScanOp>(user)) {
    const PlannedScan &planned = *scans.find(scan)->second;
    bool isCarried = use.getOperandNumber() < scan.getCarried().size();
    return isCarried ? planned.begin : planned.end;
  }
  auto time = timeOf.find(user);
  return time == timeOf.end() ? endOfTime : time->second;
}

int64_t EntryPlanner::lastUse(Value value, int64_t first) const {
  int64_t last = first;
  forEachUse(value,
             [&](OpOperand &use) { last = std::max(last, timeOfUse(use)); });
  return last;
}

/// Whether `writer` can put `result` where `parameter` lies: every reader of
/// the old value has run by then, or is the writer itself and reads each
/// element before it writes it.
bool EntryPlanner::mayWriteInPlace(StringAttr parameter, LaunchOp writer,
                                   Value result) {
  unsigned resultNumber = cast<OpResult>(result).getResultNumber();
  const auto &mayAlias = kernelOf(writer).mayAlias;
  bool allowed = true;
  for (Value read : reads.lookup(parameter))
    forEachUse(read, [&](OpOperand &use) {
      if (use.getOwner() == writer)
        allowed &= llvm::is_contained(
            mayAlias, std::make_pair(use.getOperandNumber(), resultNumber));
      else
        allowed &= isa<LaunchOp, ScanOp>(use.getOwner()) &&
                   timeOfUse(use) < timeOf[writer];
    });
  return allowed;
}

void EntryPlanner::placeInState(AssignOp assign) {
  Value root = skipReshapes(assign.getValue());
  auto writer = root.getDefiningOp<LaunchOp>();
  StringAttr parameter = assign.getParameterAttr().getAttr();
  if (writer && !inPlace.count(root) &&
      mayWriteInPlace(parameter, writer, root))
    inPlace[root] = parameter;
}

int64_t EntryPlanner::addArenaBuffer(Extent size, int64_t first, int64_t last) {
  return arena.add(size, size.at(plan.maxBatch), first, last);
}

/// Whether the value is in memory that this run changes, or that is not the
/// plan's to hand out.
bool EntryPlanner::isOverwritten(Value root) const {
  auto read = root.getDefiningOp<ReadOp>();
  return read && assignOf.count(read.getParameterAttr().getAttr());
}

/// Where an output is may not follow the batch either: the caller knows one
/// address.
bool EntryPlanner::needsOwnOutput(Value root) {
  if (auto scan = root.getDefiningOp<ScanOp>())
    return hasSlot(cast<OpResult>(root), *scans.find(scan)->second);
  return isa<BlockArgument>(root) || root.getDefiningOp<ConstantOp>() ||
         isOverwritten(root);
}

/// Whether a copy to a parameter must wait until all old values are safe.
bool EntryPlanner::isStaged(AssignOp assign) const {
  return isOverwritten(skipReshapes(assign.getValue()));
}

/// At any batch.
static bool isAsLarge(Value value, Value other) {
  Extent size = sizeOf(value), otherSize = sizeOf(other);
  return size.constant == otherSize.constant &&
         size.perBatch == otherSize.perBatch;
}

/// The buffer of an operand that ends with the launch, if the launch may write
/// `result` where it lies: the gradient of logits takes their place.
std::optional<int64_t> EntryPlanner::findEnding(OpResult result) {
  auto launch = cast<LaunchOp>(result.getOwner());
  const auto &mayAlias = kernelOf(launch).mayAlias;
  for (OpOperand &operand : launch->getOpOperands()) {
    Value root = skipReshapes(operand.get());
    auto known = numbers.find(root);
    if (!root.getDefiningOp<LaunchOp>() || known == numbers.end() ||
        !isAsLarge(root, result) ||
        arena.lifetimes[known->second.number].last != timeOf[launch])
      continue;
    bool allowed = true;
    forEachUse(root, [&](OpOperand &use) {
      // Who runs at the same time still reads it.
      allowed &= use.getOwner() != launch
                     ? timeOfUse(use) < timeOf[launch]
                     : llvm::is_contained(
                           mayAlias, std::make_pair(use.getOperandNumber(),
                                                    result.getResultNumber()));
    });
    if (allowed)
      return known->second.number;
  }
  return std::nullopt;
}

void EntryPlanner::addLifetimes(LaunchOp launch) {
  int64_t now = timeOf[launch];
  for (OpResult result : launch->getResults()) {
    if (inPlace.count(result))
      continue;
    int64_t last = lastUse(result, now);
    std::optional<int64_t> shared;
    if (last > now)
      shared = findEnding(result);
    // Longer at once, so that no other result takes it, too.
    if (shared)
      arena.lifetimes[*shared].last = last;
    numbers[result] = {shared ? *shared
                              : addArenaBuffer(sizeOf(result), now, last)};
  }
  for (Extent size : kernelOf(launch).workspaceBytes)
    workspaces[launch].push_back({addArenaBuffer(size, now, now)});
}

void EntryPlanner::addLifetimes() {
  for (LaunchOp launch : launches)
    addLifetimes(launch);
  for (auto &[op, scan] : scans)
    addLifetimes(*scan);
  for (auto [i, result] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (needsOwnOutput(skipReshapes(result)))
      outputCopies[i] = addArenaBuffer(sizeOf(result), endOfTime, endOfTime);
  for (AssignOp assign : assigns)
    if (isStaged(assign))
      stagedAssigns[assign] =
          addArenaBuffer(sizeOf(assign.getValue()), endOfTime, endOfTime);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

PlannedBuffer EntryPlanner::stateBuffer(StringAttr parameter, Value value) {
  auto offset = plan.stateOffsetsBytes.find(parameter);
  if (offset == plan.stateOffsetsBytes.end())
    return noBuffer(value);
  return {MemoryRegion::State, 0, offset->second, sizeOf(value), std::nullopt};
}

PlannedBuffer EntryPlanner::noBuffer(Value value) {
  emitError(value.getLoc()) << "a fault of the compiler: no memory was planned "
                               "for a value of type "
                            << value.getType();
  isFaulty = true;
  return {};
}

PlannedBuffer EntryPlanner::bufferOf(Value value) {
  Value root = skipReshapes(value);
  if (auto argument = dyn_cast<BlockArgument>(root))
    return bufferOf(argument);
  if (auto read = root.getDefiningOp<ReadOp>())
    return stateBuffer(read.getParameterAttr().getAttr(), root);
  if (auto constant = root.getDefiningOp<ConstantOp>())
    return {MemoryRegion::Constant, 0,
            constants.place(cast<DenseElementsAttr>(constant.getValue())),
            sizeOf(root), std::nullopt};
  if (auto scan = root.getDefiningOp<ScanOp>())
    return bufferOf(cast<OpResult>(root), *scans.find(scan)->second);
  if (auto parameter = inPlace.find(root); parameter != inPlace.end())
    return stateBuffer(parameter->second, root);
  PlannedScan *around = scanAround(root);
  if (around)
    if (auto place = around->plan.places.find(root);
        place != around->plan.places.end())
      return writtenPlace(*around, place->second);
  auto number = numbers.find(root);
  if (number == numbers.end())
    return noBuffer(root);
  return around ? bufferOf(*around, number->second)
                : arena.buffer(number->second.number);
}

PlannedBuffer EntryPlanner::workspaceOf(LaunchOp launch, unsigned index) {
  Number number = workspaces[launch][index];
  auto around = scans.find(launch->getParentOp());
  return around == scans.end() ? arena.buffer(number.number)
                               : bufferOf(*around->second, number);
}

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

/// The results of floating-point numbers that no phase behind this one writes.
static SmallVector<PlannedResult, 1>
writtenBy(LaunchOp launch, ArrayRef<Phase> phases, size_t number) {
  SmallVector<PlannedResult, 1> written;
  for (auto [index, ref] : llvm::enumerate(phases[number].buffers)) {
    auto isSame = [ref = ref](const BufferRef &other) {
      return other.kind == ref.kind && other.index == ref.index;
    };
    bool isLast =
        llvm::none_of(phases.drop_front(number + 1), [&](const Phase &later) {
          return llvm::any_of(later.buffers, isSame);
        });
    if (ref.kind != BufferRef::Result || !isLast)
      continue;
    Type element = getElementTypeOrSelf(launch.getResult(ref.index));
    if (isa<FloatType>(element))
      written.push_back({unsigned(index), element});
  }
  return written;
}

namespace {
/// What a command does, for reports; sizes without a divisor.
struct Work {
  Extent flop, trafficBytes;
};
} // namespace

/// Sizes of a product, of which at most one follows the batch.
static Extent multiply(ArrayRef<Extent> sizes) {
  Extent product{1, 0, 1};
  for (Extent size : sizes)
    product = {
        product.constant * size.constant,
        product.constant * size.perBatch + product.perBatch * size.constant, 1};
  return product;
}

static Extent addTimes(Extent sum, Extent extent, int64_t times) {
  return {sum.constant + times * extent.constant,
          sum.perBatch + times * extent.perBatch, 1};
}

/// Of a library's product.
static Work workOf(const MatmulCall &call) {
  int64_t operand = call.operandType.getIntOrFloatBitWidth() / 8;
  int64_t result = call.resultType.getIntOrFloatBitWidth() / 8;
  Work work;
  work.flop = multiply({{2}, call.count, call.m, call.n, call.k});
  work.trafficBytes = multiply({{result}, call.count, call.m, call.n});
  work.trafficBytes = addTimes(work.trafficBytes,
                               multiply({call.count, call.m, call.k}), operand);
  work.trafficBytes = addTimes(work.trafficBytes,
                               multiply({call.count, call.n, call.k}), operand);
  return work;
}

/// Of phase `number`: of a library's product its own, and all else of the
/// kernel at the last phase, which reads what the product has left.
static Work workOf(func::FuncOp kernel, ArrayRef<Phase> phases, size_t number) {
  const Phase &phase = phases[number];
  const bool isLast = number + 1 == phases.size();
  if (!isLast)
    return phase.matmul ? workOf(*phase.matmul) : Work();
  Work rest{countFlop(kernel), countTrafficBytes(kernel)};
  for (const Phase &other : phases.drop_back())
    if (other.matmul) {
      const MatmulCall &call = *other.matmul;
      int64_t result = call.resultType.getIntOrFloatBitWidth() / 8;
      Work work = workOf(call);
      rest.flop = addTimes(rest.flop, work.flop, -1);
      rest.trafficBytes = addTimes(rest.trafficBytes, work.trafficBytes, -1);
      rest.trafficBytes =
          addTimes(rest.trafficBytes, multiply({call.count, call.m, call.n}),
                   2 * result);
    }
  // A call may read a tensor in both its operands, or an element in several
  // windows; the kernel counts it once.
  for (int64_t *part :
       {&rest.trafficBytes.constant, &rest.trafficBytes.perBatch})
    *part = std::max<int64_t>(*part, 0);
  return rest;
}

/// Those phases of a launch.
void EntryPlanner::emitPhases(LaunchOp launch, PlannedEntryPoint &entry,
                              llvm::function_ref<bool(unsigned)> isWanted) {
  const ScheduledKernel &kernel = kernelOf(launch);
  auto resolve = [&](BufferRef ref) {
    switch (ref.kind) {
    case BufferRef::Operand:
      return bufferOf(launch.getInputs()[ref.index]);
    case BufferRef::Result:
      return bufferOf(launch.getResult(ref.index));
    case BufferRef::Workspace:
      return workspaceOf(launch, ref.index);
    }
    llvm_unreachable("a buffer is an operand, a result or a workspace");
  };
  auto kernelFunction = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      launch, launch.getKernelAttr());
  for (auto [number, phase] : llvm::enumerate(kernel.phases)) {
    if (!isWanted(number))
      continue;
    auto [flop, traffic] = workOf(kernelFunction, kernel.phases, number);
    auto buffers = llvm::map_to_vector(phase.buffers, resolve);
    if (phase.matmul)
      entry.commands.push_back(PlannedMatmul{
          *phase.matmul, buffers, (launch.getKernel() + ".matmul").str(), flop,
          traffic, launch.getLoc(), launch->hasAttr(kAgainAttr)});
    else
      entry.commands.push_back(
          PlannedLaunch{func::FuncOp(phase.function).getName().str(), buffers,
                        phase.extent, phase.grain, flop, traffic,
                        launch.getLoc(), launch->hasAttr(kAgainAttr),
                        writtenBy(launch, kernel.phases, number)});
  }
  entry.scratchBytes = std::max(entry.scratchBytes, kernel.scratchBytes);
}

void EntryPlanner::emit(Operation &op, PlannedEntryPoint &entry) {
  if (auto launch = dyn_cast<LaunchOp>(op))
    emitPhases(launch, entry, [](unsigned) { return true; });
  else if (auto scan = scans.find(&op); scan != scans.end())
    emitScan(*scan->second, entry);
}

/// The copies after the last launch: first what saves old values, then what
/// overwrites them.
void EntryPlanner::emitEnd(PlannedEntryPoint &entry) {
  for (auto [i, result] :
       llvm::enumerate(body.getTerminator()->getOperands())) {
    auto copy = outputCopies.find(i);
    entry.outputs.push_back(copy == outputCopies.end()
                                ? bufferOf(result)
                                : arena.buffer(copy->second));
    if (copy != outputCopies.end())
      entry.commands.push_back(
          PlannedCopy{bufferOf(result), entry.outputs.back()});
  }
  for (AssignOp assign : assigns)
    if (auto stage = stagedAssigns.find(assign); stage != stagedAssigns.end())
      entry.commands.push_back(PlannedCopy{bufferOf(assign.getValue()),
                                           arena.buffer(stage->second)});
  for (AssignOp assign : assigns) {
    StringAttr parameter = assign.getParameterAttr().getAttr();
    if (inPlace.lookup(skipReshapes(assign.getValue())) == parameter)
      continue;
    auto stage = stagedAssigns.find(assign);
    entry.commands.push_back(
        PlannedCopy{stage == stagedAssigns.end() ? bufferOf(assign.getValue())
                                                 : arena.buffer(stage->second),
                    stateBuffer(parameter, assign.getValue())});
  }
}

FailureOr<PlannedEntryPoint> EntryPlanner::run() {
  if (failed(collect()))
    return failure();
  for (AssignOp assign : assigns)
    placeInState(assign);
  addLifetimes();
  arena.placement = placeFirstFit(arena.lifetimes, kAlignmentBytes);

  PlannedEntryPoint entry;
  entry.function = function;
  entry.arenaBytes = arena.placement.sizeBytes;
  for (Operation &op : body)
    emit(op, entry);
  emitEnd(entry);
  if (isFaulty)
    return failure();
  return entry;
}
