// Kernels' text with entries that the simulator calls, and the host's compiler.
#include "codegen/sim/SimTarget.h"

#include "codegen/GeneratedText.h"
#include "codegen/cuda/GpuTarget.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static constexpr char kInterface[] =
#include "runtime/device/SimInterface.h.inc"
    ;
static constexpr char kShim[] =
#include "codegen/sim/shim.h.inc"
    ;

static constexpr char kTensor[] =
#include "codegen/sim/tensor.h.inc"
    ;

/// "{constant, per batch, divisor}".
static std::string printSize(std::optional<Extent> size) {
  Extent extent = size.value_or(Extent{0, 0, 0});
  return "{" + std::to_string(extent.constant) + ", " +
         std::to_string(extent.perBatch) + ", " +
         std::to_string(extent.divisor) + "}";
}

static const char *printBool(bool value) { return value ? "true" : "false"; }

/// The name of the array that a line declares as shared; empty if it does not.
static StringRef sharedArray(StringRef line) {
  if (!line.contains("__shared__ ") || line.ltrim().starts_with("//"))
    return "";
  StringRef declared = line.split('[').first;
  return declared.substr(declared.rfind(' ') + 1);
}

/// Whether a line is a statement of its own, which another may precede.
static bool isStatement(StringRef line, StringRef previous) {
  StringRef text = line.trim(), before = previous.trim();
  bool isAlone = before.ends_with(";") || before.ends_with("{") ||
                 before.ends_with("}") || before.starts_with("//");
  return isAlone && !text.empty() && !text.starts_with("}") &&
         !text.starts_with("//") && !text.contains("__shared__");
}

/// The kernel's text with the numbers of its lines, for messages: in front of
/// each statement, and so that the line count stays.
static std::string numberLines(const CudaKernel &kernel) {
  std::string numbered;
  StringRef previous;
  unsigned number = 0;
  for (StringRef line : llvm::split(kernel.text, '\n')) {
    ++number;
    if (isStatement(line, previous) && number > 1)
      numbered += "nnc_at(" + std::to_string(number) + ");";
    numbered += line;
    if (StringRef array = sharedArray(line); !array.empty())
      numbered += (" nnc_share(\"" + array + "\", " + array + ");").str();
    numbered += '\n';
    previous = line;
  }
  return numbered;
}

/// What makes a kernel an nnc_kernel_fn (runtime/abi.h), as "<name>.blocks".
static std::string printEntry(const CudaKernel &kernel, bool isChecked) {
  std::string arguments, buffers, lines;
  for (auto [i, buffer] : llvm::enumerate(kernel.buffers)) {
    std::string at = "buffers[" + std::to_string(i) + "]";
    arguments += "(" + buffer.type + ")" + at + ", ";
    buffers += "{" + toLiteral(buffer.name) + ", " +
               std::to_string(buffer.elementBytes) + ", " +
               printSize(buffer.elements) + ", " + printBool(buffer.isFloat) +
               ", " + printBool(isChecked && buffer.isFresh) + "}, ";
  }
  unsigned numLines = 0;
  for (StringRef line : llvm::split(kernel.text, '\n')) {
    lines += "  " + toLiteral(line) + ",\n";
    ++numLines;
  }
  const std::string &name = kernel.name;
  return "NNC_UNCHECKED static void " + name +
         "_run(void *const *buffers, long long batch) {\n  " + name + "(" +
         arguments + "batch);\n}\nstatic const char *const " + name +
         "_lines[] = {\n" + lines + "};\nstatic const nnc::sim::Buffer " +
         name + "_buffers[] = {" + buffers +
         "{}};\nextern \"C\" __attribute__((visibility(\"default\"))) const "
         "nnc::sim::Kernel " +
         name + "_kernel asm(\"" + name + ".kernel\");\n" +
         "const nnc::sim::Kernel " + name + "_kernel = {\"" + name + "\", " +
         name + "_lines, " + std::to_string(numLines) + ", " +
         std::to_string(kernel.threads) + ", " + printSize(kernel.blocks) +
         ", " + printBool(kernel.synchronizes) + ", " + name + "_buffers, " +
         std::to_string(kernel.buffers.size()) + ", " + name +
         "_run};\nextern \"C\" __attribute__((visibility(\"default\"))) void " +
         name +
         "_blocks(void *const *, long long, long long, long long, void *) "
         "asm(\"" +
         name + ".blocks\");\nNNC_UNCHECKED void " + name +
         "_blocks(void *const *buffers, long long batch, long long begin,\n"
         "    long long end, void *) {\n"
         "  nnc_simulator->launch(" +
         name + "_kernel, nnc_thread, buffers, batch, begin, end);\n}\n\n";
}

static std::string printUnit(const CudaText &text, bool isChecked) {
  std::string unit = isChecked ? "#define NNC_SIM_CHECKED\n" : "";
  unit += kInterface;
  unit += kShim;
  unit += cudaPrelude();
  unit += kTensor;
  unit += text.helpers;
  for (const CudaKernel &kernel : text.kernels)
    unit += "#line 1 " + toLiteral(kernel.name) + "\n" + numberLines(kernel);
  unit += "#line 1 \"entries\"\n";
  for (const CudaKernel &kernel : text.kernels)
    unit += printEntry(kernel, isChecked);
  return unit;
}

