// Which contractions are convolutions that Winograd's products are worth, how
// they are cut, and their phases.
#include "codegen/cpu/Winograd.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/PaddedFactor.h"
#include "codegen/cpu/Transpose.h"
#include "codegen/cpu/WinogradPhases.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

BatchSize Winograd::numTiles() const {
  std::optional<BatchSize> count(numTiles(rows) * numTiles(columns));
  for (unsigned axis : images)
    count = count->times(contraction.sizes[axis]);
  return *count;
}

namespace {

class Recognizer {
public:
  Recognizer(Contraction contraction, const CpuModel &cpu, Refusal &refusal)
      : cpu(cpu), refusal(refusal) {
    winograd.contraction = std::move(contraction);
  }

  FailureOr<Winograd> run();

private:
  LogicalResult findImage();
  LogicalResult findWindow();
  std::optional<WindowDim> findDim(unsigned tap);
  LogicalResult checkBounds();
  LogicalResult checkFilter();
  LogicalResult checkWorth();
  void chooseSizes();

  Contraction &contraction() { return winograd.contraction; }

  Winograd winograd;
  const CpuModel &cpu;
  Refusal &refusal;
};

} // namespace

/// The image within its padding, as vectors of channels.
LogicalResult Recognizer::findImage() {
  winograd.image = imageWithinZeros(contraction().lhs, refusal);
  if (!winograd.image)
    return failure();
  if (!isVectorAlong(winograd.image, contraction().axisK()) ||
      !getElementTypeOrSelf(winograd.image->tensor.getType()).isF32())
    return refusal.because("its channels are no vectors of f32");
  return success();
}

/// Along which places the three taps of an axis lie, one a place.
std::optional<WindowDim> Recognizer::findDim(unsigned tap) {
  Steps steps;
  collectSteps(contraction().lhs, steps);
  auto walksAlike = [&](unsigned position, int64_t sign) {
    bool walks = false;
    for (ArrayRef<BatchSize> step : steps) {
      if (step[position].times(sign) != step[tap])
        return false;
      walks |= !step[tap].isZero();
    }
    return walks;
  };
  if (!contraction().sizes[tap].is(3))
    return std::nullopt;
  for (unsigned position = 0; position <= contraction().axisM(); ++position)
    for (int64_t sign : {1, -1})
      if (contraction().sizes[position].isStatic() &&
          walksAlike(position, sign))
        return WindowDim{position, tap, sign < 0};
  return std::nullopt;
}

LogicalResult Recognizer::findWindow() {
  auto taps = llvm::to_vector(contraction().outerAxesK());
  std::optional<WindowDim> rows, columns;
  if (taps.size() == 2) {
    rows = findDim(taps[0]);
    columns = findDim(taps[1]);
  }
  if (!rows || !columns || rows->position == columns->position)
    return refusal.because("its window is not of 3 x 3 neighbours");
  winograd.rows = *rows;
  winograd.columns = *columns;
  for (unsigned axis = 0; axis <= contraction().axisM(); ++axis)
    if (axis != rows->position && axis != columns->position)
      winograd.images.push_back(axis);
  return checkBounds();
}

/// Rows and columns are padded each for itself; a tile that reaches beyond the
/// last window reads padding.
LogicalResult Recognizer::checkBounds() {
  const auto &bounds = contraction().lhs->bounds;
  bool areApart = llvm::all_of(bounds, [&](const Bound &bound) {
    for (auto [axis, stride] : llvm::enumerate(bound.index.strides)) {
      bool isRow = axis == winograd.rows.position || axis == winograd.rows.tap;
      bool isColumn =
          axis == winograd.columns.position || axis == winograd.columns.tap;
      bool isOfRows = bound.index.dependsOn(winograd.rows.position);
      if (!stride.isZero() && !(isOfRows ? isRow : isColumn))
        return false;
    }
    return true;
  });
  if (!areApart)
    return refusal.because("its padding is not of rows and columns");
  for (const WindowDim &dim : {winograd.rows, winograd.columns}) {
    bool isPadded = llvm::any_of(bounds, [&](const Bound &bound) {
      return bound.index.dependsOn(dim.position);
    });
    if (!isPadded && contraction().sizes[dim.position].factor % 2)
      return refusal.because("an odd number of places has no padding");
  }
  return success();
}

