// From a target's name to architectures, and from phases to their code.
#include "codegen/cuda/CudaTarget.h"

#include "codegen/cuda/CompileNvrtc.h"
#include "codegen/cuda/EmitCuda.h"
#include "codegen/cuda/GpuTarget.h"
#include "codegen/cuda/NvrtcLibrary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <dlfcn.h>

using namespace mlir;
using namespace nnc;

/// The oldest that has 16-bit floats as PTX's `bf16` and asynchronous copies.
static constexpr int kOldest = 80;

/// What NVRTC 13.0 compiles for, from kOldest on. Others are looked for in the
/// NVRTC that is there.
static constexpr int kKnown[] = {80,  86,  87,  88,  89, 90,
                                 100, 103, 110, 120, 121};

//===----------------------------------------------------------------------===//
// Architectures
//===----------------------------------------------------------------------===//

/// Reads "sm_90a" or "compute_90"; false where it is something else.
static bool parse(StringRef name, CudaArchitecture &architecture) {
  architecture.isVirtual = name.consume_front("compute_");
  if (!architecture.isVirtual && !name.consume_front("sm_"))
    return false;
  StringRef digits = name.take_while(llvm::isDigit);
  StringRef suffix = name.drop_front(digits.size());
  if (digits.getAsInteger(10, architecture.number) || suffix.size() > 1)
    return false;
  architecture.suffix = suffix.empty() ? 0 : suffix[0];
  // nvcc's manual: from Hopper on, a GPU has what its successors lack; from
  // Blackwell on, a family has.
  return suffix.empty() || (suffix == "a" && architecture.number >= 90) ||
         (suffix == "f" && architecture.number >= 100);
}

/// The architectures of the NVRTC that is there, or of the one that nnc was
/// written for.
static SmallVector<int> supportedArchitectures() {
  SmallVector<int> supported(std::begin(kKnown), std::end(kKnown));
  auto library = NvrtcLibrary::find();
  if (!library) {
    llvm::consumeError(library.takeError());
    return supported;
  }
  auto nvrtc = (*library)->load();
  if (!nvrtc) {
    llvm::consumeError(nvrtc.takeError());
    return supported;
  }
  supported.clear();
  for (int number : (*nvrtc)->supportedArchitectures())
    if (number >= kOldest)
      supported.push_back(number);
  return supported;
}

static llvm::Error unknownArchitecture(StringRef name,
                                       ArrayRef<int> supported) {
  auto names = llvm::map_range(
      supported, [](int number) { return "sm_" + std::to_string(number); });
  return llvm::createStringError(
      "unknown architecture '" + name + "', expected one of " +
      llvm::join(names, ", ") +
      ", with 'a' for what one GPU alone has (sm_90a), or as compute_ for PTX; "
      "or native, for this machine's GPUs");
}

static llvm::Expected<CudaArchitecture> findArchitecture(StringRef name) {
  CudaArchitecture architecture;
  const bool isWellFormed = parse(name, architecture);
  // NVRTC takes longer to load than most models to compile.
  if (isWellFormed && llvm::is_contained(kKnown, architecture.number))
    return architecture;
  if (isWellFormed && architecture.number < kOldest)
    return llvm::createStringError("architecture '" + name +
                                   "' is too old: nnc's kernels need sm_" +
                                   llvm::Twine(kOldest) + " or later");
  SmallVector<int> supported = supportedArchitectures();
  if (isWellFormed && llvm::is_contained(supported, architecture.number))
    return architecture;
  return unknownArchitecture(name, supported);
}

/// The GPUs of this machine, by the driver.
static llvm::Expected<std::vector<CudaArchitecture>> nativeArchitectures() {
  auto fail = [](const llvm::Twine &why) {
    return llvm::createStringError("target 'cuda:native': " + why +
                                   "; name an architecture, as in cuda:sm_90");
  };
  void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver)
    return fail("there is no driver here, libcuda.so.1");
  // Of cuda.h.
  constexpr int kMajor = 75, kMinor = 76; // CU_DEVICE_ATTRIBUTE_COMPUTE_...
  auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  auto getCount =
      reinterpret_cast<int (*)(int *)>(dlsym(driver, "cuDeviceGetCount"));
  auto getAttribute = reinterpret_cast<int (*)(int *, int, int)>(
      dlsym(driver, "cuDeviceGetAttribute"));
  if (!init || !getCount || !getAttribute)
    return fail("libcuda.so.1 is no driver of CUDA");
  int count = 0;
  if (int error = init(0))
    return fail("cuInit fails with error " + llvm::Twine(error));
  if (getCount(&count) != 0 || count == 0)
    return fail("the driver has no GPU");
  std::vector<CudaArchitecture> found;
  for (int device = 0; device < count; ++device) {
    int major = 0, minor = 0;
    // A device is its own number, as cuDeviceGet gives it.
    if (getAttribute(&major, kMajor, device) != 0 ||
        getAttribute(&minor, kMinor, device) != 0)
      return fail("the driver does not say what GPU " + llvm::Twine(device) +
                  " is");
    CudaArchitecture architecture;
    architecture.number = 10 * major + minor;
    if (llvm::none_of(found, [&](const CudaArchitecture &known) {
          return known.number == architecture.number;
        }))
      found.push_back(architecture);
  }
  return found;
}

