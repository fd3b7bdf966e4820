// The GPU, its code, memory and streams. Runs are in CudaRuns.cpp.
#include "runtime/device/CudaDevice.h"

#include "runtime/Log.h"
#include "runtime/device/CudaResources.h"

#include <cstring>

namespace nnc::runtime {

// What is downloaded in one wait through pinned memory: losses and metrics.
static constexpr int64_t landingBytes = 1 << 16;

CudaDevice::CudaDevice(const CudaDriver &driver) : driver(driver) {}

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
    for (size_t taker = 0; taker < std::size(takeKernels); ++taker)
      if (kernel.name == takeKernels[taker].name &&
          kernel.threads == takeThreads)
        resources->inputs.setTaker(taker, function);
  }
  for (const auto &[from, module] : loaded)
    log(LogLevel::Debug, facts.name, " (", architectureOf(facts),
        ") runs the code for ", from->architecture, " of unit ", from->unit);
  return {};
}

/// ", and 12 of 34 are free", as far as the driver knows.
std::string CudaDevice::describeFree() {
  size_t free = 0, total = 0;
  Status status =
      inContext([&] { return driver.memoryGetInfo(&free, &total); });
  return status.isOk() ? concat(", and ", free, " of ", total, " are free")
                       : "";
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
                         " bytes of ", what, describeFree(), ": ",
                         status.message()));
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

StatusOr<DeviceMemory> CudaDevice::allocatePinned(int64_t sizeBytes) {
  if (sizeBytes == 0)
    return DeviceMemory();
  void *made = nullptr;
  Status status =
      inContext([&] { return driver.hostAllocate(&made, sizeBytes, 0); });
  if (!status.isOk())
    return Status(status.code(), concat(sizeBytes, " bytes of pinned memory: ",
                                        status.message()));
  return DeviceMemory(made, sizeBytes, [this](void *data, int64_t) {
    if (!process.isHere())
      return;
    CudaScope scope(driver, context);
    if (scope.status().isOk())
      driver.hostFree.get()(data);
  });
}

Status CudaDevice::waitForInputs() {
  return inContext([&] { return loseOn(resources->inputs.waitForCopies()); });
}

StatusOr<int64_t> CudaDevice::freeBytes() {
  size_t free = 0, total = 0;
  Status status =
      inContext([&] { return driver.memoryGetInfo(&free, &total); });
  if (!status.isOk())
    return status;
  return int64_t(free);
}

bool CudaDevice::holdsSamples() const { return resources->inputs.canTake(); }

Status CudaDevice::checkAddress(const void *data, int64_t sizeBytes) {
  return inContext([&]() -> Status {
    const CudaAddress from = address(data);
    unsigned type = 0;
    // The driver does not know memory of the host that is not pinned.
    if (!driver.pointerGetAttribute(&type, CudaDriver::pointerMemoryType, from)
             .isOk() ||
        type != CudaDriver::memoryTypeDevice)
      return {Code::InvalidArgument,
              "the address is not of memory of a GPU's: nnc_session_run takes "
              "what is on the host"};
    int owner = 0;
    CudaAddress start = 0;
    size_t length = 0;
    Status status =
        driver.pointerGetAttribute(&owner, CudaDriver::pointerDevice, from);
    if (status.isOk())
      status = driver.pointerGetAttribute(&start, CudaDriver::pointerRangeStart,
                                          from);
    if (status.isOk())
      status = driver.pointerGetAttribute(&length,
                                          CudaDriver::pointerRangeBytes, from);
    if (!status.isOk())
      return status;
    if (owner != device)
      return {Code::InvalidArgument,
              concat("the memory is of GPU ", owner, ", the session is on GPU ",
                     device)};
    const int64_t behind = int64_t(start + length - from);
    if (behind >= sizeBytes)
      return {};
    return {Code::InvalidArgument,
            concat("the memory has ", behind,
                   " bytes from the address on, expected ", sizeBytes)};
  });
}

Status CudaDevice::letWait(void *stream) {
  return inContext([&] {
    return resources->inputs.wait(static_cast<CudaStream *>(stream),
                                  resources->stream.get());
  });
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

} // namespace nnc::runtime
