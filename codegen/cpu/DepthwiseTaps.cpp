// The sums of all places, tap by tap, as the gradient by a window's filter has
// them: parts of the places to partial sums, then those to results.
#include "codegen/cpu/DepthwisePhases.h"

#include "codegen/Vectorize.h"
#include "codegen/cpu/ComputePhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nnc;

/// Terms that are added up one after another (see Rows.cpp).
static constexpr int64_t kChain = 512;

/// Registers hold a sum for each tap of M and vector of channels, a vector of
/// the right factor each, and one of the image.
DepthwiseTaps::DepthwiseTaps(const Depthwise &depthwise)
    : depthwise(depthwise) {
  const Contraction &contraction = depthwise.contraction;
  int64_t all =
      llvm::divideCeil(depthwise.numChannels().factor, depthwise.lanes);
  int64_t most = std::clamp<int64_t>(
      (depthwise.vectorRegisters - 3) / (contraction.m().factor + 1), 1, 4);
  vectors = llvm::divideCeil(all, llvm::divideCeil(all, most));
  BatchSize k = contraction.sizes[contraction.axisK()];
  steps = k.isStatic() ? std::max<int64_t>(1, kChain / k.factor) : 1;
  auto axes = contraction.outerAxesK();
  BatchSize first = axes.empty() ? k : contraction.sizes[*axes.begin()];
  constexpr int64_t kMostParts = 16;
  parts = first.isStatic() ? std::min(first.factor, kMostParts) : kMostParts;
}

int64_t DepthwiseTaps::numTaps() const {
  int64_t count = depthwise.contraction.m().factor;
  for (unsigned axis : depthwise.outer)
    count *= depthwise.contraction.sizes[axis].factor;
  return count;
}

namespace {

/// A block of channels: how many vectors there are, and which lanes of the
/// last.
struct ChannelBlock {
  int64_t vectors;
  Value mask;
};

class PartialTaps {
public:
  PartialTaps(ContractionPhase &phase, const DepthwiseTaps &taps,
              Value partialSums)
      : phase(phase), b(phase.b), taps(taps), depthwise(taps.depthwise),
        contraction(depthwise.contraction), axisM(contraction.axisM()),
        axisK(contraction.axisK()), partialSums(partialSums) {}

  void emit();

private:
  void emitBlock(const Point &point, ChannelBlock block, Value part);
  void emitPlaces(Point point, ArrayRef<unsigned> axes, PanelRange range);
  void emitTapRows(Point point, ArrayRef<unsigned> axes, Value number,
                   PanelRange range);
  void emitRow(const Point &point, Value offset, PanelRange range);
  SmallVector<Value> emitRun(const Point &point, PanelRange run, bool isCut,
                             ValueRange sums);
  SmallVector<Value> addPlaces(const Point &point, int64_t count, bool isCut,
                               ValueRange sums);
  Value addCut(const Point &point, Value sum);
  void clear(Value memory);
  void foldChunk();
  void store(Value part, Value blockNumber);
  Value load(Value memory, Value index) {
    return loadVector(b, phase.loc(), memory, index, depthwise.lanes,
                      contraction.type);
  }
  void eachSum(llvm::function_ref<void(Value)> emit) {
    phase.loop(phase.index(0), phase.index(taps.numTaps() * taps.width()),
               depthwise.lanes, emit);
  }
  VectorType vectorType() const {
    return VectorType::get(depthwise.lanes, contraction.type);
  }
  bool isOfPlace(const Bound &bound) const {
    return bound.index.dependsOn(axisM) || bound.index.dependsOn(axisK);
  }

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const DepthwiseTaps &taps;
  const Depthwise &depthwise;
  const Contraction &contraction;
  unsigned axisM, axisK;
  Value partialSums;
  ChannelBlock block;
  /// Each [taps][width]: sums of a chunk, of all, and what rounding took of
  /// those.
  Value chunk, totals, lost;
};

} // namespace

//===----------------------------------------------------------------------===//
// The terms of a row of places
//===----------------------------------------------------------------------===//

