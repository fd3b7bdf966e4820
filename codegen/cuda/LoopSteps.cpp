// What a phase that runs all steps of a loop does: the phases of a step one
// after another, and what blocks and threads keep from step to step.
#include "codegen/cuda/ElementsScheduler.h"
#include "codegen/cuda/JoinedPhases.h"
#include "codegen/cuda/KeepWeights.h"
#include "codegen/cuda/LoopJoiner.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

/// Of a copy to shared memory that goes on beside its thread.
static constexpr int64_t kCopiedBytes = 16;
/// A unit attribute of the loop over steps while the phase is written.
static constexpr llvm::StringLiteral kStepsAttr = "nnc.steps";

//===----------------------------------------------------------------------===//
// The phases of a step
//===----------------------------------------------------------------------===//

/// A size in bytes, which is of whole elements, as so many of them.
Value LoopJoiner::elementsOf(Extent bytes, Type element, Value batch) {
  int64_t each = bytesOf(element);
  Value count = constant(bytes.constant / each);
  if (bytes.perBatch)
    count = add(multiply(batch, bytes.perBatch / each), count);
  return count;
}

/// The number of the step's slot.
Value LoopJoiner::slotOf(const PlannedSlot &slot) {
  Value number =
      slot.moves ? add(at, constant(slot.first)) : constant(slot.first);
  // Slots in turn come round again; all others are as many as the steps need.
  if (slot.moves && slot.first + steps > slot.count)
    number = b.createOrFold<arith::RemUIOp>(number, constant(slot.count));
  return number;
}

/// The block's samples in the slot of the step, or all where there are none.
Value LoopJoiner::viewOf(const PlannedBuffer &buffer, Type element) {
  Value whole = entry->getArgument(argumentOf(buffer, element));
  Value begin = constant(0);
  if (buffer.slot) {
    Value batch = entry->getArguments().back();
    Value stride = elementsOf(buffer.slot->stride, element, batch);
    begin = b.createOrFold<arith::MulIOp>(slotOf(*buffer.slot), stride);
  }
  if (buffer.sizeBytes.perBatch)
    begin = add(begin,
                multiply(first, buffer.sizeBytes.perBatch / bytesOf(element)));
  if (matchPattern(begin, m_Zero()))
    return whole;
  Value size = elementsOf(buffer.sizeBytes, element, samples);
  auto layout =
      StridedLayoutAttr::get(b.getContext(), ShapedType::kDynamic, {1});
  auto type = MemRefType::get({ShapedType::kDynamic}, element, layout);
  return memref::ReinterpretCastOp::create(
      b, type, whole, OpFoldResult(begin), ArrayRef<OpFoldResult>{size},
      ArrayRef<OpFoldResult>{b.getIndexAttr(1)});
}

/// The body of a phase, as that thread of that block.
void LoopJoiner::emitBlock(func::FuncOp phase, const PlannedLaunch &launch,
                           Value block, Value thread) {
  IRMapping mapping;
  for (auto [i, buffer] : llvm::enumerate(launch.buffers))
    mapping.map(phase.getArgument(i), viewOf(buffer, elementOf(phase, i)));
  mapping.map(phase.getArguments().back(), samples);
  SmallVector<KeptView> views = findKeptViews(launch, phase, mapping);
  SmallVector<Operation *> copies;
  for (Operation &op : phase.getBody().front().without_terminator()) {
    Operation *copy = copies.emplace_back(b.clone(op, mapping));
    copy->walk([&](Operation *inner) {
      if (isa<gpu::BlockIdOp>(inner))
        inner->getResult(0).replaceAllUsesWith(block);
      else if (isa<gpu::ThreadIdOp>(inner))
        inner->getResult(0).replaceAllUsesWith(thread);
    });
    if (isa<gpu::BlockIdOp>(op))
      mapping.map(op.getResult(0), block);
    else if (isa<gpu::ThreadIdOp>(op))
      mapping.map(op.getResult(0), thread);
  }
  passThroughKept(views, copies);
}

