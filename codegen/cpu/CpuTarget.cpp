// CPU models: the psABI levels as a table, and this machine in its terms.
#include "codegen/cpu/CpuTarget.h"

#include "codegen/Reference.h"
#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/Attention.h"
#include "codegen/cpu/Contraction.h"
#include "codegen/cpu/Depthwise.h"
#include "codegen/cpu/EmitObject.h"
#include "codegen/cpu/Movement.h"
#include "codegen/cpu/Rows.h"
#include "codegen/cpu/Scatter.h"
#include "codegen/cpu/Winograd.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace nnc;

namespace {

/// One level of the x86-64 psABI: what it adds to the level before.
struct Level {
  StringRef name;
  std::initializer_list<StringRef> features;
  int64_t vectorBytes;
  int64_t vectorRegisters;
};

} // namespace

// x86-64 psABI, section 3.1.1, table 3.1, in LLVM's names. Only what code for
// user space can use: no xsave.
static const Level kLevels[] = {
    {"x86-64-v2",
     {"cx16", "popcnt", "sahf", "sse3", "sse4.1", "sse4.2", "ssse3"},
     16,
     16},
    {"x86-64-v3",
     {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"},
     32,
     16},
    {"x86-64-v4",
     {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"},
     64,
     32},
};

/// The levels' names as targets; the machine itself first.
static constexpr StringRef kTargetNames[] = {"cpu", "cpu:x86-64-v4",
                                             "cpu:x86-64-v3", "cpu:x86-64-v2"};

/// Adds what `level` adds to `model`.
static void raiseTo(CpuModel &model, const Level &level) {
  for (StringRef feature : level.features)
    model.features.push_back(feature.str());
  model.vectorBytes = level.vectorBytes;
  model.vectorRegisters = level.vectorRegisters;
  model.hasFma = llvm::is_contained(model.features, "fma");
}

static CpuModel modelOfLevel(StringRef name) {
  CpuModel model;
  model.name = name.str();
  for (const Level &level : kLevels) {
    raiseTo(model, level);
    if (level.name == name)
      break;
  }
  return model;
}

/// Size of the data cache of a level of this machine. The kernel of some
/// virtual machines tells none; the model's default then stands. (sysconf's
/// answer is the whole package's third level on some AMD machines, not what a
/// core has.)
static void readCacheSize(int level, int64_t &sizeBytes) {
  // Index 1 is the instruction cache.
  int index = level == 1 ? 0 : level;
  auto file = llvm::MemoryBuffer::getFile(
      "/sys/devices/system/cpu/cpu0/cache/index" + llvm::Twine(index) + "/size",
      /*IsText=*/true);
  if (!file)
    return;
  StringRef text = (*file)->getBuffer().trim();
  int64_t kibibytes;
  if (text.consume_back("K") && !text.getAsInteger(10, kibibytes))
    sizeBytes = kibibytes << 10;
}

/// This machine: the highest level of which it has every feature, and its own
/// caches. A machine between two levels is treated as the lower, so that there
/// are only three kinds of code to test.
static CpuModel modelOfHost() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  auto hasAll = [&](const Level &level) {
    return llvm::all_of(level.features,
                        [&](StringRef name) { return host.lookup(name); });
  };
  CpuModel model;
  // The level below x86-64-v2: SSE2 alone.
  model.vectorBytes = 16;
  model.hasFma = false;
  model.name = llvm::sys::getHostCPUName().str();
  for (const Level &level : kLevels) {
    if (!hasAll(level))
      break;
    raiseTo(model, level);
  }
  readCacheSize(1, model.l1Bytes);
  readCacheSize(2, model.l2Bytes);
  readCacheSize(3, model.l3Bytes);
  return model;
}

llvm::Expected<CpuModel> nnc::findCpuModel(StringRef targetName) {
  if (!llvm::is_contained(kTargetNames, targetName))
    return unknownTarget(targetName, kTargetNames);
  if (targetName == "cpu")
    return modelOfHost();
  return modelOfLevel(targetName.drop_front(StringRef("cpu:").size()));
}

static constexpr TargetStage kStages[] = {
    {"llvm", "LLVM IR"},
    {"asm", "assembly"},
};

namespace {

class CpuTarget : public Target {
public:
  CpuTarget(CpuModel model, bool reference)
      : model(std::move(model)), reference(reference) {}

  StringRef name() const override { return "cpu"; }
  FusionPreferences fusion() const override {
    // Plain loops are of primitives.
    return {/*groupUpdates=*/false, /*samples=*/true,
            /*attention=*/!reference};
  }

  // Inputs are no more aligned than their elements either.
  LoopSupport loops() const override {
    return {/*alignmentBytes=*/1, /*sharesSamples=*/!reference};
  }

  FailureOr<ScheduledKernel> schedule(func::FuncOp kernel) const override;

  FailureOr<CodeImage> compile(ModuleOp phases) const override {
    return emitCode(phases, model);
  }

  ArrayRef<TargetStage> stages() const override { return kStages; }

  FailureOr<std::string> print(ModuleOp phases,
                               StringRef stage) const override {
    return stage == "llvm" ? emitLlvmIr(phases, model)
                           : emitAssembly(phases, model);
  }

private:
  CpuModel model;
  bool reference;
};

} // namespace

FailureOr<ScheduledKernel> CpuTarget::schedule(func::FuncOp kernel) const {
  if (reference)
    return scheduleReference(kernel);
  auto of = [&](auto schedule) -> Scheduler::Function {
    return [this, schedule](func::FuncOp op, Refusal &refusal) {
      return schedule(op, model, refusal);
    };
  };
  // What moves elements and keeps their rows is rows too, and the faster so.
  FailureOr<ScheduledKernel> scheduled = scheduleByKind(
      kernel, {{"depthwise", {"contraction"}, of(scheduleDepthwise)},
               {"winograd", {"contraction"}, of(scheduleWinograd)},
               {"contraction", {"contraction"}, of(scheduleContraction)},
               {"rows", {"rows", "movement", "contraction"}, of(scheduleRows)},
               {"movement", {"movement"}, of(scheduleMovement)},
               {"scatter", {"movement"}, of(scheduleScatter)},
               {"attention", {"attention"}, of(scheduleAttention)},
               {"loops", {}, scheduleLoops}});
  if (failed(scheduled))
    return kernel.emitOpError("has no schedule for a CPU"), failure();
  return scheduled;
}

static llvm::Expected<std::unique_ptr<Target>> create(StringRef name,
                                                      TargetOptions options) {
  llvm::Expected<CpuModel> model = findCpuModel(name);
  if (!model)
    return model.takeError();
  return std::make_unique<CpuTarget>(std::move(*model), options.reference);
}

const TargetFamily &nnc::cpuTargets() {
  static constexpr TargetFamily family = {
      kTargetNames, /*isOpen=*/false,
      "cpu (this machine), cpu:x86-64-v2, cpu:x86-64-v3, cpu:x86-64-v4",
      kStages, create};
  return family;
}
