// Which contractions have channels for themselves, and their phases.
#include "codegen/cpu/Depthwise.h"

#include "codegen/cpu/DepthwisePhases.h"
#include "codegen/cpu/ScheduleProducts.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Recognition
//===----------------------------------------------------------------------===//

/// Whether neighbours along `axis` lie side by side in something of `element`,
/// and are the same in all else.
static bool liesAlong(const Element *element, unsigned axis) {
  Steps steps;
  collectSteps(element, steps);
  return isVectorAlong(element, axis) &&
         llvm::any_of(steps, [&](ArrayRef<BatchSize> step) {
           return step[axis].isOne();
         });
}

/// The axis along which vectors of all factors and results lie.
static std::optional<unsigned> findChannels(const Contraction &contraction) {
  for (unsigned axis = 0; axis < contraction.numOuter; ++axis) {
    auto isVector = [&](const Element *element) {
      return isVectorAlong(element, axis);
    };
    if (contraction.sizes[axis].isStatic() &&
        contraction.resultStrides[0][axis].isOne() &&
        liesAlong(contraction.lhs, axis) && liesAlong(contraction.rhs, axis) &&
        llvm::all_of(contraction.results, isVector))
      return axis;
  }
  return std::nullopt;
}

static FailureOr<Depthwise> recognize(Contraction contraction,
                                      const CpuModel &cpu, Refusal &refusal) {
  std::optional<unsigned> channels = findChannels(contraction);
  if (!channels || !contraction.n().isOne())
    return refusal.because("its channels are not each for itself");
  Depthwise depthwise;
  depthwise.channels = *channels;
  depthwise.lanes = cpu.lanes(contraction.type);
  depthwise.vectorRegisters = cpu.vectorRegisters;
  for (unsigned axis = 0; axis < contraction.numOuter; ++axis)
    if (axis != *channels)
      depthwise.outer.push_back(axis);
  depthwise.image = imageWithinZeros(contraction.lhs, refusal);
  if (!depthwise.image)
    return failure();
  if (imageWithinZeros(contraction.rhs, refusal) != contraction.rhs)
    return refusal.because("both of its factors are padded");
  for (const Bound &bound : contraction.lhs->bounds)
    if (!bound.size.isStatic())
      return refusal.because("its padding depends on the batch");
  depthwise.contraction = std::move(contraction);
  return depthwise;
}

/// The least of all quotients that is not below.
static int64_t divideUp(int64_t number, int64_t divisor) {
  return llvm::divideCeilSigned(number, divisor);
}

std::pair<int64_t, int64_t>
Depthwise::interior(unsigned axis, ArrayRef<unsigned> others) const {
  BatchSize size = contraction.sizes[axis];
  int64_t first = 0, end = size.isStatic() ? size.factor : INT64_MAX;
  for (const Bound &bound : bounds()) {
    const LinearIndex &index = bound.index;
    auto isOf = [&](unsigned other) { return index.dependsOn(other); };
    if (!isOf(axis) && !llvm::any_of(others, isOf))
      continue;
    // Without `axis` it runs from `low` to `high`.
    int64_t low = index.base.factor, high = low;
    for (auto [other, stride] : llvm::enumerate(index.strides)) {
      if (stride.isZero() || other == axis)
        continue;
      if (!llvm::is_contained(others, other) || !stride.isStatic())
        return {0, 0};
      int64_t way = stride.factor * (contraction.sizes[other].factor - 1);
      (way < 0 ? low : high) += way;
    }
    int64_t step = index.strides[axis].factor, last = bound.size.factor - 1;
    if (step == 0 && (low < 0 || high > last))
      return {0, 0};
    if (step > 0) {
      first = std::max(first, divideUp(-low, step));
      end = std::min(end, llvm::divideFloorSigned(last - high, step) + 1);
    } else if (step < 0) {
      first = std::max(first, divideUp(high - last, -step));
      end = std::min(end, llvm::divideFloorSigned(low, -step) + 1);
    }
  }
  return {first, std::max(first, end)};
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

/// Few terms a sum, of which a loop's body can hold those of K.
static bool sumsTaps(const Contraction &contraction) {
  constexpr int64_t kMostTaps = 128, kMostUnrolled = 16;
  return contraction.numTerms.isStatic() &&
         contraction.numTerms.factor <= kMostTaps &&
         contraction.sizes[contraction.axisK()].factor <= kMostUnrolled;
}

/// Few sums, of which registers can hold those of M.
static bool sumsPlaces(const Depthwise &depthwise) {
  constexpr int64_t kMostTaps = 128, kMostUnrolled = 16;
  const Contraction &contraction = depthwise.contraction;
  int64_t numTaps = 1;
  for (unsigned axis : depthwise.outer)
    if (!contraction.sizes[axis].isStatic() ||
        llvm::MulOverflow(numTaps, contraction.sizes[axis].factor, numTaps))
      return false;
  BatchSize m = contraction.m();
  return m.isStatic() && m.factor <= kMostUnrolled && numTaps <= kMostTaps;
}

static ScheduledKernel schedulePlaces(const Depthwise &depthwise,
                                      Operation *after, StringRef suffix) {
  const Contraction &contraction = depthwise.contraction;
  func::FuncOp kernel = contraction.kernel;
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  scheduled.mayAlias = contraction.mayAlias();
  ContractionPhase phase(b, contraction, after, ("places" + suffix).str());
  PlacesExtent extent = emitDepthwisePlaces(phase, depthwise);
  scheduled.phases.push_back(
      phase.finish(extent.extent, extent.grain, scheduled.mayAlias));
  return scheduled;
}

static ScheduledKernel scheduleTaps(const Depthwise &depthwise,
                                    Operation *after, StringRef suffix) {
  const Contraction &contraction = depthwise.contraction;
  func::FuncOp kernel = contraction.kernel;
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  DepthwiseTaps taps(depthwise);
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  ScheduledKernel scheduled;
  scheduled.workspaceBytes.push_back(
      Extent{taps.numPartialSums() * bytes, 0, 1});
  scheduled.scratchBytes = taps.scratch() * bytes;
  scheduled.mayAlias = contraction.mayAlias();

  ContractionPhase partial(b, contraction, after, ("partial" + suffix).str());
  emitPartialTaps(partial, taps, partial.workspace(0));
  scheduled.phases.push_back(partial.finish(
      Extent{taps.parts * taps.numBlocks(), 0, 1}, /*grain=*/1, {}));

  ContractionPhase results(b, contraction, scheduled.phases[0].function,
                           ("taps" + suffix).str());
  emitTaps(results, taps, results.workspace(0));
  int64_t grain = (16 << 10) / (taps.parts * depthwise.numChannels().factor);
  scheduled.phases.push_back(
      results.finish(Extent{taps.numTaps(), 0, 1}, grain, scheduled.mayAlias));
  return scheduled;
}

FailureOr<ScheduledKernel> nnc::scheduleDepthwise(func::FuncOp kernel,
                                                  const CpuModel &cpu,
                                                  Refusal &refusal) {
  auto schedule = [&](Contraction contraction, Operation *after,
                      StringRef suffix) -> FailureOr<ScheduledKernel> {
    FailureOr<Depthwise> depthwise =
        recognize(std::move(contraction), cpu, refusal);
    if (failed(depthwise))
      return failure();
    if (sumsTaps(depthwise->contraction))
      return schedulePlaces(*depthwise, after, suffix);
    if (sumsPlaces(*depthwise))
      return scheduleTaps(*depthwise, after, suffix);
    return refusal.because("it has many taps");
  };
  return scheduleProducts(kernel, cpu, schedule, refusal);
}
