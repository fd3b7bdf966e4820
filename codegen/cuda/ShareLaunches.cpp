// A small launch costs its start, and leaves most of a GPU idle. Commands are
// put into groups, each behind the last that it has to wait for; a group of
// several launches becomes one phase:
//
//   block ──► phase 0 of blocks [0, n0) ── phase 1 of [n0, n0 + n1) ── ...
//
// Phases keep their threads and their order of additions, so that numbers are
// the same to the bit. Those whose threads wait for each other need blocks of
// their own size; all others take blocks of any.
#include "codegen/cuda/ShareLaunches.h"

#include "codegen/BufferAccesses.h"
#include "codegen/cuda/DescribePhases.h"
#include "codegen/cuda/GpuModel.h"
#include "codegen/cuda/GpuPhase.h"
#include "codegen/cuda/JoinedPhases.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"

#include <numeric>

using namespace mlir;
using namespace nnc;

// What takes longer than some launches gains nothing from fewer: an H100 moves
// so many bytes in 2.5 microseconds, and does so many operations in ten.
static constexpr int64_t kMostBytes = 8 << 20;
static constexpr int64_t kMostFlop = 2 << 27;
static constexpr int64_t kMostBlocks = 4096;
/// Phases of a launch, and their buffers: a kernel has 4 KiB of parameters.
static constexpr size_t kMostParts = 16;
static constexpr size_t kMostBuffers = 256;
/// A command looks back at so many groups.
static constexpr size_t kMostGroupsBack = 32;
/// Where no phase decides, a block of the rows schedule's size.
static constexpr int64_t kThreads = 256;

namespace {

/// A part of memory that a command touches.
struct Access {
  MemoryRegion region;
  int64_t index;
  /// At the largest batch.
  int64_t begin, end;
  bool writes;

  bool conflictsWith(const Access &other) const {
    return (writes || other.writes) && region == other.region &&
           index == other.index && begin < other.end && other.begin < end;
  }
};

/// Memory of a block, by type of elements: how many the first, the second and
/// so on have.
struct SharedMemory {
  llvm::MapVector<Type, SmallVector<int64_t>> sizes;

  void add(Type type, int64_t numElements) {
    sizes[type].push_back(numElements);
  }
  /// What does for either, each in its turn.
  SharedMemory joinedWith(const SharedMemory &other) const;
  int64_t bytes() const;
};

/// A command, or a loop with the commands of its step.
struct Item {
  ArrayRef<PlannedCommand> commands;
  SmallVector<Access> accesses;
  /// Everything before it is done, and nothing behind it begun.
  bool isFence = false;
  /// Of a launch that may share one.
  func::FuncOp phase = nullptr;
  /// Its threads wait for each other.
  bool hasBarrier = false;
  SharedMemory memory;
  /// Its phase needs nothing of the one before it in its kernel, and writes
  /// elsewhere.
  bool isApart = false;

  const PlannedLaunch &launch() const {
    return std::get<PlannedLaunch>(commands.front());
  }
};

/// What runs at once.
struct Group {
  SmallVector<const Item *> items;
  /// Of the phases that have barriers; 0: none has.
  int64_t threads = 0;
  size_t numBuffers = 0;
  SharedMemory memory;

  bool conflictsWith(const Item &item) const;
  bool mayTake(const Item &item) const;
  void take(const Item &item);
};

class Sharing {
public:
  Sharing(const Schedule &schedule, int64_t maxBatch)
      : schedule(schedule), phases(*schedule.phases), maxBatch(maxBatch) {}

  /// Groups in the order in which they run; items are of `items`.
  std::vector<Group> group(ArrayRef<PlannedCommand> commands,
                           std::vector<Item> &items);

private:
  Item itemOf(ArrayRef<PlannedCommand> commands);
  void addAccess(Item &item, const PlannedBuffer &buffer, bool writes);
  void addLaunch(Item &item);
  bool isShort(const PlannedLaunch &launch) const;

  const Schedule &schedule;
  ModuleOp phases;
  int64_t maxBatch;
};

/// Writes the phase of a group.
class SharedPhase {
public:
  SharedPhase(const Group &group, ModuleOp phases)
      : b(group.items.front()->launch().loc, phases.getContext()), group(group),
        phases(phases), threads(group.threads ? group.threads : kThreads) {}