/// The sum and the term at the point, where that is no padding.
Value PartialTaps::addCut(const Point &point, Value sum) {
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (const Bound &bound : depthwise.bounds())
    if (isOfPlace(bound))
      within = phase.both(within, phase.isWithin(bound, point));
  return phase.choose(
      within, vectorType(),
      [&]() -> Value {
        return vector::FMAOp::create(
            b, emitFactor(phase, contraction, depthwise.image, point),
            emitFactor(phase, contraction, contraction.rhs, point), sum);
      },
      [&] { return sum; });
}

/// Adds `count` places along K to the sums [taps of M][vectors].
SmallVector<Value> PartialTaps::addPlaces(const Point &point, int64_t count,
                                          bool isCut, ValueRange sums) {
  SmallVector<Value> totals(sums);
  for (int64_t vector = 0; vector < block.vectors; ++vector) {
    Point origin = point;
    Value &channel = origin.indices[depthwise.channels];
    channel = phase.add(channel, vector * depthwise.lanes);
    origin.indices[axisM] = phase.index(0);
    if (vector + 1 == block.vectors)
      origin.mask = block.mask;
    NearbyFactors images(phase, contraction, depthwise.image, origin),
        others(phase, contraction, contraction.rhs, origin);
    for (int64_t place = 0; place < count; ++place)
      for (int64_t tap = 0; tap < contraction.m().factor; ++tap) {
        Value &sum = totals[tap * block.vectors + vector];
        NearbyFactors::Move moves[] = {{axisM, tap}, {axisK, place}};
        Point at = origin;
        at.indices[axisM] = phase.index(tap);
        sum = isCut ? addCut(at, sum)
                    : Value(vector::FMAOp::create(b, images.at(moves),
                                                  others.at(moves), sum));
      }
  }
  return totals;
}

SmallVector<Value> PartialTaps::emitRun(const Point &point, PanelRange run,
                                        bool isCut, ValueRange sums) {
  auto loop = [&](Value from, Value to, int64_t count, ValueRange sums) {
    return phase.loop(from, to, phase.index(count), sums,
                      [&](Value place, ValueRange carried) {
                        Point at = point;
                        at.indices[axisK] = place;
                        return addPlaces(at, count, isCut, carried);
                      });
  };
  if (isCut)
    return loop(run.from, run.to, 1, sums);
  // Neighbours share what they read of the image.
  constexpr int64_t kUnroll = 4;
  Value count = phase.subtract(run.to, run.from);
  Value whole = phase.add(
      run.from, phase.multiply(phase.divide(count, kUnroll), kUnroll));
  return loop(whole, run.to, 1, loop(run.from, whole, kUnroll, sums));
}

/// The places `range` of K for the taps of M that lie at `offset` of the chunk.
void PartialTaps::emitRow(const Point &point, Value offset, PanelRange range) {
  auto placeOf = [&](unsigned sum) {
    int64_t tap = sum / block.vectors, vector = sum % block.vectors;
    return phase.add(offset, tap * taps.width() + vector * depthwise.lanes);
  };
  SmallVector<Value> sums;
  unsigned count = contraction.m().factor * block.vectors;
  for (unsigned sum = 0; sum < count; ++sum)
    sums.push_back(load(chunk, placeOf(sum)));
  if (!depthwise.isBounded(axisM) && !depthwise.isBounded(axisK)) {
    sums = emitRun(point, range, /*isCut=*/false, sums);
  } else {
    auto [first, end] = depthwise.interior(axisK, axisM);
    Value inside = phase.minimum(range.to, b.createOrFold<arith::MaxUIOp>(
                                               range.from, phase.index(first)));
    Value outside = phase.minimum(
        range.to, b.createOrFold<arith::MaxUIOp>(inside, phase.index(end)));
    sums = emitRun(point, {range.from, inside}, /*isCut=*/true, sums);
    sums = emitRun(point, {inside, outside}, /*isCut=*/false, sums);
    sums = emitRun(point, {outside, range.to}, /*isCut=*/true, sums);
  }
  for (unsigned sum = 0; sum < count; ++sum)
    storeVector(b, phase.loc(), sums[sum], chunk, placeOf(sum));
}

