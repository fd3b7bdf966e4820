// See JoinLoops.h. The phase is written in the same form as those that it is
// made of, and printed as they are: buffers that follow the step are views.
#include "codegen/cuda/JoinLoops.h"

#include "codegen/cuda/DescribePhases.h"
#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/JoinedPhases.h"
#include "codegen/cuda/LoopJoiner.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace nnc;

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

//===----------------------------------------------------------------------===//
// What it is called with
//===----------------------------------------------------------------------===//

unsigned LoopJoiner::argumentOf(const PlannedBuffer &buffer,
                                Type element) const {
  auto *found = llvm::find_if(arguments, [&](const Argument &known) {
    return isSameMemory(known.whole, buffer) && known.element == element;
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
  // One slot of it is known already, or all of them: what is the larger at no
  // samples and at the most is so between.
  Extent &size = arguments[number].whole.sizeBytes;
  const Extent &other = whole.sizeBytes;
  auto covers = [&](const Extent &lhs, const Extent &rhs) {
    return lhs.constant >= rhs.constant && lhs.at(maxBatch) >= rhs.at(maxBatch);
  };
  if (covers(other, size))
    size = other;
  else if (!covers(size, other))
    size = {std::max(size.constant, other.constant),
            std::max(size.perBatch, other.perBatch), 1};
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
  for (const JoinedLoop &joined : loops)
    for (const FirstValue &value : joined.before) {
      collect(value.copy.from, value.element, "from");
      collect(value.copy.to, value.element, "to");
    }
  chooseThreads();
  func::FuncOp function = createFunction();
  emitLoops();
  simplifyPhase(function);
  dropRows(function);
  keepAllWeights(function);
  simplifyPhase(function);
  return describe(function);
}

/// Whether they share bytes, at one step or another.
static bool overlap(const PlannedBuffer &lhs, const PlannedBuffer &rhs,
                    int64_t batch) {
  auto endOf = [&](const PlannedBuffer &buffer) {
    int64_t size = wholeOf(buffer).sizeBytes.at(batch);
    int64_t one = buffer.sizeBytes.at(batch);
    return buffer.offsetBytes + std::max(size, one);
  };
  return lhs.region == rhs.region && lhs.index == rhs.index &&
         lhs.offsetBytes < endOf(rhs) && rhs.offsetBytes < endOf(lhs);
}

static SmallVector<PlannedBuffer, 0> buffersOf(const PlannedCommand &command) {
  if (auto *copy = std::get_if<PlannedCopy>(&command))
    return {copy->from, copy->to};
  auto buffers = ArrayRef(std::get<PlannedLaunch>(command).buffers);
  return {buffers.begin(), buffers.end()};
}

/// Whether a copy or launch has to do with any of the bytes of a buffer.
static bool touches(const PlannedCommand &command, const PlannedBuffer &buffer,
                    int64_t batch) {
  return llvm::any_of(buffersOf(command), [&](const PlannedBuffer &other) {
    return overlap(other, buffer, batch);
  });
}

static bool isOfSamples(const Extent &size) {
  return size.constant == 0 && size.perBatch != 0 && size.divisor == 1;
}

/// The one loop that a copy gives a step's samples to, if the copy may as well
/// be made as it begins, by the blocks that have them: nothing that runs then
/// writes what is copied. And the type of what is copied.
static std::pair<JoinedLoop *, Type> loopOf(const PlannedCopy &copy,
                                            MutableArrayRef<JoinedLoop> loops,
                                            ModuleOp phases, int64_t batch) {
  const Extent &size = copy.to.sizeBytes, &given = copy.from.sizeBytes;
  if (!isOfSamples(size) || !isOfSamples(given) ||
      size.perBatch != given.perBatch)
    return {};
  JoinedLoop *found = nullptr;
  Type element;
  for (JoinedLoop &loop : loops)
    for (const PlannedCommand &command : loop.step)
      for (const BufferAccess &access : accessesOf(command, phases)) {
        const PlannedBuffer &buffer = access.buffer;
        if (overlap(buffer, copy.from, batch))
          return {};
        if (!overlap(buffer, copy.to, batch))
          continue;
        bool isSame = isSameMemory(buffer, copy.to) &&
                      isOfSamples(buffer.sizeBytes) &&
                      buffer.sizeBytes.perBatch == size.perBatch;
        bool isOther = found && found != &loop;
        // Copies are of bytes, whatever these are.
        if (!std::holds_alternative<PlannedCopy>(command)) {
          isOther |= element && element != access.element;
          element = access.element;
        }
        if (!isSame || isOther)
          return {};
        found = &loop;
      }
  if (!element)
    return {};
  return {found, element};
}

/// Has loops begin with the copies that are made for them before, behind the
/// first `begin` commands.
static void takeCopies(std::vector<PlannedCommand> &commands, size_t begin,
                       MutableArrayRef<JoinedLoop> loops, ModuleOp phases,
                       int64_t batch) {
  for (size_t at = commands.size(); at > begin; --at) {
    // Launches prepare weights, or other copies' values.
    if (std::holds_alternative<PlannedLaunch>(commands[at - 1]))
      continue;
    auto *copy = std::get_if<PlannedCopy>(&commands[at - 1]);
    if (!copy)
      return;
    auto [loop, element] = loopOf(*copy, loops, phases, batch);
    auto isNeeded = [&](const PlannedCommand &later) {
      return touches(later, copy->from, batch) ||
             touches(later, copy->to, batch);
    };
    if (!loop || std::any_of(commands.begin() + at, commands.end(), isNeeded))
      return;
    loop->before.push_back({*copy, element});
    commands.erase(commands.begin() + at - 1);
  }
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
  std::vector<std::string> joined;
  SmallVector<func::FuncOp> made;
  for (PlannedEntryPoint &entry : plan.entryPoints) {
    std::vector<PlannedCommand> commands;
    // Those of the steps of other loops.
    size_t numBefore = 0;
    for (size_t at = 0; at < entry.commands.size();) {
      SmallVector<JoinedLoop> loops = loopsAt(entry.commands, at);
      if (loops.empty()) {
        commands.push_back(entry.commands[at++]);
        if (auto *loop = std::get_if<PlannedLoop>(&commands.back()))
          numBefore = commands.size() + loop->length;
        continue;
      }
      takeCopies(commands, numBefore, loops, phases, plan.maxBatch);
      PlannedLaunch launch = LoopJoiner(loops, plan.maxBatch, phases).run();
      shareEqual(launch, made, phases);
      auto function = phases.lookupSymbol<func::FuncOp>(launch.phase);
      schedule.phaseInfos[launch.phase] = {"loop", threadsOf(function), ""};
      commands.push_back(std::move(launch));
      numBefore = commands.size();
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
