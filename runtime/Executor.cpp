// Turns a schedule into steps with addresses once, and issues them for each
// run.
#include "runtime/Executor.h"

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
    : entry(entry), device(device), inputBases(entry.inputs.size()) {
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
  failedHalfway = false;
  StatusOr<Commands> commands = device.beginRun(
      {entry, batch, inputs, profile != nullptr}, inputBases.data());
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
  return device.addTimes(profile->seconds);
}

void Executor::issue(int64_t batch, Profile *profile) {
  bindInputs();
  if (profile)
    return runProfiled(batch, *profile);
  for (const Step &step : steps)
    runStep(step, batch);
}

void Executor::bindInputs() {
  for (const InputAddress &address : inputAddresses)
    addresses[address.address] =
        static_cast<char *>(inputBases[address.input]) + address.offsetBytes;
}

void Executor::runStep(const Step &step, int64_t batch) {
  const Command &command = *step.command;
  void *const *buffers = addresses.data() + step.firstAddress;
  if (command.kind == Command::Kind::Launch)
    device.launch(command, buffers, batch);
  else if (command.kind == Command::Kind::Matmul)
    device.matmul(command, buffers, batch);
  else
    device.copy(buffers[1], buffers[0], command.buffers[1].sizeBytes.at(batch));
}

void Executor::runProfiled(int64_t batch, Profile &profile) {
  profile.seconds.resize(steps.size());
  device.mark();
  for (const Step &step : steps) {
    runStep(step, batch);
    device.mark();
  }
}

} // namespace nnc::runtime
