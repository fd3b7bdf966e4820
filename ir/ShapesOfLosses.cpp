// Shape rules of losses and metrics.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/Dialect.h"
#include "ir/ShapeRules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

//===----------------------------------------------------------------------===//
// What counts
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> dropTrailingOnes(ArrayRef<int64_t> shape) {
  while (!shape.empty() && shape.back() == 1)
    shape = shape.drop_back();
  return shape;
}

static TypeOrFailure makeScalar(RankedTensorType like) {
  return RankedTensorType::get({}, like.getElementType());
}

LogicalResult checkWeights(const OpSite &site, RankedTensorType weights,
                           ArrayRef<int64_t> shape) {
  if (!weights)
    return success();
  ArrayRef<int64_t> given = dropTrailingOnes(weights.getShape());
  bool fits = given.size() <= shape.size() &&
              llvm::all_of(llvm::zip(given, shape), [](auto dims) {
                auto [dim, whole] = dims;
                return dim == 1 || dim == whole;
              });
  if (fits)
    return success();
  return site.error() << "weights is " << printType(weights) << ": expected "
                      << printShape(shape)
                      << " or the first of these dimensions";
}

LogicalResult checkHeld(const OpSite &site, StringRef name, int64_t value,
                        NamedType operand) {
  auto integer = cast<IntegerType>(operand.type.getElementType());
  bool isHeld = integer.isUnsigned() ? llvm::isUIntN(integer.getWidth(), value)
                                     : llvm::isIntN(integer.getWidth(), value);
  if (isHeld)
    return success();
  return site.error() << name << " is " << value << ", and " << operand.name
                      << ", " << printType(operand.type)
                      << ", holds no such number";
}

//===----------------------------------------------------------------------===//
// Terms of elements
//===----------------------------------------------------------------------===//

/// Whether the shapes agree but for trailing dimensions of 1.
static bool haveSamePlaces(RankedTensorType lhs, RankedTensorType rhs) {
  return dropTrailingOnes(lhs.getShape()) == dropTrailingOnes(rhs.getShape());
}

/// Succeeds if the operand is null or broadcasts to `like`.
static LogicalResult checkBroadcasts(const OpSite &site, NamedType operand,
                                     NamedType like) {
  if (!operand.type)
    return success();
  TypeOrFailure common = inferElementwise(site, {like, operand});
  if (failed(common))
    return failure();
  if (*common == like.type)
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected no more elements than " << like.name
                      << ", " << printType(like.type);
}

/// Succeeds if `given` fits terms that have the dimensions of `shape`, and the
/// target the elements.
static LogicalResult checkCounting(const OpSite &site, RankedTensorType target,
                                   ArrayRef<int64_t> shape,
                                   const RowWeights &given) {
  if (failed(checkWeights(site, given.weights, shape)))
    return failure();
  if (!given.ignoreIndex || isa<FloatType>(target.getElementType()))
    return success();
  return checkHeld(site, "ignore_index", *given.ignoreIndex,
                   {"target", target});
}

TypeOrFailure inferTerms(const OpSite &site, NamedType prediction,
                         RankedTensorType target, const RowWeights &given) {
  if (!haveSamePlaces(prediction.type, target))
    return site.error() << "shapes differ: " << prediction.name << " is "
                        << printType(prediction.type) << ", target is "
                        << printType(target);
  if (failed(checkCounting(site, target, prediction.type.getShape(), given)) ||
      failed(checkBroadcasts(site, {"positive_weights", given.positiveWeights},
                             prediction)))
    return failure();
  return makeScalar(prediction.type);
}

TypeOrFailure inferGaussian(const OpSite &site, RankedTensorType prediction,
                            RankedTensorType target, RankedTensorType variance,
                            const RowWeights &given) {
  NamedType operand{"prediction", prediction};
  TypeOrFailure type = inferTerms(site, operand, target, given);
  if (failed(type) ||
      failed(checkBroadcasts(site, {"variance", variance}, operand)))
    return failure();
  return type;
}

//===----------------------------------------------------------------------===//
// Rows and classes
//===----------------------------------------------------------------------===//

static bool isIntegerTarget(RankedTensorType logits, RankedTensorType target) {
  return logits.getRank() > 0 && !isa<FloatType>(target.getElementType()) &&
         dropTrailingOnes(logits.getShape().drop_back()) ==
             dropTrailingOnes(target.getShape());
}

