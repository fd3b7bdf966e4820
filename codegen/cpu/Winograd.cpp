// Which contractions are convolutions that Winograd's products are worth, how
// they are cut, and their phases.
#include "codegen/cpu/Winograd.h"

#include "codegen/ScheduleKernels.h"
#include "codegen/cpu/Transpose.h"
#include "codegen/cpu/WinogradGradient.h"
#include "codegen/cpu/WinogradPhases.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

static constexpr int64_t kFloat = sizeof(float);

/// All tiles, of the largest batch.
static int64_t estimateTiles(const WinogradTiles &tiles) {
  func::FuncOp kernel = tiles.contraction.kernel;
  return tiles.numTiles().estimate(
      largestBatch(kernel).value_or(kTypicalBatch));
}

//===----------------------------------------------------------------------===//
// Sums over the window and its channels
//===----------------------------------------------------------------------===//

static LogicalResult checkFilter(const WinogradTiles &tiles, Refusal &refusal) {
  const Contraction &contraction = tiles.contraction;
  const Element *filter = contraction.rhs;
  if (!filter->operand ||
      !getElementTypeOrSelf(filter->tensor.getType()).isF32())
    return refusal.because("its filter is not f32 in memory");
  for (unsigned axis = 0; axis <= contraction.axisM(); ++axis)
    if (!filter->strides[axis].isZero())
      return refusal.because("each of its images has a filter of its own");
  auto square = VectorType::get({tiles.lanes, tiles.lanes}, contraction.type);
  bool isRead = filter->strides[contraction.axisN()].isOne() ||
                (filter->strides[contraction.axisK()].isOne() &&
                 canTransposeInRegisters(square));
  if (!isRead)
    return refusal.because("its filter's channels are no vectors");
  return success();
}

/// From 16 channels on transforms cost less than what they save, and the bound
/// of the error is at most 1.3 times that of the sum (docs/numerics.md). A few
/// images do not pay for the transform of the filter.
static LogicalResult checkWorth(const WinogradTiles &tiles, int64_t fewestTiles,
                                Refusal &refusal) {
  constexpr int64_t kFewestChannels = 16, kFewestResults = 16;
  BatchSize n = tiles.contraction.n();
  if (!n.isStatic() || n.factor % tiles.lanes)
    return refusal.because("its channels are not whole vectors");
  if (tiles.numChannels() < kFewestChannels || n.factor < kFewestResults)
    return refusal.because("it has few channels");
  if (estimateTiles(tiles) < fewestTiles)
    return refusal.because("it has few places");
  // Tiles that are not all there cost as much as whole ones.
  auto share = [&](const WindowDim &dim) {
    return 0.5 * tiles.contraction.sizes[dim.position].factor /
           tiles.numTiles(dim);
  };
  constexpr double kFewest = 0.7;
  if (share(tiles.rows) * share(tiles.columns) < kFewest)
    return refusal.because("its places fill few tiles");
  return success();
}

/// As many tiles as have their transforms and products in three quarters of the
/// second cache; of many channels, each of which is used for many products, a
/// block that reads the filter seldom, and sixteen for threads to share.
static void chooseSizes(Winograd &winograd, const CpuModel &cpu) {
  constexpr int64_t kMost = 112, kFewest = 64, kIndices = 8;
  constexpr int64_t kMostScratch = 6 << 20;
  winograd.vectors = winograd.n() % (2 * winograd.lanes) ? 1 : 2;
  int64_t bytes = WinogradTiles::kProducts *
                  (winograd.tileStride() + winograd.n()) * kFloat;
  int64_t fewest = 1;
  if (std::min(winograd.k(), winograd.n()) >= 192)
    fewest = std::clamp<int64_t>(kMostScratch / bytes, 1, kFewest);
  int64_t most =
      std::clamp<int64_t>(cpu.l2Bytes * 3 / 4 / bytes, fewest, kMost);
  int64_t all = estimateTiles(winograd);
  most = std::min(most, std::max<int64_t>(all / 16, fewest));
  // Blocks of one size, and microtiles that fill them.
  int64_t block = llvm::divideCeil(all, llvm::divideCeil(all, most));
  int64_t spare = cpu.vectorRegisters - winograd.vectors - 1;
  int64_t highest = std::min<int64_t>(spare / winograd.vectors, 14);
  winograd.height = llvm::divideCeil(block, llvm::divideCeil(block, highest));
  winograd.block = llvm::alignTo(block, winograd.height);
  winograd.panelGroups =
      std::clamp<int64_t>(kIndices / llvm::divideCeil(all, winograd.block), 1,
                          winograd.numPanels());
}

