// Units, their keys in the cache, and NVRTC on several threads.
#include "codegen/cuda/CompileNvrtc.h"

#include "codegen/cuda/KernelCache.h"
#include "codegen/cuda/NvrtcLibrary.h"

#include "mlir/IR/Diagnostics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;
using namespace nnc;

std::string CudaArchitecture::name() const {
  std::string text = (isVirtual ? "compute_" : "sm_") + std::to_string(number);
  if (suffix)
    text += suffix;
  return text;
}

//===----------------------------------------------------------------------===//
// Units
//===----------------------------------------------------------------------===//

namespace {

/// Kernels that are compiled together.
struct Unit {
  std::vector<std::string> names;
  std::string text;
};

/// One unit for one GPU; or for none, where only PTX is asked for.
struct Job {
  unsigned unit = 0;
  CudaArchitecture architecture;
  std::string key;
  NvrtcOutput output;
  NvrtcFailure failure;
  bool isCached = false, isDone = false;
};

} // namespace

/// A unit costs about 0.03 s before its first kernel, and a kernel of 1 KiB
/// about 0.08 s (CUDA 13.0): at this size there are enough units for several
/// threads, and what they cost is little. A kernel is never split.
static constexpr size_t kUnitBytes = 8 << 10;

/// In the kernels' order, so that a change to one leaves the units before it as
/// they are, and in the cache.
static std::vector<Unit> makeUnits(const CudaText &text) {
  std::vector<Unit> units;
  for (const CudaKernel &kernel : text.kernels) {
    if (units.empty() ||
        units.back().text.size() + kernel.text.size() > kUnitBytes)
      units.emplace_back();
    units.back().names.push_back(kernel.name);
    units.back().text += kernel.text;
  }
  return units;
}

/// One job an architecture by its number and suffix: a cubin's PTX comes with
/// it.
static std::vector<Job> makeJobs(size_t numUnits, const NvrtcOptions &options) {
  std::vector<Job> jobs;
  for (unsigned unit = 0; unit < numUnits; ++unit) {
    const size_t first = jobs.size();
    for (const CudaArchitecture &architecture : options.architectures) {
      auto same = llvm::find_if(
          llvm::make_range(jobs.begin() + first, jobs.end()),
          [&](const Job &job) {
            return job.architecture.number == architecture.number &&
                   job.architecture.suffix == architecture.suffix;
          });
      if (same == jobs.end()) {
        jobs.emplace_back();
        jobs.back().unit = unit;
        jobs.back().architecture = architecture;
      } else if (!architecture.isVirtual) {
        same->architecture.isVirtual = false;
      }
    }
  }
  return jobs;
}

static std::vector<std::string> wordsFor(const CudaArchitecture &architecture,
                                         const NvrtcOptions &options) {
  return {"--gpu-architecture=" + architecture.name(), "--std=c++17",
          options.fuseMultiplyAdd ? "--fmad=true" : "--fmad=false",
          // The prelude's functions are written as the host has them too.
          "--device-as-default-execution-space",
          // Registers and spills of each kernel, into the log.
          "--ptxas-options=-v"};
}

static std::string textOf(const CudaText &text, StringRef kernels) {
  return (cudaPrelude() + "\n" + text.helpers + "\n" + kernels).str();
}

//===----------------------------------------------------------------------===//
// Cache entries
//===----------------------------------------------------------------------===//

/// Changed whenever an entry's form or what goes into its key is.
static constexpr StringRef kEntryFormat = "nvrtc 1";

/// Without the lines that are comments: where in the model a kernel comes from
/// changes nothing.
static std::string withoutComments(StringRef text) {
  std::string code;
  for (StringRef line : llvm::split(text, '\n'))
    if (!line.ltrim().starts_with("//"))
      code += (line + "\n").str();
  return code;
}

static std::string keyOf(const Job &job, StringRef code,
                         const NvrtcOptions &options, StringRef compiler) {
  std::string words = llvm::join(wordsFor(job.architecture, options), " ");
  return KernelCache::keyOf({kEntryFormat, compiler, words, code});
}

static void append(std::vector<uint8_t> &bytes, StringRef part) {
  uint8_t length[sizeof(uint64_t)];
  llvm::support::endian::write64le(length, part.size());
  bytes.insert(bytes.end(), std::begin(length), std::end(length));
  bytes.insert(bytes.end(), part.begin(), part.end());
}

