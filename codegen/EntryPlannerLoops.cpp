// Loops of an entry point: the buffers that steps hand on and share, and the
// commands around and in them.
#include "codegen/EntryPlanner.h"

#include "codegen/KernelForms.h"
#include "codegen/Reference.h"
#include "runtime/abi.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

using Form = LoopPlan::Form;

static Extent sizeOf(Value value) {
  return sizeBytes(cast<RankedTensorType>(value.getType()));
}

/// Sizes of tensors have no divisor.
static Extent times(Extent size, int64_t count) {
  return {size.constant * count, size.perBatch * count, 1};
}

static bool isSame(Extent lhs, Extent rhs) {
  return lhs.constant == rhs.constant && lhs.perBatch == rhs.perBatch;
}

//===----------------------------------------------------------------------===//
// Which slot
//===----------------------------------------------------------------------===//

// By the number s of a step, a carried value is read in slot s and its next one
// written in slot s + 1; the other way round where steps fall.

static int64_t readSlot(ScanOp scan) { return scan.getReverse() ? 1 : 0; }
static int64_t writtenSlot(ScanOp scan) { return 1 - readSlot(scan); }

static int64_t numSlots(ScanOp scan, Form form) {
  return form == Form::Each ? scan.getSteps() + 1 : 2;
}

/// Where the first step reads what is carried into it.
static int64_t firstSlot(ScanOp scan, Form form) {
  return scan.getReverse() ? scan.getSteps() % numSlots(scan, form) : 0;
}

/// Where the last step leaves what it carries on.
static int64_t lastSlot(ScanOp scan, Form form) {
  return scan.getReverse() ? 0 : scan.getSteps() % numSlots(scan, form);
}

/// The part of `whole` that is in that slot. What is always in the same is an
/// offset, if that is the same for every batch.
static PlannedBuffer inSlot(PlannedBuffer whole, Extent size,
                            PlannedSlot slot) {
  whole.sizeBytes = size;
  int64_t offset = slot.first * slot.stride.constant;
  if (!slot.moves && (slot.first == 0 || slot.stride.perBatch == 0) &&
      offset % NNC_ALIGNMENT_BYTES == 0)
    whole.offsetBytes += offset;
  else
    whole.slot = slot;
  return whole;
}

//===----------------------------------------------------------------------===//
// What is there
//===----------------------------------------------------------------------===//

LogicalResult EntryPlanner::collectScan(ScanOp scan) {
  auto &planned = *(scans[scan] = std::make_unique<PlannedScan>(scan));
  planned.begin = endOfTime++;
  for (Operation &op : scan.getBody().front().without_terminator()) {
    if (isa<ScanOp>(op))
      return OpSite(op.getLoc(), "scan").error()
             << "is a loop in the step of another, of which a plan has none";
    if (auto launch = dyn_cast<LaunchOp>(op)) {
      if (failed(collectLaunch(launch)))
        return failure();
      planned.launches.push_back(launch);
    } else if (!isa<ReshapeOp, ConstantOp>(op)) {
      return op.emitOpError("is not part of any kernel");
    }
  }
  planned.end = endOfTime++;
  timeOf[scan.getYield()] = planned.end;
  planned.plan = planLoop(scan, schedule, plan.maxBatch);
  if (lastScan && scan->hasAttr(kBesideAttr) && planned.plan.isJoined &&
      lastScan->plan.isJoined)
    putBeside(*lastScan, planned);
  else
    lastScan = &planned;
  return success();
}

/// Has `scan` run together with `first`, and all that do already: from the
/// begin of the first to the end of the last.
void EntryPlanner::putBeside(PlannedScan &first, PlannedScan &scan) {
  first.beside.push_back(&scan);
  scan.isBeside = true;
  scan.begin = first.begin;
  first.end = scan.end;
  timeOf[first.scan.getYield()] = scan.end;
  for (PlannedScan *other : first.beside) {
    other->end = scan.end;
    timeOf[other->scan.getYield()] = scan.end;
  }
}

PlannedScan *EntryPlanner::scanAround(Value value) {
  auto found = scans.find(value.getParentBlock()->getParentOp());
  return found == scans.end() ? nullptr : found->second.get();
}

//===----------------------------------------------------------------------===//
// Where it lies
//===----------------------------------------------------------------------===//

