// Expansions and gradients of ops on sequences.
// In comments: B samples, T time, C classes, S labels, L = 2 * S + 1 places.
#include "ir/Expr.h"
#include "ir/Ops.h"
#include "ir/ops/Readings.h"

#include <limits>

using namespace mlir;
using namespace nnc;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// `x` [B] as floats [B, 1..], of `rank` dimensions.
static Expr asSamples(Expr x, int64_t rank, Type type) {
  SmallVector<int64_t> dims(rank, 1);
  dims.front() = x.dim(0);
  return reshape(cast(x, type), dims);
}

//===----------------------------------------------------------------------===//
// Connectionist temporal classification
//===----------------------------------------------------------------------===//

/// The labels with a blank before, between and behind: [B, L].
static Expr withBlanks(Expr target, int64_t classes, int64_t blank) {
  return pad(narrowIndices(target, classes), {0, 1}, {0, 1}, {0, 1},
             double(blank));
}

/// alpha [B, T, L] at the last time that counts: [B, L].
static Expr atLastTime(Expr alpha, Expr inputLengths) {
  ImplicitLocOpBuilder &b = alpha.builder();
  Type f32 = b.getF32Type();
  Expr isLast = iota(b, {1, alpha.dim(1), 1}, 1, f32) + 1.0 ==
                asSamples(inputLengths, 3, f32);
  return sum(select(isLast, alpha, 0.0), {1});
}

FailureOr<Expansion> CtcLossOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr logits(b, getLogits()), target(b, getTarget());
  Expr labels = withBlanks(target, logits.dim(-1), getBlank());
  Expr scores = logSoftmax(logits);
  Expr alpha(b, CtcForwardOp::create(b, b.getLoc(), Value(scores),
                                     Value(labels))); // [B, T, L]
  Expr inputLengths(b, getInputLengths()), lengths(b, getTargetLengths());
  Type f32 = b.getF32Type();
  // Paths end at the last label, or at the blank behind it.
  Expr ends = asSamples(lengths, 2, f32) * 2.0; // [B, 1]
  Expr places = iota(b, {1, labels.dim(1)}, 1, f32);
  Expr isEnd = logicalAnd(places <= ends, places >= ends - 1.0); // [B, L]
  Expr last = select(isEnd, atLastTime(alpha, inputLengths), -kInfinity);
  // Without time there is the empty path alone.
  Expr hasTime = asSamples(inputLengths, 2, f32) > 0.0; // [B, 1]
  Expr atStart = select(ends > 0.0, scalar(logits, -kInfinity),
                        scalar(logits, 0.0)); // [B, 1]
  last = select(hasTime, last, select(places == ends, atStart, -kInfinity));
  // What is infinite has no gradient: it is chosen away before and after.
  Expr isPossible =
      reduceMax(last, {1}, /*keepDims=*/true) > -kInfinity; // [B, 1]
  Expr likelihood = logsumexp(select(isPossible, last, 0.0), {1},
                              /*keepDims=*/true);
  Expr losses = select(isPossible, -likelihood,
                       getZeroInfinity() ? 0.0 : kInfinity); // [B, 1]
  Expr divisors =
      cast(maximum(asSamples(lengths, 2, f32), 1.0), logits.elementType());
  Expr each = losses / divisors;
  return Expansion{
      weightedMean(each, alignWeights(operand(b, getODSOperands(4)), each))};
}

SmallVector<IndexLimit> CtcLossOp::getIndexLimits() {
  RankedTensorType logits = getLogits().getType();
  return {{1, logits.getDimSize(2)},
          {2, logits.getDimSize(1) + 1},
          {3, getTarget().getType().getDimSize(1) + 1}};
}

FailureOr<SmallVector<Value>> CtcForwardOp::buildGradient(OpBuilder &builder,
                                                          ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr scores(b, getScores()), labels(b, getLabels());
  Expr flow(b, CtcBackwardOp::create(b, b.getLoc(), getY(), upstream[0],
                                     Value(labels))); // [B, T, L]
  // Each place to its class, once a sample: [B, L, C].
  int64_t classes = scores.dim(-1);
  Expr nearest = minimum(maximum(narrowIndices(labels, classes), 0.0),
                         double(classes - 1));
  Expr isClass = cast(classMask(nearest, classes), scores.elementType());
  return SmallVector<Value>{matmul(flow, isClass), Value()};
}

