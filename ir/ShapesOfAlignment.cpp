// Shape rules of ops on sequences: losses over alignments, and distances.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/ShapeRules.h"

using namespace mlir;

namespace nnc {

static Type i32Of(const OpSite &site) {
  return IntegerType::get(site.location.getContext(), 32);
}

/// Succeeds if the operand has `rank` dimensions, of which the first alone may
/// be the batch; `expected` spells them.
static LogicalResult checkSequences(const OpSite &site, NamedType operand,
                                    int64_t rank, StringRef expected) {
  ArrayRef<int64_t> shape = operand.type.getShape();
  if (int64_t(shape.size()) == rank &&
      !llvm::is_contained(shape.drop_front(), ShapedType::kDynamic))
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected " << expected;
}

/// Succeeds if the operand has the shape of which `why` is so.
static LogicalResult checkShape(const OpSite &site, NamedType operand,
                                ArrayRef<int64_t> shape, NamedType why) {
  if (operand.type.getShape() == shape)
    return success();
  return site.error() << operand.name << " is " << printType(operand.type)
                      << ": expected " << printShape(shape) << ", as "
                      << why.name << " is " << printType(why.type);
}

/// Succeeds if the operand has an element for each sample of `samples`.
static LogicalResult checkLengths(const OpSite &site, NamedType lengths,
                                  NamedType samples) {
  return checkShape(site, lengths, samples.type.getShape().take_front(),
                    samples);
}

static LogicalResult checkBlank(const OpSite &site, NamedType logits,
                                int64_t blank) {
  if (blank < logits.type.getShape().back())
    return success();
  return site.error() << "blank is " << blank << ": expected a class of "
                      << logits.name << ", " << printType(logits.type);
}

TypeOrFailure inferCtcLoss(const OpSite &site, const CtcTypes &types,
                           int64_t blank) {
  NamedType logits{"logits", types.logits}, target{"target", types.target};
  if (failed(checkSequences(site, logits, 3, "[batch, time, classes]")) ||
      failed(checkSequences(site, target, 2, "[batch, labels]")) ||
      failed(checkShape(
          site, target,
          {types.logits.getDimSize(0), types.target.getDimSize(1)}, logits)) ||
      failed(
          checkLengths(site, {"input_lengths", types.inputLengths}, logits)) ||
      failed(checkLengths(site, {"target_lengths", types.targetLengths},
                          logits)) ||
      failed(checkBlank(site, logits, blank)) ||
      failed(checkWeights(site, types.weights,
                          types.logits.getShape().take_front())))
    return failure();
  return RankedTensorType::get({}, types.logits.getElementType());
}

TypeOrFailure inferCtcForward(const OpSite &site, RankedTensorType scores,
                              RankedTensorType labels) {
  NamedType operand{"scores", scores}, places{"labels", labels};
  if (failed(checkSequences(site, operand, 3, "[batch, time, classes]")) ||
      failed(checkSequences(site, places, 2, "[batch, places]")) ||
      failed(checkShape(site, places,
                        {scores.getDimSize(0), labels.getDimSize(1)}, operand)))
    return failure();
  return makeTensor(
      site, {scores.getDimSize(0), scores.getDimSize(1), labels.getDimSize(1)},
      scores.getElementType());
}

TypeOrFailure inferCtcBackward(const OpSite &site, RankedTensorType alpha,
                               RankedTensorType dy, RankedTensorType labels) {
  NamedType operand{"alpha", alpha}, places{"labels", labels};
  if (failed(checkSequences(site, operand, 3, "[batch, time, places]")) ||
      failed(checkElementTypes(site, operand, {"dy", dy})) ||
      failed(checkShape(site, {"dy", dy}, alpha.getShape(), operand)) ||
      failed(checkShape(site, places,
                        {alpha.getDimSize(0), alpha.getDimSize(2)}, operand)))
    return failure();
  return alpha;
}

TypeOrFailure inferCtcDecode(const OpSite &site, RankedTensorType logits,
                             RankedTensorType lengths, int64_t blank,
                             int64_t padding) {
  NamedType operand{"logits", logits};
  if (failed(checkSequences(site, operand, 3, "[batch, time, classes]")) ||
      failed(checkLengths(site, {"input_lengths", lengths}, operand)) ||
      failed(checkBlank(site, operand, blank)))
    return failure();
  TypeOrFailure type =
      makeTensor(site, logits.getShape().drop_back(), i32Of(site));
  if (failed(type) ||
      failed(checkHeld(site, "padding", padding, {"the result", *type})))
    return failure();
  return type;
}

TypeOrFailure inferCtcCollapse(const OpSite &site, RankedTensorType x,
                               RankedTensorType lengths, int64_t padding) {
  NamedType operand{"x", x};
  if (failed(checkSequences(site, operand, 2, "[batch, time]")) ||
      failed(checkHeld(site, "padding", padding, operand)) ||
      failed(checkLengths(site, {"lengths", lengths}, operand)))
    return failure();
  return x;
}

static LogicalResult checkSequencePair(const OpSite &site,
                                       RankedTensorType prediction,
                                       RankedTensorType target) {
  NamedType first{"prediction", prediction}, second{"target", target};
  if (failed(checkElementTypes(site, first, second)) ||
      failed(checkSequences(site, first, 2, "[batch, tokens]")) ||
      failed(checkSequences(site, second, 2, "[batch, tokens]")))
    return failure();
  return checkShape(site, second,
                    {prediction.getDimSize(0), target.getDimSize(1)}, first);
}

TypeOrFailure inferEditDistance(const OpSite &site, RankedTensorType prediction,
                                RankedTensorType target) {
  if (failed(checkSequencePair(site, prediction, target)))
    return failure();
  return makeTensor(site, prediction.getShape().take_front(), i32Of(site));
}

TypeOrFailure inferSequenceMetric(const OpSite &site,
                                  RankedTensorType prediction,
                                  RankedTensorType target,
                                  std::optional<Type> elementType) {
  if (failed(checkSequencePair(site, prediction, target)))
    return failure();
  return inferRandom(site, {}, elementType);
}

TypeOrFailure inferNumberWords(const OpSite &site, RankedTensorType x) {
  if (failed(checkSequences(site, {"x", x}, 2, "[batch, tokens]")))
    return failure();
  return makeTensor(site, x.getShape(),
                    IntegerType::get(site.location.getContext(), 64));
}

} // namespace nnc
