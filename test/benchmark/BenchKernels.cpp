// nnc-bench-kernels: how fast single products and convolutions run, packing
// included, as the compiler schedules them for this machine and the runtime's
// threads run them. The best of many runs: other programs only take away.
#include "codegen/ScheduleKernels.h"
#include "codegen/Target.h"
#include "runtime/ThreadPool.h"
#include "runtime/abi.h"
#include "test/benchmark/BenchmarkedKernels.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>

#include <sched.h>
#include <sys/mman.h>

using namespace mlir;
using namespace nnc;
using nnc::test::BenchmarkedKernel;
namespace cl = llvm::cl;

namespace {

/// LLVM has an option named `threads` too; it must be gone before this one is
/// made.
struct Options {
  static void removeLlvmThreads() {
    auto &known = cl::getRegisteredOptions();
    if (auto option = known.find("threads"); option != known.end())
      option->second->setArgStr("llvm-threads");
  }

  cl::opt<int> threads{"threads", cl::init(2),
                       cl::desc("threads that share a kernel")};
  cl::opt<bool> json{"json", cl::desc("a list of {name, gflops}")};
  cl::opt<double> budgetSeconds{"budget", cl::init(0.6),
                                cl::desc("seconds for each kernel")};
  cl::opt<std::string> target{"target", cl::init("cpu"),
                              cl::desc("target, as nnc names them")};
  cl::list<std::string> only{"only",
                             cl::desc("kernels with this in their names")};
};

} // namespace

namespace {

/// A phase in memory that can run.
struct LoadedPhase {
  nnc_kernel_fn function;
  int64_t extent, grain;
  SmallVector<void *> buffers;
};

/// A kernel with its operands, result and workspaces.
class Runner {
public:
  static FailureOr<Runner> create(const BenchmarkedKernel &kernel,
                                  const Target &target, MLIRContext &context,
                                  int numThreads);

  void run(runtime::ThreadPool &pool);

private:
  void load(const CodeImage &image);
  void bind(const BenchmarkedKernel &kernel, const ScheduledKernel &scheduled,
            const CodeImage &image, int numThreads);
  void *allocate(int64_t sizeBytes);

  const uint8_t *memory = nullptr; // of the code
  int64_t batch = 1;
  SmallVector<LoadedPhase> phases;
  SmallVector<void *> scratch; // a thread's
};

} // namespace

// Memory lives as long as the program.
void *Runner::allocate(int64_t sizeBytes) {
  size_t rounded =
      llvm::alignTo(std::max<int64_t>(sizeBytes, 1), NNC_ALIGNMENT_BYTES);
  void *memory = std::aligned_alloc(NNC_ALIGNMENT_BYTES, rounded);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-1, 1);
  auto *floats = static_cast<float *>(memory);
  std::generate(floats, floats + rounded / sizeof(float),
                [&] { return uniform(random); });
  return memory;
}

