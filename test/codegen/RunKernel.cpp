// nnc-run-kernel: compiles the kernels of a file with an emitter, runs them on
// made-up data, and compares with the reference.
//
// For each kernel and batch it checks that
//   - the results are those of the reference, within the tolerance,
//   - splitting the parallel loop (2 and 3 parts, and 3 in reverse order)
//     changes no bit of them,
//   - writing a result over an operand that it may alias changes no bit, and
//   - no byte outside of the buffers is written, nor a page beyond them read.
//
// A kernel with the attribute `test.function = "exp"`, which applies that one
// function to its operands, is compared with libm in long double instead.
//
// With `--target=sim` a kernel runs on the simulated GPU, whose blocks are what
// is split, and whatever the simulator finds fails too.
//
// Operands are uniform in [-1, 1] (floats) or [0, 3] (integers), or in the
// range that the argument attribute `test.range = [low, high]` gives.
#include "test/codegen/SimulatedKernel.h"

#include "codegen/KernelForms.h"
#include "codegen/Reference.h"
#include "codegen/cpu/Attention.h"
#include "codegen/cpu/Contraction.h"
#include "codegen/cpu/CpuTarget.h"
#include "codegen/cpu/Depthwise.h"
#include "codegen/cpu/EmitObject.h"
#include "codegen/cpu/Movement.h"
#include "codegen/cpu/Rows.h"
#include "codegen/cpu/Scatter.h"
#include "codegen/cpu/Winograd.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>

using namespace mlir;
using namespace nnc;
using namespace nnc::test;
namespace cl = llvm::cl;

static cl::opt<std::string> inputFile(cl::Positional, cl::init("-"),
                                      cl::desc("<kernels.mlir>"));
static cl::opt<std::string>
    emitterName("emitter", cl::init("auto"),
                cl::desc("which emitter schedules the kernels, or auto"));
static cl::opt<std::string> targetName("target", cl::init("cpu"),
                                       cl::desc("target, as nnc names them"));
static cl::opt<std::string> kernelName("kernel",
                                       cl::desc("only the kernel so named"));
static cl::list<int64_t> batches("batch", cl::CommaSeparated,
                                 cl::desc("batches to run (1,2,5,16)"));
static cl::opt<unsigned> seed("seed", cl::init(1), cl::desc("of the operands"));
static cl::opt<double> tolerance(
    "tolerance", cl::init(0),
    cl::desc("largest error allowed, as a share of the reference's largest "
             "magnitude (default by element type)"));
static cl::opt<double> maxUlp("max-ulp", cl::init(0),
                              cl::desc("largest error allowed in units in the "
                                       "last place of the reference"));
static cl::opt<bool> allowTf32("allow-tf32",
                               cl::desc("let products of f32 round operands, "
                                        "on a simulated GPU"));
static cl::opt<bool> measureTime("time", cl::desc("measure instead of check"));
static cl::opt<bool> compileOnly("compile-only",
                                 cl::desc("for targets this machine is not"));
static cl::opt<bool>
    together("together",
             cl::desc("compile all kernels at once, and say how long it took"));
static cl::opt<std::string>
    emitStage("emit", cl::desc("print plan (of rows), phases, llvm or asm, "
                               "and stop"));

//===----------------------------------------------------------------------===//
// Schedulers
//===----------------------------------------------------------------------===//

namespace {

struct NamedScheduler {
  StringRef name;
  FailureOr<ScheduledKernel> (*schedule)(func::FuncOp kernel,
                                         const CpuModel &model,
                                         Refusal &refusal);
};

} // namespace

static FailureOr<ScheduledKernel>
scheduleByReference(func::FuncOp kernel, const CpuModel &, Refusal &) {
  return scheduleReference(kernel);
}

static FailureOr<ScheduledKernel>
scheduleByLoops(func::FuncOp kernel, const CpuModel &, Refusal &refusal) {
  return scheduleLoops(kernel, refusal);
}

// In the order in which `auto` asks them.
static const NamedScheduler kSchedulers[] = {
    {"depthwise", scheduleDepthwise},     {"winograd", scheduleWinograd},
    {"contraction", scheduleContraction}, {"rows", scheduleRows},
    {"movement", scheduleMovement},       {"scatter", scheduleScatter},
    {"attention", scheduleAttention},     {"loops", scheduleByLoops},
    {"reference", scheduleByReference},
};

