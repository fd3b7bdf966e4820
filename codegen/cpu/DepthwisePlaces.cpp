// The sums of a window's taps, place by place: several places' sums in
// registers while the taps go by, for one vector of channels after the other.
#include "codegen/cpu/DepthwisePhases.h"

#include "codegen/cpu/ComputePhase.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nnc;

/// Places of M that are an index of their own where there are more, or where
/// only a run knows how many.
static constexpr int64_t kChunk = 256;

namespace {

class Places {
public:
  Places(ContractionPhase &phase, const Depthwise &depthwise)
      : phase(phase), b(phase.b), depthwise(depthwise),
        contraction(depthwise.contraction), axisM(contraction.axisM()),
        axisK(contraction.axisK()) {}

  PlacesExtent emit();

private:
  PlacesExtent extentOf();
  void emitOuter(Point point, ArrayRef<unsigned> axes, Value from, Value to);
  void emitPlaces(Point point, Value first, int64_t count, bool isCut);
  void emitRun(const Point &point, Value from, Value to, bool isCut);
  void emitVector(const Point &point, int64_t count, bool isCut);
  SmallVector<Value> emitSums(Point point, ArrayRef<unsigned> axes,
                              ValueRange sums, bool isCut);
  SmallVector<Value> emitTaps(const Point &point, ValueRange sums, bool isCut);
  /// Whether `bound` is to be asked for each tap of K and place of M.
  bool isOfTap(const Bound &bound) const {
    return bound.index.dependsOn(axisM) || bound.index.dependsOn(axisK);
  }
  VectorType vectorType() const {
    return VectorType::get(depthwise.lanes, contraction.type);
  }

  ContractionPhase &phase;
  ImplicitLocOpBuilder &b;
  const Depthwise &depthwise;
  const Contraction &contraction;
  unsigned axisM, axisK;
  /// What the epilogue reads of a channel.
  SmallVector<const Element *> channelElements;
};

} // namespace

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Adds the taps of K, for each of `sums` a place further along M.
SmallVector<Value> Places::emitTaps(const Point &point, ValueRange sums,
                                    bool isCut) {
  Point origin = point;
  origin.indices[axisK] = phase.index(0);
  NearbyFactors images(phase, contraction, depthwise.image, origin),
      others(phase, contraction, contraction.rhs, origin);
  SmallVector<Value> totals(sums);
  for (int64_t tap = 0; tap < contraction.sizes[axisK].factor; ++tap)
    for (auto [place, sum] : llvm::enumerate(totals)) {
      NearbyFactors::Move moves[] = {{axisM, int64_t(place)}, {axisK, tap}};
      if (!isCut) {
        sum = vector::FMAOp::create(b, images.at(moves), others.at(moves), sum);
        continue;
      }
      Point at = origin;
      at.indices[axisK] = phase.index(tap);
      Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
      for (const Bound &bound : depthwise.bounds())
        if (isOfTap(bound))
          within = phase.both(within, phase.isWithin(bound, at));
      Value before = sum;
      sum = phase.choose(
          within, vectorType(),
          [&]() -> Value {
            return vector::FMAOp::create(
                b, emitFactor(phase, contraction, depthwise.image, at),
                emitFactor(phase, contraction, contraction.rhs, at), before);
          },
          [&] { return before; });
    }
  return totals;
}

/// Walks what of K is around the innermost, and leaves out what is padding.
SmallVector<Value> Places::emitSums(Point point, ArrayRef<unsigned> axes,
                                    ValueRange sums, bool isCut) {
  if (!axes.empty())
    return phase.loop(
        phase.index(0), phase.value(contraction.sizes[axes[0]]), phase.index(1),
        sums, [&](Value index, ValueRange carried) {
          point.indices[axes[0]] = index;
          return emitSums(point, axes.drop_front(), carried, isCut);
        });
  bool isBounded = false;
  Value within = arith::ConstantOp::create(b, b.getBoolAttr(true));
  for (const Bound &bound : depthwise.bounds())
    if (!isOfTap(bound)) {
      isBounded = true;
      within = phase.both(within, phase.isWithin(bound, point));
    }
  if (!isBounded)
    return emitTaps(point, sums, isCut);
  auto branch = scf::IfOp::create(b, sums.getTypes(), within,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  scf::YieldOp::create(b, emitTaps(point, sums, isCut));
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, sums);
  return SmallVector<Value>(branch.getResults());
}

/// The results of `count` places from the point on.
void Places::emitVector(const Point &point, int64_t count, bool isCut) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(vectorType()));
  SmallVector<Value> sums =
      emitSums(point, llvm::to_vector(contraction.outerAxesK()),
               SmallVector<Value>(count, zero), isCut);
  ElementCache channel;
  for (const Element *element : channelElements)
    phase.element(element, point, channel);
  for (auto [place, sum] : llvm::enumerate(sums)) {
    Point at = point;
    at.indices[axisM] = phase.add(point.indices[axisM], place);
    phase.storeResults(at, sum, channel);
  }
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// All channels of `count` places from `first` on; of places that are cut some
/// taps are padding.
void Places::emitPlaces(Point point, Value first, int64_t count, bool isCut) {
  int64_t size = depthwise.numChannels().factor, lanes = depthwise.lanes;
  int64_t whole = llvm::alignDown(size, lanes);
  point.indices[axisM] = first;
  Value &channel = point.indices[depthwise.channels];
  if (whole)
    phase.loop(phase.index(0), phase.index(whole), lanes, [&](Value index) {
      channel = index;
      emitVector(point, count, isCut);
    });
  if (whole == size)
    return;
  channel = phase.index(whole);
  point.mask = phase.mask(phase.index(size - whole), lanes);
  emitVector(point, count, isCut);
}

