// Expansions, gradients and parameters of the normalisations.
// In comments: N samples, S the positions of one, C channels in G groups;
// statistics have ones for the axes that they are taken over.
#include "ir/Expr.h"
#include "ir/Initializer.h"
#include "ir/Ops.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace nnc;

//===----------------------------------------------------------------------===//
// Moments
//===----------------------------------------------------------------------===//

namespace {
/// Over some axes, each with ones for these.
struct Moments {
  Expr mean, variance;
};
} // namespace

/// The elements at index 0 of the first dimension, [1, ..]. What has been cast
/// is taken as it was before, so that no cast of all of it has to be kept.
static Expr firstSample(Expr x) {
  ImplicitLocOpBuilder &b = x.builder();
  if (auto cast = Value(x).getDefiningOp<CastOp>())
    return nnc::cast(firstSample(Expr(b, cast.getX())), x.elementType());
  auto type = RankedTensorType::get({1}, b.getI32Type());
  return gather(x, constant(b, DenseElementsAttr::get(type, int32_t(0))));
}

/// Both moments in one pass over x, as sums of x - c and of its square. The
/// variance mean((x - c)^2) - (mean - c)^2 then loses digits where (mean - c)^2
/// is large beside it: its relative error is 1 + (mean - c)^2 / variance times
/// that of the sums (Chan, Golub and LeVeque 1983, section 4,
/// doi:10.1080/00031305.1983.10483115). c is the mean of the first of the N
/// samples. Its distance d from the mean of all is made up for by the others,
/// so that variance >= (d^2 + d^2 / (N - 1)) / N = d^2 / (N - 1), and the
/// factor is N at most: whatever the data, a variance is as good as a sum of
/// N terms. It is 1 or 2 where samples are alike.
static Moments shiftedMoments(Expr x, ArrayRef<int64_t> axes) {
  Expr shift = firstSample(x); // [1, S, C]
  if (axes.size() > 1)
    shift = mean(shift, axes.drop_front(), /*keepDims=*/true);
  Expr shifted = x - shift;
  Expr first = mean(shifted, axes, /*keepDims=*/true);
  Expr second = mean(shifted * shifted, axes, /*keepDims=*/true);
  return {shift + first, maximum(second - first * first, 0.0)};
}

static Moments centeredMoments(Expr x, ArrayRef<int64_t> axes) {
  Expr center = mean(x, axes, /*keepDims=*/true);
  Expr centered = x - center;
  return {center, mean(centered * centered, axes, /*keepDims=*/true)};
}

/// A row that is reduced is at hand twice; columns are read from memory anew.
static Moments momentsOf(Expr x, ArrayRef<int64_t> axes) {
  bool isColumns = axes.front() == 0 && axes.back() != x.rank() - 1;
  return isColumns ? shiftedMoments(x, axes) : centeredMoments(x, axes);
}

//===----------------------------------------------------------------------===//
// normalize
//===----------------------------------------------------------------------===//

/// Whether `x`, which broadcasts to `rank` dimensions, is the same along
/// `axes`.
static bool isSameAlong(Expr x, int64_t rank, ArrayRef<int64_t> axes) {
  return llvm::all_of(axes, [&](int64_t axis) {
    int64_t own = axis - (rank - x.rank());
    return own < 0 || x.dim(own) == 1;
  });
}

FailureOr<Expansion> NormalizeOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), bias(b, getBias());
  SmallVector<int64_t> axes = getReducedAxes();
  Moments moments = momentsOf(x, axes);
  Expr inverse =
      rsqrt(moments.variance + epsilonIn(getEpsilon(), x.elementType()));
  Expr centered = x - moments.mean;
  Expr scaled = isSameAlong(scale, x.rank(), axes)
                    ? centered * (inverse * scale)
                    : centered * inverse * scale;
  return Expansion{scaled + bias, moments.mean, moments.variance};
}