static FailureOr<ScheduledKernel>
schedule(func::FuncOp kernel, StringRef wanted, const CpuModel &model) {
  Refusal refusal;
  for (const NamedScheduler &scheduler : kSchedulers) {
    if (wanted != "auto" && wanted != scheduler.name)
      continue;
    FailureOr<ScheduledKernel> result =
        scheduler.schedule(kernel, model, refusal);
    if (succeeded(result))
      return result;
  }
  return kernel.emitOpError("is not claimed by the emitter '")
         << wanted << "': " << refusal.reason();
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

static double nowMs() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Moves the phases, and what they call, into a module of their own.
static OwningOpRef<ModuleOp> collectPhases(ModuleOp from) {
  OwningOpRef<ModuleOp> phases = ModuleOp::create(from.getLoc());
  for (Operation &op : llvm::make_early_inc_range(*from.getBody())) {
    if (op.hasAttr("nnc.kernel"))
      continue;
    op.remove();
    phases->push_back(&op);
  }
  return phases;
}

static LogicalResult printStage(ModuleOp phases, const CpuModel &model) {
  if (emitStage == "phases") {
    phases.print(llvm::outs());
    return success();
  }
  FailureOr<std::string> text = emitStage == "asm" ? emitAssembly(phases, model)
                                                   : emitLlvmIr(phases, model);
  if (succeeded(text))
    llvm::outs() << *text;
  return LogicalResult(text);
}

/// A module that holds a copy of `kernel` alone.
static OwningOpRef<ModuleOp> isolate(func::FuncOp kernel) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  module->push_back(kernel.clone());
  return module;
}

static bool isSimulated() { return StringRef(targetName).starts_with("sim"); }

static FailureOr<CompiledKernel> compile(func::FuncOp original,
                                         StringRef emitter,
                                         const CpuModel &model, bool mayPrint) {
  OwningOpRef<ModuleOp> module = isolate(original);
  if (isSimulated() && emitter != "reference")
    return compileSimulated(std::move(module), targetName, allowTf32);
  auto kernel = *module->getOps<func::FuncOp>().begin();
  if (mayPrint && emitStage == "plan")
    return LogicalResult(success(
        succeeded(printRowsPlan(kernel, model, llvm::outs())) && false));
  CompiledKernel result;
  double start = nowMs();
  FailureOr<ScheduledKernel> scheduled = schedule(kernel, emitter, model);
  if (failed(scheduled))
    return failure();
  result.scheduled = *scheduled;
  result.scheduleMs = nowMs() - start;

  SmallVector<std::string> names;
  for (Phase &phase : scheduled->phases) {
    phase.function.setPublic();
    names.push_back(phase.function.getName().str());
  }
  OwningOpRef<ModuleOp> phases = collectPhases(*module);
  if (failed(verify(*phases)))
    return failure();
  if (mayPrint && !emitStage.empty())
    return LogicalResult(
        success(succeeded(printStage(*phases, model)) && false));

  start = nowMs();
  FailureOr<CodeImage> image = emitCode(*phases, model);
  if (failed(image))
    return failure();
  result.emitMs = nowMs() - start;
  result.codeBytes = image->bytes.size();
  result.features = image->features;
  result.image = std::make_unique<LoadedImage>(*image);
  for (StringRef name : names)
    for (const CodeImage::Kernel &entry : image->kernels)
      if (entry.name == name)
        result.entries.push_back(result.image->at(entry.offsetBytes));
  return result;
}

/// What SIGSEGV says: set before each run.
static std::string runningKernel;

static void reportCrash(int) {
  std::string text =
      runningKernel + ": access beyond the end of a buffer (SIGSEGV)\n";
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, text.data(), text.size());
  _exit(1);
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// Sums of some thousand products in another order differ by about the square
/// root of their number of roundings; 128 half units leave room for that, and
/// still show a wrong or missing term.
static double defaultTolerance(Type type) {
  if (!isa<FloatType>(type))
    return 0;
  return 64 * ulpAt(1.0, type);
}

using Function = long double (*)(long double, long double);