static std::vector<uint8_t> pack(const NvrtcOutput &output) {
  std::vector<uint8_t> bytes;
  append(bytes, llvm::toStringRef(output.cubin));
  append(bytes, output.ptx);
  append(bytes, output.log);
  return bytes;
}

/// Takes the next part off `bytes`; false if it is not whole.
static bool take(StringRef &bytes, StringRef &part) {
  if (bytes.size() < sizeof(uint64_t))
    return false;
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(sizeof(uint64_t));
  if (length > bytes.size())
    return false;
  part = bytes.take_front(length);
  bytes = bytes.drop_front(length);
  return true;
}

static bool unpack(StringRef bytes, NvrtcOutput &output) {
  StringRef cubin, ptx, log;
  if (!take(bytes, cubin) || !take(bytes, ptx) || !take(bytes, log))
    return false;
  output = {std::vector<uint8_t>(cubin.begin(), cubin.end()), ptx.str(),
            log.str()};
  return true;
}

static void lookUp(Job &job, KernelCache &cache) {
  auto entry = cache.find(job.key);
  job.isCached = entry && unpack(llvm::toStringRef(*entry), job.output);
  job.isDone = job.isCached;
}

//===----------------------------------------------------------------------===//
// Compiling
//===----------------------------------------------------------------------===//

/// Fails after a diagnostic if NVRTC lacks an architecture that is asked for.
static LogicalResult checkArchitectures(const NvrtcLibrary::Api &nvrtc,
                                        const NvrtcOptions &options,
                                        Location loc) {
  std::vector<int> supported = nvrtc.supportedArchitectures();
  for (const CudaArchitecture &architecture : options.architectures) {
    if (llvm::is_contained(supported, architecture.number))
      continue;
    auto names = llvm::map_range(
        supported, [](int number) { return "sm_" + std::to_string(number); });
    return emitError(loc) << "NVRTC " << nvrtc.version() << " does not know "
                          << architecture.name() << "; it knows "
                          << llvm::join(names, ", ");
  }
  return success();
}

/// Says which kernel of a unit does not compile, by compiling each alone.
static void explainFailure(const NvrtcLibrary::Api &nvrtc, const CudaText &text,
                           const Unit &unit, const Job &job,
                           const NvrtcOptions &options, Location loc) {
  auto words = wordsFor(job.architecture, options);
  for (const CudaKernel &kernel : text.kernels) {
    if (!llvm::is_contained(unit.names, kernel.name))
      continue;
    NvrtcOutput output;
    NvrtcFailure failure;
    if (nvrtc.compile(textOf(text, kernel.text), kernel.name + ".cu", words,
                      output, failure))
      continue;
    emitError(loc) << "kernel " << kernel.name << " does not compile for "
                   << job.architecture.name() << ": " << failure.error << '\n'
                   << failure.log;
    return;
  }
  emitError(loc) << "kernels " << llvm::join(unit.names, ", ")
                 << " do not compile together for " << job.architecture.name()
                 << ": " << job.failure.error << '\n'
                 << job.failure.log;
}