FailureOr<Expansion> CtcDecodeOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr path = argmax(Expr(b, getLogits())); // [B, T]
  return Expansion{Expr(b, CtcCollapseOp::create(b, b.getLoc(), Value(path),
                                                 getInputLengths(), getBlank(),
                                                 getPadding()))};
}

SmallVector<IndexLimit> CtcDecodeOp::getIndexLimits() {
  return {{1, getLogits().getType().getDimSize(1) + 1}};
}

//===----------------------------------------------------------------------===//
// Error rates
//===----------------------------------------------------------------------===//

/// How many elements of sequences [B, n] stand before the first `padding`: [B],
/// in `type`.
static Expr lengthsOf(Expr sequences, int64_t padding, Type type) {
  ImplicitLocOpBuilder &b = sequences.builder();
  int64_t size = sequences.dim(1);
  Expr isPadding = sequences == scalar(sequences, double(padding));
  return reduceMin(select(isPadding, iota(b, {1, size}, 1, type), double(size)),
                   {1});
}

static Expr editDistance(Expr prediction, Expr target, int64_t padding) {
  ImplicitLocOpBuilder &b = prediction.builder();
  return Expr(b, EditDistanceOp::create(b, b.getLoc(), Value(prediction),
                                        Value(target), padding));
}

/// A quotient of sums, 0 where nothing is counted.
static Expr ratio(Expr total, Expr count) {
  return total / maximum(count, 1.0);
}

namespace {
/// What an error rate is a quotient of.
struct Edits {
  Expr edits, tokens; // scalars
};
} // namespace

static Edits countEdits(Expr prediction, Expr target, int64_t padding,
                        Type type) {
  return {sum(cast(editDistance(prediction, target, padding), type)),
          sum(lengthsOf(target, padding, type))};
}

static Edits countEdits(ImplicitLocOpBuilder &b, TokenErrorRateOp op) {
  return countEdits(Expr(b, op.getPrediction()), Expr(b, op.getTarget()),
                    op.getPadding(), op.getY().getType().getElementType());
}

static Edits countEdits(ImplicitLocOpBuilder &b, WordErrorRateOp op) {
  auto wordsOf = [&](Value tokens) {
    return Expr(b, NumberWordsOp::create(b, b.getLoc(), tokens, op.getSpace(),
                                         op.getPadding()));
  };
  return countEdits(wordsOf(op.getPrediction()), wordsOf(op.getTarget()),
                    /*padding=*/-1, op.getY().getType().getElementType());
}

template <typename OpTy>
static Expansion expandErrorRate(OpBuilder &builder, OpTy op) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Edits counts = countEdits(b, op);
  return Expansion{ratio(counts.edits, counts.tokens)};
}

template <typename OpTy> static Value sumEdits(OpBuilder &builder, OpTy op) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  Edits counts = countEdits(b, op);
  return joinScalars({counts.edits, counts.tokens});
}

FailureOr<Expansion> TokenErrorRateOp::buildExpansion(OpBuilder &builder,
                                                      bool training) {
  return expandErrorRate(builder, *this);
}
FailureOr<Value> TokenErrorRateOp::buildSums(OpBuilder &builder) {
  return sumEdits(builder, *this);
}
StringRef TokenErrorRateOp::getReading() { return "ratio"; }

FailureOr<Expansion> WordErrorRateOp::buildExpansion(OpBuilder &builder,
                                                     bool training) {
  return expandErrorRate(builder, *this);
}
FailureOr<Value> WordErrorRateOp::buildSums(OpBuilder &builder) {
  return sumEdits(builder, *this);
}
StringRef WordErrorRateOp::getReading() { return "ratio"; }

//===----------------------------------------------------------------------===//
// BLEU
//===----------------------------------------------------------------------===//

/// The longest runs that it counts.
static constexpr int64_t kLongestRun = 4;

namespace {
/// Sequences whose runs are counted.
struct Sequences {
  Expr tokens;  // [B, n]
  Expr lengths; // [B]

