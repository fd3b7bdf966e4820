// See JoinLoops.h. The phase is written in the same form as those that it is
// made of, and printed as they are: buffers that follow the step are views.
#include "codegen/cuda/JoinLoops.h"

#include "codegen/cuda/DescribePhases.h"
#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/JoinedPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace nnc;

/// At the largest batch: two a multiprocessor, of which the largest GPUs have
/// about 130.
static constexpr int64_t kMostBlocks = 256;
/// With as many, a thread has 128 registers.
static constexpr int64_t kMostThreads = 512;

static Extent times(Extent size, int64_t count) {
  return {size.constant * count, size.perBatch * count, size.divisor};
}

/// All that a buffer of the loop refers to at one step or another.
static PlannedBuffer wholeOf(const PlannedBuffer &buffer) {
  PlannedBuffer whole = buffer;
  if (buffer.slot)
    whole.sizeBytes = times(buffer.slot->stride, buffer.slot->count);
  whole.slot.reset();
  return whole;
}

static bool isSame(const PlannedBuffer &lhs, const PlannedBuffer &rhs) {
  return lhs.region == rhs.region && lhs.index == rhs.index &&
         lhs.offsetBytes == rhs.offsetBytes;
}

namespace {

struct JoinedLoop {
  const PlannedLoop *loop;
  /// The commands of a step.
  ArrayRef<PlannedCommand> step;
};

class LoopJoiner {
public:
  /// `loops`: those that run at once. `rows`: samples of a block.
  LoopJoiner(ArrayRef<JoinedLoop> loops, int64_t rows, ModuleOp phases)
      : b(loops.front().loop->loc, phases.getContext()), loops(loops),
        rows(rows), phases(phases) {}

  /// The launch of a phase that is added to the module.
  PlannedLaunch run();

private:
  struct Argument {
    PlannedBuffer whole;
    Type element;
    std::string name;
  };

  void collect(const PlannedBuffer &buffer, Type element, StringRef name);
  void collectArguments(const PlannedCommand &command);
  unsigned argumentOf(const PlannedBuffer &buffer, Type element) const;
  void chooseThreads();
  Extent countBlocks() const;
  func::FuncOp createFunction();

  void emitLoops();
  void emitSteps(const JoinedLoop &joined);
  void emitPhase(const PlannedLaunch &launch);
  void emitBlock(func::FuncOp phase, const PlannedLaunch &launch, Value block,
                 Value thread);
  void emitCopy(const PlannedCopy &copy);
  Value viewOf(const PlannedBuffer &buffer, Type element);
  Value elementsOf(Extent bytes, Type element, Value samples);
  Value slotOf(const PlannedSlot &slot);

  PlannedLaunch describe(func::FuncOp function) const;
  void addWork(const PlannedLaunch &part, int64_t count,
               PlannedLaunch &launch) const;
  void forEachCommand(llvm::function_ref<void(const PlannedCommand &)> visit);

  func::FuncOp phaseOf(const PlannedLaunch &launch) const {
    return ModuleOp(phases).lookupSymbol<func::FuncOp>(launch.phase);
  }

  Value named(StringRef name, Value value) {
    value.setLoc(NameLoc::get(b.getStringAttr(name), b.getLoc()));
    return value;
  }
  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value add(Value lhs, Value rhs) {
    return b.createOrFold<arith::AddIOp>(lhs, rhs);
  }
  Value multiply(Value lhs, int64_t rhs) {
    return b.createOrFold<arith::MulIOp>(lhs, constant(rhs));
  }

  ImplicitLocOpBuilder b;
  ArrayRef<JoinedLoop> loops;
  int64_t rows;
  ModuleOp phases;

  SmallVector<Argument> arguments;
  int64_t threads = 0;
  Block *entry = nullptr;
  /// How many steps the loop that is being written has; the block's first
  /// sample and how many it has; the thread; the step.
  int64_t steps = 0;
  Value first, samples, thread, at;
};

} // namespace

//===----------------------------------------------------------------------===//
// What it is called with
//===----------------------------------------------------------------------===//

static Type elementOf(func::FuncOp phase, unsigned argument) {
  return cast<MemRefType>(phase.getArgumentTypes()[argument]).getElementType();
}

