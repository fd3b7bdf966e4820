// Turns a schedule into steps with addresses once, and issues them for each
// run.
#include "runtime/Executor.h"

#include <cmath>

namespace nnc::runtime {

/// Null of an input; in a thread's scratch, as LoopRun::addresses has it.
static void *addressOf(const BufferRef &buffer, const Regions &regions) {
  switch (buffer.region) {
  case Region::State:
    return regions.state + buffer.offsetBytes;
  case Region::Arena:
    return regions.arena + buffer.offsetBytes;
  case Region::Constant:
    return regions.constants + buffer.offsetBytes;
  case Region::Thread:
    return reinterpret_cast<void *>(buffer.offsetBytes);
  case Region::Input:
    return nullptr;
  }
  return nullptr;
}

Executor::Executor(const EntryPoint &entry, const Regions &regions,
                   Device &device)
    : entry(entry), device(device), inputBases(entry.inputs.size()) {
  for (const Command &command : entry.commands)
    addStep(command, regions);
  // What bounds the last command.
  steps.push_back({nullptr, addresses.size(), slots.size()});
}

void Executor::addStep(const Command &command, const Regions &regions) {
  steps.push_back({&command, addresses.size(), slots.size()});
  const size_t firstInput = inputsToBind.size();
  for (const BufferRef &buffer : command.buffers) {
    if (buffer.region == Region::Input)
      inputsToBind.push_back(
          {addresses.size(), buffer.index, buffer.offsetBytes, noSlot});
    addresses.push_back(addressOf(buffer, regions));
  }
  for (const Slot &slot : command.slots) {
    size_t address = steps.back().firstAddress + slot.buffer;
    for (size_t i = firstInput; i < inputsToBind.size(); ++i)
      if (inputsToBind[i].address == address)
        inputsToBind[i].slot = slots.size();
    slots.push_back(
        {&slot, address, static_cast<char *>(addresses[address]), 0});
  }
}

Status Executor::run(const RunInputs &inputs, int64_t batch, Profile *profile,
                     Numerics *numerics) {
  failedHalfway = false;
  found = numerics;
  StatusOr<Commands> commands =
      device.beginRun({entry, batch, inputs, profile != nullptr,
                       profile ? profile->trace : nullptr},
                      inputBases.data());
  if (!commands.isOk())
    return commands.status();
  Status status = guardMemory([&]() -> Status {
    if (*commands == Commands::Issue)
      issue(batch, profile);
    return {};
  });
  if (status.isOk())
    status = device.endRun();
  else
    device.abandonRun();
  failedHalfway = !status.isOk();
  if (failedHalfway || !profile)
    return status;
  ++profile->runs;
  return guardMemory([&] { return device.addTimes(profile->seconds); });
}

void Executor::issue(int64_t batch, Profile *profile) {
  times = profile;
  if (profile)
    profile->seconds.resize(entry.commands.size());
  bindInputs();
  bindSlots(batch);
  if (profile)
    device.mark(-1);
  for (size_t i = 0; i < entry.commands.size(); ++i) {
    const Command &command = entry.commands[i];
    if (command.kind != Command::Kind::Loop) {
      runStep(i, batch);
      continue;
    }
    if (command.loop.rows > 0)
      shareLoop(i, batch);
    else
      runLoop(i, batch);
    i += command.loop.length;
  }
}

void Executor::bindInputs() {
  for (const InputAddress &input : inputsToBind) {
    char *base = static_cast<char *>(inputBases[input.input]);
    addresses[input.address] = base + input.offsetBytes;
    if (input.slot != noSlot)
      slots[input.slot].base = base + input.offsetBytes;
  }
}

/// Slots lie as far apart as the batch has them.
void Executor::bindSlots(int64_t batch) {
  for (SlotAddress &slot : slots) {
    slot.strideBytes = slot.slot->stride.at(batch);
    addresses[slot.address] = slot.at(0);
  }
}

void Executor::runStep(size_t index, int64_t batch) {
  const Command &command = *steps[index].command;
  void *const *buffers = addresses.data() + steps[index].firstAddress;
  if (command.kind == Command::Kind::Launch)
    device.launch(command, buffers, batch);
  else if (command.kind == Command::Kind::Matmul)
    device.matmul(command, buffers, batch);
  else
    device.copy(buffers[1], buffers[0], command.buffers[1].sizeBytes.at(batch));
  if (times)
    device.mark(index);
  if (found)
    look(index, batch);
}

/// Notes in `found` what is not finite among `count` elements, unless a command
/// before this one has made such.
static void note(Numerics &found, size_t command, ElementType type,
                 const void *data, int64_t count) {
  const int64_t wrong = countNonFinite(type, data, count);
  const auto *elements = static_cast<const char *>(data);
  for (int64_t i = 0, left = wrong; left > 0; ++i) {
    const double value = toDouble(type, elements + i * sizeBytes(type));
    if (std::isfinite(value))
      continue;
    --left;
    auto &first = std::isnan(value) ? found.firstNan : found.firstInfinity;
    if (first)
      continue;
    first = NonFinite{command, i, count, wrong};
    if (std::isinf(value))
      found.isNanFirst = found.firstNan && found.firstNan->command != command;
  }
}

/// What the command has just written.
void Executor::look(size_t index, int64_t batch) {
  const Command &command = *steps[index].command;
  for (const Written &written : command.written)
    note(*found, index, written.elementType,
         addresses[steps[index].firstAddress + written.buffer],
         command.buffers[written.buffer].sizeBytes.at(batch) /
             sizeBytes(written.elementType));
}

/// What the commands of a shared loop have written, as far as it outlives them.
void Executor::lookAtLoop(size_t index, int64_t batch) {
  const Loop &loop = entry.commands[index].loop;
  for (size_t i = index + 1; i <= index + loop.length; ++i) {
    const Step &step = steps[i];
    for (const Written &written : step.command->written) {
      const BufferRef &buffer = step.command->buffers[written.buffer];
      if (buffer.region == Region::Thread)
        continue;
      const int64_t elements =
          buffer.sizeBytes.at(batch) / sizeBytes(written.elementType);
      const size_t address = step.firstAddress + written.buffer;
      const SlotAddress *slot = nullptr;
      for (size_t j = step.firstSlot; j < steps[i + 1].firstSlot; ++j)
        if (slots[j].address == address)
          slot = &slots[j];
      // Other slots hold what was there before.
      for (int64_t turn = 0; turn < (slot ? loop.steps : 1); ++turn)
        note(*found, i, written.elementType,
             slot ? slot->at(stepAt(loop, turn)) : addresses[address],
             elements);
    }
  }
}

void Executor::runLoop(size_t index, int64_t batch) {
  const Loop &loop = entry.commands[index].loop;
  const size_t first = index + 1, end = first + loop.length;
  for (int64_t i = 0; i < loop.steps; ++i) {
    const int64_t step = stepAt(loop, i);
    for (size_t j = steps[first].firstSlot; j < steps[end].firstSlot; ++j)
      addresses[slots[j].address] = slots[j].at(step);
    for (size_t j = first; j < end; ++j)
      runStep(j, batch);
  }
}

/// The device has a thread take its samples through all steps.
void Executor::shareLoop(size_t index, int64_t batch) {
  const Loop &loop = entry.commands[index].loop;
  const size_t first = index + 1;
  const Step &begin = steps[first], &end = steps[first + loop.length];
  loopSlots.assign(slots.begin() + begin.firstSlot,
                   slots.begin() + end.firstSlot);
  for (SlotAddress &slot : loopSlots)
    slot.address -= begin.firstAddress;
  device.runLoop({loop, begin.command, addresses.data() + begin.firstAddress,
                  end.firstAddress - begin.firstAddress, loopSlots.data(),
                  loopSlots.size(), batch,
                  times ? times->seconds.data() + first : nullptr,
                  times ? times->trace : nullptr, first});
  if (times)
    device.mark(-1);
  if (found)
    lookAtLoop(index, batch);
}

} // namespace nnc::runtime
