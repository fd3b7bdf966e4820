// One arena an entry point, with constant offsets at the largest batch; state
// in one region that all entry points share.
#include "codegen/PlanMemory.h"

#include "codegen/CountWork.h"
#include "codegen/Placement.h"
#include "codegen/Reference.h"
#include "ir/Ops.h"
#include "runtime/abi.h"

#include "mlir/IR/SymbolTable.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kAlignmentBytes = NNC_ALIGNMENT_BYTES;

static Extent sizeOf(Value value) {
  return sizeBytes(cast<RankedTensorType>(value.getType()));
}

static int64_t align(int64_t sizeBytes) {
  return llvm::alignTo(sizeBytes, kAlignmentBytes);
}

/// The value whose buffer `value` is another name for.
static Value skipReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

//===----------------------------------------------------------------------===//
// State and constants
//===----------------------------------------------------------------------===//

static void placeState(ModuleOp module, MemoryPlan &plan) {
  for (auto parameter : module.getOps<ParameterOp>()) {
    plan.stateOffsetsBytes[parameter.getSymName()] = plan.stateBytes;
    Extent size = sizeBytes(cast<RankedTensorType>(parameter.getType()));
    plan.stateBytes += align(size.constant);
  }
}

namespace {

/// The contents of Region.Constant, each constant once.
class ConstantPool {
public:
  explicit ConstantPool(std::vector<uint8_t> &bytes) : bytes(bytes) {}

  int64_t place(DenseElementsAttr elements) {
    auto [entry, isNew] = offsets.try_emplace(elements, bytes.size());
    if (isNew)
      append(elements);
    return entry->second;
  }

private:
  void append(DenseElementsAttr elements) {
    if (elements.getElementType().isInteger(1)) {
      // Packed to bits in the attribute, a byte each in memory.
      for (bool value : elements.getValues<bool>())
        bytes.push_back(value);
    } else {
      ArrayRef<char> raw = elements.getRawData();
      int64_t copies = elements.isSplat() ? elements.getNumElements() : 1;
      for (int64_t i = 0; i < copies; ++i)
        bytes.insert(bytes.end(), raw.begin(), raw.end());
    }
    bytes.resize(align(bytes.size()));
  }

  std::vector<uint8_t> &bytes;
  llvm::DenseMap<Attribute, int64_t> offsets;
};

} // namespace

//===----------------------------------------------------------------------===//
// One entry point
//===----------------------------------------------------------------------===//

namespace {

/// Plans one function. Time is counted in launches; what comes after the last
/// of them (copies, and the caller's reading of outputs) is `endOfTime`.
class EntryPlanner {
public:
  EntryPlanner(func::FuncOp function, const Schedule &schedule,
               const MemoryPlan &plan, ConstantPool &constants)
      : function(function), body(function.getBody().front()),
        schedule(schedule), plan(plan), constants(constants) {}

  FailureOr<PlannedEntryPoint> run();

private:
  LogicalResult collect();
  void placeInState(AssignOp assign);
  bool mayWriteInPlace(StringAttr parameter, LaunchOp writer, Value result);
  void addLifetimes();
  void addWorkspaces(LaunchOp launch, const ScheduledKernel &kernel);
  int64_t addArenaBuffer(Extent size, int64_t first, int64_t last);

  PlannedBuffer bufferOf(Value value);
  PlannedBuffer arenaBuffer(int64_t lifetime) const;
  PlannedBuffer stateBuffer(StringAttr parameter, Value value);
  PlannedBuffer noBuffer(Value value);

  void emitLaunch(LaunchOp launch, PlannedEntryPoint &entry);
  void emitEnd(PlannedEntryPoint &entry);
  bool isOverwritten(Value root) const;
  bool needsOwnOutput(Value root) const;
  bool isStaged(AssignOp assign) const;

  const ScheduledKernel &kernelOf(LaunchOp launch) const {
    return schedule.kernels.find(launch.getKernel())->second;
  }

  func::FuncOp function;
  Block &body;
  const Schedule &schedule;
  const MemoryPlan &plan;
  ConstantPool &constants;

  SmallVector<LaunchOp> launches;
  SmallVector<AssignOp> assigns;
  llvm::DenseMap<Operation *, int64_t> timeOf;
  int64_t endOfTime = 0;
  /// The values that read each parameter.
  llvm::MapVector<StringAttr, SmallVector<Value>> reads;
  llvm::DenseMap<StringAttr, AssignOp> assignOf;
  /// Results that are written where the parameter lies.
  llvm::DenseMap<Value, StringAttr> inPlace;