  /// The launch of a phase that is added to the module.
  PlannedLaunch run();

private:
  void createFunction();
  Extent blocksOf(const PlannedLaunch &launch, int64_t own) const;
  Extent countBlocks() const;
  Value valueOf(Extent extent);
  void emitPart(const Item &item);
  void emitSmaller(const Item &item, Value number, Value count, int64_t own);
  void emitLarger(const Item &item, Value number, int64_t own);
  void emitBody(const Item &item, Value block, Value thread);
  Value sharedMemory(memref::AllocaOp own);
  PlannedLaunch describe();

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  template <typename Op> Value fold(Value lhs, Value rhs) {
    return b.createOrFold<Op>(lhs, rhs);
  }
  /// What `emit` writes happens under the condition.
  void when(Value condition, llvm::function_ref<void()> emit);

  ImplicitLocOpBuilder b;
  const Group &group;
  ModuleOp phases;
  const int64_t threads;
  func::FuncOp function;
  /// The block and the thread; blocks of the parts before this one.
  Value block, thread, before;
  /// Where the next part's buffers begin among the arguments.
  unsigned firstArgument = 0;
  /// Memory of a block, which one part has at a time: of each type of elements
  /// the first, the second and so on of a part's.
  llvm::MapVector<Type, SmallVector<memref::AllocaOp>> memories;
  llvm::DenseMap<Type, unsigned> numUsed; // by the part
};

} // namespace

//===----------------------------------------------------------------------===//
// Which commands run at once
//===----------------------------------------------------------------------===//

void Sharing::addAccess(Item &item, const PlannedBuffer &buffer, bool writes) {
  int64_t end = buffer.offsetBytes + buffer.sizeBytes.at(maxBatch);
  // All slots.
  if (buffer.slot)
    end += (buffer.slot->first + buffer.slot->count) *
           buffer.slot->stride.at(maxBatch);
  item.accesses.push_back(
      {buffer.region, buffer.index, buffer.offsetBytes, end, writes});
}

bool Sharing::isShort(const PlannedLaunch &launch) const {
  auto info = schedule.phaseInfos.find(launch.phase);
  return info != schedule.phaseInfos.end() && info->second.kind != "loop" &&
         launch.trafficBytes.at(maxBatch) <= kMostBytes &&
         launch.flop.at(maxBatch) <= kMostFlop &&
         launch.extent.at(maxBatch) <= kMostBlocks;
}

void Sharing::addLaunch(Item &item) {
  const PlannedLaunch &launch = item.launch();
  auto phase = phases.lookupSymbol<func::FuncOp>(launch.phase);
  for (auto [i, buffer] : llvm::enumerate(launch.buffers))
    addAccess(item, buffer, accessesOf(phase.getArgument(i)).writes);
  if (!isShort(launch) || launch.buffers.size() > kMostBuffers)
    return;
  item.phase = phase;
  item.isApart = phase->hasAttr("nnc.apart");
  item.hasBarrier =
      phase.walk([](gpu::BarrierOp) { return WalkResult::interrupt(); })
          .wasInterrupted();
  for (auto own : phase.getOps<memref::AllocaOp>())
    if (gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(own.getType()))
      item.memory.add(own.getType().getElementType(),
                      own.getType().getNumElements());
}

Item Sharing::itemOf(ArrayRef<PlannedCommand> commands) {
  Item item;
  item.commands = commands;
  if (std::holds_alternative<PlannedLaunch>(commands.front())) {
    addLaunch(item);
  } else if (auto *copy = std::get_if<PlannedCopy>(&commands.front())) {
    addAccess(item, copy->from, /*writes=*/false);
    addAccess(item, copy->to, /*writes=*/true);
  } else if (auto *product = std::get_if<PlannedMatmul>(&commands.front())) {
    Phase phase;
    phase.matmul = product->call;
    for (auto [i, buffer] : llvm::enumerate(product->buffers))
      addAccess(item, buffer, accessesOf(phase, i).writes);
  } else {
    item.isFence = true;
  }
  return item;
}