static Function findFunction(StringRef name) {
  return llvm::StringSwitch<Function>(name)
      .Case("exp", [](long double x, long double) { return std::exp(x); })
      .Case("expm1", [](long double x, long double) { return std::expm1(x); })
      .Case("log", [](long double x, long double) { return std::log(x); })
      .Case("log1p", [](long double x, long double) { return std::log1p(x); })
      .Case("tanh", [](long double x, long double) { return std::tanh(x); })
      .Case("erf", [](long double x, long double) { return std::erf(x); })
      .Case("sin", [](long double x, long double) { return std::sin(x); })
      .Case("cos", [](long double x, long double) { return std::cos(x); })
      .Case("pow", [](long double x, long double y) { return std::pow(x, y); });
}

namespace {

class Checker {
public:
  Checker(func::FuncOp kernel, const CompiledKernel &fast,
          const CompiledKernel &reference)
      : kernel(kernel), fast(fast), reference(reference) {}

  bool check(int64_t batch);

  Error worst;

private:
  bool fail(int64_t batch, const Twine &what) {
    llvm::errs() << kernel.getName() << ": batch " << batch << ": " << what
                 << '\n';
    return false;
  }
  bool checkValues(int64_t batch, const std::vector<Bytes> &found);
  bool checkFunction(int64_t batch, const Bytes &found, StringRef name);
  bool checkSplits(int64_t batch, Memory &memory,
                   const std::vector<Bytes> &expected);
  bool checkAliases(int64_t batch, const std::vector<Bytes> &expected);

  func::FuncOp kernel;
  const CompiledKernel &fast;
  const CompiledKernel &reference;
};

} // namespace

bool Checker::checkValues(int64_t batch, const std::vector<Bytes> &found) {
  if (auto name = kernel->getAttrOfType<StringAttr>("test.function"))
    return checkFunction(batch, found[0], name);
  Memory memory(kernel, reference.scheduled, batch, seed);
  run(reference, memory, resultAddresses(memory), batch, {1, false});
  std::vector<Bytes> expected = snapshot(memory.results);
  for (unsigned i = 0; i < kernel.getNumResults(); ++i) {
    Type type = cast<ShapedType>(kernel.getResultTypes()[i]).getElementType();
    Error error = compare(found[i], expected[i], type);
    worst.ulp = std::max(worst.ulp, error.ulp);
    worst.share = std::max(worst.share, error.share);
    double limit = tolerance > 0 ? double(tolerance) : defaultTolerance(type);
    if (error.share <= limit && (maxUlp == 0 || error.ulp <= maxUlp))
      continue;
    std::string text;
    llvm::raw_string_ostream(text)
        << "result " << i << " differs: element " << error.worstIndex
        << " expected " << error.expected << ", found " << error.found
        << llvm::format(" (%.3g ulp, %.3g of the largest)", error.ulp,
                        error.share);
    return fail(batch, text);
  }
  return true;
}

/// Both operands and result have one element type; `pow` has two operands.
bool Checker::checkFunction(int64_t batch, const Bytes &found, StringRef name) {
  Function function = findFunction(name);
  Memory memory(kernel, fast.scheduled, batch, seed);
  auto type = cast<ShapedType>(kernel.getResultTypes()[0]);
  Type element = type.getElementType();
  for (int64_t i = 0, e = numElements(type, batch); i < e; ++i) {
    double x = readElement(memory.operands.front().begin(), element, i);
    double y = readElement(memory.operands.back().begin(), element, i);
    double value = readElement(found.data(), element, i);
    long double exact = function(x, y);
    double expected = static_cast<double>(exact);
    if (areSame(value, roundTo(element, expected)))
      continue;
    double ulp = static_cast<double>(std::fabs(value - exact) /
                                     ulpAt(expected, element));
    worst.ulp = std::max(worst.ulp, ulp);
    if (!(ulp <= maxUlp))
      return fail(batch, llvm::formatv("{0}({1:e}, {2:e}) is {3:e}, expected "
                                       "{4:e} ({5:f} ulp)",
                                       name, x, y, value, expected, ulp));
  }
  return true;
}

bool Checker::checkSplits(int64_t batch, Memory &memory,
                          const std::vector<Bytes> &expected) {
  for (Split split : {Split{2, false}, Split{3, false}, Split{3, true}}) {
    memory.clear();
    run(fast, memory, resultAddresses(memory), batch, split);
    if (snapshot(memory.results) != expected)
      return fail(batch, "results change when the loop runs in " +
                             Twine(split.parts) + " parts" +
                             (split.reversed ? ", last first" : ""));
    if (!memory.isIntact())
      return fail(batch, "bytes outside of the buffers were written");
  }
  return true;
}