void EntryPlanner::addLifetimes(PlannedScan &scan) {
  addCarried(scan);
  addKept(scan);
  addOperandCopies(scan);
  for (LaunchOp launch : scan.launches)
    addStepBuffers(scan, launch);
  placeThreads(scan);
}

void EntryPlanner::addCarried(PlannedScan &scan) {
  for (auto [i, form] : llvm::enumerate(scan.plan.carried)) {
    Extent size = sizeOf(scan.scan.getCarried()[i]);
    if (form == Form::Each)
      size = times(size, scan.scan.getSteps() + 1);
    else if (form == Form::InTurn)
      size = {2 * int64_t(llvm::alignTo(size.at(plan.maxBatch),
                                        NNC_ALIGNMENT_BYTES)),
              0, 1};
    int64_t last = lastUse(scan.scan.getLast()[i], scan.end);
    for (auto [kept, result] :
         llvm::zip_equal(scan.plan.kept, scan.scan.getStacked()))
      if (kept.carried == i)
        last = std::max(last, lastUse(result, scan.end));
    scan.carried.push_back(addArenaBuffer(size, scan.begin, last));
  }
}

void EntryPlanner::addKept(PlannedScan &scan) {
  SmallVector<int64_t> last;
  for (Value result : scan.scan.getStacked())
    last.push_back(lastUse(result, scan.end));
  for (auto [i, kept] : llvm::enumerate(scan.plan.kept))
    if (kept.sameAs)
      last[*kept.sameAs] = std::max(last[*kept.sameAs], last[i]);
  for (auto [i, kept] : llvm::enumerate(scan.plan.kept)) {
    bool hasOwn = !kept.carried && !kept.sameAs;
    scan.kept.push_back(
        hasOwn ? std::optional(addArenaBuffer(sizeOf(scan.scan.getStacked()[i]),
                                              scan.begin, last[i]))
               : std::nullopt);
  }
}

/// Whether `operand` is seen through slots that are another distance apart: its
/// slices would be in slots of slots.
bool EntryPlanner::hasOtherSlots(Value operand, Extent stride) {
  auto result = dyn_cast<OpResult>(skipReshapes(operand));
  auto found = result ? scans.find(result.getOwner()) : scans.end();
  if (found == scans.end() || !hasSlot(result, *found->second))
    return false;
  ScanOp scan = found->second->scan;
  unsigned numCarried = scan.getCarried().size();
  Value slot = result.getResultNumber() < numCarried
                   ? scan.getNext()[result.getResultNumber()]
                   : scan.getKept()[result.getResultNumber() - numCarried];
  return !isSame(sizeOf(slot), stride);
}

void EntryPlanner::addOperandCopies(PlannedScan &scan) {
  for (auto [operand, slice] :
       llvm::zip_equal(scan.scan.getOver(), scan.scan.getSlices())) {
    std::optional<int64_t> whole;
    std::optional<Number> part;
    if (hasOtherSlots(operand, sizeOf(slice)))
      whole = addArenaBuffer(sizeOf(operand), scan.begin, scan.end);
    if (!scan.plan.isJoined && !mayLieInSlots(slice.getType(), schedule.loops))
      part = addStepBuffer(scan, sizeOf(slice), scan.begin, scan.end);
    scan.wholeCopies.push_back(whole);
    scan.sliceCopies.push_back(part);
  }
}

/// A buffer of one step. Threads with samples of their own are in different
/// steps at one time: each has its own. So are blocks, which have the part of
/// their samples: no other may take its place in between.
BufferNumber EntryPlanner::addStepBuffer(PlannedScan &scan, Extent size,
                                         int64_t first, int64_t last) {
  if (scan.plan.isJoined)
    return {addArenaBuffer(size, scan.begin, scan.end)};
  if (scan.plan.rows == 0)
    return {addArenaBuffer(size, first, last)};
  return {scan.thread.add(size, size.at(scan.plan.rows), first, last),
          /*isThreads=*/true};
}

/// Whether phases before the loop write a workspace.
bool EntryPlanner::isFilledBefore(PlannedScan &scan, LaunchOp launch,
                                  unsigned workspace) {
  for (auto [number, phase] : llvm::enumerate(kernelOf(launch).phases))
    if (scan.plan.isHoisted(launch, number))
      for (BufferRef buffer : phase.buffers)
        if (buffer.kind == BufferRef::Workspace && buffer.index == workspace)
          return true;
  return false;
}

