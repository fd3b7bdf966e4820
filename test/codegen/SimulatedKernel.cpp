// See SimulatedKernel.h.
#include "test/codegen/SimulatedKernel.h"

#include "codegen/ScheduleKernels.h"
#include "runtime/device/Simulator.h"

#include <dlfcn.h>

using namespace mlir;
using namespace nnc;
using namespace nnc::test;

#ifdef NNC_TARGET_CUDA

static runtime::SimFaults faults;

std::string nnc::test::takeFault() { return faults.take(); }

/// The shared object by the name of a file that is in memory alone. It stays
/// loaded.
static void *loadImage(const CodeImage &image) {
  int file = memfd_create("kernels", MFD_CLOEXEC);
  auto size = ssize_t(image.bytes.size());
  if (file < 0 || write(file, image.bytes.data(), size) != size)
    return nullptr;
  void *library = dlopen(("/proc/self/fd/" + std::to_string(file)).c_str(),
                         RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return nullptr;
  using Attach = void (*)(const sim::Simulator *);
  auto attach = reinterpret_cast<Attach>(dlsym(library, "nnc_sim_attach"));
  if (!attach)
    return nullptr;
  attach(&runtime::simulator());
  runtime::prepareToSimulate(faults, /*seed=*/0);
  return library;
}

FailureOr<CompiledKernel>
nnc::test::compileSimulated(OwningOpRef<ModuleOp> module, StringRef name,
                            bool allowTf32) {
  Location loc = module->getLoc();
  auto target = createTarget(name, {/*reference=*/false, allowTf32});
  if (!target)
    return emitError(loc) << llvm::toString(target.takeError());
  FailureOr<Schedule> schedule = scheduleKernels(*module, **target);
  if (failed(schedule))
    return failure();
  CompiledKernel kernel;
  kernel.scheduled = schedule->kernels.begin()->second;
  SmallVector<std::string> names;
  for (Phase &phase : kernel.scheduled.phases) {
    if (!phase.function)
      return emitError(loc) << "the kernel calls the library";
    names.push_back(phase.function.getName().str());
  }
  FailureOr<CodeImage> image = (*target)->compile(*schedule->phases);
  if (failed(image))
    return failure();
  void *library = loadImage(*image);
  if (!library)
    return emitError(loc) << "cannot load the kernel's code";
  for (const std::string &phase : names)
    kernel.entries.push_back(reinterpret_cast<nnc_kernel_fn>(
        dlsym(library, (phase + ".blocks").c_str())));
  return kernel;
}

#else

std::string nnc::test::takeFault() { return ""; }

FailureOr<CompiledKernel>
nnc::test::compileSimulated(OwningOpRef<ModuleOp> module, StringRef, bool) {
  return emitError(module->getLoc()) << "this build has no simulator";
}

#endif