bool Checker::checkAliases(int64_t batch, const std::vector<Bytes> &expected) {
  for (auto [operand, result] : fast.scheduled.mayAlias) {
    for (Split split : {Split{1, false}, Split{3, true}}) {
      Memory memory(kernel, fast.scheduled, batch, seed);
      SmallVector<void *> results = resultAddresses(memory);
      results[result] = memory.operands[operand].begin();
      run(fast, memory, results, batch, split);
      std::vector<Bytes> found = snapshot(memory.results);
      found[result] = snapshot(memory.operands)[operand];
      if (found != expected)
        return fail(batch, "results change when result " + Twine(result) +
                               " is written over operand " + Twine(operand));
    }
  }
  return true;
}

bool Checker::check(int64_t batch) {
  runningKernel = kernel.getName().str() + ": batch " + std::to_string(batch);
  Memory memory(kernel, fast.scheduled, batch, seed);
  std::vector<Bytes> operands = snapshot(memory.operands);
  run(fast, memory, resultAddresses(memory), batch, {1, false});
  std::vector<Bytes> results = snapshot(memory.results);
  if (!memory.isIntact())
    return fail(batch, "bytes outside of the buffers were written");
  if (snapshot(memory.operands) != operands)
    return fail(batch, "an operand was written");
  return checkValues(batch, results) && checkSplits(batch, memory, results) &&
         checkAliases(batch, results);
}

//===----------------------------------------------------------------------===//
// Measurements
//===----------------------------------------------------------------------===//

/// Floating-point operations of the kernel: of each linalg op, the arithmetic
/// in its body times its iterations.
static double countFlops(func::FuncOp kernel, int64_t batch) {
  double flops = 0;
  kernel.walk([&](linalg::LinalgOp op) {
    double iterations = 1;
    for (int64_t size : op.getStaticLoopRanges())
      iterations *= ShapedType::isDynamic(size) ? batch : size;
    for (Operation &inner : *op.getBlock())
      if (isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp>(
              inner) ||
          isa<math::MathDialect>(inner.getDialect()))
        flops += iterations;
  });
  return flops;
}

/// The fastest of many runs in about 0.3 s, in seconds.
static double fastestRun(const CompiledKernel &kernel, const Memory &memory,
                         int64_t batch) {
  SmallVector<void *> results = resultAddresses(memory);
  double best = 1e30, stop = nowMs() + 300;
  // Calls in a row, so that the clock's own time does not count.
  int64_t repeats = 1;
  while (nowMs() < stop) {
    double start = nowMs();
    for (int64_t i = 0; i < repeats; ++i)
      run(kernel, memory, results, batch, {1, false});
    double elapsed = nowMs() - start;
    best = std::min(best, elapsed / repeats);
    if (elapsed < 0.2)
      repeats *= 2;
  }
  return best / 1e3;
}

static void measure(func::FuncOp kernel, const CompiledKernel &compiled,
                    int64_t batch) {
  Memory memory(kernel, compiled.scheduled, batch, seed);
  runningKernel = kernel.getName().str();
  double seconds = fastestRun(compiled, memory, batch);
  double bytes = 0;
  for (auto *group : {&memory.operands, &memory.results})
    for (const GuardedBuffer &buffer : *group)
      bytes += buffer.size();
  llvm::outs() << llvm::format(
      "%-28s batch %4lld %10.2f us %8.2f GFLOP/s %8.2f GB/s  schedule %.1f ms, "
      "emit %.1f ms, %zu bytes of code\n",
      kernel.getName().str().c_str(), static_cast<long long>(batch),
      seconds * 1e6, countFlops(kernel, batch) / seconds / 1e9,
      bytes / seconds / 1e9, compiled.scheduleMs, compiled.emitMs,
      compiled.codeBytes);
}

//===----------------------------------------------------------------------===//
// Main
//===----------------------------------------------------------------------===//

static bool dependsOnBatch(func::FuncOp kernel) {
  auto isDynamic = [](Type type) {
    auto shaped = dyn_cast<ShapedType>(type);
    return shaped && !shaped.hasStaticShape();
  };
  return llvm::any_of(kernel.getArgumentTypes(), isDynamic) ||
         llvm::any_of(kernel.getResultTypes(), isDynamic);
}

