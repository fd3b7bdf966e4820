// Where the samples of a thread lie.
#include "runtime/device/SampleLoop.h"

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
    calls[i] = {&command, isCopy ? nullptr : kernels[command.kernel], next,
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

} // namespace nnc::runtime