SharedMemory SharedMemory::joinedWith(const SharedMemory &other) const {
  SharedMemory joined = *this;
  for (const auto &[type, numbers] : other.sizes) {
    SmallVector<int64_t> &known = joined.sizes[type];
    known.resize(std::max(known.size(), numbers.size()));
    for (auto [own, number] : llvm::zip(known, numbers))
      own = std::max(own, number);
  }
  return joined;
}

int64_t SharedMemory::bytes() const {
  int64_t bytes = 0;
  for (const auto &[type, numbers] : sizes)
    for (int64_t number : numbers)
      bytes += llvm::alignTo(number * type.getIntOrFloatBitWidth() / 8, 16);
  return bytes;
}

bool Group::conflictsWith(const Item &item) const {
  return llvm::any_of(items, [&](const Item *other) {
    if (item.isFence || other->isFence)
      return true;
    if (item.isApart && other + 1 == &item)
      return false;
    return llvm::any_of(item.accesses, [&](const Access &access) {
      return llvm::any_of(other->accesses, [&](const Access &known) {
        return access.conflictsWith(known);
      });
    });
  });
}

bool Group::mayTake(const Item &item) const {
  // A plan says of each command whether it computes something again.
  bool isShared = item.phase && items.front()->phase &&
                  item.launch().isAgain == items.front()->launch().isAgain;
  return isShared && items.size() < kMostParts &&
         memory.joinedWith(item.memory).bytes() <= GpuModel().sharedBytes &&
         numBuffers + item.accesses.size() <= kMostBuffers &&
         (!item.hasBarrier || !threads || threads == threadsOf(item.phase));
}

void Group::take(const Item &item) {
  items.push_back(&item);
  numBuffers += item.accesses.size();
  memory = memory.joinedWith(item.memory);
  if (item.hasBarrier)
    threads = threadsOf(item.phase);
}

/// The first group behind all that the command has to wait for which may take
/// it, or a new one at the end.
static Group &groupFor(const Item &item, std::vector<Group> &groups) {
  size_t first = groups.size();
  size_t least = groups.size() - std::min(groups.size(), kMostGroupsBack);
  while (first > least && !groups[first - 1].conflictsWith(item))
    --first;
  for (size_t i = first; i < groups.size(); ++i)
    if (groups[i].mayTake(item))
      return groups[i];
  return groups.emplace_back();
}

std::vector<Group> Sharing::group(ArrayRef<PlannedCommand> commands,
                                  std::vector<Item> &items) {
  for (size_t at = 0; at < commands.size();) {
    auto *loop = std::get_if<PlannedLoop>(&commands[at]);
    size_t length = loop ? 1 + loop->length : 1;
    items.push_back(itemOf(commands.slice(at, length)));
    at += length;
  }
  std::vector<Group> groups;
  for (const Item &item : items)
    groupFor(item, groups).take(item);
  return groups;
}

//===----------------------------------------------------------------------===//
// The phase of a group
//===----------------------------------------------------------------------===//

void SharedPhase::when(Value condition, llvm::function_ref<void()> emit) {
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  emit();
}

/// Blocks of this phase's threads that do the work of its own; or some more,
/// where its own are larger and their number is rounded.
Extent SharedPhase::blocksOf(const PlannedLaunch &launch, int64_t own) const {
  Extent blocks = launch.extent;
  if (own <= threads)
    return {blocks.constant, blocks.perBatch, blocks.divisor * (threads / own)};
  int64_t parts = llvm::divideCeil(own, threads);
  return {(blocks.constant + blocks.divisor - 1) * parts,
          blocks.perBatch * parts, blocks.divisor};
}

/// At least as many as all parts have: those beyond find no part of theirs.
Extent SharedPhase::countBlocks() const {
  SmallVector<Extent> extents;
  int64_t divisor = 1;
  for (const Item *item : group.items) {
    extents.push_back(blocksOf(item->launch(), threadsOf(item->phase)));
    divisor = std::lcm(divisor, extents.back().divisor);
  }
  Extent total{0, 0, divisor};
  for (Extent extent : extents) {
    int64_t times = divisor / extent.divisor;
    total.constant += times * (extent.constant + extent.divisor - 1);
    total.perBatch += times * extent.perBatch;
  }
  total.constant = std::max<int64_t>(total.constant - (divisor - 1), 0);
  return total;
}