/// Two phases: the filter's transform into a workspace, then the products.
static ScheduledKernel schedule(const Winograd &winograd) {
  const Contraction &contraction = winograd.contraction;
  func::FuncOp kernel = contraction.kernel;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  scheduled.workspaceBytes.push_back(Extent{
      WinogradTiles::kProducts * winograd.k() * winograd.n() * kFloat, 0, 1});
  scheduled.scratchBytes =
      kFloat * std::max(winograd.imageScratch() + winograd.productScratch(),
                        winograd.filterScratch());
  scheduled.mayAlias = contraction.mayAlias();

  ContractionPhase filter(b, contraction, kernel, "winograd_filter");
  emitFilterTransform(filter, winograd, filter.workspace(0));
  scheduled.phases.push_back(filter.finish(
      Extent{winograd.k() / winograd.lanes * winograd.numPanels(), 0, 1},
      /*grain=*/1, {}));

  ContractionPhase products(b, contraction, scheduled.phases[0].function,
                            "winograd");
  emitWinogradProducts(products, winograd, products.workspace(0));
  scheduled.phases.push_back(products.finish(winograd.extent(),
                                             /*grain=*/1, scheduled.mayAlias));
  return scheduled;
}

static FailureOr<ScheduledKernel>
scheduleSums(Contraction contraction, const CpuModel &cpu, Refusal &refusal) {
  auto taps = llvm::to_vector(contraction.outerAxesK());
  auto positions =
      llvm::to_vector(llvm::seq<unsigned>(0, contraction.axisM() + 1));
  unsigned channels = contraction.axisK();
  int64_t lanes = cpu.lanes(contraction.type);
  FailureOr<WinogradTiles> tiles = findTiles(
      std::move(contraction), taps, positions, channels, lanes, refusal);
  constexpr int64_t kFewestTiles = 48;
  if (failed(tiles) || failed(checkFilter(*tiles, refusal)) ||
      failed(checkWorth(*tiles, kFewestTiles, refusal)))
    return failure();
  Winograd winograd(std::move(*tiles));
  chooseSizes(winograd, cpu);
  return schedule(winograd);
}

//===----------------------------------------------------------------------===//
// Sums over places
//===----------------------------------------------------------------------===//

/// The largest share of `size`, in whole steps, that is not above `most`.
static int64_t shareOfSize(int64_t size, int64_t step, int64_t most) {
  for (int64_t share = llvm::alignDown(most, step); share > step; share -= step)
    if (size % share == 0)
      return share;
  return step;
}

/// Blocks of channels whose sums take a quarter of the second cache, and tiles
/// for as much again. Partial sums where there are few blocks for threads to
/// share, or many tiles: no more than 64 blocks of them are added up in one, as
/// far as memory is for it.
static void chooseSizes(WinogradGradient &gradient, const CpuModel &cpu) {
  constexpr int64_t kMostChannels = 64, kBlock = 48, kIndices = 16,
                    kMostBlocks = 64, kMostParts = 64, kMostBytes = 32 << 20;
  gradient.vectors = gradient.n() % (2 * gradient.lanes) ? 1 : 2;
  gradient.height = cpu.vectorRegisters > 16 ? 8 : 4;
  gradient.blockM = shareOfSize(gradient.m(), gradient.lanes, kMostChannels);
  gradient.blockN = shareOfSize(gradient.n(), gradient.width(), kMostChannels);
  gradient.block = kBlock;
  int64_t blocks = gradient.numBlocksM() * gradient.numBlocksN();
  int64_t tileBlocks = llvm::divideCeil(estimateTiles(gradient), kBlock);
  int64_t parts = std::max<int64_t>(llvm::divideCeil(kIndices, blocks),
                                    llvm::divideCeil(tileBlocks, kMostBlocks));
  int64_t partBytes =
      WinogradTiles::kTaps * gradient.m() * gradient.n() * kFloat;
  int64_t most = std::min({kMostParts, tileBlocks, kMostBytes / partBytes});
  gradient.parts = std::clamp<int64_t>(parts, 1, std::max<int64_t>(most, 1));
}

