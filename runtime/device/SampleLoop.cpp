// Addresses are resolved once for a thread's samples; a step then moves those
// that follow it, and calls the phases.
#include "runtime/device/SampleLoop.h"

#include <chrono>
#include <cstring>

namespace nnc::runtime {

void SampleLoop::reserve(const LoopRun &run) {
  addresses.resize(run.numAddresses);
  slots.resize(run.numSlots);
  calls.resize(run.loop.length);
  seconds.assign(run.loop.length, 0);
}

/// Where the samples from `begin` on lie in a buffer that is at `address`.
static void *placeOf(const BufferRef &buffer, void *address, int64_t begin,
                     char *scratch) {
  if (buffer.region == Region::Thread)
    return scratch + reinterpret_cast<intptr_t>(address);
  return static_cast<char *>(address) + begin * buffer.sizeBytes.perBatch;
}

void SampleLoop::place(const LoopRun &run, int64_t begin, int64_t rows,
                       const std::vector<nnc_kernel_fn> &kernels,
                       char *scratch) {
  size_t next = 0;
  for (size_t i = 0; i < run.loop.length; ++i) {
    const Command &command = run.commands[i];
    const bool isCopy = command.kind == Command::Kind::Copy;
    calls[i] = {isCopy ? nullptr : kernels[command.kernel], next,
                isCopy ? command.buffers[1].sizeBytes.at(rows)
                       : command.extent.at(rows)};
    for (const BufferRef &buffer : command.buffers) {
      addresses[next] = placeOf(buffer, run.addresses[next], begin, scratch);
      ++next;
    }
  }
  for (size_t i = 0; i < run.numSlots; ++i) {
    slots[i] = run.slots[i];
    const size_t address = slots[i].address;
    slots[i].base += static_cast<char *>(addresses[address]) -
                     static_cast<char *>(run.addresses[address]);
  }
}

void SampleLoop::runCall(const Call &call, int64_t rows, char *scratch) {
  void *const *buffers = addresses.data() + call.firstAddress;
  if (!call.kernel)
    std::memcpy(buffers[1], buffers[0], call.extent);
  else if (call.extent > 0)
    call.kernel(buffers, rows, 0, call.extent, scratch);
}

void SampleLoop::run(const LoopRun &run, int64_t begin, int64_t end,
                     const std::vector<nnc_kernel_fn> &kernels, char *scratch) {
  using Clock = std::chrono::steady_clock;
  const int64_t rows = end - begin;
  place(run, begin, rows, kernels, scratch);
  for (int64_t i = 0; i < run.loop.steps; ++i) {
    const int64_t step = stepAt(run.loop, i);
    for (size_t j = 0; j < run.numSlots; ++j)
      addresses[slots[j].address] = slots[j].at(step);
    if (!run.seconds) {
      for (const Call &call : calls)
        runCall(call, rows, scratch);
      continue;
    }
    Clock::time_point before = Clock::now();
    for (size_t j = 0; j < calls.size(); ++j) {
      runCall(calls[j], rows, scratch);
      Clock::time_point after = Clock::now();
      seconds[j] += std::chrono::duration<double>(after - before).count();
      before = after;
    }
  }
}

} // namespace nnc::runtime