void Runner::load(const CodeImage &image) {
  void *mapped = mmap(nullptr, image.bytes.size(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(mapped, image.bytes.data(), image.bytes.size());
  mprotect(mapped, image.bytes.size(), PROT_READ | PROT_EXEC);
  memory = static_cast<const uint8_t *>(mapped);
}

void Runner::bind(const BenchmarkedKernel &kernel,
                  const ScheduledKernel &scheduled, const CodeImage &image,
                  int numThreads) {
  int64_t elementBytes = sizeof(float);
  SmallVector<void *> operands;
  for (int64_t size : kernel.operandSizes)
    operands.push_back(allocate(size * elementBytes));
  void *result = allocate(kernel.resultSize * elementBytes);
  batch = kernel.batch;
  SmallVector<void *> workspaces;
  for (const Extent &bytes : scheduled.workspaceBytes)
    workspaces.push_back(allocate(bytes.at(batch)));
  for (int thread = 0; thread < numThreads; ++thread)
    scratch.push_back(allocate(scheduled.scratchBytes));
  for (auto [phase, code] : llvm::zip(scheduled.phases, image.kernels)) {
    LoadedPhase loaded = {reinterpret_cast<nnc_kernel_fn>(
                              const_cast<uint8_t *>(memory) + code.offsetBytes),
                          phase.extent.at(batch),
                          phase.grain,
                          {}};
    for (BufferRef ref : phase.buffers)
      loaded.buffers.push_back(
          ref.kind == BufferRef::Operand  ? operands[ref.index]
          : ref.kind == BufferRef::Result ? result
                                          : workspaces[ref.index]);
    phases.push_back(loaded);
  }
}

FailureOr<Runner> Runner::create(const BenchmarkedKernel &kernel,
                                 const Target &target, MLIRContext &context,
                                 int numThreads) {
  auto module = parseSourceString<ModuleOp>(kernel.text, &context);
  if (!module)
    return failure();
  auto function = *module->getOps<func::FuncOp>().begin();
  function->setAttr("nnc.kind", StringAttr::get(&context, "contraction"));
  FailureOr<Schedule> schedule = scheduleKernels(*module, target, kernel.batch);
  if (failed(schedule))
    return failure();
  FailureOr<CodeImage> image = target.compile(*schedule->phases);
  if (failed(image))
    return failure();
  const ScheduledKernel &scheduled = schedule->kernels.begin()->second;
  Runner runner;
  runner.load(*image);
  runner.bind(kernel, scheduled, *image, numThreads);
  return runner;
}

void Runner::run(runtime::ThreadPool &pool) {
  struct Context {
    const LoadedPhase *phase;
    int64_t batch;
    ArrayRef<void *> scratch;
  };
  for (const LoadedPhase &phase : phases) {
    Context context = {&phase, batch, scratch};
    pool.run(
        phase.extent, phase.grain,
        [](void *opaque, int64_t begin, int64_t end, int thread) {
          auto *context = static_cast<Context *>(opaque);
          context->phase->function(context->phase->buffers.data(),
                                   context->batch, begin, end,
                                   context->scratch[thread]);
        },
        &context);
  }
}

static double bestSeconds(Runner &runner, runtime::ThreadPool &pool,
                          double budgetSeconds) {
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
  };
  runner.run(pool);
  runner.run(pool);
  double best = 1e9;
  Clock::time_point start = Clock::now();
  while (seconds(Clock::now() - start) < budgetSeconds) {
    Clock::time_point begin = Clock::now();
    runner.run(pool);
    best = std::min(best, seconds(Clock::now() - begin));
  }
  return best;
}

/// Keeps to as many processors as there are threads, as the peers do.
static void restrictProcessors(int numThreads) {
  cpu_set_t available, used;
  sched_getaffinity(0, sizeof(available), &available);
  CPU_ZERO(&used);
  for (int cpu = 0, count = 0; cpu < CPU_SETSIZE && count < numThreads; ++cpu)
    if (CPU_ISSET(cpu, &available)) {
      CPU_SET(cpu, &used);
      ++count;
    }
  sched_setaffinity(0, sizeof(used), &used);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options::removeLlvmThreads();
  Options options;
  cl::ParseCommandLineOptions(argc, argv, "times products and convolutions\n");
  restrictProcessors(options.threads);
  llvm::Expected<std::unique_ptr<Target>> target = createTarget(options.target);
  if (!target) {
    llvm::errs() << "error: " << llvm::toString(target.takeError()) << '\n';
    return 2;
  }
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect,
                      memref::MemRefDialect, scf::SCFDialect,
                      tensor::TensorDialect, vector::VectorDialect>();
  runtime::ThreadPool pool(options.threads);
  const char *separator = "[";
  for (const BenchmarkedKernel &kernel : test::benchmarkedKernels()) {
    StringRef name = kernel.name;
    if (!options.only.empty() &&
        llvm::none_of(options.only,
                      [&](StringRef part) { return name.contains(part); }))
      continue;
    FailureOr<Runner> runner =
        Runner::create(kernel, **target, context, options.threads);
    if (failed(runner))
      return 1;
    double gflops =
        1e-9 * kernel.flop / bestSeconds(*runner, pool, options.budgetSeconds);
    if (options.json)
      llvm::outs() << separator << "{\"name\": \"" << name
                   << "\", \"gflops\": " << llvm::format("%.2f", gflops) << '}';
    else
      llvm::outs() << llvm::format("%-52s%8.1f GFLOP/s\n", kernel.name.c_str(),
                                   gflops);
    llvm::outs().flush();
    separator = ", ";
  }
  if (options.json)
    llvm::outs() << "]\n";
  return 0;
}
