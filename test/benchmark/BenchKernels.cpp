// nnc-bench-kernels: how fast single matrix products run, packing included, as
// the compiler schedules them for this machine and the runtime's threads run
// them. The best of many runs: other programs on the machine only take away.
#include "codegen/cpu/Contraction.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/cpu/EmitObject.h"
#include "runtime/ThreadPool.h"
#include "runtime/abi.h"

#include "mlir/IR/Verifier.h"
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
                       cl::desc("threads that share a product")};
  cl::opt<bool> json{"json", cl::desc("a list of {name, gflops}")};
  cl::opt<double> budgetSeconds{"budget", cl::init(0.6),
                                cl::desc("seconds for each product")};
  cl::opt<std::string> target{"target", cl::init("cpu"),
                              cl::desc("target, as nnc names them")};
  cl::list<std::string> only{"only", cl::CommaSeparated,
                             cl::desc("names of the products to run")};
};

} // namespace

namespace {

struct Product {
  int64_t m, n, k;
  /// Stored transposed: [k, m], or [n, k].
  bool lhsTransposed = false;
  bool rhsTransposed = false;
};

} // namespace

// From square to those of small networks, forward and backward.
static constexpr Product kProducts[] = {
    {64, 64, 64},
    {128, 128, 128},
    {256, 256, 256},
    {512, 512, 512},
    {1024, 1024, 1024},
    {2048, 2048, 2048},
    {128, 128, 784},
    {128, 10, 128},
    {784, 128, 128, true, false},
    {768, 384, 128},
    {768, 512, 128},
    {768, 65, 128},
    {33, 77, 50},
    {128, 784, 128, false, true},
    {64, 3136, 128, false, true},
};

static std::string nameOf(const Product &product) {
  std::string name;
  llvm::raw_string_ostream stream(name);
  stream << "matmul " << product.m << 'x' << product.n << 'x' << product.k
         << (product.lhsTransposed   ? " A^T"
             : product.rhsTransposed ? " B^T"
                                     : "");
  return name;
}

static std::string matrix(int64_t rows, int64_t columns, bool transposed) {
  if (transposed)
    std::swap(rows, columns);
  return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) +
         "xf32>";
}

/// The product as a kernel, in the form that a target takes.
static std::string kernelOf(const Product &product) {
  std::string lhs = matrix(product.m, product.k, product.lhsTransposed);
  std::string rhs = matrix(product.k, product.n, product.rhsTransposed);
  std::string out = matrix(product.m, product.n, false);
  std::string text;
  llvm::raw_string_ostream(text)
      << "func.func private @product(%batch: index, %a: " << lhs
      << ", %b: " << rhs << ") -> " << out << " attributes {nnc.kernel} {\n"
      << "%init = arith.constant dense<0.0> : " << out << "\n"
      << "%c = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> "
      << (product.lhsTransposed ? "(k, m)" : "(m, k)")
      << ">, affine_map<(m, n, k) -> "
      << (product.rhsTransposed ? "(n, k)" : "(k, n)")
      << ">, affine_map<(m, n, k) -> (m, n)>],\n"
      << "iterator_types = [\"parallel\", \"parallel\", \"reduction\"]}\n"
      << "ins(%a, %b : " << lhs << ", " << rhs << ") outs(%init : " << out
      << ") {\n^bb0(%x: f32, %y: f32, %sum: f32):\n"
      << "%0 = arith.mulf %x, %y : f32\n%1 = arith.addf %sum, %0 : f32\n"
      << "linalg.yield %1 : f32\n} -> " << out << "\nreturn %c : " << out
      << "\n}\n";
  return text;
}

namespace {

/// A phase in memory that can run.
struct LoadedPhase {
  nnc_kernel_fn function;
  int64_t extent, grain;
  SmallVector<void *> buffers;
};

/// A product with its operands, result and workspaces.
class Runner {
public:
  static FailureOr<Runner> create(const Product &product, const CpuModel &model,
                                  MLIRContext &context, int numThreads);

  void run(runtime::ThreadPool &pool);

private:
  void load(const CodeImage &image);
  void bind(const Product &product, const ScheduledKernel &scheduled,
            const CodeImage &image, int numThreads);
  void *allocate(int64_t sizeBytes);

