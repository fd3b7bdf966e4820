// Expansions of schedules of learning rates.
#include "ir/Expr.h"
#include "ir/Length.h"
#include "ir/Ops.h"

#include <cmath>

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Lengths in steps
//===----------------------------------------------------------------------===//

namespace {
/// A number of steps: known here, or once the run is.
struct Steps {
  std::optional<double> known;
  Expr value; // of `known` too

  bool isZero() const { return known && *known == 0.0; }
  /// At least one, which every known length but zero is.
  Expr positive() const { return known ? value : maximum(value, 1.0); }
};

/// What the expansions of schedules are written with: base and step, and
/// lengths as steps, all in the type of base.
class Rate {
public:
  template <typename OpTy>
  Rate(ImplicitLocOpBuilder &b, OpTy op)
      : base(b, op.getBase()), run(op.getRun()), b(b) {
    step = cast(Expr(b, op.getStep()), base.elementType());
  }

  Steps steps(Attribute attribute) {
    Length length = *parseLength(attribute);
    if (length.unit == Length::Unit::Steps)
      return {length.amount, scalar(base, length.amount)};
    bool isShare = length.unit == Length::Unit::Run;
    Expr whole(b, run[isShare ? 1 : 0]);
    Expr isKnown = whole > 0.0;
    isReady = isReady ? logicalAnd(isReady, isKnown) : isKnown;
    Expr unit = cast(whole, base.elementType());
    return {std::nullopt, round(unit * length.amount)};
  }

  /// From `begin` to `end`, at least one step.
  Expr between(Steps begin, Steps end) {
    if (begin.known && end.known)
      return scalar(base, std::max(1.0, *end.known - *begin.known));
    return maximum(end.value - begin.value, 1.0);
  }

  /// From 0 at `begin` to 1 at `end`, and beyond neither.
  Expr progress(Steps begin, Steps end) {
    Expr since = begin.isZero() ? step : step - begin.value;
    return clamp(since / between(begin, end), 0.0, 1.0);
  }

  /// `rest` after a linear warm-up.
  Expr warm(Steps warmup, Expr rest) {
    if (warmup.isZero())
      return rest;
    Expr rising = base * (step + 1.0) / warmup.positive();
    return select(step < warmup.value, rising, rest);
  }

  /// `rate`, once all that it asks for is known.
  Expansion finish(Expr rate) {
    return Expansion{isReady ? select(isReady, rate, base) : rate};
  }

  Expr base, step;

private:
  ValueRange run;
  ImplicitLocOpBuilder &b;
  Expr isReady;
};
} // namespace

/// Verifies that `run` is there where one of `lengths` asks for it.
template <typename OpTy>
static LogicalResult checkRun(OpTy op, ArrayRef<Attribute> lengths) {
  OpSite site(op.getLoc(), OpTy::getSignature().name);
  bool isGiven = op.getRun().size() == 2;
  if (!isGiven && !op.getRun().empty())
    return site.error() << "run is " << op.getRun().size()
                        << " values: expected the steps of an epoch and of the "
                           "run, or none";
  for (Attribute length : lengths)
    if (isOfRun(length) && !isGiven)
      return site.error() << "has the length " << length
                          << ": expected the steps of an epoch and of the run "
                             "as operands";
  return success();
}

/// Verifies that `total` ends behind `before`, as far as both can be compared
/// here. `name` is what `before` is called.
static LogicalResult checkEnd(const OpSite &site, Attribute total,
                              Attribute before) {
  Length end = *parseLength(total), begin = *parseLength(before);
  if (end.unit != begin.unit || end.amount > begin.amount)
    return success();
  if (end.unit == Length::Unit::Steps)
    return site.error() << "total is " << int64_t(end.amount)
                        << ": expected at least " << int64_t(begin.amount) + 1;
  return site.error() << "total is " << total << ": expected more than "
                      << before;
}

//===----------------------------------------------------------------------===//
// Schedules
//===----------------------------------------------------------------------===//

FailureOr<Expansion> ConstantRateOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  return rate.finish(rate.warm(rate.steps(getWarmup()), rate.base));
}

LogicalResult ConstantRateOp::verify() { return checkRun(*this, getWarmup()); }

FailureOr<Expansion> StepDecayOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Steps every = rate.steps(getEvery());
  Expr falling =
      rate.base * pow(number(getFactor()), floor(rate.step / every.positive()));
  return rate.finish(rate.warm(rate.steps(getWarmup()), falling));
}

LogicalResult StepDecayOp::verify() {
  return checkRun(*this, {getEvery(), getWarmup()});
}

FailureOr<Expansion> ExponentialDecayOp::buildExpansion(OpBuilder &builder,
                                                        bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Steps every = rate.steps(getEvery()), warmup = rate.steps(getWarmup());
  Expr since = warmup.isZero() ? rate.step : rate.step - warmup.value;
  Expr falling = rate.base * pow(number(getFactor()), since / every.positive());
  return rate.finish(rate.warm(warmup, falling));
}

LogicalResult ExponentialDecayOp::verify() {
  return checkRun(*this, {getEvery(), getWarmup()});
}

