// Loads a plan's shared object, and hands its kernels to the simulator.
#include "runtime/device/SimDevice.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

namespace nnc::runtime {

SimDevice::SimDevice(int numThreads) : CpuDevice(numThreads) {
  if (const char *text = std::getenv("NNC_SIM_SEED"))
    seed = std::strtoull(text, nullptr, 10);
}

SimDevice::~SimDevice() {
  library.close();
  if (imageFile >= 0)
    close(imageFile);
}

Status SimDevice::load(const Plan &plan) { return open(plan.code); }

Status SimDevice::open(const MachineCode &code) {
  if (code.kernels.empty())
    return {};
  Status status = openImage(code.image);
  if (!status.isOk())
    return status;
  for (const Kernel &kernel : code.kernels) {
    void *entry = library.find((kernel.name + ".blocks").c_str());
    void *description = library.find((kernel.name + ".kernel").c_str());
    if (!entry || !description)
      return {Code::InvalidFile,
              concat("the plan's code has no kernel ", quote(kernel.name))};
    kernels.push_back(reinterpret_cast<nnc_kernel_fn>(entry));
    described.push_back(static_cast<const sim::Kernel *>(description));
  }
  return {};
}

static bool writeAll(int file, const Bytes &bytes) {
  for (int64_t done = 0; done < bytes.sizeBytes;) {
    ssize_t count = write(file, bytes.data + done, bytes.sizeBytes - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    done += count;
  }
  return true;
}

/// The file stays open while the library is loaded: the loader knows a library
/// by the name of its file, which is the descriptor's.
Status SimDevice::openImage(const Bytes &image) {
  imageFile = memfd_create("nnc-sim", MFD_CLOEXEC);
  if (imageFile < 0 || !writeAll(imageFile, image))
    return {Code::DeviceError,
            concat("cannot place the plan's code in memory: ",
                   std::strerror(errno))};
  StatusOr<SharedLibrary> loaded =
      SharedLibrary::load(concat("/proc/self/fd/", imageFile));
  if (!loaded.isOk())
    return {loaded.status().code(),
            concat("cannot load the plan's code: ", loaded.status().message())};
  library = std::move(*loaded);
  using Attach = void (*)(const sim::Simulator *);
  auto attach = reinterpret_cast<Attach>(library.find("nnc_sim_attach"));
  if (!attach)
    return {Code::InvalidFile, "the plan's code is not for the simulator"};
  attach(&simulator());
  return {};
}

void SimDevice::launch(const Command &command, void *const *buffers,
                       int64_t batch) {
  if (!faults.any())
    poisonFresh(*described[command.kernel], buffers, batch);
  struct Call {
    nnc_kernel_fn kernel;
    void *const *buffers;
    int64_t batch;
    SimFaults &faults;
    uint64_t seed;
  };
  Call call{kernels[command.kernel], buffers, batch, faults, seed};
  auto runBlocks = [](void *context, int64_t begin, int64_t end, int thread) {
    auto &call = *static_cast<Call *>(context);
    prepareThread(thread);
    prepareToSimulate(call.faults, call.seed);
    call.kernel(call.buffers, call.batch, begin, end, nullptr);
  };
  pool.run(command.extent.at(batch), command.grain, runBlocks, &call);
}

Status SimDevice::endRun() {
  Status status = CpuDevice::endRun();
  std::string fault = faults.take();
  if (!fault.empty())
    return {Code::DeviceError, fault};
  return status;
}

} // namespace nnc::runtime
