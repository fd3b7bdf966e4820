#include "runtime/Executor.h"

#include <chrono>

namespace nnc::runtime {

static char *baseOf(Region region, const Regions &regions) {
  switch (region) {
  case Region::State:
    return regions.state;
  case Region::Arena:
    return regions.arena;
  case Region::Constant:
    return regions.constants;
  case Region::Input:
    return nullptr;
  }
  return nullptr;
}

Executor::Executor(const EntryPoint &entry, const Regions &regions,
                   Device &device)
    : device(device) {
  for (const Command &command : entry.commands) {
    steps.push_back({&command, addresses.size()});
    for (const BufferRef &buffer : command.buffers) {
      if (buffer.region == Region::Input) {
        inputAddresses.push_back(
            {addresses.size(), buffer.index, buffer.offsetBytes});
        addresses.push_back(nullptr);
        continue;
      }
      addresses.push_back(baseOf(buffer.region, regions) + buffer.offsetBytes);
    }
  }
}

Status Executor::run(const void *const *inputs, int64_t batch,
                     Profile *profile) {
  for (const InputAddress &address : inputAddresses)
    addresses[address.address] =
        static_cast<char *>(const_cast<void *>(inputs[address.input])) +
        address.offsetBytes;
  device.beginRun();
  if (profile)
    runProfiled(batch, *profile);
  else
    for (const Step &step : steps)
      runStep(step, batch);
  return device.endRun();
}

void Executor::runStep(const Step &step, int64_t batch) {
  const Command &command = *step.command;
  void *const *buffers = addresses.data() + step.firstAddress;
  if (command.kind == Command::Kind::Launch)
    device.launch(command.kernel, buffers, batch, command.extent.at(batch),
                  command.grain);
  else if (command.kind == Command::Kind::Matmul)
    device.matmul(command.matmul, buffers, batch);
  else
    device.copy(buffers[1], buffers[0], command.buffers[1].sizeBytes.at(batch));
}

void Executor::runProfiled(int64_t batch, Profile &profile) {
  using Clock = std::chrono::steady_clock;
  profile.seconds.resize(steps.size());
  ++profile.runs;
  Clock::time_point before = Clock::now();
  for (size_t i = 0; i < steps.size(); ++i) {
    runStep(steps[i], batch);
    Clock::time_point after = Clock::now();
    profile.seconds[i] += std::chrono::duration<double>(after - before).count();
    before = after;
  }
}

} // namespace nnc::runtime