unsigned LoopJoiner::argumentOf(const PlannedBuffer &buffer,
                                Type element) const {
  auto *found = llvm::find_if(arguments, [&](const Argument &known) {
    return isSame(known.whole, buffer) && known.element == element;
  });
  return found - arguments.begin();
}

void LoopJoiner::collect(const PlannedBuffer &buffer, Type element,
                         StringRef name) {
  PlannedBuffer whole = wholeOf(buffer);
  unsigned number = argumentOf(whole, element);
  if (number == arguments.size()) {
    arguments.push_back({whole, element, name.str()});
    return;
  }
  // One slot of it is known already, or all of them.
  Extent &size = arguments[number].whole.sizeBytes;
  size.constant = std::max(size.constant, whole.sizeBytes.constant);
  size.perBatch = std::max(size.perBatch, whole.sizeBytes.perBatch);
}

void LoopJoiner::forEachCommand(
    llvm::function_ref<void(const PlannedCommand &)> visit) {
  for (const JoinedLoop &joined : loops)
    llvm::for_each(joined.step, visit);
}

void LoopJoiner::collectArguments(const PlannedCommand &command) {
  if (auto *copy = std::get_if<PlannedCopy>(&command)) {
    collect(copy->from, b.getI8Type(), "from");
    collect(copy->to, b.getI8Type(), "to");
    return;
  }
  const auto &launch = std::get<PlannedLaunch>(command);
  func::FuncOp phase = phaseOf(launch);
  for (auto [i, buffer] : llvm::enumerate(launch.buffers)) {
    auto name = phase.getArgAttrOfType<StringAttr>(i, "nnc.name");
    collect(buffer, elementOf(phase, i), name ? name.getValue() : "x");
  }
}

/// As many as the largest phase of a step has use for; a multiple of each
/// phase's own, which are powers of two.
void LoopJoiner::chooseThreads() {
  threads = 32;
  forEachCommand([&](const PlannedCommand &command) {
    auto *launch = std::get_if<PlannedLaunch>(&command);
    if (!launch)
      return;
    int64_t own = threadsOf(phaseOf(*launch));
    int64_t wanted = own * launch->extent.at(rows);
    while (threads < own || (threads < wanted && threads < kMostThreads))
      threads *= 2;
  });
}

func::FuncOp LoopJoiner::createFunction() {
  std::string stem = loops.size() > 1 ? "loops" : "loop";
  for (const PlannedCommand &command : loops.front().step)
    if (auto *launch = std::get_if<PlannedLaunch>(&command)) {
      stem += "_" + launch->phase;
      break;
    }
  SmallVector<Type> types;
  for (const Argument &argument : arguments)
    types.push_back(MemRefType::get({ShapedType::kDynamic}, argument.element));
  types.push_back(b.getIndexType());
  b.setInsertionPointToEnd(phases.getBody());
  auto function = func::FuncOp::create(b, freeName(phases, stem),
                                       b.getFunctionType(types, {}));
  function->setAttr("nnc.threads", b.getI64IntegerAttr(threads));
  function->setAttr("nnc.blocks", toAttribute(b.getContext(), countBlocks()));
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    Extent size = argument.whole.sizeBytes;
    size.divisor *= bytesOf(argument.element);
    function.setArgAttr(i, "nnc.elements", toAttribute(b.getContext(), size));
    function.setArgAttr(i, "nnc.name", b.getStringAttr(argument.name));
  }
  entry = function.addEntryBlock();
  return function;
}