/// The rows of taps of which the place is no padding; `number` counts them.
void PartialTaps::emitTapRows(Point point, ArrayRef<unsigned> axes,
                              Value number, PanelRange range) {
  if (!axes.empty()) {
    Value count = phase.value(contraction.sizes[axes[0]]);
    return phase.loop(phase.index(0), count, 1, [&](Value index) {
      point.indices[axes[0]] = index;
      emitTapRows(point, axes.drop_front(),
                  phase.add(phase.multiply(number, count), index), range);
    });
  }
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (const Bound &bound : depthwise.bounds())
    if (!isOfPlace(bound))
      within = phase.both(within, phase.isWithin(bound, point));
  Value offset = phase.multiply(number, contraction.m().factor * taps.width());
  phase.when(within, [&] { emitRow(point, offset, range); });
}

//===----------------------------------------------------------------------===//
// Chunks of places
//===----------------------------------------------------------------------===//

void PartialTaps::clear(Value memory) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vectorType()));
  eachSum(
      [&](Value index) { storeVector(b, phase.loc(), zero, memory, index); });
}

/// Adds the chunk's sums to the totals. What rounding takes from those is added
/// up beside, as ComputePhase::addWaitingSums has it.
void PartialTaps::foldChunk() {
  eachSum([&](Value index) {
    Value sum = load(chunk, index), waiting = load(totals, index);
    Value total = arith::AddFOp::create(b, waiting, sum);
    Value back = arith::SubFOp::create(b, total, waiting);
    Value error = arith::AddFOp::create(
        b,
        arith::SubFOp::create(b, waiting,
                              arith::SubFOp::create(b, total, back)),
        arith::SubFOp::create(b, sum, back));
    error = arith::AddFOp::create(b, load(lost, index), error);
    storeVector(b, phase.loc(), total, totals, index);
    storeVector(b, phase.loc(), error, lost, index);
  });
}

/// The places of a part: `range` along the first of `axes`, or along K if there
/// are none, and all along what follows.
void PartialTaps::emitPlaces(Point point, ArrayRef<unsigned> axes,
                             PanelRange range) {
  BatchSize size = contraction.sizes[axisK];
  PanelRange all = {phase.index(0), phase.value(size)};
  bool isShort = size.isStatic() && size.factor <= kChain;
  if (axes.empty()) {
    return phase.loop(range.from, range.to, kChain, [&](Value first) {
      clear(chunk);
      emitTapRows(point, depthwise.outer, phase.index(0),
                  {first, phase.minimum(phase.add(first, kChain), range.to)});
      foldChunk();
    });
  }
  bool isLast = axes.size() == 1;
  phase.loop(range.from, range.to, isLast ? taps.steps : 1, [&](Value first) {
    if (!isLast || !isShort) {
      point.indices[axes[0]] = first;
      ArrayRef<unsigned> next = axes.drop_front();
      return emitPlaces(
          point, next,
          next.empty() ? all
                       : PanelRange{phase.index(0),
                                    phase.value(contraction.sizes[next[0]])});
    }
    clear(chunk);
    Value end = phase.minimum(phase.add(first, taps.steps), range.to);
    phase.loop(first, end, 1, [&](Value index) {
      point.indices[axes[0]] = index;
      emitTapRows(point, depthwise.outer, phase.index(0), all);
    });
    foldChunk();
  });
}

//===----------------------------------------------------------------------===//
// Partial sums
//===----------------------------------------------------------------------===//

/// The totals as partial sums. An infinite total has lost nothing, or NaN.
void PartialTaps::store(Value part, Value blockNumber) {
  Value first = phase.multiply(
      phase.add(phase.multiply(part, taps.numBlocks()), blockNumber),
      taps.numTaps() * taps.width());
  eachSum([&](Value index) {
    Value total = load(totals, index), error = load(lost, index);
    Value isNumber =
        arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, error, error);
    Value sum = arith::SelectOp::create(
        b, isNumber, arith::AddFOp::create(b, total, error), total);
    storeVector(b, phase.loc(), sum, partialSums, phase.add(first, index));
  });
}

void PartialTaps::emitBlock(const Point &point, ChannelBlock channels,
                            Value part) {
  block = channels;
  auto axes = llvm::to_vector(contraction.outerAxesK());
  unsigned first = axes.empty() ? axisK : axes[0];
  PanelRange share =
      shareOf(phase, phase.value(contraction.sizes[first]), part, taps.parts);
  emitPlaces(point, axes, share);
}