  SmallVector<Lifetime> lifetimes;
  SmallVector<Extent> sizes;
  /// Indices into `lifetimes`.
  llvm::DenseMap<Value, int64_t> arenaValues;
  llvm::DenseMap<Operation *, SmallVector<int64_t>> workspaces;
  /// Buffers that end-of-run copies go through: of outputs, by their number,
  /// and of assigns.
  llvm::DenseMap<unsigned, int64_t> outputCopies;
  llvm::DenseMap<Operation *, int64_t> stagedAssigns;
  Placement placement;
  /// After a diagnostic.
  bool isFaulty = false;
};

} // namespace

LogicalResult EntryPlanner::collect() {
  for (Operation &op : body.without_terminator()) {
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      if (!schedule.kernels.contains(launch.getKernel()))
        return op.emitOpError("a fault of the compiler: '")
               << launch.getKernel() << "' has no schedule";
      timeOf[&op] = launches.size();
      launches.push_back(launch);
    } else if (auto assign = dyn_cast<AssignOp>(op)) {
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
  }
  endOfTime = launches.size();
  return success();
}

/// Calls `visit` with each use of the buffer of `value`, by whatever name.
static void forEachUse(Value value,
                       llvm::function_ref<void(OpOperand &)> visit) {
  for (OpOperand &use : value.getUses()) {
    if (auto reshape = dyn_cast<ReshapeOp>(use.getOwner()))
      forEachUse(reshape.getY(), visit);
    else
      visit(use);
  }
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
      Operation *user = use.getOwner();
      if (user == writer)
        allowed &= llvm::is_contained(
            mayAlias, std::make_pair(use.getOperandNumber(), resultNumber));
      else
        allowed &= isa<LaunchOp>(user) && timeOf[user] < timeOf[writer];
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
  lifetimes.push_back({size.at(plan.maxBatch), first, last});
  sizes.push_back(size);
  return lifetimes.size() - 1;
}

void EntryPlanner::addWorkspaces(LaunchOp launch,
                                 const ScheduledKernel &kernel) {
  int64_t now = timeOf[launch];
  for (Extent size : kernel.workspaceBytes)
    workspaces[launch].push_back(addArenaBuffer(size, now, now));
}

/// Whether the value is in memory that this run changes, or that is not the
/// plan's to hand out.
bool EntryPlanner::isOverwritten(Value root) const {
  auto read = root.getDefiningOp<ReadOp>();
  return read && assignOf.count(read.getParameterAttr().getAttr());
}

bool EntryPlanner::needsOwnOutput(Value root) const {
  return isa<BlockArgument>(root) || root.getDefiningOp<ConstantOp>() ||
         isOverwritten(root);
}

/// Whether a copy to a parameter must wait until all old values are safe.
bool EntryPlanner::isStaged(AssignOp assign) const {
  return isOverwritten(skipReshapes(assign.getValue()));
}

void EntryPlanner::addLifetimes() {
  for (LaunchOp launch : launches) {
    int64_t now = timeOf[launch];
    for (Value result : launch.getResults()) {
      if (inPlace.count(result))
        continue;
      int64_t last = now;
      forEachUse(result, [&](OpOperand &use) {
        auto user = timeOf.find(use.getOwner());
        last = std::max(last, user == timeOf.end() ? endOfTime : user->second);
      });
      arenaValues[result] = addArenaBuffer(sizeOf(result), now, last);
    }
    addWorkspaces(launch, kernelOf(launch));
  }
  for (auto [i, result] : llvm::enumerate(body.getTerminator()->getOperands()))
    if (needsOwnOutput(skipReshapes(result)))
      outputCopies[i] = addArenaBuffer(sizeOf(result), endOfTime, endOfTime);
  for (AssignOp assign : assigns)
    if (isStaged(assign))
      stagedAssigns[assign] =
          addArenaBuffer(sizeOf(assign.getValue()), endOfTime, endOfTime);
}

PlannedBuffer EntryPlanner::arenaBuffer(int64_t lifetime) const {
  return {MemoryRegion::Arena, 0, placement.offsetsBytes[lifetime],
          sizes[lifetime]};
}

PlannedBuffer EntryPlanner::stateBuffer(StringAttr parameter, Value value) {
  auto offset = plan.stateOffsetsBytes.find(parameter);
  if (offset == plan.stateOffsetsBytes.end())
    return noBuffer(value);
  return {MemoryRegion::State, 0, offset->second, sizeOf(value)};
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
    return {MemoryRegion::Input, argument.getArgNumber(), 0, sizeOf(root)};
  if (auto read = root.getDefiningOp<ReadOp>())
    return stateBuffer(read.getParameterAttr().getAttr(), root);
  if (auto constant = root.getDefiningOp<ConstantOp>())
    return {MemoryRegion::Constant, 0,
            constants.place(cast<DenseElementsAttr>(constant.getValue())),
            sizeOf(root)};
  if (auto parameter = inPlace.find(root); parameter != inPlace.end())
    return stateBuffer(parameter->second, root);
  auto lifetime = arenaValues.find(root);
  return lifetime == arenaValues.end() ? noBuffer(root)
                                       : arenaBuffer(lifetime->second);
}