LogicalResult Recognizer::checkFilter() {
  const Element *filter = contraction().rhs;
  unsigned k = contraction().axisK(), n = contraction().axisN();
  if (!filter->operand ||
      !getElementTypeOrSelf(filter->tensor.getType()).isF32())
    return refusal.because("its filter is not f32 in memory");
  for (unsigned axis = 0; axis <= contraction().axisM(); ++axis)
    if (!filter->strides[axis].isZero())
      return refusal.because("each of its images has a filter of its own");
  winograd.lanes = cpu.lanes(contraction().type);
  auto square =
      VectorType::get({winograd.lanes, winograd.lanes}, contraction().type);
  bool isRead = filter->strides[n].isOne() ||
                (filter->strides[k].isOne() && canTransposeInRegisters(square));
  if (!isRead)
    return refusal.because("its filter's channels are no vectors");
  for (unsigned axis : {k, n})
    if (!contraction().sizes[axis].isStatic() ||
        contraction().sizes[axis].factor % winograd.lanes)
      return refusal.because("its channels are not whole vectors");
  return success();
}

/// From 38 channels on the bound of its error is not above that of the sum of
/// products (docs/numerics.md), and transforms cost little beside products; a
/// few images do not pay for the transform of the filter, nor a few channels
/// for that of a tile.
LogicalResult Recognizer::checkWorth() {
  constexpr int64_t kFewestChannels = 48, kFewestResults = 32,
                    kFewestTiles = 48;
  if (winograd.k() < kFewestChannels || winograd.n() < kFewestResults)
    return refusal.because("it has few channels");
  int64_t batch = largestBatch(contraction().kernel).value_or(kTypicalBatch);
  if (winograd.numTiles().estimate(batch) < kFewestTiles)
    return refusal.because("it has few places");
  return success();
}

/// As many tiles as have their transforms in half of the second cache, and a
/// tenth of all, so that threads get equal shares.
void Recognizer::chooseSizes() {
  winograd.vectors = winograd.n() % (2 * winograd.lanes) ? 1 : 2;
  int64_t spare = cpu.vectorRegisters - winograd.vectors - 1;
  winograd.height = std::min<int64_t>(spare / winograd.vectors, 14);
  int64_t bytes = Winograd::kProducts * winograd.tileStride() * sizeof(float);
  int64_t batch = largestBatch(contraction().kernel).value_or(kTypicalBatch);
  int64_t all = winograd.numTiles().estimate(batch);
  int64_t wanted = std::min<int64_t>(cpu.l2Bytes / 2 / bytes, all / 10);
  winograd.tiles = std::clamp<int64_t>(llvm::alignDown(wanted, winograd.height),
                                       winograd.height, 8 * winograd.height);
}

FailureOr<Winograd> Recognizer::run() {
  if (!contraction().type.isF32())
    return refusal.because("its type is not f32");
  if (failed(findImage()) || failed(findWindow()) || failed(checkFilter()) ||
      failed(checkWorth()))
    return failure();
  chooseSizes();
  return std::move(winograd);
}

//===----------------------------------------------------------------------===//
// The schedule
//===----------------------------------------------------------------------===//

/// Two phases: the filter's transform into a workspace, then the products.
static ScheduledKernel schedule(const Winograd &winograd) {
  const Contraction &contraction = winograd.contraction;
  func::FuncOp kernel = contraction.kernel;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  scheduled.workspaceBytes.push_back(
      Extent{int64_t(Winograd::kProducts * winograd.k() * winograd.n() *
                     sizeof(float)),
             0, 1});
  int64_t scratch =
      std::max(winograd.imageScratch() + winograd.productScratch(),
               winograd.filterScratch());
  scheduled.scratchBytes = scratch * sizeof(float);
  scheduled.mayAlias = contraction.mayAlias();

  ContractionPhase filter(b, contraction, kernel, "winograd_filter");
  emitFilterTransform(filter, winograd, filter.workspace(0));
  scheduled.phases.push_back(filter.finish(
      Extent{winograd.k() / winograd.lanes * winograd.numPanels(), 0, 1},
      /*grain=*/1, {}));

  ContractionPhase products(b, contraction, scheduled.phases[0].function,
                            "winograd");
  emitWinogradProducts(products, winograd, products.workspace(0));
  scheduled.phases.push_back(
      products.finish(Extent::of(winograd.numTiles(), winograd.tiles),
                      /*grain=*/1, scheduled.mayAlias));
  return scheduled;
}

FailureOr<ScheduledKernel> nnc::scheduleWinograd(func::FuncOp kernel,
                                                 const CpuModel &cpu,
                                                 Refusal &refusal) {
  FailureOr<Contraction> contraction = analyzeContraction(kernel, refusal);
  if (failed(contraction))
    return failure();
  FailureOr<Winograd> winograd =
      Recognizer(std::move(*contraction), cpu, refusal).run();
  if (failed(winograd))
    return failure();
  return schedule(*winograd);
}