/// Runs what is left of `jobs` and keeps what they give. Fails after a
/// diagnostic.
static LogicalResult compileJobs(MutableArrayRef<Job> jobs,
                                 NvrtcLibrary &library, const CudaText &text,
                                 ArrayRef<Unit> units,
                                 const NvrtcOptions &options,
                                 KernelCache &cache, Location loc) {
  auto nvrtc = library.load();
  if (!nvrtc)
    return emitError(loc) << llvm::toString(nvrtc.takeError());
  if (failed(checkArchitectures(**nvrtc, options, loc)))
    return failure();
  auto run = [&](Job &job) {
    job.isDone = (*nvrtc)->compile(textOf(text, units[job.unit].text),
                                   "unit" + std::to_string(job.unit) + ".cu",
                                   wordsFor(job.architecture, options),
                                   job.output, job.failure);
    if (job.isDone)
      cache.store(job.key, pack(job.output));
  };
  SmallVector<Job *> pending;
  for (Job &job : jobs)
    if (!job.isDone)
      pending.push_back(&job);
  // The longest first, so that no thread is left with one at the end.
  llvm::sort(pending, [&](const Job *lhs, const Job *rhs) {
    size_t left = units[lhs->unit].text.size();
    size_t right = units[rhs->unit].text.size();
    return left != right ? left > right : lhs < rhs;
  });
  {
    // NVRTC compiles on as many threads as call it.
    llvm::DefaultThreadPool pool(llvm::hardware_concurrency());
    for (Job *job : pending)
      pool.async([&run, job] { run(*job); });
  }
  for (const Job &job : jobs) {
    if (job.isDone)
      continue;
    explainFailure(**nvrtc, text, units[job.unit], job, options, loc);
    return failure();
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The image
//===----------------------------------------------------------------------===//

std::vector<CodeImage::Resources>
nnc::parseResources(StringRef log, ArrayRef<std::string> names) {
  // As ptxas of CUDA 12 and 13 says it:
  //   ptxas info    : Compiling entry function 'rows' for 'sm_90'
  //   ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes ..
  //   ptxas info    : Used 26 registers, used 1 barriers, 32 bytes smem
  const llvm::Regex entry("Compiling entry function '([^']+)'");
  const llvm::Regex stack("([0-9]+) bytes stack frame, ([0-9]+) bytes spill "
                          "stores, ([0-9]+) bytes spill loads");
  const llvm::Regex registers("Used ([0-9]+) registers");
  const llvm::Regex shared("([0-9]+) bytes smem");
  auto number = [](StringRef text) {
    uint32_t value = 0;
    text.getAsInteger(10, value);
    return value;
  };
  std::vector<CodeImage::Resources> found;
  SmallVector<StringRef, 4> parts;
  bool isWanted = false;
  for (StringRef line : llvm::split(log, '\n')) {
    if (entry.match(line, &parts)) {
      isWanted = llvm::is_contained(names, parts[1]);
      if (isWanted)
        found.push_back({parts[1].str()});
    }
    if (!isWanted)
      continue;
    CodeImage::Resources &kernel = found.back();
    if (stack.match(line, &parts)) {
      // A function that is called has its own line.
      kernel.stackBytes += number(parts[1]);
      kernel.spillBytes += number(parts[2]) + number(parts[3]);
    }
    if (registers.match(line, &parts))
      kernel.registers = number(parts[1]);
    if (shared.match(line, &parts))
      kernel.sharedBytes = number(parts[1]);
  }
  return found;
}

static CodeImage::Module makeModule(const Job &job, const Unit &unit,
                                    const CudaArchitecture &architecture) {
  CodeImage::Module module;
  module.unit = job.unit;
  module.architecture = architecture.name();
  if (architecture.isVirtual) {
    // With the final zero, for the driver.
    module.bytes.assign(job.output.ptx.c_str(),
                        job.output.ptx.c_str() + job.output.ptx.size() + 1);
  } else {
    module.bytes = job.output.cubin;
    module.resources = parseResources(job.output.log, unit.names);
  }
  return module;
}

static std::string describe(const CodeImage &image, ArrayRef<Unit> units,
                            ArrayRef<Job> jobs, const NvrtcOptions &options) {
  auto names =
      llvm::map_range(options.architectures, [](const CudaArchitecture &known) {
        return known.name();
      });
  size_t cached =
      llvm::count_if(jobs, [](const Job &job) { return job.isCached; });
  return (Twine(image.kernels.size()) + " kernels in " + Twine(units.size()) +
          (units.size() == 1 ? " unit" : " units") + " for " +
          llvm::join(names, ", ") + ": " + Twine(jobs.size() - cached) +
          " compiled, " + Twine(cached) + " from the cache")
      .str();
}

FailureOr<CodeImage> nnc::compileNvrtc(const CudaText &text,
                                       const NvrtcOptions &options,
                                       Location loc) {
  auto library = NvrtcLibrary::find();
  if (!library)
    return emitError(loc) << llvm::toString(library.takeError());
  std::vector<Unit> units = makeUnits(text);
  std::vector<Job> jobs = makeJobs(units.size(), options);
  KernelCache cache;
  for (Job &job : jobs) {
    std::string code = withoutComments(textOf(text, units[job.unit].text));
    job.key = keyOf(job, code, options, (*library)->identity());
    lookUp(job, cache);
  }
  if (!llvm::all_of(jobs, [](const Job &job) { return job.isDone; }) &&
      failed(compileJobs(jobs, **library, text, units, options, cache, loc)))
    return failure();

  CodeImage image;
  for (auto [index, unit] : llvm::enumerate(units)) {
    for (const std::string &name : unit.names)
      image.kernels.push_back({name, /*offsetBytes=*/0, unsigned(index)});
    for (const CudaArchitecture &architecture : options.architectures)
      for (const Job &job : jobs)
        if (job.unit == index &&
            job.architecture.number == architecture.number &&
            job.architecture.suffix == architecture.suffix)
          image.modules.push_back(makeModule(job, unit, architecture));
  }
  image.report = describe(image, units, jobs, options);
  return image;
}