Value SharedPhase::valueOf(Extent extent) {
  Value batch = function.getArguments().back();
  Value size = constant(extent.constant + extent.divisor - 1);
  if (extent.perBatch)
    size = fold<arith::AddIOp>(
        fold<arith::MulIOp>(batch, constant(extent.perBatch)), size);
  return fold<arith::DivUIOp>(size, constant(extent.divisor));
}

void SharedPhase::createFunction() {
  SmallVector<Type> types;
  int64_t resident = 0;
  for (const Item *item : group.items) {
    func::FuncOp phase = item->phase;
    llvm::append_range(types, phase.getArgumentTypes().drop_back());
    if (auto own = phase->getAttrOfType<IntegerAttr>("nnc.resident"))
      resident = resident ? std::min(resident, own.getInt()) : own.getInt();
  }
  types.push_back(b.getIndexType());
  std::string stem = group.items.front()->launch().phase + "_and_" +
                     std::to_string(group.items.size() - 1);
  b.setInsertionPointToEnd(phases.getBody());
  function = func::FuncOp::create(b, freeName(phases, stem),
                                  b.getFunctionType(types, {}));
  function->setAttr("nnc.threads", b.getI64IntegerAttr(threads));
  function->setAttr("nnc.blocks", toAttribute(b.getContext(), countBlocks()));
  if (resident)
    function->setAttr("nnc.resident", b.getI64IntegerAttr(resident));
  unsigned number = 0;
  for (const Item *item : group.items) {
    func::FuncOp phase = item->phase;
    for (unsigned i = 0; i + 1 < phase.getNumArguments(); ++i, ++number)
      if (DictionaryAttr attributes = phase.getArgAttrDict(i))
        function.setArgAttrs(number, attributes);
  }
  b.setInsertionPointToStart(function.addEntryBlock());
}

/// The block's memory in the place of a part's own.
Value SharedPhase::sharedMemory(memref::AllocaOp own) {
  auto type = own.getType();
  auto &known = memories[type.getElementType()];
  unsigned number = numUsed[type.getElementType()]++;
  if (number == known.size()) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    known.push_back(memref::AllocaOp::create(b, type));
  } else if (known[number].getType().getNumElements() < type.getNumElements()) {
    known[number].getResult().setType(type);
  }
  return known[number];
}

/// The body of a phase, as that thread of that block.
void SharedPhase::emitBody(const Item &item, Value block, Value thread) {
  IRMapping mapping;
  func::FuncOp phase = item.phase;
  for (auto [i, argument] : llvm::enumerate(phase.getArguments().drop_back()))
    mapping.map(argument, function.getArgument(firstArgument + i));
  mapping.map(phase.getArguments().back(), function.getArguments().back());
  numUsed.clear();
  for (Operation &op : phase.getBody().front().without_terminator()) {
    if (auto memory = dyn_cast<memref::AllocaOp>(op);
        memory &&
        gpu::GPUDialect::hasWorkgroupMemoryAddressSpace(memory.getType())) {
      mapping.map(memory.getResult(), sharedMemory(memory));
      continue;
    }
    if (isa<gpu::BlockIdOp, gpu::ThreadIdOp>(op)) {
      mapping.map(op.getResult(0), isa<gpu::BlockIdOp>(op) ? block : thread);
      continue;
    }
    b.clone(op, mapping)->walk([&](Operation *inner) {
      if (isa<gpu::BlockIdOp>(inner))
        inner->getResult(0).replaceAllUsesWith(block);
      else if (isa<gpu::ThreadIdOp>(inner))
        inner->getResult(0).replaceAllUsesWith(thread);
    });
  }
}

/// Several of the part's blocks, which are smaller, in one: all that fit whole.
void SharedPhase::emitSmaller(const Item &item, Value number, Value count,
                              int64_t own) {
  int64_t several = threads / own;
  Value inside = fold<arith::DivUIOp>(thread, constant(own));
  Value at = fold<arith::AddIOp>(fold<arith::MulIOp>(number, constant(several)),
                                 inside);
  Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, at, count);
  if (threads % own) {
    Value isWhole = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, inside,
                                          constant(several));
    exists = arith::AndIOp::create(b, exists, isWhole);
  }
  when(exists, [&] {
    emitBody(item, at, fold<arith::RemUIOp>(thread, constant(own)));
  });
}