//===----------------------------------------------------------------------===//
// The host's compiler
//===----------------------------------------------------------------------===//

static FailureOr<std::string> findCompiler(Location loc) {
  if (auto chosen = llvm::sys::Process::GetEnv("NNC_HOST_COMPILER")) {
    if (auto path = llvm::sys::findProgramByName(*chosen))
      return *path;
    return emitError(loc) << "NNC_HOST_COMPILER is '" << *chosen
                          << "', which is not a program";
  }
  for (StringRef name : {"clang++-22", "clang++", "g++", "c++"})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return emitError(loc)
         << "the target sim needs a C++ compiler on this machine, and found "
            "none of clang++-22, clang++, g++ and c++; NNC_HOST_COMPILER "
            "names another";
}

namespace {

/// A file of no content yet, removed with this object.
struct TemporaryFile {
  SmallString<128> path;

  explicit TemporaryFile(StringRef suffix) {
    if (llvm::sys::fs::createTemporaryFile("nnc-sim", suffix, path))
      path.clear();
  }
  ~TemporaryFile() {
    if (!path.empty())
      llvm::sys::fs::remove(path);
  }
  LogicalResult write(StringRef text) {
    std::error_code error;
    llvm::raw_fd_ostream os(path, error);
    os << text;
    os.close();
    return success(!error && !os.has_error());
  }
  std::string read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "";
  }
};

} // namespace

static SmallVector<StringRef> compilerArguments(StringRef compiler,
                                                bool isChecked) {
  SmallVector<StringRef> arguments{
      compiler, "-x", "c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-w",
      // Each operation rounds, as the text says.
      "-ffp-contract=off", "-fno-exceptions", "-fno-rtti",
      "-fvisibility=hidden", "-fno-math-errno", "-nostdlib"};
  bool isClang = compiler.contains("clang");
  if (!isClang)
    arguments.push_back("-fno-gnu-unique");
  if (isChecked) {
    arguments.push_back("-fsanitize=thread");
    if (isClang) {
      // A read is checked too where a write to the same place follows.
      arguments.append({"-mllvm", "-tsan-instrument-read-before-write"});
      arguments.append({"-mllvm", "-tsan-instrument-func-entry-exit=0"});
    }
  }
  return arguments;
}

static FailureOr<std::vector<uint8_t>>
compileUnit(StringRef unit, bool isChecked, Location loc) {
  FailureOr<std::string> compiler = findCompiler(loc);
  if (failed(compiler))
    return failure();
  TemporaryFile source("cpp"), object("so"), log("txt");
  if (source.path.empty() || failed(source.write(unit)))
    return emitError(loc) << "cannot write a temporary file for the host's "
                             "compiler";
  SmallVector<StringRef> arguments = compilerArguments(*compiler, isChecked);
  arguments.append({source.path, "-o", object.path, "-lm", "-lc"});
  std::optional<StringRef> redirects[] = {StringRef(""), log.path.str(),
                                          log.path.str()};
  std::string error;
  int result = llvm::sys::ExecuteAndWait(*compiler, arguments, std::nullopt,
                                         redirects, 0, 0, &error);
  if (result != 0)
    return emitError(loc) << *compiler << " cannot compile the kernels: "
                          << (error.empty() ? log.read() : error);
  std::string bytes = object.read();
  return std::vector<uint8_t>(bytes.begin(), bytes.end());
}

FailureOr<CodeImage> nnc::compileForSim(const CudaText &text, bool isChecked,
                                        Location loc) {
  CodeImage image;
  for (const CudaKernel &kernel : text.kernels)
    image.kernels.push_back({kernel.name});
  if (text.kernels.empty())
    return image;
  auto bytes = compileUnit(printUnit(text, isChecked), isChecked, loc);
  if (failed(bytes))
    return failure();
  image.bytes = std::move(*bytes);
  return image;
}

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

namespace {

class SimTarget : public GpuTarget {
public:
  SimTarget(bool isChecked, TargetOptions options)
      : GpuTarget(modelOf(options), options.reference), isChecked(isChecked) {}

  StringRef name() const override { return "sim"; }

  FailureOr<CodeImage> compile(ModuleOp phases) const override {
    FailureOr<CudaText> text = emitCuda(phases);
    if (failed(text))
      return failure();
    return compileForSim(*text, isChecked, phases.getLoc());
  }

  ArrayRef<TargetStage> stages() const override { return kStages; }

  FailureOr<std::string> print(ModuleOp phases, StringRef) const override {
    return printCudaStage(phases);
  }

  static constexpr TargetStage kStages[] = {kCudaStage};

private:
  static GpuModel modelOf(const TargetOptions &options) {
    GpuModel model;
    model.heed(options);
    return model;
  }

  bool isChecked;
};

} // namespace

static llvm::Expected<std::unique_ptr<Target>> create(StringRef name,
                                                      TargetOptions options) {
  return std::make_unique<SimTarget>(/*isChecked=*/name == "sim", options);
}

const TargetFamily &nnc::simTargets() {
  static constexpr StringRef names[] = {"sim", "sim:fast"};
  static constexpr TargetFamily family = {names, /*isOpen=*/false,
                                          "sim (a GPU, simulated), sim:fast",
                                          SimTarget::kStages, create};
  return family;
}
