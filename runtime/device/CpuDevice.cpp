// Maps the code of a plan, and runs its commands one after another.
#include "runtime/device/CpuDevice.h"

#include "runtime/Log.h"
#include "runtime/device/CpuFeatures.h"
#include "runtime/device/ReferenceMatmul.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace nnc::runtime {

static DeviceMemory mapPages(int64_t sizeBytes) {
  void *pages = mmap(nullptr, sizeBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return {};
  // Weights are read in long streams: with large pages, not a thousandth of the
  // time goes into finding where they lie. A kernel that has none says no, and
  // small regions would only waste what they do not fill.
  constexpr int64_t worthLargePages = 32 << 20;
  if (sizeBytes >= worthLargePages)
    (void)madvise(pages, sizeBytes, MADV_HUGEPAGE);
  return {pages, sizeBytes,
          [](void *data, int64_t size) { munmap(data, size); }};
}

Status CpuDevice::check(const MachineCode &code) const {
  std::string missing;
  for (const std::string &feature : missingCpuFeatures(code.features))
    missing += concat(missing.empty() ? "" : ", ", quote(feature));
  if (!missing.empty())
    return {
        Code::Unsupported,
        concat("the plan needs processor features that this machine lacks: ",
               missing)};
  return {};
}

static void logProcessor(const MachineCode &code) {
  std::string has, uses;
  for (size_t i = 0; i < numCpuFeatures(); ++i)
    has += concat(" ", cpuFeature(i));
  for (const std::string &feature : code.features)
    uses += concat(" ", feature);
  log(LogLevel::Debug, "processor has:", has, "; the plan uses:", uses);
}

Status CpuDevice::load(const Plan &plan) {
  const MachineCode &code = plan.code;
  Status status = check(code);
  if (!status.isOk())
    return status;
  if (isLogged(LogLevel::Debug))
    logProcessor(code);
  status = mapImage(code.image);
  if (!status.isOk())
    return status;
  for (const Kernel &kernel : code.kernels)
    kernels.push_back(
        reinterpret_cast<nnc_kernel_fn>(image.data() + kernel.offsetBytes));
  return allocateScratch(plan.scratchBytes());
}

// Never writable and executable at once.
Status CpuDevice::mapImage(const Bytes &code) {
  if (code.sizeBytes == 0)
    return {};
  image = mapPages(code.sizeBytes);
  if (!image.data())
    return {Code::OutOfMemory, "out of memory for the plan's machine code"};
  std::memcpy(image.data(), code.data, code.sizeBytes);
  if (mprotect(image.data(), code.sizeBytes, PROT_READ | PROT_EXEC) != 0)
    return {Code::DeviceError,
            concat("cannot make the plan's machine code executable: ",
                   std::strerror(errno))};
  return {};
}

Status CpuDevice::allocateScratch(int64_t scratchBytes) {
  constexpr int64_t line = NNC_ALIGNMENT_BYTES;
  // Both fit: the plan's reader bounds the sum of all that a session allocates.
  scratchStrideBytes = (scratchBytes + line - 1) / line * line;
  StatusOr<DeviceMemory> memory =
      allocate(scratchStrideBytes * pool.numThreads(), "scratch memory");
  if (!memory.isOk())
    return memory.status();
  scratch = std::move(*memory);
  return {};
}

StatusOr<DeviceMemory> CpuDevice::allocate(int64_t sizeBytes,
                                           const char *what) {
  if (sizeBytes == 0)
    return DeviceMemory();
  // Fresh pages are zero, and cost nothing until they are touched.
  DeviceMemory memory = mapPages(sizeBytes);
  if (!memory.data())
    return Status(Code::OutOfMemory,
                  concat("out of memory for ", sizeBytes, " bytes of ", what));
  return memory;
}

// Kernels run with the same floating-point mode on every thread, whatever the
// program around them chose: round to nearest, no traps, and subnormal numbers
// taken as zero. Moments of units that died would else decay into them and
// stay, and arithmetic on them is up to a hundred times slower.
static constexpr uint32_t kernelControlWord = 0x1f80 | 0x8000 | 0x0040;

static uint32_t readControlWord() {
#if defined(__x86_64__)
  return _mm_getcsr();
#else
  return 0;
#endif
}

static void writeControlWord(uint32_t word) {
#if defined(__x86_64__)
  _mm_setcsr(word);
#endif
}

StatusOr<Commands> CpuDevice::beginRun(const Run &run, void **addresses) {
  callersControlWord = readControlWord();
  writeControlWord(kernelControlWord);
  firstCommand = run.entry.commands.data();
  return Device::beginRun(run, addresses);
}

Status CpuDevice::endRun() {
  writeControlWord(callersControlWord);
  return {};
}

void CpuDevice::abandonRun() { writeControlWord(callersControlWord); }

namespace {
struct KernelCall {
  nnc_kernel_fn kernel;
  void *const *buffers;
  int64_t batch;
  char *scratch;
  int64_t scratchStrideBytes;
  /// Of a run that is traced.
  Trace *trace;
  int64_t command;
};
} // namespace

/// For each range on a worker: it may have been started from anywhere.
void CpuDevice::prepareThread(int thread) {
  if (thread != 0)
    writeControlWord(kernelControlWord);
}

void CpuDevice::runRange(void *context, int64_t begin, int64_t end,
                         int thread) {
  auto &call = *static_cast<KernelCall *>(context);
  prepareThread(thread);
  call.kernel(call.buffers, call.batch, begin, end,
              call.scratch + call.scratchStrideBytes * thread);
}

void CpuDevice::runTraced(void *context, int64_t begin, int64_t end,
                          int thread) {
  using Clock = std::chrono::steady_clock;
  auto &call = *static_cast<KernelCall *>(context);
  const int64_t before = nanoseconds(Clock::now());
  runRange(context, begin, end, thread);
  call.trace->addPart(
      thread, {before, nanoseconds(Clock::now()), call.command, begin, end});
}

void CpuDevice::launch(const Command &command, void *const *buffers,
                       int64_t batch) {
  KernelCall call{kernels[command.kernel],
                  buffers,
                  batch,
                  scratch.data(),
                  scratchStrideBytes,
                  trace,
                  &command - firstCommand};
  pool.run(command.extent.at(batch), command.grain,
           trace ? runTraced : runRange, &call);
}

void CpuDevice::matmul(const Command &command, void *const *buffers,
                       int64_t batch) {
  computeMatmul(command.matmul, buffers, batch);
}

void CpuDevice::copy(void *to, const void *from, int64_t sizeBytes) {
  std::memcpy(to, from, sizeBytes);
}

/// A share for each thread, at most as many samples as the plan has room for.
static int64_t samplesAtATime(const Loop &loop, int64_t batch, int threads) {
  int64_t share = batch / threads + (batch % threads != 0);
  return std::min(std::max(share, loop.grain), loop.rows);
}

/// Whether samples are too few to give most threads any, and a step does so
/// much that threads had better wait for each other.
static bool isBetterTogether(const LoopRun &run, int threads) {
  // Some ten microseconds, of which a barrier or two are no large part.
  constexpr int64_t leastFlop = 1'000'000;
  int64_t flop = 0;
  for (size_t i = 0; i < run.loop.length && flop < leastFlop; ++i)
    flop += std::min(leastFlop, run.commands[i].flop.at(run.batch));
  return run.batch <= threads / 2 && run.batch <= run.loop.rows &&
         flop >= leastFlop;
}

void CpuDevice::runLoop(const LoopRun &run) {
  loops.resize(pool.numThreads());
  for (SampleLoop &loop : loops)
    loop.reserve(run);
  auto start = std::chrono::steady_clock::now();
  if (isBetterTogether(run, pool.numThreads()))
    runTogether(run);
  else
    runShares(run);
  std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  if (run.seconds)
    addLoopTimes(run, elapsed.count());
}

/// Each thread takes samples through all steps.
void CpuDevice::runShares(const LoopRun &run) {
  const int64_t rows = samplesAtATime(run.loop, run.batch, pool.numThreads());
  struct Context {
    CpuDevice &device;
    const LoopRun &run;
    int64_t rows;
  } context{*this, run, rows};
  auto runRange = [](void *context, int64_t begin, int64_t end, int thread) {
    auto &[device, run, rows] = *static_cast<Context *>(context);
    prepareThread(thread);
    for (int64_t i = begin; i < end; ++i)
      device.runShare(run, i * rows, std::min((i + 1) * rows, run.batch),
                      thread);
  };
  pool.run(run.batch / rows + (run.batch % rows != 0), 1, runRange, &context);
}

void CpuDevice::runShare(const LoopRun &run, int64_t begin, int64_t end,
                         int thread) {
  char *own = scratch.data() + scratchStrideBytes * thread;
  loops[thread].run(run, begin, end, kernels, own, thread,
                    [&](const SampleLoop::Call &call, void *const *buffers) {
                      if (!call.kernel)
                        std::memcpy(buffers[1], buffers[0], call.extent);
                      else if (call.extent > 0)
                        call.kernel(buffers, end - begin, 0, call.extent, own);
                    });
}

/// All samples go through the steps together, and threads share out each
/// command. What a step leaves in the first thread's scratch is read by all.
void CpuDevice::runTogether(const LoopRun &run) {
  loops[0].run(run, 0, run.batch, kernels, scratch.data(), SampleLoop::untraced,
               [&](const SampleLoop::Call &call, void *const *buffers) {
                 if (!call.kernel)
                   copy(buffers[1], buffers[0], call.extent);
                 else
                   launch(*call.command, buffers, run.batch);
               });
}

/// Shares the time that passed among the commands as the threads' time was.
void CpuDevice::addLoopTimes(const LoopRun &run, double elapsed) {
  double sum = 0;
  for (const SampleLoop &loop : loops)
    sum += std::accumulate(loop.seconds.begin(), loop.seconds.end(), 0.0);
  for (const SampleLoop &loop : loops)
    for (size_t i = 0; i < loop.seconds.size(); ++i)
      run.seconds[i] += sum > 0 ? loop.seconds[i] / sum * elapsed : 0;
}

} // namespace nnc::runtime
