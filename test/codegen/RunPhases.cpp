// nnc-run-phases: runs phases for a GPU, written by hand, in the simulator.
//
// Each public function of a module in the form of docs/cuda.md, with its
// attributes nnc.threads and nnc.blocks, is compiled and run once at batch 4.
// Element i of each buffer is i at first. Prints for each function what is in
// its last buffer then, or what the simulator found.
#include "codegen/ScheduleKernels.h"
#include "codegen/sim/SimTarget.h"
#include "runtime/device/SimDevice.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace nnc;
namespace cl = llvm::cl;

static cl::opt<std::string> inputFile(cl::Positional, cl::init("-"),
                                      cl::desc("<phases.mlir>"));
static cl::opt<bool> isFast("fast", cl::desc("without checks of accesses"));
static cl::opt<bool> emit("emit", cl::desc("print the text, and stop"));

static constexpr int64_t kBatch = 4;

/// The buffers of a kernel, each element its own number.
static std::vector<runtime::AlignedBytes>
makeBuffers(const CudaKernel &kernel) {
  std::vector<runtime::AlignedBytes> buffers;
  for (const CudaKernel::Buffer &buffer : kernel.buffers) {
    int64_t size = buffer.elements ? buffer.elements->at(kBatch) : 0;
    runtime::AlignedBytes bytes(size * buffer.elementBytes);
    runtime::ElementType type =
        StringRef(buffer.type).contains("f32")   ? runtime::ElementType::F32
        : StringRef(buffer.type).contains("f64") ? runtime::ElementType::F64
        : buffer.elementBytes == 4               ? runtime::ElementType::I32
                                                 : runtime::ElementType::U8;
    for (int64_t i = 0; i < size; ++i)
      runtime::fromDouble(type, double(i),
                          bytes.data() + i * buffer.elementBytes);
    buffers.push_back(std::move(bytes));
  }
  return buffers;
}

static void printResult(const CudaKernel &kernel,
                        const std::vector<runtime::AlignedBytes> &buffers) {
  const CudaKernel::Buffer &last = kernel.buffers.back();
  for (int64_t i = 0; i < last.elements->at(kBatch); ++i)
    llvm::outs() << llvm::format(
        " %g", runtime::toDouble(runtime::ElementType::F32,
                                 buffers.back().data() + i * 4));
  llvm::outs() << '\n';
}

static runtime::Status runKernel(runtime::SimDevice &device, uint32_t number,
                                 const CudaKernel &kernel) {
  auto buffers = makeBuffers(kernel);
  std::vector<void *> pointers;
  for (runtime::AlignedBytes &buffer : buffers)
    pointers.push_back(buffer.data());
  runtime::Command command;
  command.kernel = number;
  command.extent.constant = kernel.blocks ? kernel.blocks->at(kBatch) : 1;
  runtime::EntryPoint none;
  auto begun = device.beginRun({none, kBatch, {}, false}, nullptr);
  if (!begun.isOk())
    return begun.status();
  device.launch(command, pointers.data(), kBatch);
  runtime::Status status = device.endRun();
  if (status.isOk())
    printResult(kernel, buffers);
  return status;
}

static LogicalResult runAll(const CudaText &text, Location loc) {
  FailureOr<CodeImage> image = compileForSim(text, !isFast, loc);
  if (failed(image))
    return failure();
  runtime::MachineCode code;
  code.image = {image->bytes.data(), int64_t(image->bytes.size())};
  for (const CodeImage::Kernel &kernel : image->kernels) {
    code.kernels.emplace_back();
    code.kernels.back().name = kernel.name;
  }
  runtime::SimDevice device(/*numThreads=*/1);
  runtime::Status status = device.open(code);
  if (!status.isOk())
    return emitError(loc) << status.message();
  for (auto [i, kernel] : llvm::enumerate(text.kernels)) {
    llvm::outs() << kernel.name << ':';
    runtime::Status status = runKernel(device, i, kernel);
    if (!status.isOk())
      llvm::outs() << ' ' << status.message() << '\n';
  }
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "runs phases for a GPU\n");
  DialectRegistry registry;
  registerScheduling(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  context.allowUnregisteredDialects(); // the nnc.* attributes
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler handler(sources, &context);
  auto module = parseSourceFile<ModuleOp>(inputFile, sources, &context);
  if (!module)
    return 1;
  FailureOr<CudaText> text = emitCuda(*module);
  if (failed(text))
    return 1;
  if (emit) {
    llvm::outs() << printCuda(*text);
    return 0;
  }
  return failed(runAll(*text, module->getLoc()));
}