/// One of the part's blocks, which are larger, in several.
void SharedPhase::emitLarger(const Item &item, Value number, int64_t own) {
  Value parts = constant(llvm::divideCeil(own, threads));
  Value part = fold<arith::RemUIOp>(number, parts);
  Value at = fold<arith::DivUIOp>(number, parts);
  Value inside =
      fold<arith::AddIOp>(fold<arith::MulIOp>(part, constant(threads)), thread);
  if (own % threads == 0)
    return emitBody(item, at, inside);
  Value exists = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, inside,
                                       constant(own));
  when(exists, [&] { emitBody(item, at, inside); });
}

/// Blocks from `before` on.
void SharedPhase::emitPart(const Item &item) {
  const PlannedLaunch &launch = item.launch();
  b.setLoc(launch.loc);
  int64_t own = threadsOf(item.phase);
  Value count = valueOf(launch.extent), numBlocks = count;
  if (own < threads)
    numBlocks = valueOf(blocksOf(launch, own));
  else if (own > threads)
    numBlocks =
        fold<arith::MulIOp>(count, constant(llvm::divideCeil(own, threads)));
  // Before the first block the difference wraps around.
  Value number = fold<arith::SubIOp>(block, before);
  Value isOurs =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, number, numBlocks);
  when(isOurs, [&] {
    if (own < threads)
      emitSmaller(item, number, count, own);
    else if (own > threads)
      emitLarger(item, number, own);
    else
      emitBody(item, number, thread);
  });
  before = fold<arith::AddIOp>(before, numBlocks);
  firstArgument += launch.buffers.size();
}

PlannedLaunch SharedPhase::describe() {
  PlannedLaunch whole{
      function.getName().str(),         {}, countBlocks(), 1, {}, {},
      group.items.front()->launch().loc};
  for (const Item *item : group.items) {
    const PlannedLaunch &launch = item->launch();
    for (const PlannedResult &result : launch.written)
      whole.written.push_back(
          {unsigned(whole.buffers.size()) + result.buffer, result.elementType});
    llvm::append_range(whole.buffers, launch.buffers);
    whole.flop = plus(whole.flop, launch.flop);
    whole.trafficBytes = plus(whole.trafficBytes, launch.trafficBytes);
    whole.isAgain = launch.isAgain;
  }
  return whole;
}

PlannedLaunch SharedPhase::run() {
  createFunction();
  block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  before = constant(0);
  for (const Item *item : group.items)
    emitPart(*item);
  func::ReturnOp::create(b);
  simplifyPhase(function);
  return describe();
}

//===----------------------------------------------------------------------===//
// The plan
//===----------------------------------------------------------------------===//

/// A product takes its time, whatever is beside it.
static std::string kindOf(const Group &group, const Schedule &schedule) {
  auto isProduct = [&](const Item *item) {
    return schedule.phaseInfos.lookup(item->launch().phase).kind == "product";
  };
  return llvm::any_of(group.items, isProduct) ? "product" : "several";
}

LogicalResult nnc::shareLaunches(Schedule &schedule, MemoryPlan &plan) {
  ModuleOp phases = *schedule.phases;
  std::vector<std::string> replaced;
  SmallVector<func::FuncOp> made;
  for (PlannedEntryPoint &entry : plan.entryPoints) {
    std::vector<Item> items;
    std::vector<PlannedCommand> commands;
    for (const Group &group :
         Sharing(schedule, plan.maxBatch).group(entry.commands, items)) {
      if (group.items.size() == 1) {
        llvm::append_range(commands, group.items.front()->commands);
        continue;
      }
      PlannedLaunch launch = SharedPhase(group, phases).run();
      shareEqual(launch, made, phases);
      auto function = phases.lookupSymbol<func::FuncOp>(launch.phase);
      schedule.phaseInfos[launch.phase] = {kindOf(group, schedule),
                                           threadsOf(function), ""};
      commands.push_back(std::move(launch));
      for (const Item *item : group.items)
        replaced.push_back(item->launch().phase);
    }
    entry.commands = std::move(commands);
  }
  eraseUnused(plan, replaced, phases);
  return verify(phases);
}
