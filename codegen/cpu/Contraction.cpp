// The phases of a contraction: what is packed into workspaces, then the
// product.
#include "codegen/cpu/Contraction.h"

#include "codegen/cpu/ComputePhase.h"
#include "codegen/cpu/ImageSums.h"
#include "codegen/cpu/ScheduleProducts.h"
#include "codegen/cpu/WindowPhase.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

/// `factor` for each index of some axes.
static std::optional<BatchSize> sizeOf(const Contraction &contraction,
                                       ArrayRef<unsigned> axes,
                                       int64_t factor) {
  std::optional<BatchSize> size(factor);
  for (unsigned axis : axes)
    if (size)
      size = size->times(contraction.sizes[axis]);
  return size;
}

/// Bytes of all panels: the axis rounded up to whole ones.
static std::optional<Extent> panelBytes(const PanelSource &source) {
  const Contraction &contraction = source.contraction;
  BatchSize size = source.size();
  std::optional<BatchSize> bytes =
      sizeOf(contraction, source.outerAxes(),
             contraction.type.getIntOrFloatBitWidth() / 8);
  if (bytes)
    bytes = bytes->times(contraction.numTerms);
  if (!bytes)
    return std::nullopt;
  if (size.isStatic()) {
    bytes = bytes->times(llvm::alignTo(size.factor, source.width));
    return bytes ? std::optional(Extent::of(*bytes)) : std::nullopt;
  }
  std::optional<BatchSize> padding = bytes->times(source.width - 1),
                           perBatch = bytes->times(size);
  if (!padding || !perBatch)
    return std::nullopt;
  return Extent{padding->factor, perBatch->factor, 1};
}

/// The fewest tiles worth handing to a thread, of 16 k multiplications.
static int64_t grainOf(const Contraction &contraction, int64_t tiles) {
  uint64_t work = 1;
  for (BatchSize size :
       ArrayRef(contraction.sizes).drop_front(contraction.numOuter))
    work = llvm::SaturatingMultiply<uint64_t>(work, size.estimate(32));
  return std::max<uint64_t>(1,
                            (16 << 10) * tiles / std::max<uint64_t>(work, 1));
}

namespace {

class Scheduler {
public:
  /// Phases follow `after`, and their names end in `suffix`.
  Scheduler(Contraction contraction, Operation *after, StringRef suffix,
            Refusal &refusal)
      : contraction(std::move(contraction)), after(after), suffix(suffix),
        refusal(refusal) {}

  /// By what the product is best computed from.
  FailureOr<ScheduledKernel> run(const CpuModel &cpu);

private:
  FailureOr<ScheduledKernel> runPacked(const Tiling &tiling);
  FailureOr<ScheduledKernel> runWindows(const WindowTiling &tiling);
  FailureOr<ScheduledKernel> runImageSums(const ImageSumTiling &tiling);
  FailureOr<int> packWhole(const PanelSource &source, StringRef name);
  Operation *previous() {
    return scheduled.phases.empty()
               ? after
               : scheduled.phases.back().function.getOperation();
  }
  /// Leaves no trace.
  LogicalResult giveUp() {
    for (Phase &phase : scheduled.phases)
      phase.function.erase();
    return failure();
  }

  Contraction contraction;
  Operation *after;
  StringRef suffix;
  Refusal &refusal;
  ScheduledKernel scheduled;
};

} // namespace

/// A phase that packs all panels of an operand into a new workspace.
FailureOr<int> Scheduler::packWhole(const PanelSource &source, StringRef name) {
  constexpr int64_t kGroups = 32;
  std::optional<Extent> workspaceBytes = panelBytes(source);
  SmallVector<unsigned> outerAxes = source.outerAxes();
  std::optional<BatchSize> extent = sizeOf(contraction, outerAxes, kGroups);
  if (!workspaceBytes || !extent)
    return refusal.because("its packed operand depends on the batch squared");
  unsigned workspace = scheduled.workspaceBytes.size();
  scheduled.workspaceBytes.push_back(*workspaceBytes);

  ImplicitLocOpBuilder b(contraction.kernel.getLoc(),
                         contraction.kernel.getContext());
  ContractionPhase phase(b, contraction, previous(), (name + suffix).str());
  phase.emitUniform(source.element);
  Value memory = phase.workspace(workspace);
  Value panels = phase.divideUp(phase.value(source.size()), source.width);
  Value panelSize =
      phase.multiply(phase.value(contraction.numTerms), source.width);
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value number = index; // becomes the outer index
    Value group = takeDigit(phase, number, phase.index(kGroups));
    Value firstPanel = phase.multiply(number, panels);
    Point point;
    point.indices.assign(contraction.sizes.size(), Value());
    for (unsigned axis : llvm::reverse(outerAxes))
      point.indices[axis] =
          takeDigit(phase, number, phase.value(contraction.sizes[axis]));
    PanelRange share = shareOf(phase, panels, group, kGroups);
    phase.loop(share.from, share.to, 1, [&](Value panel) {
      Value offset = phase.multiply(phase.add(firstPanel, panel), panelSize);
      emitPackPanel(phase, source, point, panel, memory, offset);
    });
  });
  scheduled.phases.push_back(
      phase.finish(Extent::of(*extent), /*grain=*/1, {}));
  return workspace;
}

