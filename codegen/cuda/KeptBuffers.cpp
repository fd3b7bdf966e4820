// See KeptBuffers.h. Memory that a block shares is nearer than that of the
// device by some 200 clocks, which each phase of a step would wait for.
#include "codegen/cuda/KeptBuffers.h"

#include "codegen/cuda/JoinedPhases.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nnc;

/// What a copy takes at a time, from where it is aligned.
static constexpr int64_t kCopiedBytes = 16;

namespace {

struct Candidate {
  KeptBuffer kept;
  /// Of the step's commands, each with its number.
  std::vector<std::pair<size_t, BufferAccess>> accesses;
};

} // namespace

//===----------------------------------------------------------------------===//
// What a step does
//===----------------------------------------------------------------------===//

bool nnc::isSameMemory(const PlannedBuffer &lhs, const PlannedBuffer &rhs) {
  return lhs.region == rhs.region && lhs.index == rhs.index &&
         lhs.offsetBytes == rhs.offsetBytes;
}

static int64_t firstOf(const BufferAccess &access) {
  return access.buffer.slot ? access.buffer.slot->first : 0;
}

static bool moves(const BufferAccess &access) {
  return access.buffer.slot && access.buffer.slot->moves;
}

SmallVector<BufferAccess, 0> nnc::accessesOf(const PlannedCommand &command,
                                             ModuleOp phases) {
  SmallVector<BufferAccess, 0> accesses;
  if (auto *copy = std::get_if<PlannedCopy>(&command)) {
    Type byte = IntegerType::get(phases.getContext(), 8);
    accesses.push_back({copy->from, byte, true, false, false});
    accesses.push_back({copy->to, byte, false, true, false});
    return accesses;
  }
  const auto &launch = std::get<PlannedLaunch>(command);
  auto phase = phases.lookupSymbol<func::FuncOp>(launch.phase);
  for (auto [i, buffer] : llvm::enumerate(launch.buffers)) {
    BlockArgument argument = phase.getArgument(i);
    BufferAccess access{buffer, elementOf(phase, i)};
    for (Operation *user : argument.getUsers()) {
      bool isLoad = isa<memref::LoadOp>(user),
           isStore = isa<memref::StoreOp>(user);
      access.isPlain &= isLoad || isStore;
      access.reads |= !isStore;
      access.writes |= !isLoad;
    }
    accesses.push_back(access);
  }
  return accesses;
}

/// Whether they are at different slots at each step.
static bool areApart(const BufferAccess &lhs, const BufferAccess &rhs) {
  return moves(lhs) && moves(rhs) &&
         (firstOf(lhs) - firstOf(rhs)) % lhs.buffer.slot->count != 0;
}

bool nnc::haveConflict(ArrayRef<BufferAccess> lhs, ArrayRef<BufferAccess> rhs) {
  return llvm::any_of(lhs, [&](const BufferAccess &one) {
    return llvm::any_of(rhs, [&](const BufferAccess &other) {
      return (one.writes || other.writes) &&
             isSameMemory(one.buffer, other.buffer) && !areApart(one, other);
    });
  });
}

//===----------------------------------------------------------------------===//
// What is kept of it
//===----------------------------------------------------------------------===//

static Candidate &candidateOf(std::vector<Candidate> &candidates,
                              const BufferAccess &access) {
  for (Candidate &known : candidates)
    if (isSameMemory(known.kept.buffer, access.buffer))
      return known;
  candidates.emplace_back();
  candidates.back().kept.buffer = access.buffer;
  candidates.back().kept.element = access.element;
  return candidates.back();
}

static std::vector<Candidate>
collectCandidates(ArrayRef<PlannedCommand> commands, ModuleOp phases) {
  std::vector<Candidate> candidates;
  for (auto [number, command] : llvm::enumerate(commands))
    for (const BufferAccess &access : accessesOf(command, phases))
      candidateOf(candidates, access).accesses.push_back({number, access});
  return candidates;
}

