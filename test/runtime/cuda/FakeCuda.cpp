// The functions of the fake libcuda.so.1.
#include "test/runtime/cuda/FakeState.h"

#include "runtime/device/Simulator.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include <dlfcn.h>
#include <unistd.h>

using namespace fakecuda;

using Address = unsigned long long;

static char *pointer(Address address) {
  return reinterpret_cast<char *>(address);
}

/// What a copy or a kernel does beyond its memory sticks.
static bool isReachable(const void *address, size_t sizeBytes) {
  if (isDeviceMemory(address, sizeBytes))
    return true;
  state().stuck = IllegalAddress;
  return false;
}

extern "C" {

int cuInit(unsigned) {
  Entry entry("cuInit", false);
  if (entry.error)
    return entry.error;
  if (!state().isSteered)
    readEnvironment();
  state().isSteered = true;
  state().isInitialized = true;
  return Success;
}

int cuGetErrorName(int error, const char **text) {
  static const std::map<int, const char *> names = {
      {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
      {InvalidPtx, "CUDA_ERROR_INVALID_PTX"},
      {NotFound, "CUDA_ERROR_NOT_FOUND"},
      {IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
      {LaunchFailed, "CUDA_ERROR_LAUNCH_FAILED"}};
  auto found = names.find(error);
  *text = found == names.end() ? "CUDA_ERROR_FAKE" : found->second;
  return Success;
}

int cuGetErrorString(int error, const char **text) {
  *text = error == OutOfMemory      ? "out of memory"
          : error == IllegalAddress ? "an illegal memory access was encountered"
                                    : "a fake error";
  return Success;
}

int cuDriverGetVersion(int *version) {
  Entry entry("cuDriverGetVersion", false);
  *version = environment("FAKE_CUDA_VERSION", 13000);
  return entry.error;
}

int cuDeviceGetCount(int *count) {
  Entry entry("cuDeviceGetCount", false);
  *count = environment("FAKE_CUDA_DEVICES", 2);
  return entry.error;
}

int cuDeviceGet(int *device, int index) {
  Entry entry("cuDeviceGet", false);
  *device = index;
  return entry.error;
}

int cuDeviceGetName(char *name, int size, int device) {
  Entry entry("cuDeviceGetName", false);
  std::snprintf(name, size, "Fake GPU %d", device);
  return entry.error;
}

int cuDeviceGetAttribute(int *value, int attribute, int) {
  Entry entry("cuDeviceGetAttribute", false);
  int major = 9, minor = 0;
  if (const char *text = std::getenv("FAKE_CUDA_CAPABILITY"))
    std::sscanf(text, "%d.%d", &major, &minor);
  *value = attribute == 75 ? major : minor;
  return entry.error;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
  Entry entry("cuDevicePrimaryCtxRetain", false);
  if (entry.error)
    return entry.error;
  ++state().contexts[device].retained;
  *context = &state().contexts[device];
  return Success;
}

int cuDevicePrimaryCtxRelease_v2(int device) {
  Entry entry("cuDevicePrimaryCtxRelease", false);
  if (--state().contexts[device].retained < 0)
    misuse("releases a context that it does not hold");
  return Success;
}

int cuCtxPushCurrent_v2(void *context) {
  Entry entry("cuCtxPushCurrent", false);
  if (entry.error)
    return entry.error;
  auto *pushed = static_cast<Context *>(context);
  if (!pushed || pushed->retained < 1) {
    misuse("makes a context current that it does not hold");
    return InvalidContext;
  }
  contextStack.push_back(pushed);
  return Success;
}

int cuCtxPopCurrent_v2(void **context) {
  Entry entry("cuCtxPopCurrent", false);
  if (contextStack.empty()) {
    misuse("pops a context that it did not push");
    return InvalidContext;
  }
  *context = contextStack.back();
  contextStack.pop_back();
  return Success;
}

static int loadSharedObject(Module &module, const char *bytes, size_t size) {
  int file = memfd_create("kernels", 0);
  std::string path = "/proc/self/fd/" + std::to_string(file);
  bool isWritten = write(file, bytes, size) == ssize_t(size);
  module.sharedObject =
      isWritten ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!module.sharedObject)
    std::fprintf(stderr, "fake driver: %s\n", dlerror());
  close(file);
  if (!module.sharedObject)
    return InvalidImage;
  auto attach = reinterpret_cast<void (*)(const nnc::sim::Simulator *)>(
      dlsym(module.sharedObject, "nnc_sim_attach"));
  if (attach)
    attach(&nnc::runtime::simulator());
  return attach ? Success : InvalidImage;
}

int cuModuleLoadDataEx(Module **module, const void *image, unsigned numOptions,
                       int *options, void **values) {
  Entry entry("cuModuleLoadDataEx");
  if (entry.error || isCapturing())
    return entry.error ? entry.error : CaptureUnsupported;
  auto *text = static_cast<const char *>(image);
  if (std::strncmp(text, "broken", 6) == 0) {
    // CU_JIT_ERROR_LOG_BUFFER
    for (unsigned i = 0; i < numOptions; ++i)
      if (options[i] == 5)
        std::strcpy(static_cast<char *>(values[i]),
                    "ptxas application ptx input, line 1; fatal : syntax");
    return InvalidPtx;
  }
  auto loaded = std::make_unique<Module>();
  char name[512];
  int numBuffers = 0, threads = 0, length = 0;
  while (std::sscanf(text, "kernel %511s %d %d\n%n", name, &numBuffers,
                     &threads, &length) == 3) {
    loaded->kernels[name] = {name, nullptr, numBuffers, unsigned(threads)};
    text += length;
  }
  size_t size = 0;
  if (std::sscanf(text, "elf %zu", &size) == 1) {
    if (int error =
            loadSharedObject(*loaded, std::strchr(text, '\n') + 1, size))
      return error;
  } else if (*text || loaded->kernels.empty())
    return InvalidImage;
  for (auto &[kernelName, kernel] : loaded->kernels) {
    auto found = state().kernels.find(kernelName);
    if (loaded->sharedObject) {
      void *symbol =
          dlsym(loaded->sharedObject, (kernelName + ".blocks").c_str());
      std::memcpy(&kernel.function, &symbol, sizeof symbol);
    } else if (found != state().kernels.end())
      kernel.function = found->second;
  }
  *module = made(state().modules, loaded.release());
  return Success;
}

int cuModuleUnload(Module *module) {
  Entry entry("cuModuleUnload");
  runAll();
  if (state().modules.count(module) && module->sharedObject)
    dlclose(module->sharedObject);
  return destroy(state().modules, module, "a module");
}

int cuModuleGetFunction(KernelInfo **function, Module *module,
                        const char *name) {
  Entry entry("cuModuleGetFunction");
  if (entry.error)
    return entry.error;
  auto found = module->kernels.find(name);
  if (found == module->kernels.end() || !found->second.function)
    return NotFound;
  *function = &found->second;
  return Success;
}

static size_t memoryBytes() {
  return size_t(environment("FAKE_CUDA_MEMORY_KIB", 80 << 20)) << 10;
}

static size_t wholePages(size_t size) { return (size + 4095) / 4096 * 4096; }

int cuMemAlloc_v2(Address *address, size_t size) {
  Entry entry("cuMemAlloc");
  if (entry.error)
    return entry.error;
  if (size == 0)
    return InvalidValue;
  if (isCapturing())
    return CaptureUnsupported;
  if (size > memoryBytes())
    return OutOfMemory;
  void *pages = mmap(nullptr, wholePages(size), PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED)
    return OutOfMemory;
  state().deviceMemory[static_cast<char *>(pages)] = wholePages(size);
  state().owners[static_cast<char *>(pages)] = {
      int(contextStack.back() - state().contexts), size};
  // What is not zeroed is not zero.
  Reach reach;
  std::memset(pages, 0xa5, std::min<size_t>(size, 1 << 20));
  *address = reinterpret_cast<Address>(pages);
  return Success;
}

int cuMemGetInfo_v2(size_t *free, size_t *total) {
  Entry entry("cuMemGetInfo");
  if (entry.error)
    return entry.error;
  *total = memoryBytes();
  size_t used = 0;
  for (auto &[address, size] : state().deviceMemory)
    used += size;
  *free = *total - std::min(used, *total);
  return Success;
}

int cuPointerGetAttribute(void *value, int attribute, Address address) {
  Entry entry("cuPointerGetAttribute");
  if (entry.error)
    return entry.error;
  auto next = state().owners.upper_bound(pointer(address));
  if (next == state().owners.begin())
    return InvalidValue;
  auto &[base, owner] = *std::prev(next);
  if (pointer(address) >= base + owner.second)
    return InvalidValue;
  // As cuda.h's CUpointer_attribute numbers them.
  switch (attribute) {
  case 2: // CU_MEMORYTYPE_DEVICE
    *static_cast<unsigned *>(value) = 2;
    return Success;
  case 9:
    *static_cast<int *>(value) = owner.first;
    return Success;
  case 11:
    *static_cast<Address *>(value) = reinterpret_cast<Address>(base);
    return Success;
  case 12:
    *static_cast<size_t *>(value) = owner.second;
    return Success;
  }
  return InvalidValue;
}

int cuMemFree_v2(Address address) {
  Entry entry("cuMemFree");
  runAll();
  auto found = state().deviceMemory.find(pointer(address));
  if (found == state().deviceMemory.end()) {
    misuse("frees device memory that is none");
    return InvalidValue;
  }
  munmap(found->first, found->second);
  state().owners.erase(found->first);
  state().deviceMemory.erase(found);
  return Success;
}

int cuMemHostAlloc(void **memory, size_t size, unsigned) {
  Entry entry("cuMemHostAlloc");
  if (entry.error || isCapturing())
    return entry.error ? entry.error : CaptureUnsupported;
  *memory = std::malloc(size);
  state().hostMemory[static_cast<char *>(*memory)] = size;
  return Success;
}

int cuMemFreeHost(void *memory) {
  Entry entry("cuMemFreeHost");
  runAll();
  if (!state().hostMemory.erase(static_cast<char *>(memory))) {
    misuse("frees pinned memory that is none");
    return InvalidValue;
  }
  std::free(memory);
  return Success;
}

int cuMemcpyHtoDAsync_v2(Address to, const void *from, size_t size,
                         Stream *stream) {
  Entry entry("cuMemcpyHtoDAsync");
  if (entry.error)
    return entry.error;
  if (!isDeviceMemory(pointer(to), size) || size == 0)
    return InvalidValue;
  // Pinned memory is read when the copy is its stream's turn, other at once.
  if (isInside(state().hostMemory, from, size))
    return enqueue(stream, [=] { std::memcpy(pointer(to), from, size); });
  if (stream->captured) {
    stream->isInvalidated = true;
    return CaptureUnsupported;
  }
  std::string copy(static_cast<const char *>(from), size);
  return enqueue(stream, [=] { std::memcpy(pointer(to), copy.data(), size); });
}

int cuMemcpyDtoHAsync_v2(void *to, Address from, size_t size, Stream *stream) {
  Entry entry("cuMemcpyDtoHAsync");
  if (entry.error)
    return entry.error;
  if (!isDeviceMemory(pointer(from), size) || size == 0)
    return InvalidValue;
  int error = enqueue(stream, [=] { std::memcpy(to, pointer(from), size); });
  if (!isInside(state().hostMemory, to, size))
    run(stream, [=] { return stream->queue.empty(); });
  return error;
}

int cuMemcpyDtoDAsync_v2(Address to, Address from, size_t size,
                         Stream *stream) {
  Entry entry("cuMemcpyDtoDAsync");
  if (entry.error)
    return entry.error;
  if (!isDeviceMemory(pointer(to), size) ||
      !isDeviceMemory(pointer(from), size) || size == 0)
    return InvalidValue;
  return enqueue(stream,
                 [=] { std::memcpy(pointer(to), pointer(from), size); });
}

int cuMemsetD8Async(Address to, unsigned char value, size_t size,
                    Stream *stream) {
  Entry entry("cuMemsetD8Async");
  if (entry.error)
    return entry.error;
  if (!isDeviceMemory(pointer(to), size) || size == 0)
    return InvalidValue;
  return enqueue(stream, [=] { std::memset(pointer(to), value, size); });
}

int cuStreamCreate(Stream **stream, unsigned) {
  Entry entry("cuStreamCreate");
  if (!entry.error)
    *stream = made(state().streams, new Stream);
  return entry.error;
}

int cuStreamDestroy_v2(Stream *stream) {
  Entry entry("cuStreamDestroy");
  if (state().streams.count(stream) && !state().stuck)
    run(stream, [=] { return stream->queue.empty(); });
  return destroy(state().streams, stream, "a stream");
}

int cuStreamSynchronize(Stream *stream) {
  Entry entry("cuStreamSynchronize");
  if (entry.error)
    return entry.error;
  if (stream->captured) {
    stream->isInvalidated = true;
    return CaptureUnsupported;
  }
  run(stream, [=] { return stream->queue.empty(); });
  return state().stuck;
}

int cuStreamWaitEvent(Stream *stream, Event *event, unsigned) {
  Entry entry("cuStreamWaitEvent");
  if (entry.error)
    return entry.error;
  if (!state().events.count(event))
    return InvalidHandle;
  return put(stream, {Operation::Wait, nullptr, event, event->enqueued});
}

int cuStreamBeginCapture_v2(Stream *stream, int mode) {
  Entry entry("cuStreamBeginCapture");
  if (entry.error)
    return entry.error;
  if (stream->captured)
    return CaptureUnsupported;
  stream->captured = std::make_unique<Graph>();
  stream->captureMode = mode;
  stream->capturedBy = std::this_thread::get_id();
  stream->isInvalidated = false;
  return Success;
}

int cuStreamEndCapture(Stream *stream, Graph **graph) {
  Entry entry("cuStreamEndCapture");
  *graph = nullptr;
  std::unique_ptr<Graph> captured = std::move(stream->captured);
  if (entry.error)
    return entry.error;
  if (!captured)
    return InvalidValue;
  if (stream->isInvalidated)
    return CaptureInvalidated;
  *graph = made(state().graphs, captured.release());
  return Success;
}

int cuEventCreate(Event **event, unsigned flags) {
  Entry entry("cuEventCreate");
  if (entry.error)
    return entry.error;
  *event = made(state().events, new Event);
  (*event)->isTimed = !(flags & 2);
  return Success;
}

int cuEventDestroy_v2(Event *event) {
  Entry entry("cuEventDestroy");
  runAll();
  return destroy(state().events, event, "an event");
}

int cuEventRecord(Event *event, Stream *stream) {
  Entry entry("cuEventRecord");
  if (entry.error)
    return entry.error;
  if (!state().events.count(event))
    return InvalidHandle;
  return put(stream, {Operation::Record, nullptr, event, ++event->enqueued});
}

int cuEventSynchronize(Event *event) {
  Entry entry("cuEventSynchronize");
  if (entry.error)
    return entry.error;
  if (isCapturing())
    return CaptureUnsupported;
  run(nullptr, [=] { return event->reached >= event->enqueued; });
  return state().stuck;
}

int cuEventElapsedTime(float *milliseconds, Event *begin, Event *end) {
  Entry entry("cuEventElapsedTime");
  if (entry.error)
    return entry.error;
  if (!begin->isTimed || !end->isTimed || !begin->reached || !end->reached)
    return InvalidHandle;
  *milliseconds = float(end->timeMs - begin->timeMs);
  return Success;
}

int cuGraphInstantiateWithFlags(Graph **executable, Graph *graph,
                                unsigned long long) {
  Entry entry("cuGraphInstantiateWithFlags");
  if (!entry.error)
    *executable = made(state().executables, new Graph(*graph));
  return entry.error;
}

int cuGraphLaunch(Graph *executable, Stream *stream) {
  Entry entry("cuGraphLaunch");
  if (entry.error)
    return entry.error;
  if (!state().executables.count(executable))
    return InvalidHandle;
  executable->launchedOn.insert(stream);
  for (const Operation &operation : executable->operations)
    put(stream, operation);
  return Success;
}

int cuGraphExecDestroy(Graph *executable) {
  Entry entry("cuGraphExecDestroy");
  // Other streams are of other sessions, and may have work.
  if (state().executables.count(executable))
    for (Stream *stream : executable->launchedOn)
      if (state().streams.count(stream) && !stream->queue.empty() &&
          !state().stuck)
        misuse("destroys a graph while its stream has work");
  return destroy(state().executables, executable, "an executable graph");
}

int cuGraphDestroy(Graph *graph) {
  Entry entry("cuGraphDestroy");
  return destroy(state().graphs, graph, "a graph");
}

int cuLaunchKernel(KernelInfo *kernel, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned blockY,
                   unsigned blockZ, unsigned sharedBytes, Stream *stream,
                   void **parameters, void **extra) {
  Entry entry("cuLaunchKernel");
  if (entry.error)
    return entry.error;
  if (gridX == 0 || gridX > INT32_MAX || gridY != 1 || gridZ != 1 ||
      blockX == 0 || blockX > 1024 || blockY != 1 || blockZ != 1 || extra ||
      sharedBytes)
    return InvalidValue;
  if (blockX != kernel->threads)
    misuse("launches " + kernel->name + " with " + std::to_string(blockX) +
           " threads, it has " + std::to_string(kernel->threads));
  std::vector<void *> buffers;
  for (int i = 0; i < kernel->numBuffers; ++i)
    buffers.push_back(*static_cast<void **>(parameters[i]));
  auto batch = *static_cast<long long *>(parameters[kernel->numBuffers]);
  return enqueue(stream, [=] {
    for (void *buffer : buffers)
      if (!isReachable(buffer, 1))
        return;
    // Kernels of tests may have a CPU's scratch.
    static std::vector<char> scratch(1 << 20);
    static nnc::runtime::SimFaults faults;
    nnc::runtime::prepareToSimulate(faults, 0);
    kernel->function(buffers.data(), batch, 0, gridX, scratch.data());
    if (faults.any())
      misuse(faults.take());
  });
}

} // extern "C"