void EntryPlanner::addStepBuffers(PlannedScan &scan, LaunchOp launch) {
  int64_t now = timeOf[launch];
  for (Value result : launch.getResults()) {
    if (scan.plan.places.count(result))
      continue;
    numbers[result] =
        scan.plan.invariant.contains(result)
            ? Number{addArenaBuffer(sizeOf(result), scan.begin, scan.end)}
            : addStepBuffer(scan, sizeOf(result), now, lastUse(result, now));
  }
  for (auto [i, size] : llvm::enumerate(kernelOf(launch).workspaceBytes))
    workspaces[launch].push_back(
        isFilledBefore(scan, launch, i)
            ? Number{addArenaBuffer(size, scan.begin, scan.end)}
            : addStepBuffer(scan, size, now, now));
}

void EntryPlanner::placeThreads(PlannedScan &scan) {
  ArenaPlan &thread = scan.thread;
  thread.placement = placeFirstFit(thread.lifetimes, NNC_ALIGNMENT_BYTES);
  for (LaunchOp launch : scan.launches)
    thread.startBytes =
        std::max(thread.startBytes, kernelOf(launch).scratchBytes);
  thread.startBytes = llvm::alignTo(thread.startBytes, NNC_ALIGNMENT_BYTES);
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

PlannedBuffer EntryPlanner::bufferOf(PlannedScan &scan, Number number) {
  return (number.isThreads ? scan.thread : arena).buffer(number.number);
}

PlannedBuffer EntryPlanner::carriedBuffer(PlannedScan &scan, unsigned index,
                                          int64_t first, bool moves) {
  Form form = scan.plan.carried[index];
  Extent size = sizeOf(scan.scan.getCarried()[index]);
  PlannedBuffer whole = arena.buffer(scan.carried[index]);
  if (form == Form::InPlace)
    return whole;
  Extent stride =
      form == Form::Each ? size : Extent{whole.sizeBytes.constant / 2, 0, 1};
  return inSlot(whole, size, {first, numSlots(scan.scan, form), stride, moves});
}

PlannedBuffer EntryPlanner::writtenPlace(PlannedScan &scan,
                                         LoopPlan::Place place) {
  if (place.isCarried)
    return carriedBuffer(scan, place.index, writtenSlot(scan.scan),
                         /*moves=*/true);
  Extent slot = sizeOf(scan.scan.getKept()[place.index]);
  return inSlot(arena.buffer(*scan.kept[place.index]), slot,
                {0, int64_t(scan.scan.getSteps()), slot, /*moves=*/true});
}

/// The slice of a step, where the tensor lies.
PlannedBuffer EntryPlanner::partOf(PlannedScan &scan, unsigned index) {
  Value operand = scan.scan.getOver()[index];
  Extent slice = sizeOf(scan.scan.getSlices()[index]);
  PlannedBuffer whole = scan.wholeCopies[index]
                            ? arena.buffer(*scan.wholeCopies[index])
                            : bufferOf(operand);
  PlannedSlot slot = whole.slot.value_or(
      PlannedSlot{0, int64_t(scan.scan.getSteps()), slice, false});
  slot.moves = true;
  return inSlot(whole, slice, slot);
}

PlannedBuffer EntryPlanner::sliceOf(PlannedScan &scan, unsigned index) {
  return scan.sliceCopies[index] ? bufferOf(scan, *scan.sliceCopies[index])
                                 : partOf(scan, index);
}

PlannedBuffer EntryPlanner::bufferOf(BlockArgument argument) {
  PlannedScan *scan = scanAround(argument);
  unsigned number = argument.getArgNumber();
  if (!scan)
    return {MemoryRegion::Input, number, 0, sizeOf(argument), std::nullopt};
  unsigned numCarried = scan->scan.getCarried().size();
  if (number < numCarried)
    return carriedBuffer(*scan, number, readSlot(scan->scan), /*moves=*/true);
  if (number < numCarried + scan->scan.getOver().size())
    return sliceOf(*scan, number - numCarried);
  return bufferOf(scan->scan->getOperand(number));
}

/// Of the slots of a carried value, that with which a result begins; none where
/// the result has a buffer of its own.
static std::optional<int64_t> slotOfResult(OpResult result, PlannedScan &scan) {
  unsigned number = result.getResultNumber();
  if (number < scan.plan.carried.size())
    return lastSlot(scan.scan, scan.plan.carried[number]);
  const LoopPlan::Kept &kept =
      scan.plan.kept[number - scan.plan.carried.size()];
  if (!kept.carried)
    return std::nullopt;
  return kept.isBefore ? readSlot(scan.scan) : writtenSlot(scan.scan);
}

/// Whether the address of a result follows the batch.
bool EntryPlanner::hasSlot(OpResult result, PlannedScan &scan) {
  std::optional<int64_t> first = slotOfResult(result, scan);
  unsigned number = result.getResultNumber(),
           numCarried = scan.plan.carried.size();
  unsigned carried =
      number < numCarried
          ? number
          : scan.plan.kept[number - numCarried].carried.value_or(numCarried);
  if (!first || scan.plan.carried[carried] != Form::Each)
    return false;
  Extent stride = sizeOf(scan.scan.getCarried()[carried]);
  return *first != 0 && (stride.perBatch != 0 ||
                         *first * stride.constant % NNC_ALIGNMENT_BYTES != 0);
}

PlannedBuffer EntryPlanner::bufferOf(OpResult result, PlannedScan &scan) {
  unsigned number = result.getResultNumber();
  std::optional<int64_t> first = slotOfResult(result, scan);
  unsigned numCarried = scan.plan.carried.size();
  if (number < numCarried)
    return carriedBuffer(scan, number, *first, /*moves=*/false);
  const LoopPlan::Kept &kept = scan.plan.kept[number - numCarried];
  if (!first)
    return arena.buffer(*scan.kept[kept.sameAs.value_or(number - numCarried)]);
  PlannedBuffer buffer =
      carriedBuffer(scan, *kept.carried, *first, /*moves=*/false);
  buffer.sizeBytes = sizeOf(result);
  return buffer;
}

//===----------------------------------------------------------------------===//
// Commands
//===----------------------------------------------------------------------===//

void EntryPlanner::emitScan(PlannedScan &scan, PlannedEntryPoint &entry) {
  if (scan.isBeside)
    return;
  emitBeforeLoop(scan, entry);
  for (PlannedScan *other : scan.beside)
    emitBeforeLoop(*other, entry);
  emitLoop(scan, entry);
  for (PlannedScan *other : scan.beside)
    emitLoop(*other, entry);
}

void EntryPlanner::emitBeforeLoop(PlannedScan &scan, PlannedEntryPoint &entry) {
  for (auto [i, form] : llvm::enumerate(scan.plan.carried))
    entry.commands.push_back(
        PlannedCopy{bufferOf(scan.scan.getCarried()[i]),
                    carriedBuffer(scan, i, firstSlot(scan.scan, form),
                                  /*moves=*/false)});
  for (auto [i, whole] : llvm::enumerate(scan.wholeCopies))
    if (whole)
      entry.commands.push_back(
          PlannedCopy{bufferOf(scan.scan.getOver()[i]), arena.buffer(*whole)});
  for (LaunchOp launch : scan.launches)
    emitPhases(launch, entry, [&](unsigned phase) {
      return scan.plan.isHoisted(launch, phase);
    });
}

void EntryPlanner::emitLoop(PlannedScan &scan, PlannedEntryPoint &entry) {
  size_t loop = entry.commands.size();
  entry.commands.push_back(
      PlannedLoop{int64_t(scan.scan.getSteps()), /*length=*/0,
                  scan.scan.getReverse(), scan.plan.rows, scan.plan.grain,
                  scan.scan.getLoc(), scan.plan.isJoined, scan.isBeside});
  emitStep(scan, entry);
  if (size_t length = entry.commands.size() - loop - 1)
    std::get<PlannedLoop>(entry.commands[loop]).length = length;
  else
    entry.commands.pop_back();
  entry.scratchBytes =
      std::max(entry.scratchBytes,
               scan.thread.startBytes + scan.thread.placement.sizeBytes);
}

void EntryPlanner::emitStep(PlannedScan &scan, PlannedEntryPoint &entry) {
  for (auto [i, slice] : llvm::enumerate(scan.sliceCopies))
    if (slice)
      entry.commands.push_back(
          PlannedCopy{partOf(scan, i), bufferOf(scan, *slice)});
  for (LaunchOp launch : scan.launches)
    emitPhases(launch, entry, [&](unsigned phase) {
      return !scan.plan.isHoisted(launch, phase);
    });
  for (auto [value, place] : scan.plan.copies)
    entry.commands.push_back(
        PlannedCopy{bufferOf(value), writtenPlace(scan, place)});
}