FailureOr<SmallVector<Value>> NormalizeOp::buildGradient(OpBuilder &builder,
                                                         ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), bias(b, getBias());
  SmallVector<int64_t> axes = getReducedAxes();
  Expr count = size(x, axes), centered = x - Expr(b, getMean());
  SmallVector<Value> gradients(3);
  Expr dx;
  auto add = [&](Expr term) { dx = dx ? dx + term : term; };
  if (upstream[0]) {
    Expr dy(b, upstream[0]);
    Expr inverse = rsqrt(Expr(b, getVariance()) +
                         epsilonIn(getEpsilon(), x.elementType()));
    bool isFactor = isSameAlong(scale, x.rank(), axes);
    Expr inner = isFactor ? dy : dy * scale;
    Expr total = sum(inner, axes, /*keepDims=*/true);
    Expr product = sum(inner * centered, axes, /*keepDims=*/true);
    Expr slope = product * (inverse * inverse / count);
    Expr outer = isFactor ? inverse * scale : inverse;
    add((inner - total / count - centered * slope) * outer);
    bool isShared = isFactor && isSameAlong(bias, x.rank(), axes);
    gradients[1] = isFactor ? product * inverse : dy * (centered * inverse);
    gradients[2] = isShared ? total : dy;
  }
  if (upstream[1])
    add(Expr(b, upstream[1]) / count);
  if (upstream[2])
    add(centered * (Expr(b, upstream[2]) * (2.0 / count)));
  gradients[0] = dx;
  return gradients;
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// x normalised over `axes`, and the moments.
static NormalizeOp normalize(Expr x, Expr scale, Expr bias,
                             ArrayRef<int64_t> axes, APFloat epsilon) {
  ImplicitLocOpBuilder &b = x.builder();
  return NormalizeOp::create(b, b.getLoc(), x, scale, bias, axes, epsilon);
}

FailureOr<Expansion> LayerNormOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), bias(b, getBias());
  return Expansion{
      normalize(x, scale, bias, {x.rank() - 1}, getEpsilon()).getY()};
}

FailureOr<Expansion> InstanceNormOp::buildExpansion(OpBuilder &builder,
                                                    bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), bias(b, getBias()); // x: [N, S, C]
  auto axes = llvm::to_vector(llvm::seq<int64_t>(1, x.rank() - 1));
  return Expansion{normalize(x, scale, bias, axes, getEpsilon()).getY()};
}

/// The sum of what x [.., W] has for the channels of a group, for each of them:
/// a product with ones, so that no sum has to be spread over channels again,
/// which rows and columns could not tell.
static Expr sumOverGroup(Expr x) {
  int64_t width = x.dim(-1);
  return width == 1 ? x : matmul(x, broadcast(scalar(x, 1.0), {width, width}));
}

/// x [N, S, G, W] normalised in each group of W channels, from the moments of
/// each channel: the variance of a group is the mean of theirs, and of the
/// square of what their means differ from the group's (Chan, Golub and LeVeque
/// 1983).
static Expr normalizeGroups(Expr x, Expr scale, Expr bias, double epsilon) {
  double width = x.dim(-1);
  auto positions = llvm::to_vector(llvm::seq<int64_t>(1, x.rank() - 2));
  Moments channel{x, {}}; // of one position
  Expr centered = x - x;
  if (!positions.empty()) {
    channel = centeredMoments(x, positions); // [N, 1, G, W]
    centered = x - channel.mean;
  }
  Expr apart = channel.mean - sumOverGroup(channel.mean) / width;
  Expr squares = apart * apart;
  if (channel.variance)
    squares = squares + channel.variance;
  Expr factor = rsqrt(sumOverGroup(squares) / width + epsilon) * scale;
  return centered * factor + (apart * factor + bias);
}

FailureOr<Expansion> GroupNormOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), bias(b, getBias()); // x: [N, S, C]
  int64_t groups = getGroups(), width = x.dim(-1) / groups;
  if (groups == 1) {
    auto axes = llvm::to_vector(llvm::seq<int64_t>(1, x.rank()));
    return Expansion{normalize(x, scale, bias, axes, getEpsilon()).getY()};
  }
  SmallVector<int64_t> dims = x.dims(), channels{groups, width};
  dims.back() = groups;
  dims.push_back(width);
  Expr y = normalizeGroups(reshape(x, dims), reshape(scale, channels),
                           reshape(bias, channels),
                           epsilonIn(getEpsilon(), x.elementType()));
  return Expansion{reshape(y, x.dims())};
}

/// Whether training leaves what `state` reads as it is.
static bool isFrozen(Value state) {
  auto read = state.getDefiningOp<ReadOp>();
  auto parameter = read ? SymbolTable::lookupNearestSymbolFrom<ParameterOp>(
                              read, read.getParameterAttr())
                        : ParameterOp();
  return parameter && parameter.isFrozen();
}

/// What a running statistic is after a step whose batch has `value`.
static StateUpdate follow(Expr running, Expr value, double share) {
  return {running,
          running * (1.0 - share) + reshape(value, running.dims()) * share};
}