static std::optional<int64_t> asConstant(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  return std::nullopt;
}

/// Places [from, to), in blocks as large as registers have sums for: eight hide
/// the latency of an addition.
void Places::emitRun(const Point &point, Value from, Value to, bool isCut) {
  auto one = [&](Value place) { emitPlaces(point, place, 1, isCut); };
  if (isCut)
    return phase.loop(from, to, 1, one);
  int64_t block = depthwise.vectorRegisters > 16 ? 8 : 6;
  std::optional<int64_t> first = asConstant(from), end = asConstant(to);
  if (first && end) {
    int64_t rest = std::max<int64_t>(*end - *first, 0) % block;
    phase.loop(from, phase.index(*end - rest), block,
               [&](Value place) { emitPlaces(point, place, block, false); });
    if (rest)
      emitPlaces(point, phase.index(*end - rest), rest, false);
    return;
  }
  Value count = phase.subtract(to, from);
  Value whole =
      phase.add(from, phase.multiply(phase.divide(count, block), block));
  phase.loop(from, whole, block,
             [&](Value place) { emitPlaces(point, place, block, false); });
  phase.loop(whole, to, 1, one);
}

/// The places [from, to) of M for each index of `axes`.
void Places::emitOuter(Point point, ArrayRef<unsigned> axes, Value from,
                       Value to) {
  if (!axes.empty()) {
    Value count = phase.value(contraction.sizes[axes[0]]);
    return phase.loop(phase.index(0), count, 1, [&](Value index) {
      point.indices[axes[0]] = index;
      emitOuter(point, axes.drop_front(), from, to);
    });
  }
  if (!depthwise.isBounded(axisM) && !depthwise.isBounded(axisK))
    return emitRun(point, from, to, /*isCut=*/false);
  auto [first, end] = depthwise.interior(axisM, axisK);
  Value inside = phase.minimum(
      to, b.createOrFold<arith::MaxUIOp>(from, phase.index(first)));
  Value outside = phase.minimum(
      to, b.createOrFold<arith::MaxUIOp>(inside, phase.index(end)));
  emitRun(point, from, inside, /*isCut=*/true);
  emitRun(point, inside, outside, /*isCut=*/false);
  emitRun(point, outside, to, /*isCut=*/true);
}

/// One index for the places of M at each of the outer axes', or for a chunk of
/// M.
PlacesExtent Places::extentOf() {
  BatchSize m = contraction.m();
  BatchSize count(1);
  int64_t work = contraction.numTerms.factor * depthwise.numChannels().factor;
  if (!m.isStatic()) {
    for (unsigned axis : depthwise.outer)
      work *= contraction.sizes[axis].factor;
    return {Extent::of(m, kChunk), (16 << 10) / (work * kChunk)};
  }
  for (unsigned axis : depthwise.outer)
    count = *count.times(contraction.sizes[axis]);
  count = *count.times(llvm::divideCeil(m.factor, kChunk));
  return {Extent::of(count), (16 << 10) / (work * std::min(m.factor, kChunk))};
}

PlacesExtent Places::emit() {
  for (const Element *result : contraction.results)
    phase.emitUniform(result);
  for (const auto &element : contraction.elements)
    if (element->operand && element->axes == 1u << depthwise.channels)
      channelElements.push_back(element.get());
  BatchSize m = contraction.m();
  phase.loop(phase.begin(), phase.end(), 1, [&](Value index) {
    Point point;
    point.indices.resize(contraction.sizes.size());
    point.vectorAxis = depthwise.channels;
    point.lanes = depthwise.lanes;
    if (m.isStatic() && m.factor <= kChunk) {
      for (unsigned axis : llvm::reverse(depthwise.outer))
        point.indices[axis] =
            takeDigit(phase, index, phase.value(contraction.sizes[axis]));
      return emitOuter(point, {}, phase.index(0), phase.index(m.factor));
    }
    Value chunk = index;
    ArrayRef<unsigned> inner = depthwise.outer;
    if (m.isStatic()) {
      chunk = takeDigit(phase, index,
                        phase.index(llvm::divideCeil(m.factor, kChunk)));
      for (unsigned axis : llvm::reverse(depthwise.outer))
        point.indices[axis] =
            takeDigit(phase, index, phase.value(contraction.sizes[axis]));
      inner = {};
    }
    Value from = phase.multiply(chunk, kChunk);
    emitOuter(point, inner, from,
              phase.minimum(phase.add(from, kChunk), phase.value(m)));
  });
  return extentOf();
}

PlacesExtent nnc::emitDepthwisePlaces(ContractionPhase &phase,
                                      const Depthwise &depthwise) {
  return Places(phase, depthwise).emit();
}