static llvm::Expected<std::vector<CudaArchitecture>>
parseArchitectures(StringRef targetName) {
  StringRef list = "sm_80,sm_90,compute_90";
  if (targetName != "cuda")
    list = targetName.drop_front(StringRef("cuda:").size());
  if (list == "native")
    return nativeArchitectures();
  std::vector<CudaArchitecture> architectures;
  for (StringRef name : llvm::split(list, ',')) {
    auto architecture = findArchitecture(name);
    if (!architecture)
      return architecture.takeError();
    // Twice is once.
    if (llvm::none_of(architectures, [&](const CudaArchitecture &known) {
          return known.name() == architecture->name();
        }))
      architectures.push_back(*architecture);
  }
  return architectures;
}

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

/// What a schedule for all of `architectures` can rely on: of the oldest; but
/// the library may use as much memory as the newest can make use of.
static GpuModel modelOf(ArrayRef<CudaArchitecture> architectures,
                        const TargetOptions &wanted) {
  auto number = [](const CudaArchitecture &known) { return known.number; };
  auto numbers = llvm::map_to_vector(architectures, number);
  GpuModel model = gpuModelOf(*llvm::min_element(numbers));
  model.libraryWorkspaceBytes =
      gpuModelOf(*llvm::max_element(numbers)).libraryWorkspaceBytes;
  model.heed(wanted);
  return model;
}

namespace {

class CudaTarget : public GpuTarget {
public:
  CudaTarget(std::vector<CudaArchitecture> architectures, TargetOptions wanted)
      : GpuTarget(modelOf(architectures, wanted), wanted.reference) {
    options.architectures = std::move(architectures);
    options.fuseMultiplyAdd = !wanted.reference;
  }

  StringRef name() const override { return "cuda"; }

  llvm::Error checkTools() const override {
    return NvrtcLibrary::find().takeError();
  }

  FailureOr<CodeImage> compile(ModuleOp phases) const override {
    Location loc = phases.getLoc();
    FailureOr<CudaText> text = emitCuda(phases);
    if (failed(text))
      return failure();
    FailureOr<CodeImage> image = compileNvrtc(*text, options, loc);
    if (succeeded(image))
      image->text = printCuda(*text);
    return image;
  }

  ArrayRef<TargetStage> stages() const override { return kStages; }

  FailureOr<std::string> print(ModuleOp phases,
                               StringRef stage) const override {
    return stage == "ptx" ? printPtx(phases) : printCudaStage(phases);
  }

  static constexpr TargetStage kStages[] = {
      kCudaStage, {"ptx", "PTX", /*needsTools=*/true}};

private:
  /// Of the newest architecture, unit after unit.
  FailureOr<std::string> printPtx(ModuleOp phases) const {
    Location loc = phases.getLoc();
    FailureOr<CudaText> text = emitCuda(phases);
    if (failed(text))
      return failure();
    NvrtcOptions newest = options;
    newest.architectures = {*llvm::max_element(
        options.architectures,
        [](const CudaArchitecture &lhs, const CudaArchitecture &rhs) {
          return lhs.number < rhs.number;
        })};
    newest.architectures[0].isVirtual = true;
    FailureOr<CodeImage> image = compileNvrtc(*text, newest, loc);
    if (failed(image))
      return failure();
    std::string ptx;
    for (const CodeImage::Module &module : image->modules)
      ptx += reinterpret_cast<const char *>(module.bytes.data());
    return ptx;
  }

  NvrtcOptions options;
};

} // namespace

static llvm::Expected<std::unique_ptr<Target>> create(StringRef name,
                                                      TargetOptions options) {
  auto architectures = parseArchitectures(name);
  if (!architectures)
    return architectures.takeError();
  return std::make_unique<CudaTarget>(std::move(*architectures), options);
}

const TargetFamily &nnc::cudaTargets() {
  static constexpr StringRef names[] = {"cuda"};
  static constexpr TargetFamily family = {
      names, /*isOpen=*/true,
      "cuda (sm_80, sm_90 and later), cuda:sm_90 and others between commas, "
      "cuda:native (this machine)",
      CudaTarget::kStages, create};
  return family;
}