FailureOr<Expansion> BatchNormOp::buildExpansion(OpBuilder &builder,
                                                 bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), bias(b, getBias()); // x: [N, S, C]
  Expr mean(b, getRunningMean()), variance(b, getRunningVariance()); // [C]
  if (!training || getFrozenStatistics() || isFrozen(mean) ||
      isFrozen(variance)) {
    Expr inverse = rsqrt(variance + epsilonIn(getEpsilon(), x.elementType()));
    return Expansion{(x - mean) * (inverse * scale) + bias};
  }
  auto axes = llvm::to_vector(llvm::seq<int64_t>(0, x.rank() - 1));
  NormalizeOp normal = normalize(x, scale, bias, axes, getEpsilon());
  bool isPytorch = getConvention() == Convention::pytorch;
  double momentum = getMomentum() ? number(*getMomentum())
                    : isPytorch   ? 0.1
                                  : 0.99;
  double share = isPytorch ? momentum : 1.0 - momentum;
  Expr newVariance(b, normal.getVariance());
  if (isPytorch) {
    // Of one element there is no unbiased variance; its sum of squares is 0.
    Expr count = size(x, axes);
    newVariance = newVariance * (count / maximum(count - 1.0, 1.0));
  }
  Expansion expansion{normal.getY()};
  expansion.updates = {follow(mean, Expr(b, normal.getMean()), share),
                       follow(variance, newVariance, share)};
  return expansion;
}

//===----------------------------------------------------------------------===//
// rms_norm
//===----------------------------------------------------------------------===//

/// 1 / sqrt(mean(x^2) + epsilon) of each row: [.., 1].
static Expr inverseRms(Expr x, const APFloat &epsilon) {
  Expr square = mean(x * x, {x.rank() - 1}, /*keepDims=*/true);
  return rsqrt(square + epsilonIn(epsilon, x.elementType()));
}

FailureOr<Expansion> RmsNormOp::buildExpansion(OpBuilder &builder,
                                               bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale());
  return Expansion{x * inverseRms(x, getEpsilon()) * scale};
}

FailureOr<SmallVector<Value>> RmsNormOp::buildGradient(OpBuilder &builder,
                                                       ValueRange upstream) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Expr x(b, getX()), scale(b, getScale()), dy(b, upstream[0]);
  Expr inverse = inverseRms(x, getEpsilon()), inner = dy * scale;
  Expr product = mean(inner * x, {x.rank() - 1}, /*keepDims=*/true); // [.., 1]
  Expr dx = inverse * (inner - x * (product * (inverse * inverse)));
  return SmallVector<Value>{dx, dy * (x * inverse)};
}

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// A parameter of each of `initializers` for every element of the last
/// dimension of x.
static FailureOr<SmallVector<LayerParameter>>
makeRows(const OpSite &site, ValueRange given,
         ArrayRef<std::pair<StringRef, StringRef>> initializers) {
  TypeOrFailure x = getLayerInput(site, given);
  if (failed(x))
    return failure();
  auto row = RankedTensorType::get({x->getShape().back()}, x->getElementType());
  MLIRContext *context = row.getContext();
  return llvm::map_to_vector(initializers, [&](auto initializer) {
    return LayerParameter{initializer.first, row,
                          makeInitializer(context, initializer.second)};
  });
}

FailureOr<SmallVector<LayerParameter>>
LayerNormOp::getLayerParameters(Location loc, ValueRange given,
                                DictionaryAttr arguments) {
  return makeRows({loc, "layer_norm"}, given,
                  {{"scale", "ones"}, {"bias", "zeros"}});
}

FailureOr<SmallVector<LayerParameter>>
InstanceNormOp::getLayerParameters(Location loc, ValueRange given,
                                   DictionaryAttr arguments) {
  return makeRows({loc, "instance_norm"}, given,
                  {{"scale", "ones"}, {"bias", "zeros"}});
}

FailureOr<SmallVector<LayerParameter>>
GroupNormOp::getLayerParameters(Location loc, ValueRange given,
                                DictionaryAttr arguments) {
  return makeRows({loc, "group_norm"}, given,
                  {{"scale", "ones"}, {"bias", "zeros"}});
}

FailureOr<SmallVector<LayerParameter>>
RmsNormOp::getLayerParameters(Location loc, ValueRange given,
                              DictionaryAttr arguments) {
  return makeRows({loc, "rms_norm"}, given, {{"scale", "ones"}});
}

FailureOr<SmallVector<LayerParameter>>
BatchNormOp::getLayerParameters(Location loc, ValueRange given,
                                DictionaryAttr arguments) {
  return makeRows({loc, "batch_norm"}, given,
                  {{"scale", "ones"},
                   {"bias", "zeros"},
                   {"running_mean", "zeros"},
                   {"running_variance", "ones"}});
}