/// All of the phase's blocks for the samples, several side by side.
void LoopJoiner::emitPhase(const PlannedLaunch &launch) {
  func::FuncOp phase = phaseOf(launch);
  int64_t own = threadsOf(phase), atOnce = threads / own;
  Extent extent = launch.extent;
  if (extent.at(rows) <= 1 && atOnce == 1)
    return emitBlock(phase, launch, constant(0), thread);
  Value count = add(multiply(samples, extent.perBatch),
                    constant(extent.constant + extent.divisor - 1));
  count = b.createOrFold<arith::DivUIOp>(count, constant(extent.divisor));
  Value begin = b.createOrFold<arith::DivUIOp>(thread, constant(own));
  Value inBlock = b.createOrFold<arith::RemUIOp>(thread, constant(own));
  OpBuilder::InsertionGuard guard(b);
  if (extent.at(rows) <= atOnce) {
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, begin, count);
    auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
    return emitBlock(phase, launch, begin, inBlock);
  }
  auto blocks = scf::ForOp::create(b, begin, count, constant(atOnce));
  b.setInsertionPointToStart(blocks.getBody());
  emitBlock(phase, launch, blocks.getInductionVar(), inBlock);
}

/// Of bytes, a thread each.
void LoopJoiner::emitCopy(const PlannedCopy &copy) {
  Value from = viewOf(copy.from, b.getI8Type());
  Value to = viewOf(copy.to, b.getI8Type());
  Value count = elementsOf(copy.to.sizeBytes, b.getI8Type(), samples);
  auto bytes = scf::ForOp::create(b, thread, count, constant(threads));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(bytes.getBody());
  Value number = bytes.getInductionVar();
  Value value = memref::LoadOp::create(b, from, number);
  memref::StoreOp::create(b, value, to, number);
}

/// Where in shared memory the slot of the step begins.
Value LoopJoiner::slotOfKept(const KeptBuffer &kept,
                             const PlannedBuffer &buffer) {
  if (kept.slots == 1)
    return constant(0);
  Value number = add(at, constant(buffer.slot->first));
  return multiply(b.createOrFold<arith::RemUIOp>(number, constant(kept.slots)),
                  kept.perSample * rows);
}

/// Where what a phase of the launch has at `mapping` is kept.
SmallVector<LoopJoiner::KeptView>
LoopJoiner::findKeptViews(const PlannedLaunch &launch, func::FuncOp phase,
                          const IRMapping &mapping) {
  SmallVector<KeptView> views;
  for (auto [i, buffer] : llvm::enumerate(launch.buffers))
    for (auto &[known, memory] : kept)
      if (known.element == elementOf(phase, i) &&
          isSameMemory(known.buffer, buffer))
        views.push_back({mapping.lookup(phase.getArgument(i)), memory,
                         slotOfKept(known, buffer)});
  return views;
}

/// Has what would be read through the views come from shared memory, and what
/// is written go there too.
void LoopJoiner::passThroughKept(ArrayRef<KeptView> views,
                                 ArrayRef<Operation *> ops) {
  SmallVector<std::pair<Operation *, KeptView>> found;
  auto collect = [&](Operation *op, Value memory) {
    for (const KeptView &known : views)
      if (known.view == memory)
        return found.push_back({op, known});
  };
  for (Operation *op : ops)
    op->walk([&](Operation *inner) {
      if (auto load = dyn_cast<memref::LoadOp>(inner))
        collect(load, load.getMemRef());
      else if (auto store = dyn_cast<memref::StoreOp>(inner))
        collect(store, store.getMemRef());
    });
  OpBuilder::InsertionGuard guard(b);
  for (auto &[op, known] : found) {
    b.setInsertionPoint(op);
    if (auto store = dyn_cast<memref::StoreOp>(op)) {
      Value place = add(known.begin, store.getIndices().front());
      memref::StoreOp::create(b, store.getValue(), known.memory, place);
      continue;
    }
    Value place =
        add(known.begin, cast<memref::LoadOp>(op).getIndices().front());
    op->replaceAllUsesWith(memref::LoadOp::create(b, known.memory, place));
    op->erase();
  }
}