/// The sums; and where they are partial ones, the results of them.
static ScheduledKernel schedule(const WinogradGradient &gradient) {
  const Contraction &contraction = gradient.contraction;
  func::FuncOp kernel = contraction.kernel;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  scheduled.scratchBytes =
      kFloat * (gradient.imageScratch() + gradient.otherScratch() +
                gradient.sumScratch());
  scheduled.mayAlias = contraction.mayAlias();
  Extent extent{gradient.parts * gradient.numBlocksM() * gradient.numBlocksN(),
                0, 1};
  ContractionPhase products(b, contraction, kernel, "winograd");
  if (gradient.parts == 1) {
    emitGradientProducts(products, gradient, {});
    scheduled.phases.push_back(
        products.finish(extent, /*grain=*/1, scheduled.mayAlias));
    return scheduled;
  }
  scheduled.workspaceBytes.push_back(
      Extent{gradient.numPartialSums() * kFloat, 0, 1});
  emitGradientProducts(products, gradient, products.workspace(0));
  scheduled.phases.push_back(products.finish(extent, /*grain=*/1, {}));
  ContractionPhase results(b, contraction, scheduled.phases[0].function,
                           "winograd_sum");
  emitGradientResults(results, gradient, results.workspace(0));
  int64_t grain = (16 << 10) / (gradient.parts * gradient.n());
  scheduled.phases.push_back(
      results.finish(Extent{WinogradTiles::kTaps * gradient.m(), 0, 1}, grain,
                     scheduled.mayAlias));
  return scheduled;
}

static FailureOr<ScheduledKernel> scheduleGradient(Contraction contraction,
                                                   const CpuModel &cpu,
                                                   Refusal &refusal) {
  auto taps = llvm::to_vector(llvm::seq<unsigned>(0, contraction.numOuter));
  auto positions = llvm::to_vector(contraction.outerAxesK());
  positions.push_back(contraction.axisK());
  unsigned channels = contraction.axisM();
  int64_t lanes = cpu.lanes(contraction.type);
  FailureOr<WinogradTiles> tiles = findTiles(
      std::move(contraction), taps, positions, channels, lanes, refusal);
  constexpr int64_t kFewestTiles = 48;
  if (failed(tiles) || failed(checkWorth(*tiles, kFewestTiles, refusal)))
    return failure();
  WinogradGradient gradient(std::move(*tiles));
  const Element *other = gradient.contraction.rhs;
  if (imageWithinZeros(other, refusal) != other)
    return refusal.because("both of its factors are padded");
  bool readsTaps = other->dependsOn(gradient.rows.tap) ||
                   other->dependsOn(gradient.columns.tap);
  if (readsTaps || !isVectorAlong(other, gradient.contraction.axisN()) ||
      !getElementTypeOrSelf(other->tensor.getType()).isF32())
    return refusal.because("its right factor is no vectors of f32");
  gradient.other = other;
  chooseSizes(gradient, cpu);
  return schedule(gradient);
}

FailureOr<ScheduledKernel> nnc::scheduleWinograd(func::FuncOp kernel,
                                                 const CpuModel &cpu,
                                                 Refusal &refusal) {
  // Columns and channels of a window without padding would else be one axis.
  ContractionForm form;
  form.hasAxisALoop = true;
  FailureOr<Contraction> contraction =
      analyzeContraction(kernel, refusal, form);
  if (failed(contraction))
    return failure();
  bool sumsPlaces = contraction->numOuter == 2 && contraction->sizes[0].is(3) &&
                    contraction->sizes[1].is(3);
  return sumsPlaces ? scheduleGradient(std::move(*contraction), cpu, refusal)
                    : scheduleSums(std::move(*contraction), cpu, refusal);
}