void EntryPlanner::emitLaunch(LaunchOp launch, PlannedEntryPoint &entry) {
  const ScheduledKernel &kernel = kernelOf(launch);
  auto resolve = [&](BufferRef ref) {
    switch (ref.kind) {
    case BufferRef::Operand:
      return bufferOf(launch.getInputs()[ref.index]);
    case BufferRef::Result:
      return bufferOf(launch.getResult(ref.index));
    case BufferRef::Workspace:
      return arenaBuffer(workspaces[launch][ref.index]);
    }
    llvm_unreachable("a buffer is an operand, a result or a workspace");
  };
  for (Phase phase : kernel.phases) {
    auto buffers = llvm::map_to_vector(phase.buffers, resolve);
    if (phase.matmul)
      entry.commands.push_back(PlannedMatmul{
          *phase.matmul, buffers, (launch.getKernel() + ".matmul").str(),
          Extent(), Extent(), launch.getLoc()});
    else
      entry.commands.push_back(
          PlannedLaunch{phase.function.getName().str(), buffers, phase.extent,
                        phase.grain, Extent(), Extent(), launch.getLoc()});
  }
  auto kernelFunction = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(
      launch, launch.getKernelAttr());
  auto count = [&](auto &last) {
    last.flop = countFlop(kernelFunction);
    last.trafficBytes = countTrafficBytes(kernelFunction);
  };
  if (auto *last = std::get_if<PlannedLaunch>(&entry.commands.back()))
    count(*last);
  else
    count(std::get<PlannedMatmul>(entry.commands.back()));
  entry.scratchBytes = std::max(entry.scratchBytes, kernel.scratchBytes);
}

/// The copies after the last launch: first what saves old values, then what
/// overwrites them.
void EntryPlanner::emitEnd(PlannedEntryPoint &entry) {
  for (auto [i, result] :
       llvm::enumerate(body.getTerminator()->getOperands())) {
    auto copy = outputCopies.find(i);
    entry.outputs.push_back(copy == outputCopies.end()
                                ? bufferOf(result)
                                : arenaBuffer(copy->second));
    if (copy != outputCopies.end())
      entry.commands.push_back(
          PlannedCopy{bufferOf(result), entry.outputs.back()});
  }
  for (AssignOp assign : assigns)
    if (auto stage = stagedAssigns.find(assign); stage != stagedAssigns.end())
      entry.commands.push_back(
          PlannedCopy{bufferOf(assign.getValue()), arenaBuffer(stage->second)});
  for (AssignOp assign : assigns) {
    StringAttr parameter = assign.getParameterAttr().getAttr();
    if (inPlace.lookup(skipReshapes(assign.getValue())) == parameter)
      continue;
    auto stage = stagedAssigns.find(assign);
    entry.commands.push_back(
        PlannedCopy{stage == stagedAssigns.end() ? bufferOf(assign.getValue())
                                                 : arenaBuffer(stage->second),
                    stateBuffer(parameter, assign.getValue())});
  }
}

FailureOr<PlannedEntryPoint> EntryPlanner::run() {
  if (failed(collect()))
    return failure();
  for (AssignOp assign : assigns)
    placeInState(assign);
  addLifetimes();
  placement = placeFirstFit(lifetimes, kAlignmentBytes);

  PlannedEntryPoint entry;
  entry.function = function;
  entry.arenaBytes = placement.sizeBytes;
  for (LaunchOp launch : launches)
    emitLaunch(launch, entry);
  emitEnd(entry);
  if (isFaulty)
    return failure();
  return entry;
}

FailureOr<MemoryPlan> nnc::planMemory(ModuleOp module, const Schedule &schedule,
                                      int64_t maxBatch) {
  MemoryPlan plan;
  plan.maxBatch = maxBatch;
  placeState(module, plan);
  ConstantPool constants(plan.constants);
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate())
      continue;
    FailureOr<PlannedEntryPoint> entry =
        EntryPlanner(function, schedule, plan, constants).run();
    if (failed(entry))
      return failure();
    plan.entryPoints.push_back(std::move(*entry));
  }
  return plan;
}

int64_t MemoryPlan::peakBytes() const {
  int64_t largest = 0;
  for (const PlannedEntryPoint &entry : entryPoints)
    largest = std::max(largest, entry.arenaBytes);
  return stateBytes + largest;
}