/// Elements of the block's samples, each `atOnce` of them a thread's: without a
/// loop where there are threads enough.
void LoopJoiner::forEach(int64_t perSample, int64_t atOnce,
                         llvm::function_ref<void(Value)> emitElement) {
  Value count = multiply(samples, perSample), own = multiply(thread, atOnce);
  OpBuilder::InsertionGuard guard(b);
  if (perSample * rows <= threads * atOnce) {
    Value exists =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, own, count);
    auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
    b.setInsertionPointToStart(branch.thenBlock());
    return emitElement(own);
  }
  auto loop = scf::ForOp::create(b, own, count, constant(threads * atOnce));
  loop->setAttr("nnc.unroll", b.getI64IntegerAttr(1));
  b.setInsertionPointToStart(loop.getBody());
  emitElement(loop.getInductionVar());
}

/// Puts it to where the loop begins.
void LoopJoiner::emitFirst(const FirstValue &value) {
  Value from = viewOf(value.copy.from, value.element);
  Value to = viewOf(value.copy.to, value.element);
  int64_t perSample = value.copy.to.sizeBytes.perBatch / bytesOf(value.element);
  forEach(perSample, 1, [&](Value number) {
    Value element = memref::LoadOp::create(b, from, number);
    memref::StoreOp::create(b, element, to, number);
  });
}

/// Whether the first step finds this in the buffer.
bool LoopJoiner::isFilledBy(const KeptBuffer &buffer, const FirstValue &value) {
  auto slotOf = [&](const PlannedBuffer &place) {
    if (!place.slot)
      return int64_t(0);
    int64_t step = place.slot->moves ? firstStep : 0;
    return (place.slot->first + step) % place.slot->count;
  };
  return buffer.filledFrom && value.element == buffer.element &&
         isSameMemory(*buffer.filledFrom, value.copy.to) &&
         slotOf(*buffer.filledFrom) == slotOf(value.copy.to);
}

/// What the first step finds: what is there, or what is `given` to it.
void LoopJoiner::fill(const KeptBuffer &buffer, Value memory,
                      const FirstValue *given) {
  Value to = viewOf(*buffer.filledFrom, buffer.element);
  Value from = given ? viewOf(given->copy.from, buffer.element) : to;
  Value begin = slotOfKept(buffer, *buffer.filledFrom);
  forEach(buffer.perSample, 1, [&](Value number) {
    Value value = memref::LoadOp::create(b, from, number);
    if (given)
      memref::StoreOp::create(b, value, to, number);
    memref::StoreOp::create(b, value, memory, add(begin, number));
  });
}

/// Memory for what the block keeps in the loop, with what the first step finds.
void LoopJoiner::keepBuffers(const JoinedLoop &joined) {
  kept.clear();
  firstStep = joined.loop->reverse ? steps - 1 : 0;
  at = constant(firstStep);
  auto space =
      gpu::AddressSpaceAttr::get(b.getContext(), gpu::AddressSpace::Workgroup);
  for (KeptBuffer &buffer :
       findKeptBuffers(*joined.loop, joined.step, rows, phases, keptBytes)) {
    auto type =
        MemRefType::get({buffer.perSample * rows * buffer.slots},
                        buffer.element, MemRefLayoutAttrInterface(), space);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(entry);
    kept.push_back({buffer, memref::AllocaOp::create(b, type)});
  }
  bool isFilled = !joined.before.empty();
  for (const FirstValue &value : joined.before)
    if (llvm::none_of(kept, [&](const auto &known) {
          return isFilledBy(known.first, value);
        }))
      emitFirst(value);
  for (auto &[buffer, memory] : kept) {
    if (!buffer.filledFrom)
      continue;
    auto *given = llvm::find_if(joined.before,
                                [&, &buffer = buffer](const FirstValue &value) {
                                  return isFilledBy(buffer, value);
                                });
    fill(buffer, memory, given == joined.before.end() ? nullptr : given);
    isFilled = true;
  }
  if (isFilled)
    gpu::BarrierOp::create(b);
}

void LoopJoiner::keepAllWeights(func::FuncOp function) {
  SmallVector<scf::ForOp> found;
  function.walk([&](scf::ForOp loop) {
    if (loop->removeAttr(kStepsAttr))
      found.push_back(loop);
  });
  for (scf::ForOp loop : found)
    keepWeights(function, loop, kTermsKept);
}

