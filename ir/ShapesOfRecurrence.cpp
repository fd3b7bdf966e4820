// Shape rules of recurrent layers, and the parameters that they make.
// Dimensions are int64_t; ShapedType::kDynamic is the batch.
#include "ir/RecurrentLayers.h"

#include "ir/Initializer.h"
#include "ir/ShapeRules.h"

#include "mlir/IR/Operation.h"

using namespace mlir;

namespace nnc {

/// Succeeds for [batch, time, channels].
static LogicalResult checkSequence(const OpSite &site, RankedTensorType x) {
  if (x.getRank() == 3 && !x.isDynamicDim(1) && !x.isDynamicDim(2) &&
      isa<FloatType>(x.getElementType()))
    return success();
  return site.error() << "x is " << printType(x)
                      << ": expected floats [batch, time, channels]";
}

/// Which weight of which cell stands at a place, in words:
/// "weight_hh_l1_reverse".
static std::string weightName(RecurrentForm form, int64_t cell, int64_t kind) {
  static constexpr StringRef kinds[] = {"weight_ih", "weight_hh", "bias_ih",
                                        "bias_hh"};
  int64_t layer = cell / form.directions();
  bool isSecond = cell % form.directions() == 1;
  return (kinds[kind] + "_l" + Twine(layer) + (isSecond ? "_reverse" : ""))
      .str();
}

/// The shape of a weight of one cell.
static SmallVector<int64_t> weightShape(RecurrentForm form, int64_t cell,
                                        int64_t kind, int64_t channels,
                                        int64_t units) {
  int64_t columns = form.gates * units;
  bool isFirst = cell < form.directions();
  if (kind == 0)
    return {isFirst ? channels : form.directions() * units, columns};
  if (kind == 1)
    return {units, columns};
  return {columns};
}

/// Succeeds for a number of layers that there may be. Types are inferred before
/// intervals are verified.
static LogicalResult checkLayers(const OpSite &site, int64_t layers) {
  constexpr int64_t kMostLayers = 1000;
  if (layers >= 1 && layers <= kMostLayers)
    return success();
  return site.error() << "layers is " << layers << ": expected 1 to "
                      << kMostLayers;
}

/// Units of a cell, or failure after a diagnostic where the weights do not fit.
static FailureOr<int64_t> checkWeights(const OpSite &site, RankedTensorType x,
                                       ArrayRef<RankedTensorType> weights,
                                       RecurrentForm form) {
  int64_t cells = form.cells();
  int64_t each = int64_t(weights.size()) / cells;
  if (int64_t(weights.size()) != cells * each || (each != 2 && each != 4))
    return site.error() << "has " << weights.size() << " weights: expected "
                        << 2 * cells << ", or " << 4 * cells
                        << " with biases, for " << cells
                        << (cells == 1 ? " cell" : " cells");
  if (weights[1].getRank() != 2 || weights[1].isDynamicDim(0))
    return site.error() << weightName(form, 0, 1) << " is "
                        << printType(weights[1])
                        << ": expected 2 dimensions of known sizes";
  int64_t units = weights[1].getDimSize(0);
  for (auto [i, weight] : llvm::enumerate(weights)) {
    int64_t cell = int64_t(i) / each, kind = int64_t(i) % each;
    SmallVector<int64_t> expected =
        weightShape(form, cell, kind, x.getDimSize(2), units);
    if (weight.getShape() == ArrayRef(expected) &&
        weight.getElementType() == x.getElementType())
      continue;
    return site.error() << weightName(form, cell, kind) << " is "
                        << printType(weight) << ": expected "
                        << printElementType(x.getElementType())
                        << printShape(expected) << ", for x " << printType(x)
                        << " and " << units << " units";
  }
  return units;
}

static RankedTensorType stateType(RankedTensorType x, int64_t units,
                                  RecurrentForm form) {
  SmallVector<int64_t> shape = {x.getDimSize(0), units};
  if (form.cells() > 1)
    shape.insert(shape.begin() + 1, form.cells());
  return RankedTensorType::get(shape, x.getElementType());
}

TypeOrFailure inferRecurrent(const OpSite &site, RankedTensorType x,
                             ArrayRef<RankedTensorType> weights,
                             ArrayRef<NamedType> initial,
                             RankedTensorType lengths, RecurrentForm form) {
  if (failed(checkSequence(site, x)) || failed(checkLayers(site, form.layers)))
    return failure();
  FailureOr<int64_t> units = checkWeights(site, x, weights, form);
  if (failed(units))
    return failure();
  RankedTensorType state = stateType(x, *units, form);
  for (const NamedType &operand : initial)
    if (operand.type && operand.type != state)
      return site.error() << operand.name << " is " << printType(operand.type)
                          << ": expected " << printType(state);
  if (lengths && lengths.getShape() != ArrayRef<int64_t>{x.getDimSize(0)})
    return site.error() << "lengths is " << printType(lengths)
                        << ": expected a number of each sample of x, "
                        << printType(x);
  SmallVector<int64_t> shape = {x.getDimSize(0)};
  if (form.sequences)
    shape.push_back(x.getDimSize(1));
  shape.push_back(form.directions() * *units);
  return RankedTensorType::get(shape, x.getElementType());
}

TypeOrFailure inferRecurrentState(const OpSite &site, RankedTensorType x,
                                  ArrayRef<RankedTensorType> weights,
                                  RecurrentForm form) {
  return stateType(x, weights[1].getDimSize(0), form);
}

FailureOr<SmallVector<LayerParameter>>
makeRecurrentParameters(const OpSite &site, ValueRange given,
                        DictionaryAttr arguments, int64_t gates) {
  TypeOrFailure x = getLayerInput(site, given);
  FailureOr<int64_t> units = getLayerSize(site, arguments, "units");
  if (failed(x) || failed(units) || failed(checkSequence(site, *x)))
    return failure();
  auto layers = arguments.getAs<IntegerAttr>("layers");
  auto bidirectional = arguments.getAs<BoolAttr>("bidirectional");
  auto bias = arguments.getAs<BoolAttr>("bias");
  RecurrentForm form{gates, layers ? layers.getInt() : 1,
                     bidirectional && bidirectional.getValue(), true};
  if (failed(checkLayers(site, form.layers)))
    return failure();
  MLIRContext *context = x->getContext();
  int64_t each = !bias || bias.getValue() ? 4 : 2;
  SmallVector<LayerParameter> parameters;
  for (int64_t cell = 0; cell < form.cells(); ++cell)
    for (int64_t kind = 0; kind < each; ++kind) {
      // Glorot and Bengio 2010 for what comes from outside; Saxe et al. 2013
      // keep the length of what goes from step to step.
      StringRef initializer = kind == 0   ? "glorot_uniform"
                              : kind == 1 ? "orthogonal"
                                          : "zeros";
      TypeOrFailure type = makeType(
          site, weightShape(form, cell, kind, x->getDimSize(2), *units),
          x->getElementType());
      if (failed(type))
        return failure();
      LayerParameter parameter{"weights", *type,
                               makeInitializer(context, initializer)};
      if (type->getRank() == 2)
        parameter.pytorchDims = {1, 0};
      parameter.name = weightName(form, cell, kind);
      parameters.push_back(std::move(parameter));
    }
  return parameters;
}

SmallVector<IndexLimit> limitLengths(Operation *op, Value x, Value lengths) {
  SmallVector<IndexLimit> limits;
  if (!lengths)
    return limits;
  int64_t steps = cast<RankedTensorType>(x.getType()).getDimSize(1);
  for (OpOperand &operand : op->getOpOperands())
    if (operand.get() == lengths)
      limits.push_back({operand.getOperandNumber(), steps + 1});
  return limits;
}

} // namespace nnc