/// Compiles all kernels of the file as one program and reports how long it
/// took.
static bool compileTogether(ModuleOp module, const CpuModel &model) {
  OwningOpRef<ModuleOp> copy = module.clone();
  double start = nowMs();
  unsigned numPhases = 0;
  SmallVector<func::FuncOp> kernels;
  for (auto kernel : copy->getOps<func::FuncOp>())
    kernels.push_back(kernel);
  for (func::FuncOp kernel : kernels) {
    FailureOr<ScheduledKernel> scheduled = schedule(kernel, emitterName, model);
    if (failed(scheduled))
      return false;
    for (Phase &phase : scheduled->phases)
      phase.function.setPublic();
    numPhases += scheduled->phases.size();
  }
  OwningOpRef<ModuleOp> phases = collectPhases(*copy);
  double scheduledMs = nowMs() - start;
  FailureOr<CodeImage> image = emitCode(*phases, model);
  if (failed(image))
    return false;
  llvm::outs() << llvm::format(
      "%zu kernels, %u phases: schedule %.1f ms, emit %.1f ms, %zu bytes\n",
      kernels.size(), numPhases, scheduledMs, nowMs() - start - scheduledMs,
      image->bytes.size());
  return true;
}

static bool process(func::FuncOp kernel, const CpuModel &model) {
  FailureOr<CompiledKernel> fast = compile(kernel, emitterName, model, true);
  if (failed(fast))
    return !emitStage.empty();
  StringRef kind = fast->scheduled.phases.front().kind;
  if (compileOnly) {
    llvm::outs() << kernel.getName() << ": " << kind << ", compiled; needs "
                 << llvm::join(fast->features, " ") << '\n';
    return true;
  }
  SmallVector<int64_t> toRun(batches.begin(), batches.end());
  if (!dependsOnBatch(kernel))
    toRun = {1};
  if (measureTime) {
    for (int64_t batch : toRun)
      measure(kernel, *fast, batch);
    return true;
  }
  FailureOr<CompiledKernel> reference =
      compile(kernel, "reference", model, false);
  if (failed(reference))
    return false;
  Checker checker(kernel, *fast, *reference);
  for (int64_t batch : toRun) {
    bool isOk = checker.check(batch);
    if (std::string fault = takeFault(); !fault.empty()) {
      llvm::errs() << fault << '\n';
      return false;
    }
    if (!isOk)
      return false;
  }
  llvm::outs() << kernel.getName() << ": " << kind << ", "
               << fast->scheduled.phases.size() << " phases, "
               << llvm::format("%.3g ulp, %.2g of the largest: ok\n",
                               checker.worst.ulp, checker.worst.share);
  return true;
}

static void registerDialects(DialectRegistry &registry) {
  registry.insert<affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, func::FuncDialect,
                  linalg::LinalgDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect,
                  ub::UBDialect, vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "Runs and checks kernels\n");
  if (batches.empty())
    for (int64_t batch : {1, 2, 5, 16})
      batches.push_back(batch);
  std::signal(SIGSEGV, reportCrash);

  // The reference runs on this machine.
  llvm::Expected<CpuModel> model =
      findCpuModel(isSimulated() ? std::string("cpu") : targetName);
  if (!model) {
    llvm::errs() << "error: " << llvm::toString(model.takeError()) << '\n';
    return 1;
  }
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry);
  // `nnc.kernel` and `test.range` are attributes only; no dialect is needed.
  context.allowUnregisteredDialects();
  context.printOpOnDiagnostic(false);
  context.loadAllAvailableDialects();
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module =
      parseSourceFile<ModuleOp>(inputFile, sources, &context);
  if (!module)
    return 1;
  for (auto kernel : module->getOps<func::FuncOp>())
    if (kernelName.empty() || kernel.getName() == kernelName)
      if (failed(verifyKernelForms(kernel)))
        return 1;
  if (together)
    return compileTogether(*module, *model) ? 0 : 1;
  bool isOk = true;
  for (auto kernel : module->getOps<func::FuncOp>())
    if (kernel->hasAttr("nnc.kernel") &&
        (kernelName.empty() || kernel.getName() == kernelName))
      isOk &= process(kernel, *model);
  return isOk ? 0 : 1;
}