void PartialTaps::emit() {
  int64_t count = taps.numTaps() * taps.width();
  int64_t bytes = contraction.type.getIntOrFloatBitWidth() / 8;
  chunk = phase.scratch(0, count);
  totals = phase.scratch(count * bytes, count);
  lost = phase.scratch(2 * count * bytes, count);
  int64_t size = depthwise.numChannels().factor;
  int64_t rest = size % taps.width(), lanes = depthwise.lanes;
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value part = index;
    Value number = takeDigit(phase, part, phase.index(taps.numBlocks()));
    Point point;
    point.indices.resize(contraction.sizes.size());
    point.vectorAxis = depthwise.channels;
    point.lanes = lanes;
    point.indices[depthwise.channels] = phase.multiply(number, taps.width());
    for (Value memory : {totals, lost})
      clear(memory);
    Value isWhole = phase.isLess(number, phase.index(size / taps.width()));
    if (size >= taps.width())
      phase.when(isWhole,
                 [&] { emitBlock(point, {taps.vectors, Value()}, part); });
    if (rest)
      phase.when(phase.isEqual(number, phase.index(size / taps.width())), [&] {
        Value mask = rest % lanes ? phase.mask(phase.index(rest % lanes), lanes)
                                  : Value();
        emitBlock(point, {int64_t(llvm::divideCeil(rest, lanes)), mask}, part);
      });
    store(part, number);
  });
}

void nnc::emitPartialTaps(ContractionPhase &phase, const DepthwiseTaps &taps,
                          Value partialSums) {
  PartialTaps(phase, taps, partialSums).emit();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// The results of the vector of channels at the point, the sums of whose parts
/// begin at `first`.
static void emitResult(ContractionPhase &phase, const DepthwiseTaps &taps,
                       const Point &point, Value first, Value partialSums) {
  Type type = taps.depthwise.contraction.type;
  ImplicitLocOpBuilder &b = phase.b;
  int64_t next = taps.numBlocks() * taps.numTaps() * taps.width();
  auto vectorType = VectorType::get(point.lanes, type);
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vectorType));
  Value sum =
      phase.loop(phase.index(0), phase.index(taps.parts), phase.index(1), zero,
                 [&](Value part, ValueRange carried) {
                   Value partial =
                       loadVector(b, phase.loc(), partialSums,
                                  phase.add(first, phase.multiply(part, next)),
                                  point.lanes, type);
                   return SmallVector<Value>{
                       arith::AddFOp::create(b, carried[0], partial)};
                 })[0];
  phase.storeResults(point, sum);
}

void nnc::emitTaps(ContractionPhase &phase, const DepthwiseTaps &taps,
                   Value partialSums) {
  const Depthwise &depthwise = taps.depthwise;
  const Contraction &contraction = depthwise.contraction;
  for (const Element *result : contraction.results)
    phase.emitUniform(result);
  int64_t size = depthwise.numChannels().factor, lanes = depthwise.lanes;
  int64_t whole = llvm::alignDown(size, lanes);
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Value tap = index; // of [outer..][M]
    Point point;
    point.indices.resize(contraction.sizes.size());
    point.vectorAxis = depthwise.channels;
    point.lanes = lanes;
    point.indices[contraction.axisM()] =
        takeDigit(phase, index, phase.value(contraction.m()));
    for (unsigned axis : llvm::reverse(depthwise.outer))
      point.indices[axis] =
          takeDigit(phase, index, phase.value(contraction.sizes[axis]));
    auto emitAt = [&](Value channel) {
      point.indices[depthwise.channels] = channel;
      Value block = phase.divide(channel, taps.width());
      Value row = phase.add(phase.multiply(block, taps.numTaps()), tap);
      Value first = phase.add(phase.multiply(row, taps.width()),
                              phase.remainder(channel, taps.width()));
      emitResult(phase, taps, point, first, partialSums);
    };
    phase.loop(phase.index(0), phase.index(whole), lanes, emitAt);
    if (whole != size) {
      point.mask = phase.mask(phase.index(size - whole), lanes);
      emitAt(phase.index(whole));
    }
  });
}
