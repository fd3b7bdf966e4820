// A target that counts: its code is a text with a line for each kernel. No
// device runs it; it is here to show what a target is, and that nothing else
// has to know of one (docs/adding-a-target.md).
#include "codegen/Reference.h"
#include "codegen/Target.h"
#include "passes/Plugin.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace nnc;

/// "exp_Bx3.reference: 2 loops, 1 operations".
static std::string count(func::FuncOp phase) {
  int64_t loops = 0, operations = 0;
  phase.walk([&](Operation *op) {
    loops += isa<scf::ForOp>(op);
    StringRef dialect = op->getName().getDialectNamespace();
    bool isOnFloats =
        llvm::any_of(op->getResultTypes(), llvm::IsaPred<FloatType>);
    operations += isOnFloats && (dialect == "arith" || dialect == "math") &&
                  !op->hasTrait<OpTrait::ConstantLike>();
  });
  return (phase.getName() + ": " + Twine(loops) + " loops, " +
          Twine(operations) + " operations\n")
      .str();
}

namespace {

class CountTarget : public Target {
public:
  StringRef name() const override { return "count"; }

  FailureOr<ScheduledKernel> schedule(func::FuncOp kernel) const override {
    return scheduleReference(kernel);
  }

  FailureOr<CodeImage> compile(ModuleOp phases) const override {
    CodeImage image;
    for (auto phase : phases.getOps<func::FuncOp>()) {
      image.kernels.push_back({phase.getName().str(), image.bytes.size()});
      llvm::append_range(image.bytes, count(phase));
    }
    return image;
  }

  ArrayRef<TargetStage> stages() const override { return kStages; }

  FailureOr<std::string> print(ModuleOp phases, StringRef) const override {
    std::string text;
    for (auto phase : phases.getOps<func::FuncOp>())
      text += count(phase);
    return text;
  }

  static constexpr TargetStage kStages[] = {
      {"counts", "loops and operations of each kernel"}};
};

} // namespace

static llvm::Expected<std::unique_ptr<Target>> create(StringRef,
                                                      TargetOptions) {
  return std::make_unique<CountTarget>();
}

static void addTargets() {
  static constexpr StringRef names[] = {"count"};
  static constexpr TargetFamily family = {names, /*isOpen=*/false,
                                          "count (no code, but its size)",
                                          CountTarget::kStages, create};
  registerTargets(family);
}

const Plugin *nncPlugin() {
  static const Plugin plugin = {"count-target", "1", addTargets};
  return &plugin;
}