/// Elements of samples, read and written one by one.
static bool isPlain(const Candidate &candidate) {
  return llvm::all_of(candidate.accesses, [&](const auto &numbered) {
    const BufferAccess &access = numbered.second;
    const Extent &size = access.buffer.sizeBytes;
    return access.isPlain && access.element == candidate.kept.element &&
           moves(access) == moves(candidate.accesses.front().second) &&
           size.constant == 0 && size.perBatch != 0 && size.divisor == 1 &&
           size.perBatch == candidate.kept.buffer.sizeBytes.perBatch;
  });
}

/// Whether each read finds in the kept slots what the buffer has: written
/// before it in the step, or a step earlier, which the first has not.
static bool isPassedOn(Candidate &candidate, bool isReverse) {
  auto writes = [&](int64_t first, size_t end) {
    return llvm::any_of(candidate.accesses, [&](const auto &numbered) {
      auto &[command, access] = numbered;
      return access.writes && firstOf(access) == first && command < end;
    });
  };
  int64_t least = std::numeric_limits<int64_t>::max(), most = 0;
  bool isRead = false;
  for (auto &[command, access] : candidate.accesses) {
    least = std::min(least, firstOf(access));
    most = std::max(most, firstOf(access));
    if (!access.reads)
      continue;
    isRead = true;
    if (writes(firstOf(access), command))
      continue;
    // At the step before, this slot was another's.
    int64_t before =
        firstOf(access) + (moves(access) ? (isReverse ? -1 : 1) : 0);
    if (!writes(before, std::numeric_limits<size_t>::max()))
      return false;
    candidate.kept.filledFrom = access.buffer;
  }
  bool isMoving = moves(candidate.accesses.front().second);
  candidate.kept.slots = 1 + most - least;
  return isRead && most - least <= isMoving;
}

/// Whether the next step's slot may be copied while the loop is at this one's.
static bool mayComeAhead(Candidate &candidate, int64_t steps) {
  const BufferAccess &any = candidate.accesses.front().second;
  bool isOnlyRead = llvm::all_of(candidate.accesses, [&](const auto &numbered) {
    return numbered.second.reads && !numbered.second.writes &&
           firstOf(numbered.second) == firstOf(any);
  });
  if (!isOnlyRead || !moves(any))
    return false;
  const PlannedSlot &slot = *any.buffer.slot;
  auto isAligned = [](int64_t bytes) { return bytes % kCopiedBytes == 0; };
  candidate.kept.filledFrom = any.buffer;
  candidate.kept.slots = 2;
  candidate.kept.isAhead = true;
  return slot.first + steps <= slot.count &&
         isAligned(any.buffer.offsetBytes) &&
         isAligned(any.buffer.sizeBytes.perBatch) &&
         isAligned(slot.stride.constant) && isAligned(slot.stride.perBatch);
}

SmallVector<KeptBuffer, 0>
nnc::findKeptBuffers(const PlannedLoop &loop, ArrayRef<PlannedCommand> commands,
                     int64_t rows, ModuleOp phases, int64_t &bytes) {
  SmallVector<KeptBuffer, 0> kept;
  for (Candidate &candidate : collectCandidates(commands, phases)) {
    if (!isPlain(candidate))
      continue;
    bool isWritten = llvm::any_of(candidate.accesses, [](const auto &numbered) {
      return numbered.second.writes;
    });
    if (isWritten ? !isPassedOn(candidate, loop.reverse)
                  : !mayComeAhead(candidate, loop.steps))
      continue;
    int64_t ofSample = candidate.kept.buffer.sizeBytes.perBatch;
    int64_t size = ofSample * rows * candidate.kept.slots;
    if (size > bytes)
      continue;
    bytes -= size;
    candidate.kept.perSample = ofSample / bytesOf(candidate.kept.element);
    kept.push_back(candidate.kept);
  }
  return kept;
}