/// From packed panels.
FailureOr<ScheduledKernel> Scheduler::runPacked(const Tiling &tiling) {
  std::optional<BatchSize> extent =
      sizeOf(contraction,
             llvm::to_vector(llvm::seq<unsigned>(0, contraction.numOuter)),
             tiling.rowGroups * tiling.columnGroups);
  if (!extent)
    return refusal.because("its tiles depend on the batch squared");
  int workspaces[2] = {-1, -1};
  if (tiling.packLhs == Tiling::Whole) {
    auto packed = packWhole({contraction, contraction.lhs, contraction.axisM(),
                             tiling.rows, tiling.lanes},
                            "pack_lhs");
    if (failed(packed))
      return giveUp();
    workspaces[0] = *packed;
  }
  if (tiling.packRhs == Tiling::Whole) {
    auto packed = packWhole({contraction, contraction.rhs, contraction.axisN(),
                             tiling.columns(), tiling.lanes},
                            "pack_rhs");
    if (failed(packed))
      return giveUp();
    workspaces[1] = *packed;
  }
  scheduled.mayAlias = contraction.mayAlias();
  ImplicitLocOpBuilder b(contraction.kernel.getLoc(),
                         contraction.kernel.getContext());
  ContractionPhase phase(b, contraction, previous(),
                         ("compute" + suffix).str());
  ComputePhase(contraction, tiling, phase, scheduled).emit(workspaces);
  scheduled.phases.push_back(
      phase.finish(Extent::of(*extent),
                   grainOf(contraction, tiling.rowGroups * tiling.columnGroups),
                   scheduled.mayAlias));
  return std::move(scheduled);
}

/// From windows where they lie.
FailureOr<ScheduledKernel> Scheduler::runWindows(const WindowTiling &tiling) {
  std::optional<Extent> extent = WindowPhase::extent(contraction, tiling);
  if (!extent)
    return refusal.because("its blocks depend on the batch squared");
  auto filter = packWhole({contraction, contraction.rhs, contraction.axisN(),
                           tiling.columns(), tiling.lanes},
                          "pack_filter");
  if (failed(filter))
    return giveUp();
  scheduled.mayAlias = contraction.mayAlias();
  ImplicitLocOpBuilder b(contraction.kernel.getLoc(),
                         contraction.kernel.getContext());
  ContractionPhase phase(b, contraction, previous(),
                         ("compute" + suffix).str());
  WindowPhase(contraction, tiling, phase, scheduled).emit(*filter);
  scheduled.phases.push_back(
      phase.finish(*extent, /*grain=*/1, scheduled.mayAlias));
  return std::move(scheduled);
}

/// From windows where they lie, of which the sums go through images.
FailureOr<ScheduledKernel>
Scheduler::runImageSums(const ImageSumTiling &tiling) {
  constexpr int64_t kTilesWorthAThread = 16;
  scheduled.mayAlias = contraction.mayAlias();
  ImplicitLocOpBuilder b(contraction.kernel.getLoc(),
                         contraction.kernel.getContext());
  ContractionPhase phase(b, contraction, previous(),
                         ("compute" + suffix).str());
  ImageSums sums(contraction, tiling, phase, scheduled);
  bool hasParts = tiling.numParts > 1;
  if (hasParts)
    scheduled.workspaceBytes.push_back(Extent{sums.partsBytes()});
  sums.emit(hasParts ? std::optional<unsigned>(0) : std::nullopt);
  scheduled.phases.push_back(phase.finish(Extent{ImageSums::extent(tiling)},
                                          /*grain=*/1, scheduled.mayAlias));
  if (!hasParts)
    return std::move(scheduled);
  ContractionPhase totals(b, contraction, previous(),
                          ("add_parts" + suffix).str());
  ImageSums(contraction, tiling, totals, scheduled).emitTotals(0);
  scheduled.phases.push_back(
      totals.finish(Extent{ImageSums::extentOfTotals(tiling)},
                    kTilesWorthAThread, scheduled.mayAlias));
  return std::move(scheduled);
}

FailureOr<ScheduledKernel> Scheduler::run(const CpuModel &cpu) {
  if (auto tiling = chooseWindowTiling(contraction, cpu))
    return runWindows(*tiling);
  if (auto tiling = chooseImageSumTiling(contraction, cpu))
    return runImageSums(*tiling);
  return runPacked(chooseTiling(contraction, cpu));
}

FailureOr<ScheduledKernel> nnc::scheduleContraction(func::FuncOp kernel,
                                                    const CpuModel &cpu,
                                                    Refusal &refusal) {
  auto analyze = [&](func::FuncOp kernel, const Products &products,
                     const Product &product, Refusal &refusal) {
    Refusal notInWindows; // and panels are another way
    FailureOr<Contraction> windows = analyzeProduct(
        kernel, products, product, notInWindows, {/*copiesWindows=*/true});
    if (succeeded(windows) && (chooseWindowTiling(*windows, cpu) ||
                               chooseImageSumTiling(*windows, cpu)))
      return windows;
    return analyzeProduct(kernel, products, product, refusal);
  };
  auto schedule = [&](Contraction contraction, Operation *after,
                      StringRef suffix) {
    return Scheduler(std::move(contraction), after, suffix, refusal).run(cpu);
  };
  return scheduleProducts(kernel, cpu, schedule, refusal, analyze);
}