//===----------------------------------------------------------------------===//
// Its body
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
  for (Operation &op : phase.getBody().front().without_terminator()) {
    Operation *copy = b.clone(op, mapping);
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
  auto blocks = scf::ForOp::create(b, begin, count, constant(atOnce));
  OpBuilder::InsertionGuard guard(b);
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

void LoopJoiner::emitSteps(const JoinedLoop &joined) {
  steps = joined.loop->steps;
  auto loop = scf::ForOp::create(b, constant(0), constant(steps), constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  at = named("step", loop.getInductionVar());
  if (joined.loop->reverse)
    at = named("step", arith::SubIOp::create(b, constant(steps - 1), at));
  for (const PlannedCommand &command : joined.step) {
    if (auto *copy = std::get_if<PlannedCopy>(&command))
      emitCopy(*copy);
    else
      emitPhase(std::get<PlannedLaunch>(command));
    gpu::BarrierOp::create(b);
  }
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

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// At least as many as all loops need: those beyond find no loop of theirs.
Extent LoopJoiner::countBlocks() const {
  int64_t count = loops.size();
  return {(count - 1) * (rows - 1), count, rows};
}

void LoopJoiner::addWork(const PlannedLaunch &part, int64_t count,
                         PlannedLaunch &launch) const {
  launch.flop = plus(launch.flop, times(part.flop, count));
  launch.trafficBytes =
      plus(launch.trafficBytes, times(part.trafficBytes, count));
  for (const PlannedResult &result : part.written) {
    const PlannedBuffer &buffer = part.buffers[result.buffer];
    unsigned number =
        argumentOf(buffer, elementOf(phaseOf(part), result.buffer));
    // Slots in turn have room for the largest batch, and so gaps.
    bool hasGaps = buffer.slot && buffer.sizeBytes.perBatch &&
                   !buffer.slot->stride.perBatch;
    bool isKnown =
        llvm::any_of(launch.written, [&](const PlannedResult &other) {
          return other.buffer == number;
        });
    if (!hasGaps && !isKnown)
      launch.written.push_back({number, result.elementType});
  }
}

PlannedLaunch LoopJoiner::describe(func::FuncOp function) const {
  PlannedLaunch launch{function.getName().str(), {}, countBlocks(), 1, {}, {},
                       loops.front().loop->loc};
  for (const Argument &argument : arguments)
    launch.buffers.push_back(argument.whole);
  for (const JoinedLoop &joined : loops)
    for (const PlannedCommand &command : joined.step)
      if (auto *part = std::get_if<PlannedLaunch>(&command))
        addWork(*part, joined.loop->steps, launch);
  return launch;
}

PlannedLaunch LoopJoiner::run() {
  forEachCommand(
      [&](const PlannedCommand &command) { collectArguments(command); });
  chooseThreads();
  func::FuncOp function = createFunction();
  emitLoops();
  simplifyPhase(function);
  return describe(function);
}

/// The loop at `at` and those beside it.
static SmallVector<JoinedLoop> loopsAt(ArrayRef<PlannedCommand> commands,
                                       size_t at) {
  SmallVector<JoinedLoop> loops;
  while (at < commands.size()) {
    auto *loop = std::get_if<PlannedLoop>(&commands[at]);
    if (!loop || !loop->isJoined || loop->isBeside != !loops.empty())
      break;
    loops.push_back({loop, commands.slice(at + 1, loop->length)});
    at += 1 + loop->length;
  }
  return loops;
}

LogicalResult nnc::joinLoops(Schedule &schedule, MemoryPlan &plan) {
  ModuleOp phases = *schedule.phases;
  int64_t rows = llvm::divideCeil(plan.maxBatch, kMostBlocks);
  std::vector<std::string> joined;
  SmallVector<func::FuncOp> made;
  for (PlannedEntryPoint &entry : plan.entryPoints) {
    std::vector<PlannedCommand> commands;
    for (size_t at = 0; at < entry.commands.size();) {
      SmallVector<JoinedLoop> loops = loopsAt(entry.commands, at);
      if (loops.empty()) {
        commands.push_back(entry.commands[at++]);
        continue;
      }
      PlannedLaunch launch = LoopJoiner(loops, rows, phases).run();
      shareEqual(launch, made, phases);
      auto function = phases.lookupSymbol<func::FuncOp>(launch.phase);
      schedule.phaseInfos[launch.phase] = {"loop", threadsOf(function), ""};
      commands.push_back(std::move(launch));
      for (const JoinedLoop &loop : loops) {
        for (const PlannedCommand &command : loop.step)
          if (auto *part = std::get_if<PlannedLaunch>(&command))
            joined.push_back(part->phase);
        at += 1 + loop.step.size();
      }
    }
    entry.commands = std::move(commands);
  }
  eraseUnused(plan, joined, phases);
  return verify(phases);
}