  const uint8_t *code = nullptr;
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
  void *memory = mmap(nullptr, image.bytes.size(), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::memcpy(memory, image.bytes.data(), image.bytes.size());
  mprotect(memory, image.bytes.size(), PROT_READ | PROT_EXEC);
  code = static_cast<const uint8_t *>(memory);
}

void Runner::bind(const Product &product, const ScheduledKernel &scheduled,
                  const CodeImage &image, int numThreads) {
  int64_t elementBytes = sizeof(float);
  void *operands[] = {allocate(product.m * product.k * elementBytes),
                      allocate(product.k * product.n * elementBytes)};
  void *result = allocate(product.m * product.n * elementBytes);
  SmallVector<void *> workspaces;
  for (const Extent &bytes : scheduled.workspaceBytes)
    workspaces.push_back(allocate(bytes.at(1)));
  for (int thread = 0; thread < numThreads; ++thread)
    scratch.push_back(allocate(scheduled.scratchBytes));
  for (auto [phase, kernel] : llvm::zip(scheduled.phases, image.kernels)) {
    LoadedPhase loaded = {reinterpret_cast<nnc_kernel_fn>(
                              const_cast<uint8_t *>(code) + kernel.offsetBytes),
                          phase.extent.at(1),
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

FailureOr<Runner> Runner::create(const Product &product, const CpuModel &model,
                                 MLIRContext &context, int numThreads) {
  auto module = parseSourceString<ModuleOp>(kernelOf(product), &context);
  if (!module)
    return failure();
  auto kernel = *module->getOps<func::FuncOp>().begin();
  Refusal refusal;
  FailureOr<ScheduledKernel> scheduled =
      scheduleContraction(kernel, model, refusal);
  if (failed(scheduled))
    return kernel.emitOpError("is not scheduled as a contraction: ")
           << refusal.reason();
  kernel.erase();
  for (Phase &phase : scheduled->phases)
    phase.function.setPublic();
  if (failed(verify(*module)))
    return failure();
  FailureOr<CodeImage> image = emitCode(*module, model);
  if (failed(image))
    return failure();
  Runner runner;
  runner.load(*image);
  runner.bind(product, *scheduled, *image, numThreads);
  return runner;
}

void Runner::run(runtime::ThreadPool &pool) {
  struct Context {
    const LoadedPhase *phase;
    ArrayRef<void *> scratch;
  };
  for (const LoadedPhase &phase : phases) {
    Context context = {&phase, scratch};
    pool.run(
        phase.extent, phase.grain,
        [](void *opaque, int64_t begin, int64_t end, int thread) {
          auto *context = static_cast<Context *>(opaque);
          context->phase->function(context->phase->buffers.data(), /*batch=*/1,
                                   begin, end, context->scratch[thread]);
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
  cl::ParseCommandLineOptions(argc, argv, "times matrix products\n");
  restrictProcessors(options.threads);
  llvm::Expected<CpuModel> model = findCpuModel(options.target);
  if (!model) {
    llvm::errs() << "error: " << llvm::toString(model.takeError()) << '\n';
    return 2;
  }
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<arith::ArithDialect, func::FuncDialect,
                      linalg::LinalgDialect, math::MathDialect,
                      memref::MemRefDialect, scf::SCFDialect,
                      tensor::TensorDialect, vector::VectorDialect>();
  runtime::ThreadPool pool(options.threads);
  const char *separator = "[";
  for (const Product &product : kProducts) {
    std::string name = nameOf(product);
    if (!options.only.empty() && !llvm::is_contained(options.only, name))
      continue;
    FailureOr<Runner> runner =
        Runner::create(product, *model, context, options.threads);
    if (failed(runner))
      return 1;
    double gflops = 2e-9 * product.m * product.n * product.k /
                    bestSeconds(*runner, pool, options.budgetSeconds);
    if (options.json)
      llvm::outs() << separator << "{\"name\": \"" << name
                   << "\", \"gflops\": " << llvm::format("%.2f", gflops) << '}';
    else
      llvm::outs() << llvm::format("%-44s%8.1f GFLOP/s\n", name.c_str(),
                                   gflops);
    llvm::outs().flush();
    separator = ", ";
  }
  if (options.json)
    llvm::outs() << "]\n";
  return 0;
}