static bool isOneHotTarget(RankedTensorType logits, RankedTensorType target) {
  return isa<FloatType>(target.getElementType()) &&
         logits.getShape() == target.getShape();
}

TypeOrFailure inferClassification(const OpSite &site, NamedType logits,
                                  RankedTensorType target) {
  RankedTensorType type = logits.type;
  if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1))
    return site.error()
           << logits.name << " is " << printType(type)
           << ": expected a last dimension, of classes, that is not the "
              "batch";
  if (isIntegerTarget(type, target) || isOneHotTarget(type, target))
    return makeScalar(type);
  InFlightDiagnostic diagnostic = site.error();
  diagnostic << "target does not fit: " << logits.name << " is "
             << printType(type) << ", target is " << printType(target)
             << "; expected integers "
             << printShape(type.getShape().drop_back()) << " or floats "
             << printShape(type.getShape());
  return diagnostic;
}

bool areIntegerClasses(RankedTensorType logits, RankedTensorType target) {
  return logits.getRank() > 0 && logits.getShape().back() > 1 &&
         isIntegerTarget(logits, target);
}

bool isClassification(RankedTensorType logits, RankedTensorType target) {
  return logits.getRank() > 0 && logits.getShape().back() > 1 &&
         (isIntegerTarget(logits, target) || isOneHotTarget(logits, target));
}

/// Succeeds if the elements of `target` can be `ignoreIndex`, where it is
/// given.
static LogicalResult checkIgnoreIndex(const OpSite &site,
                                      RankedTensorType target,
                                      std::optional<int64_t> ignoreIndex) {
  if (!ignoreIndex)
    return success();
  if (isa<FloatType>(target.getElementType()))
    return site.error() << "ignore_index is for a target of integers, and "
                           "target is "
                        << printType(target);
  return checkHeld(site, "ignore_index", *ignoreIndex, {"target", target});
}

TypeOrFailure inferCounted(const OpSite &site, NamedType logits,
                           RankedTensorType target, const RowWeights &given) {
  TypeOrFailure type = inferClassification(site, logits, target);
  if (failed(type) || failed(checkIgnoreIndex(site, target, given.ignoreIndex)))
    return failure();
  ArrayRef<int64_t> shape = logits.type.getShape();
  if (failed(checkWeights(site, given.weights, shape.drop_back())))
    return failure();
  if (given.classWeights &&
      failed(checkRow(site, {"class_weights", given.classWeights}, logits.type,
                      shape.back())))
    return failure();
  return type;
}

TypeOrFailure inferChoice(const OpSite &site, NamedType logits,
                          RankedTensorType target, const RowWeights &given) {
  if (logits.type.getRank() > 0 && logits.type.getShape().back() == 1)
    return site.error() << logits.name << " is " << printType(logits.type)
                        << ": expected at least 2 classes";
  return inferCounted(site, logits, target, given);
}

static InFlightDiagnostic refuseClassWeights(const OpSite &site,
                                             RankedTensorType logits) {
  return site.error() << "class_weights are of classes, and each element of "
                         "logits, "
                      << printType(logits) << ", decides for itself";
}

TypeOrFailure inferFocal(const OpSite &site, RankedTensorType logits,
                         RankedTensorType target, const RowWeights &given,
                         bool hasAlpha) {
  NamedType operand{"logits", logits};
  if (!areIntegerClasses(logits, target) && haveSamePlaces(logits, target)) {
    if (given.classWeights)
      return refuseClassWeights(site, logits)
             << ": expected positive_weights or alpha";
    return inferTerms(site, operand, target, given);
  }
  if (hasAlpha || given.positiveWeights)
    return site.error() << (hasAlpha ? "alpha is" : "positive_weights are")
                        << " for elements that decide for themselves, and "
                           "logits, "
                        << printType(logits)
                        << ", are of classes: expected class_weights";
  return inferCounted(site, operand, target, given);
}

TypeOrFailure inferDivergence(const OpSite &site, RankedTensorType logits,
                              RankedTensorType target,
                              RankedTensorType weights) {
  if (logits.getRank() == 0 || logits.getShape() != target.getShape() ||
      logits.isDynamicDim(logits.getRank() - 1))
    return site.error() << "logits is " << printType(logits) << ", target is "
                        << printType(target)
                        << ": expected two shapes that are alike, with a last "
                           "dimension, of classes, that is not the batch";
  if (failed(checkWeights(site, weights, logits.getShape().drop_back())))
    return failure();
  return makeScalar(logits);
}