  /// How many runs of `run` tokens may begin: places past the end count too.
  int64_t places(int64_t run) const { return tokens.dim(1) - run + 1; }
  /// Element `offset` of the run at each place: [B, places].
  Expr element(int64_t offset, int64_t run) const {
    return slice(tokens, {0, offset}, {tokens.dim(0), places(run)});
  }
  /// Where a run ends before the sequence does: [B, places], i1.
  Expr areWhole(int64_t run) const {
    ImplicitLocOpBuilder &b = tokens.builder();
    Type type = lengths.elementType();
    return iota(b, {1, places(run)}, 1, type) <=
           asSamples(lengths, 2, type) - double(run);
  }
};
} // namespace

/// Where the runs of two tensors of sequences are equal: [B, places of `rows`,
/// places of `columns`], i1.
static Expr equalRuns(const Sequences &rows, const Sequences &columns,
                      int64_t run) {
  auto asRows = [](Expr x) { return reshape(x, {x.dim(0), x.dim(1), 1}); };
  auto asColumns = [](Expr x) { return reshape(x, {x.dim(0), 1, x.dim(1)}); };
  Expr equal =
      logicalAnd(asRows(rows.areWhole(run)), asColumns(columns.areWhole(run)));
  for (int64_t offset = 0; offset < run; ++offset)
    equal = logicalAnd(equal, asRows(rows.element(offset, run)) ==
                                  asColumns(columns.element(offset, run)));
  return equal;
}

/// How many runs of the predictions are in the targets, each as often as it is
/// there: a scalar.
static Expr countMatches(const Sequences &predictions, const Sequences &targets,
                         int64_t run) {
  ImplicitLocOpBuilder &b = predictions.tokens.builder();
  Type type = predictions.lengths.elementType();
  if (predictions.places(run) < 1 || targets.places(run) < 1)
    return constant(b, 0.0, type);
  int64_t places = predictions.places(run);
  Expr inTarget =
      sum(cast(equalRuns(predictions, targets, run), type), {2}); // [B, places]
  Expr isBefore = iota(b, {1, 1, places}, 2, type) <=
                  iota(b, {1, places, 1}, 1, type); // or the place itself
  Expr soFar =
      sum(cast(logicalAnd(equalRuns(predictions, predictions, run), isBefore),
               type),
          {2});
  Expr matches = logicalAnd(soFar <= inTarget, soFar > 0.0);
  return sum(cast(matches, type));
}

/// Matches and runs of each length, then the lengths of predictions and
/// targets: scalars.
static SmallVector<Expr> countRuns(ImplicitLocOpBuilder &b, BleuOp op) {
  auto read = [&](Value tokens) {
    Expr sequences(b, tokens);
    return Sequences{sequences,
                     lengthsOf(sequences, op.getPadding(),
                               op.getY().getType().getElementType())};
  };
  Sequences predictions = read(op.getPrediction()),
            targets = read(op.getTarget());
  SmallVector<Expr> counts;
  for (int64_t run = 1; run <= kLongestRun; ++run)
    counts.push_back(countMatches(predictions, targets, run));
  for (int64_t run = 1; run <= kLongestRun; ++run)
    counts.push_back(sum(maximum(predictions.lengths - double(run - 1), 0.0)));
  counts.push_back(sum(predictions.lengths));
  counts.push_back(sum(targets.lengths));
  return counts;
}

FailureOr<Expansion> BleuOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  SmallVector<Expr> counts = countRuns(b, *this);
  Expr product = ratio(counts[0], counts[kLongestRun]);
  for (int64_t run = 1; run < kLongestRun; ++run)
    product = product * ratio(counts[run], counts[kLongestRun + run]);
  Expr length = maximum(counts[2 * kLongestRun], 1.0);
  Expr brevity = exp(minimum(1.0 - counts[2 * kLongestRun + 1] / length, 0.0));
  return Expansion{brevity * pow(product, 1.0 / kLongestRun)};
}

FailureOr<Value> BleuOp::buildSums(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Value(joinScalars(countRuns(b, *this)));
}

StringRef BleuOp::getReading() { return "bleu"; }