/// Begins to copy what the next step will read, if there is one.
void LoopJoiner::fetchNext(const JoinedLoop &joined, Value number) {
  bool isReverse = joined.loop->reverse;
  Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number,
                                       constant(steps - 1));
  auto branch = scf::IfOp::create(b, exists, /*withElseRegion=*/false);
  auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
  Value now = at;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    at = isReverse ? Value(arith::SubIOp::create(b, at, constant(1)))
                   : add(at, constant(1));
    for (auto &[buffer, memory] : kept) {
      if (!buffer.isAhead)
        continue;
      Value view = viewOf(*buffer.filledFrom, buffer.element);
      Value begin = slotOfKept(buffer, *buffer.filledFrom);
      int64_t atOnce = kCopiedBytes / bytesOf(buffer.element);
      forEach(buffer.perSample, atOnce, [&, memory = memory](Value element) {
        nvgpu::DeviceAsyncCopyOp::create(
            b, token, memory, ValueRange(add(begin, element)), view,
            ValueRange(element), b.getIndexAttr(atOnce),
            /*srcElements=*/Value(), /*bypassL1=*/b.getUnitAttr());
      });
    }
  }
  at = now;
}

/// The phases of a step, with a barrier before one that needs what others have
/// done since the last.
void LoopJoiner::emitCommands(ArrayRef<PlannedCommand> commands) {
  SmallVector<BufferAccess, 0> open;
  for (const PlannedCommand &command : commands) {
    SmallVector<BufferAccess, 0> own = accessesOf(command, phases);
    if (haveConflict(open, own)) {
      gpu::BarrierOp::create(b);
      open.clear();
    }
    if (auto *copy = std::get_if<PlannedCopy>(&command))
      emitCopy(*copy);
    else
      emitPhase(std::get<PlannedLaunch>(command));
    llvm::append_range(open, own);
  }
}

void LoopJoiner::emitSteps(const JoinedLoop &joined) {
  steps = joined.loop->steps;
  keepBuffers(joined);
  auto loop = scf::ForOp::create(b, constant(0), constant(steps), constant(1));
  loop->setAttr(kStepsAttr, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at = named("step", loop.getInductionVar());
  if (joined.loop->reverse)
    at = named("step", arith::SubIOp::create(b, constant(steps - 1), at));
  bool isAhead =
      llvm::any_of(kept, [](const auto &known) { return known.first.isAhead; });
  Value group;
  if (isAhead) {
    fetchNext(joined, loop.getInductionVar());
    auto token = nvgpu::DeviceAsyncTokenType::get(b.getContext());
    group = nvgpu::DeviceAsyncCreateGroupOp::create(b, token, ValueRange());
  }
  emitCommands(joined.step);
  if (isAhead)
    nvgpu::DeviceAsyncWaitOp::create(b, group, b.getI32IntegerAttr(0));
  gpu::BarrierOp::create(b);
}

/// The first blocks run the first loop, the next the second.
void LoopJoiner::emitLoops() {
  b.setInsertionPointToStart(entry);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x), number;
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value batch = entry->getArguments().back();
  if (loops.size() > 1) {
    Value blocks = b.createOrFold<arith::DivUIOp>(
        add(batch, constant(rows - 1)), constant(rows));
    number = named("loop", arith::DivUIOp::create(b, block, blocks));
    block = arith::RemUIOp::create(b, block, blocks);
  }
  first = named("first", multiply(block, rows));
  Value left = arith::SubIOp::create(b, batch, first);
  samples = named("count", arith::MinUIOp::create(b, left, constant(rows)));
  for (auto [i, joined] : llvm::enumerate(loops)) {
    OpBuilder::InsertionGuard guard(b);
    b.setLoc(joined.loop->loc);
    if (number) {
      Value isThis = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, number,
                                           constant(i));
      auto branch = scf::IfOp::create(b, isThis, /*withElseRegion=*/false);
      b.setInsertionPointToStart(branch.thenBlock());
    }
    emitSteps(joined);
  }
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b);
}
