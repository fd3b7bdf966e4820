// The table of initializers.
#include "ir/Initializer.h"

#include "ir/Ops.h"

using namespace mlir;

namespace nnc {

ArrayRef<InitializerInfo> allInitializers() {
  static const std::vector<InitializerInfo> table = {
      {"zeros", {}, false},
      {"ones", {}, false},
      {"constant", {{"value", std::nullopt}}, false},
      {"literal", {{"value", std::nullopt}}, false},
      {"normal", {{"stddev", 1.0}, {"mean", 0.0}}, true},
      {"uniform", {{"low", 0.0}, {"high", 1.0}}, true},
      {"glorot_uniform", {}, true},
      {"glorot_normal", {}, true},
      {"he_uniform", {}, true},
      {"he_normal", {}, true},
      {"orthogonal", {{"gain", 1.0}}, true},
  };
  return table;
}

const InitializerInfo *lookupInitializer(StringRef name) {
  for (const InitializerInfo &info : allInitializers())
    if (info.name == name)
      return &info;
  return nullptr;
}

InitializerAttr
makeInitializer(MLIRContext *context, StringRef name,
                ArrayRef<std::pair<StringRef, double>> arguments) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes;
  for (auto [argument, value] : arguments)
    attributes.push_back(
        builder.getNamedAttr(argument, builder.getF64FloatAttr(value)));
  return InitializerAttr::get(context, builder.getStringAttr(name),
                              builder.getDictionaryAttr(attributes));
}

static LogicalResult
verifyArgument(llvm::function_ref<InFlightDiagnostic()> emitError,
               StringRef name, NamedAttribute argument) {
  if (name == "literal" ? isa<DenseElementsAttr>(argument.getValue())
                        : isa<FloatAttr>(argument.getValue()))
    return success();
  return emitError() << "argument " << argument.getName() << " of initializer '"
                     << name << "' is " << argument.getValue() << ": expected "
                     << (name == "literal" ? "a dense tensor" : "a float");
}

LogicalResult
verifyInitializer(llvm::function_ref<InFlightDiagnostic()> emitError,
                  StringRef name, DictionaryAttr arguments) {
  const InitializerInfo *info = lookupInitializer(name);
  if (!info)
    return emitError() << "there is no initializer '" << name << "'";
  for (NamedAttribute argument : arguments) {
    auto isNamed = [&](const InitializerArgument &known) {
      return known.name == argument.getName().getValue();
    };
    if (llvm::none_of(info->arguments, isNamed))
      return emitError() << "initializer '" << name << "' has no argument "
                         << argument.getName();
    if (failed(verifyArgument(emitError, name, argument)))
      return failure();
  }
  for (const InitializerArgument &argument : info->arguments)
    if (!argument.defaultValue && !arguments.contains(argument.name))
      return emitError() << "initializer '" << name << "' needs its argument '"
                         << argument.name << "'";
  return success();
}

//===----------------------------------------------------------------------===//
// Expansion
//===----------------------------------------------------------------------===//

namespace {
/// How many inputs and outputs an element of a weight has.
struct Fans {
  double in;
  double out;
};
} // namespace

// [in, out]; of a convolution [height, width, in, out].
static Fans countFans(RankedTensorType type) {
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.size() < 2)
    return {double(type.getNumElements()), double(type.getNumElements())};
  double places = 1.0;
  for (int64_t dim : shape.drop_back(2))
    places *= double(dim);
  return {places * shape[shape.size() - 2], places * shape.back()};
}

/// The variance that Glorot and Bengio 2010 (PMLR 9, equations 12 and 16) and
/// He et al. 2015 (arXiv:1502.01852, equation 10) give a weight.
static double scaledVariance(StringRef name, RankedTensorType type) {
  Fans fans = countFans(type);
  return name.starts_with("glorot") ? 2.0 / (fans.in + fans.out)
                                    : 2.0 / fans.in;
}

static FailureOr<Expr> buildOrthogonal(ImplicitLocOpBuilder &b,
                                       RankedTensorType type, Expr normal,
                                       double gain) {
  if (type.getRank() < 2)
    return OpSite(b.getLoc(), "orthogonal").error()
           << "the parameter is " << printType(type)
           << ": expected at least 2 dimensions";
  return Expr(b, OrthogonalizeOp::create(b, b.getLoc(), normal)) * gain;
}

static FailureOr<Expr> buildLiteral(ImplicitLocOpBuilder &b,
                                    DenseElementsAttr value,
                                    RankedTensorType type) {
  if (value.getType() == type)
    return constant(b, value);
  return OpSite(b.getLoc(), "literal").error()
         << "the value is " << printType(value.getType())
         << ", the parameter is " << printType(type);
}

FailureOr<Expr> buildInitializer(ImplicitLocOpBuilder &b,
                                 InitializerAttr initializer,
                                 RankedTensorType type, Counter counter,
                                 int64_t stream) {
  StringRef name = initializer.getName().getValue();
  auto argument = [&](StringRef wanted) {
    if (auto given = initializer.getArguments().getAs<FloatAttr>(wanted))
      return given.getValueAsDouble();
    for (const InitializerArgument &known : lookupInitializer(name)->arguments)
      if (known.name == wanted)
        return *known.defaultValue;
    llvm_unreachable("verifyInitializer has checked the arguments");
  };
  auto fill = [&](double value) {
    return broadcast(constant(b, value, type.getElementType()),
                     type.getShape());
  };
  // Random numbers are f32: narrower types lose bits once, at the end.
  auto normal = [&](double stddev) {
    return randomNormal(counter, stream, type.getShape()) * stddev;
  };
  auto uniform = [&](double low, double high) {
    return randomUniform(counter, stream, type.getShape()) * (high - low) + low;
  };

  if (name == "literal")
    return buildLiteral(
        b, initializer.getArguments().getAs<DenseElementsAttr>("value"), type);
  if (name == "zeros")
    return fill(0.0);
  if (name == "ones")
    return fill(1.0);
  if (name == "constant")
    return fill(argument("value"));
  if (!isa<FloatType>(type.getElementType()))
    return OpSite(b.getLoc(), name).error()
           << "the parameter is " << printType(type)
           << ": expected a float tensor";
  if (name == "normal")
    return cast(normal(argument("stddev")) + argument("mean"),
                type.getElementType());
  if (name == "uniform")
    return cast(uniform(argument("low"), argument("high")),
                type.getElementType());
  if (name == "orthogonal") {
    FailureOr<Expr> y = buildOrthogonal(b, type, normal(1.0), argument("gain"));
    return failed(y) ? y : cast(*y, type.getElementType());
  }
  double variance = scaledVariance(name, type);
  // A uniform distribution on [-a, a] has the variance a * a / 3.
  double bound = std::sqrt(3.0 * variance);
  Expr y = name.ends_with("_normal") ? normal(std::sqrt(variance))
                                     : uniform(-bound, bound);
  return cast(y, type.getElementType());
}

} // namespace nnc
