// Loops of a plan, and the buffers in them that are not at the same place in
// every step.
#include "runtime/PlanReader.h"

#include <algorithm>

namespace nnc::runtime {

bool PlanReader::readLoop(const plan::Loop &from, Command &to) {
  to.kind = Command::Kind::Loop;
  if (bodyLeft > 0)
    return fail("is a loop within a loop");
  loop.steps = from.steps();
  loop.length = from.length();
  loop.reverse = from.reverse();
  loop.rows = from.rows();
  loop.grain = from.grain();
  if (loop.steps < 1 || loop.steps > mostSteps)
    return fail("has ", loop.steps, " steps, expected 1 to ", mostSteps);
  if (loop.length < 1)
    return fail("is a loop over no command");
  if (loop.rows < 0 || loop.rows > largestBatch)
    return fail("rows is ", loop.rows, ", expected 0 to ", largestBatch);
  if (loop.grain < 1)
    return fail("grain is ", loop.grain, ", expected 1 or more");
  if (loop.rows > 0 && result.code.target != "cpu")
    return fail("shares out samples among threads, which is for target 'cpu', "
                "found ",
                quote(result.code.target));
  to.loop = loop;
  bodyLeft = loop.length;
  return readText(from.source(), to.source);
}

/// What a command must be in a loop whose samples are shared out: each of its
/// buffers is then one part a sample, so that a thread's samples lie where they
/// are counted from the buffer's start, or as large whatever the batch.
bool PlanReader::checkBody(const Command &command) {
  if (loop.rows == 0)
    return true;
  if (command.kind == Command::Kind::Matmul)
    return fail("is a product in a loop that shares out samples");
  for (const BufferRef &buffer : command.buffers) {
    const Extent &size = buffer.sizeBytes;
    bool hasParts = size.constant == 0 || size.perBatch == 0;
    if (buffer.region != Region::Thread && (size.divisor != 1 || !hasParts))
      return fail("a buffer of (", size.constant, " + ", size.perBatch,
                  " * batch) / ", size.divisor,
                  " bytes cannot be shared out by samples");
  }
  for (const Slot &slot : command.slots)
    if (command.buffers[slot.buffer].region == Region::Thread)
      return fail("a buffer of a thread's own lies in slots");
  return true;
}

bool PlanReader::readSlots(const flatbuffers::Vector<const plan::Slot *> *from,
                           Command &to) {
  if (!from)
    return true;
  if (!isAligned(from))
    return fail("its slots are not aligned");
  if (!take(from->size(), sizeof(plan::Slot)))
    return false;
  for (const plan::Slot *slot : *from)
    if (!readSlot(*slot, to, to.slots.emplace_back()))
      return false;
  return checkSlots(to);
}

bool PlanReader::readSlot(const plan::Slot &from, const Command &command,
                          Slot &to) {
  to.buffer = from.buffer();
  to.moves = from.moves();
  to.first = from.first();
  to.count = from.count();
  if (to.buffer >= command.buffers.size())
    return fail("has slots of buffer ", to.buffer, " of ",
                command.buffers.size());
  if (to.count < 1 || to.count > mostSteps + 1)
    return fail("a buffer lies in one of ", to.count, " slots, expected 1 to ",
                mostSteps + 1);
  if (to.first < 0 || to.first >= to.count)
    return fail("a buffer begins in slot ", to.first, " of ", to.count);
  if (to.moves && bodyLeft == 0)
    return fail("a buffer follows the steps of a loop that is not there");
  if (!readExtent(from.stride(), "a stride", to.stride))
    return false;
  return to.stride.divisor == 1 ||
         fail("a stride is divided by ", to.stride.divisor);
}

/// Each buffer once, and the last slot in its region. What is compared is
/// affine in the batch, so that the ends stand for all between.
bool PlanReader::checkSlots(const Command &command) {
  std::set<uint32_t> seen;
  for (const Slot &slot : command.slots) {
    if (!seen.insert(slot.buffer).second)
      return fail("has slots of buffer ", slot.buffer, " twice");
    const BufferRef &buffer = command.buffers[slot.buffer];
    const int64_t last = slot.moves ? slot.count - 1 : slot.first;
    for (int64_t batch : {int64_t(1), largestBatchOf(buffer)}) {
      int64_t end = 0;
      bool fits =
          !__builtin_mul_overflow(last, slot.stride.at(batch), &end) &&
          !__builtin_add_overflow(end, buffer.offsetBytes, &end) &&
          !__builtin_add_overflow(end, buffer.sizeBytes.at(batch), &end) &&
          end <= regionBytes(buffer, batch);
      if (!fits)
        return fail("slot ", last, " of a buffer of ",
                    buffer.sizeBytes.at(batch), " bytes at offset ",
                    buffer.offsetBytes, " leaves its region of ",
                    regionBytes(buffer, batch), " bytes at batch ", batch);
    }
  }
  return true;
}

static const Slot *findSlot(const Command &command, uint32_t buffer) {
  for (const Slot &slot : command.slots)
    if (slot.buffer == buffer)
      return &slot;
  return nullptr;
}

static bool isEqual(const Extent &lhs, const Extent &rhs) {
  return lhs.constant == rhs.constant && lhs.perBatch == rhs.perBatch &&
         lhs.divisor == rhs.divisor;
}

/// Whether the two buffers of a copy are different ones of the same slots.
static bool areOtherSlots(const Command &copy, int64_t maxBatch) {
  const Slot *from = findSlot(copy, 0), *to = findSlot(copy, 1);
  if (!from || !to || !from->moves || !to->moves || from->first == to->first ||
      from->count != to->count || !isEqual(from->stride, to->stride) ||
      copy.buffers[0].offsetBytes != copy.buffers[1].offsetBytes)
    return false;
  const Extent &size = copy.buffers[1].sizeBytes;
  return size.at(1) <= from->stride.at(1) &&
         size.at(maxBatch) <= from->stride.at(maxBatch);
}

/// What a copy reads and what it writes lie apart, whatever the step.
bool PlanReader::checkOverlap(const Command &copy) {
  const BufferRef &from = copy.buffers[0], &to = copy.buffers[1];
  if (from.region != to.region || areOtherSlots(copy, result.maxBatch))
    return true;
  // Sizes and strides rise or fall with the batch, and are largest at an end.
  auto endOf = [&](uint32_t number) {
    int64_t end = 0;
    for (int64_t batch : {int64_t(1), result.maxBatch}) {
      int64_t bytes = to.sizeBytes.at(batch);
      // Within the region: checkSlots has seen it.
      if (const Slot *slot = findSlot(copy, number))
        bytes += (slot->moves ? slot->count - 1 : slot->first) *
                 slot->stride.at(batch);
      end = std::max(end, bytes);
    }
    return copy.buffers[number].offsetBytes + end;
  };
  bool isApart = endOf(0) <= to.offsetBytes || endOf(1) <= from.offsetBytes;
  return isApart || fail("copies between buffers that overlap");
}

} // namespace nnc::runtime
