// Runs on a GPU: their commands are collected, and issued or recorded at the
// end.
#include "runtime/device/CudaResources.h"

#include "runtime/Log.h"

#include <cstdlib>

namespace nnc::runtime {

StatusOr<Commands> CudaDevice::beginRun(const Run &run, void **addresses) {
  commands.clear();
  buffers.clear();
  entry = &run.entry;
  batch = run.batch;
  isProfiled = run.isProfiled;
  trace = run.trace;
  runBegin = nanoseconds(std::chrono::steady_clock::now());
  Status status = inContext([&]() -> Status {
    StatusOr<int> staged =
        resources->inputs.stage(run, resources->stream.get(), addresses);
    if (staged.isOk())
      place = *staged;
    return staged.status();
  });
  if (!status.isOk())
    return status;
  bool isRecorded =
      !isProfiled && resources->graphs.find({entry, batch, place});
  return isRecorded ? Commands::Recorded : Commands::Issue;
}

void CudaDevice::record(Issued::Kind kind, const Command &command,
                        void *const *addresses) {
  commands.push_back({kind, &command, buffers.size(), {}});
  buffers.insert(buffers.end(), addresses, addresses + command.buffers.size());
}

void CudaDevice::launch(const Command &command, void *const *addresses,
                        int64_t) {
  record(Issued::Launch, command, addresses);
}

void CudaDevice::matmul(const Command &command, void *const *addresses,
                        int64_t) {
  record(Issued::Matmul, command, addresses);
}

void CudaDevice::copy(void *to, const void *from, int64_t sizeBytes) {
  commands.push_back({Issued::Copy, nullptr, 0, {to, from, sizeBytes}});
}

void CudaDevice::mark(int64_t command) {
  commands.push_back({Issued::Mark, nullptr, 0, {}, command});
}

Status CudaDevice::endRun() {
  return inContext([&]() -> Status {
    Status status = runCommands();
    if (status.isOk() && !entry->inputs.empty())
      status = resources->inputs.release(place, resources->stream.get());
    return status;
  });
}

static bool areGraphsWanted() {
  const char *value = std::getenv("NNC_CUDA_GRAPHS");
  return !value || std::string_view(value) != "0";
}

/// The first run of its kind goes command by command, the second is recorded.
Status CudaDevice::runCommands() {
  CudaStream *stream = resources->stream.get();
  CudaGraphs &graphs = resources->graphs;
  const CudaGraphs::Key key{entry, batch, place};
  if (isProfiled)
    return issueAll();
  CudaGraphExec *graph = graphs.find(key);
  if (!graph && (!areGraphsWanted() || !graphs.announce(key)))
    return issueAll();
  if (!graph) {
    auto recorded = graphs.record(key, stream, [&] { return issueAll(); });
    if (!recorded.isOk()) {
      log(LogLevel::Warning, "entry point ", quote(entry->name), " at batch ",
          batch, " runs without a graph: ", recorded.status().message());
      graphs.refuse(key);
      Status status = issueAll();
      if (!status.isOk())
        return {status.code(), concat(recorded.status().message(), "; then ",
                                      status.message())};
      return {};
    }
    graph = *recorded;
  }
  return driver.graphLaunch(graph, stream);
}

Status CudaDevice::issueAll() {
  Status status;
  resources->numMarks = 0;
  for (const Issued &issued : commands) {
    if (!status.isOk())
      break;
    switch (issued.kind) {
    case Issued::Launch:
      status = issueLaunch(issued);
      break;
    case Issued::Matmul:
      status = resources->products->run(*issued.command,
                                        buffers.data() + issued.firstBuffer,
                                        batch, resources->stream.get());
      break;
    case Issued::Copy:
      if (issued.transfer.sizeBytes)
        status = driver.copyOnDevice(
            address(issued.transfer.to), address(issued.transfer.from),
            issued.transfer.sizeBytes, resources->stream.get());
      break;
    case Issued::Mark:
      status = issueMark(issued.index);
      break;
    }
  }
  return status;
}

/// The buffers' addresses, then the batch as `long long`.
Status CudaDevice::issueLaunch(const Issued &issued) {
  const Command &command = *issued.command;
  const Kernel &kernel = code->kernels[command.kernel];
  const int64_t blocks = command.extent.at(batch);
  if (blocks == 0)
    return {};
  // The limit of a grid's x.
  if (blocks > INT32_MAX)
    return {Code::Unsupported, concat("kernel ", quote(kernel.name), " has ",
                                      blocks, " blocks at batch ", batch)};
  long long batchParameter = batch;
  std::vector<void *> &parameters = resources->parameters;
  parameters.clear();
  for (size_t i = 0; i < command.buffers.size(); ++i)
    parameters.push_back(&buffers[issued.firstBuffer + i]);
  parameters.push_back(&batchParameter);
  Status status = driver.launchKernel(
      resources->functions[command.kernel], unsigned(blocks), 1, 1,
      unsigned(kernel.threads), 1, 1, 0, resources->stream.get(),
      parameters.data(), nullptr);
  if (!status.isOk())
    return {status.code(),
            concat("kernel ", quote(kernel.name), ": ", status.message())};
  return {};
}

Status CudaDevice::issueMark(int64_t index) {
  std::vector<CudaHandle<CudaEvent>> &marks = resources->marks;
  if (resources->numMarks == marks.size()) {
    CudaEvent *event = nullptr;
    Status status = driver.eventCreate(&event, CudaDriver::eventDefault);
    if (!status.isOk())
      return status;
    marks.emplace_back(event, driver.eventDestroy.get());
  }
  resources->markedCommands.resize(resources->numMarks);
  resources->markedCommands.push_back(index);
  return driver.eventRecord(marks[resources->numMarks++].get(),
                            resources->stream.get());
}

/// What ended with that mark. The device's clock has no moment in common with
/// the host's: the first mark of a run stands for when the run began.
Status CudaDevice::addSlice(size_t mark) {
  auto sinceFirst = [&](size_t i, int64_t &moment) {
    float milliseconds = 0;
    Status status = driver.eventElapsed(
        &milliseconds, resources->marks[0].get(), resources->marks[i].get());
    moment = runBegin + int64_t(double(milliseconds) * 1e6);
    return status;
  };
  TraceSlice slice;
  slice.command = resources->markedCommands[mark];
  Status status = sinceFirst(mark - 1, slice.begin);
  if (status.isOk())
    status = sinceFirst(mark, slice.end);
  if (status.isOk())
    trace->commands.push_back(slice);
  return status;
}

Status CudaDevice::addTimes(std::vector<double> &seconds) {
  return waiting([&]() -> Status {
    Status status;
    for (size_t i = 1; i < resources->numMarks && status.isOk(); ++i) {
      const int64_t command = resources->markedCommands[i];
      if (command < 0)
        continue;
      float milliseconds = 0;
      status = driver.eventElapsed(&milliseconds, resources->marks[i - 1].get(),
                                   resources->marks[i].get());
      seconds[command] += milliseconds / 1e3;
      if (trace && status.isOk())
        status = addSlice(i);
    }
    return status;
  });
}

} // namespace nnc::runtime