TypeOrFailure inferDice(const OpSite &site, RankedTensorType logits,
                        RankedTensorType target, const RowWeights &given) {
  if (logits.getRank() < 2)
    return site.error() << "logits is " << printType(logits)
                        << ": expected samples, and places or classes of each";
  NamedType operand{"logits", logits};
  ArrayRef<int64_t> samples = logits.getShape().take_front();
  if (!areIntegerClasses(logits, target) && haveSamePlaces(logits, target)) {
    if (given.classWeights)
      return refuseClassWeights(site, logits);
    if (failed(checkCounting(site, target, samples, given)))
      return failure();
    return makeScalar(logits);
  }
  TypeOrFailure type = inferCounted(
      site, operand, target, {{}, given.classWeights, given.ignoreIndex});
  if (failed(type) || failed(checkWeights(site, given.weights, samples)))
    return failure();
  return type;
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

TypeOrFailure inferPairs(const OpSite &site, ArrayRef<NamedType> vectors,
                         RankedTensorType target, const RowWeights &given) {
  RankedTensorType first = vectors.front().type;
  if (first.getRank() == 0 || first.isDynamicDim(first.getRank() - 1))
    return site.error() << vectors.front().name << " is " << printType(first)
                        << ": expected a last dimension that is not the batch";
  for (const NamedType &other : vectors.drop_front())
    if (other.type != first)
      return site.error() << other.name << " is " << printType(other.type)
                          << ", " << vectors.front().name << " is "
                          << printType(first) << ": expected the same type";
  ArrayRef<int64_t> rows = first.getShape().drop_back();
  if (target && dropTrailingOnes(target.getShape()) != dropTrailingOnes(rows))
    return site.error() << "target is " << printType(target) << ": expected "
                        << printShape(rows) << ", one for each row of "
                        << vectors.front().name << ", " << printType(first);
  NamedType terms{"rows", RankedTensorType::get(rows, first.getElementType())};
  if (failed(target ? checkCounting(site, target, rows, given)
                    : checkWeights(site, given.weights, rows)) ||
      failed(checkBroadcasts(site, {"positive_weights", given.positiveWeights},
                             terms)))
    return failure();
  return makeScalar(first);
}

TypeOrFailure inferContrast(const OpSite &site, RankedTensorType x,
                            RankedTensorType other, RankedTensorType weights) {
  int64_t rank = x.getRank();
  if (rank < 2 || rank > 3 || x.isDynamicDim(rank - 1) ||
      x.isDynamicDim(rank - 2))
    return site.error() << "x is " << printType(x)
                        << ": expected groups of rows, [n, width] or [batch, "
                           "n, width], in which neither n nor the width is the "
                           "batch";
  return inferPairs(site, {{"x", x}, {"other", other}}, {}, {weights, {}, {}});
}

//===----------------------------------------------------------------------===//
// Metrics
//===----------------------------------------------------------------------===//

TypeOrFailure inferDecisions(const OpSite &site, RankedTensorType prediction,
                             RankedTensorType target, const RowWeights &given,
                             std::optional<Average> average) {
  ArrayRef<int64_t> shape = prediction.getShape();
  if (!isClassification(prediction, target) &&
      haveSamePlaces(prediction, target)) {
    if (failed(checkIgnoreIndex(site, target, given.ignoreIndex)) ||
        failed(checkWeights(site, given.weights, shape)))
      return failure();
    return makeScalar(prediction);
  }
  if (failed(inferCounted(site, {"prediction", prediction}, target, given)))
    return failure();
  int64_t classes = shape.back();
  if (average == Average::binary && classes != 2)
    return site.error() << "average = binary is of two classes, and "
                           "prediction, "
                        << printType(prediction) << ", has " << classes
                        << ": expected macro, micro or weighted";
  return makeScalar(prediction);
}

TypeOrFailure inferRootError(const OpSite &site, RankedTensorType prediction,
                             RankedTensorType target, const RowWeights &given,
                             Multioutput multioutput) {
  if (multioutput == Multioutput::variance_weighted)
    return site.error() << "multioutput = variance_weighted weighs shares of "
                           "variance, and a root is none: expected "
                           "uniform_average or flattened";
  return inferTerms(site, {"prediction", prediction}, target, given);
}

} // namespace nnc