FailureOr<Expansion> CosineOp::buildExpansion(OpBuilder &builder,
                                              bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Steps warmup = rate.steps(getWarmup()), total = rate.steps(getTotal());
  double last = number(getFinal());
  Expr t = rate.progress(warmup, total);
  Expr falling = (rate.base - last) * (0.5 + 0.5 * cos(t * M_PI)) + last;
  return rate.finish(rate.warm(warmup, falling));
}

LogicalResult CosineOp::verify() {
  if (failed(checkRun(*this, {getWarmup(), getTotal()})))
    return failure();
  return checkEnd(OpSite(getLoc(), "cosine"), getTotal(), getWarmup());
}

FailureOr<Expansion> PolynomialOp::buildExpansion(OpBuilder &builder,
                                                  bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Steps warmup = rate.steps(getWarmup()), total = rate.steps(getTotal());
  double last = number(getFinal()), power = number(getPower());
  Expr left = 1.0 - rate.progress(warmup, total);
  Expr share = power == 1.0 ? left : pow(left, power);
  Expr falling = (rate.base - last) * share + last;
  return rate.finish(rate.warm(warmup, falling));
}

LogicalResult PolynomialOp::verify() {
  if (failed(checkRun(*this, {getWarmup(), getTotal()})))
    return failure();
  return checkEnd(OpSite(getLoc(), "polynomial"), getTotal(), getWarmup());
}

FailureOr<Expansion> WsdOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Steps warmup = rate.steps(getWarmup()), total = rate.steps(getTotal());
  Steps decay = rate.steps(getDecay());
  double last = number(getFinal()), power = number(getPower());
  Expr t = clamp((rate.step - (total.value - decay.value)) / decay.positive(),
                 0.0, 1.0);
  Expr gone = power == 1.0 ? t : pow(t, power);
  Expr falling = (rate.base - last) * (1.0 - gone) + last;
  return rate.finish(rate.warm(warmup, falling));
}

LogicalResult WsdOp::verify() {
  if (failed(checkRun(*this, {getWarmup(), getDecay(), getTotal()})))
    return failure();
  OpSite site(getLoc(), "wsd");
  if (failed(checkEnd(site, getTotal(), getWarmup())))
    return failure();
  return checkEnd(site, getTotal(), getDecay());
}

/// From `from` to `to` by half a cosine, with t from 0 to 1.
static Expr anneal(Expr from, Expr to, Expr t) {
  return to + (from - to) * (0.5 + 0.5 * cos(t * M_PI));
}

FailureOr<Expansion> OneCycleOp::buildExpansion(OpBuilder &builder,
                                                bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Steps warmup = rate.steps(getWarmup()), total = rate.steps(getTotal());
  double first = 1.0 / number(getDivFactor());
  double last = first / number(getFinalDivFactor());
  // PyTorch counts the way up and the way down to the last step of each.
  Expr peak = warmup.value - 1.0, end = total.value - 1.0;
  Expr up = clamp(rate.step / maximum(peak, 1.0), 0.0, 1.0);
  Expr down = clamp((rate.step - peak) / maximum(end - peak, 1.0), 0.0, 1.0);
  Expr rising = anneal(rate.base * first, rate.base, up);
  Expr falling = anneal(rate.base, rate.base * last, down);
  return rate.finish(select(rate.step < peak, rising, falling));
}

LogicalResult OneCycleOp::verify() {
  if (failed(checkRun(*this, {getWarmup(), getTotal()})))
    return failure();
  return checkEnd(OpSite(getLoc(), "one_cycle"), getTotal(), getWarmup());
}

FailureOr<Expansion> PiecewiseOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  Expr factor = scalar(rate.base, 1.0);
  for (auto [at, next] : llvm::zip_equal(getAt(), getFactors()))
    factor = select(rate.step >= rate.steps(at).value, scalar(rate.base, next),
                    factor);
  Steps warmup = rate.steps(getWarmup());
  Expr y = rate.base * factor;
  if (!warmup.isZero())
    y = y * minimum((rate.step + 1.0) / warmup.positive(), 1.0);
  return rate.finish(y);
}

LogicalResult PiecewiseOp::verify() {
  SmallVector<Attribute> lengths(getAt().getValue());
  OpSite site(getLoc(), "piecewise");
  // Each is a few scalar operations of every step.
  constexpr size_t most = 64;
  if (lengths.size() != getFactors().size() || lengths.size() > most)
    return site.error() << "at has " << lengths.size() << " lengths, factors "
                        << getFactors().size()
                        << " numbers: expected as many, and at most " << most;
  for (double factor : getFactors())
    if (!(factor >= 0 && std::isfinite(factor)))
      return site.error() << "a factor is " << printNumber(factor)
                          << ": expected a number of at least 0";
  for (auto [before, after] : llvm::zip(lengths, llvm::drop_begin(lengths))) {
    Length first = *parseLength(before), second = *parseLength(after);
    if (first.unit == second.unit && first.amount >= second.amount)
      return site.error() << "at has " << after << " behind " << before
                          << ": expected them in ascending order";
  }
  lengths.push_back(getWarmup());
  return checkRun(*this, lengths);
}

FailureOr<Expansion> PlateauOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Rate rate(b, *this);
  return rate.finish(rate.warm(rate.steps(getWarmup()), rate.base));
}

LogicalResult PlateauOp::verify() { return checkRun(*this, getWarmup()); }
