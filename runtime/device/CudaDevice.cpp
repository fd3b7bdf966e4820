// Memory, streams and commands of a run on a GPU.
#include "runtime/device/CudaDevice.h"

#include "runtime/Log.h"
#include "runtime/device/CublasLt.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/CudaGraphs.h"
#include "runtime/device/CudaInputs.h"
#include "runtime/device/CudaOutputs.h"

#include <cstdlib>
#include <cstring>

namespace nnc::runtime {

// Sixteen batch sizes, each with its inputs in either place. A graph of a
// hundred commands takes the driver some 100 KB.
static constexpr size_t mostGraphs = 32;

// What is downloaded in one wait through pinned memory: losses and metrics.
static constexpr int64_t landingBytes = 1 << 16;

struct CudaDevice::Resources {
  explicit Resources(const CudaDriver &driver)
      : driver(driver), inputs(driver), outputs(driver),
        graphs(driver, mostGraphs) {}
  ~Resources() {
    if (landing)
      driver.hostFree.get()(landing);
  }

  const CudaDriver &driver;
  CudaHandle<CudaStream> stream = noCudaHandle<CudaStream>();
  std::vector<CudaHandle<CudaModule>> modules;
  /// Indexed like MachineCode::kernels.
  std::vector<CudaFunction *> functions;
  CudaInputs inputs;
  CudaOutputs outputs;
  CudaGraphs graphs;
  std::unique_ptr<CublasLt> products;
  /// Pinned.
  void *landing = nullptr;
  /// Between the commands of a profiled run, with the number that are in use.
  std::vector<CudaHandle<CudaEvent>> marks;
  size_t numMarks = 0;
  /// Whose time ends at each.
  std::vector<int64_t> markedCommands;
  /// Of one launch.
  std::vector<void *> parameters;
};

CudaDevice::CudaDevice(const CudaDriver &driver) : driver(driver) {}

static CudaAddress address(const void *memory) {
  return reinterpret_cast<CudaAddress>(memory);
}

/// Runs `body` with the context current on this thread.
template <typename Body> Status CudaDevice::inContext(Body &&body) const {
  if (!lost.isOk())
    return lost;
  if (!process.isHere())
    return {Code::DeviceError, "the GPU is used by the process that forked "
                               "this one, which cannot reach what is there"};
  CudaScope scope(driver, context);
  return scope.status().isOk() ? body() : scope.status();
}

/// The same with all that was begun done before. An error in it is the first
/// that is heard of what failed on the device, and nothing works after that.
template <typename Body> Status CudaDevice::waiting(Body &&body) {
  return inContext([&]() -> Status {
    Status status = driver.streamSynchronize(resources->stream.get());
    if (status.isOk())
      status = body();
    if (status.isOk())
      status = driver.streamSynchronize(resources->stream.get());
    return loseOn(status);
  });
}

/// What a call that waits returned: nothing works after an error in it.
Status CudaDevice::loseOn(Status status) {
  if (!status.isOk())
    lost = {Code::DeviceError, concat("the GPU failed (", status.message(),
                                      "), and what is in its memory is lost")};
  return lost;
}

StatusOr<std::unique_ptr<Device>> CudaDevice::create(int index) {
  StatusOr<const CudaDriver *> driver = CudaDriver::get();
  if (!driver.isOk())
    return driver.status();
  std::unique_ptr<CudaDevice> device(new CudaDevice(**driver));
  Status status = device->retain(index);
  if (!status.isOk())
    return status;
  return std::unique_ptr<Device>(std::move(device));
}

Status CudaDevice::retain(int index) {
  int count = 0;
  Status status = driver.deviceGetCount(&count);
  if (!status.isOk())
    return status;
  if (count == 0)
    return {Code::Unsupported, "this machine has no GPU of NVIDIA's, or shows "
                               "none (see CUDA_VISIBLE_DEVICES)"};
  if (index < 0 || index >= count)
    return {Code::Unsupported,
            concat("device is ", index, ", this machine has 0 to ", count - 1)};
  char name[256] = "";
  status = driver.deviceGet(&device, index);
  if (status.isOk())
    status = driver.deviceGetName(name, sizeof name - 1, device);
  if (status.isOk())
    status = driver.deviceGetAttribute(&facts.major,
                                       CudaDriver::capabilityMajor, device);
  if (status.isOk())
    status = driver.deviceGetAttribute(&facts.minor,
                                       CudaDriver::capabilityMinor, device);
  facts.name = name;
  return status;
}

CudaDevice::~CudaDevice() {
  if (!context)
    return;
  if (!process.isHere()) {
    static_cast<void>(resources.release());
    return;
  }
  {
    CudaScope scope(driver, context);
    if (resources && resources->stream && scope.status().isOk())
      driver.streamSynchronize.get()(resources->stream.get());
    // Without its context nothing can be given back.
    if (scope.status().isOk())
      resources.reset();
    else
      static_cast<void>(resources.release());
  }
  driver.primaryContextRelease.get()(device);
}

Status CudaDevice::check(const MachineCode &code) const {
  return selectModules(code, facts).status();
}

static bool hasProducts(const Plan &plan) {
  for (const EntryPoint &entry : plan.entryPoints)
    for (const Command &command : entry.commands)
      if (command.kind == Command::Kind::Matmul)
        return true;
  return false;
}

Status CudaDevice::load(const Plan &plan) {
  Status status = check(plan.code);
  if (!status.isOk())
    return status;
  code = &plan.code;
  // The process's one: kernels of different contexts take turns on a GPU.
  status = driver.primaryContextRetain(&context, device);
  if (!status.isOk())
    return status;
  resources = std::make_unique<Resources>(driver);
  return inContext([&]() -> Status {
    CudaStream *stream = nullptr;
    Status status = driver.streamCreate(&stream, CudaDriver::streamNonBlocking);
    resources->stream = {stream, driver.streamDestroy.get()};
    if (status.isOk())
      status = driver.hostAllocate(&resources->landing, landingBytes, 0);
    if (status.isOk())
      status = loadModules(plan.code);
    if (status.isOk())
      status = resources->inputs.allocate(plan);
    if (!status.isOk() || !hasProducts(plan))
      return status;
    auto products = CublasLt::open(driver.version);
    if (products.isOk())
      resources->products = std::move(*products);
    return products.status();
  });
}

/// The driver compiles PTX itself, and tells why it cannot in a log.
static StatusOr<CudaModule *> loadModule(const CudaDriver &driver,
                                         const CodeModule &from) {
  // Text ends in a zero, and machine code is aligned.
  std::string image(reinterpret_cast<const char *>(from.image.data),
                    from.image.sizeBytes);
  char problems[2048] = "";
  int options[] = {CudaDriver::jitErrorLog, CudaDriver::jitErrorLogBytes};
  void *values[] = {problems, reinterpret_cast<void *>(sizeof problems - 1)};
  CudaModule *module = nullptr;
  Status status = driver.moduleLoad(&module, image.c_str(), 2, options, values);
  if (!status.isOk())
    return Status(status.code(),
                  concat("code for ", quote(from.architecture), ": ",
                         status.message(), *problems ? "\n" : "", problems));
  return std::move(module);
}

Status CudaDevice::loadModules(const MachineCode &code) {
  auto chosen = selectModules(code, facts);
  if (!chosen.isOk())
    return chosen.status();
  std::map<const CodeModule *, CudaModule *> loaded;
  for (size_t i = 0; i < code.kernels.size(); ++i) {
    const Kernel &kernel = code.kernels[i];
    const CodeModule *from = (*chosen)[i];
    if (kernel.threads < 1)
      return {Code::InvalidFile,
              concat("kernel ", quote(kernel.name), " has no threads")};
    CudaModule *&module = loaded[from];
    if (!module) {
      StatusOr<CudaModule *> made = loadModule(driver, *from);
      if (!made.isOk())
        return made.status();
      module = *made;
      resources->modules.emplace_back(module, driver.moduleUnload.get());
    }
    CudaFunction *function = nullptr;
    Status status =
        driver.moduleGetFunction(&function, module, kernel.name.c_str());
    if (!status.isOk())
      return {status.code(),
              concat("kernel ", quote(kernel.name), ": ", status.message())};
    resources->functions.push_back(function);
  }
  for (const auto &[from, module] : loaded)
    log(LogLevel::Debug, facts.name, " (", architectureOf(facts),
        ") runs the code for ", from->architecture, " of unit ", from->unit);
  return {};
}

StatusOr<DeviceMemory> CudaDevice::allocate(int64_t sizeBytes,
                                            const char *what) {
  if (sizeBytes == 0)
    return DeviceMemory();
  CudaAddress made = 0;
  Status status =
      inContext([&] { return driver.memoryAllocate(&made, sizeBytes); });
  if (status.code() == Code::OutOfMemory)
    return Status(Code::OutOfMemory,
                  concat("out of memory of the GPU for ", sizeBytes,
                         " bytes of ", what, ": ", status.message()));
  if (!status.isOk())
    return status;
  DeviceMemory memory(reinterpret_cast<void *>(made), sizeBytes,
                      [this](void *data, int64_t) {
                        if (!process.isHere())
                          return;
                        CudaScope scope(driver, context);
                        if (scope.status().isOk())
                          driver.memoryFree.get()(address(data));
                      });
  status = zero(memory.data(), sizeBytes);
  if (!status.isOk())
    return status;
  return memory;
}

Status CudaDevice::zero(void *memory, int64_t sizeBytes) {
  return waiting([&] {
    return driver.fill(address(memory), 0, sizeBytes, resources->stream.get());
  });
}

Status CudaDevice::upload(const Transfer &transfer) {
  return waiting([&] {
    return driver.copyToDevice(address(transfer.to), transfer.from,
                               transfer.sizeBytes, resources->stream.get());
  });
}

Status CudaDevice::download(const std::vector<Transfer> &transfers) {
  int64_t total = 0;
  for (const Transfer &transfer : transfers)
    total += transfer.sizeBytes;
  // The driver would wait for each copy to memory that is not pinned.
  char *landing =
      total <= landingBytes ? static_cast<char *>(resources->landing) : nullptr;
  int64_t offset = 0;
  Status status = waiting([&]() -> Status {
    Status status;
    for (const Transfer &transfer : transfers) {
      if (status.isOk())
        status = driver.copyToHost(landing ? landing + offset : transfer.to,
                                   address(transfer.from), transfer.sizeBytes,
                                   resources->stream.get());
      offset += transfer.sizeBytes;
    }
    return status;
  });
  if (!status.isOk() || !landing)
    return status;
  for (const Transfer &transfer : transfers) {
    std::memcpy(transfer.to, landing, transfer.sizeBytes);
    landing += transfer.sizeBytes;
  }
  return {};
}

int64_t CudaDevice::mostSends() const { return CudaOutputs::mostSends; }

StatusOr<int64_t> CudaDevice::send(std::vector<Transfer> &transfers) {
  int64_t number = 0;
  Status status = inContext([&]() -> Status {
    auto sent = resources->outputs.send(transfers, resources->stream.get());
    if (sent.isOk())
      number = *sent;
    return sent.status();
  });
  if (!status.isOk())
    return status;
  return std::move(number);
}

Status CudaDevice::receive(int64_t number) {
  return inContext([&] { return loseOn(resources->outputs.receive(number)); });
}

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
