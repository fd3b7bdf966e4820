// The table of initializers.
#include "ir/Initializer.h"

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

InitializerAttr makeInitializer(MLIRContext *context, StringRef name,
                                ArrayRef<std::pair<StringRef, double>> arguments) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes;
  for (auto [argument, value] : arguments)
    attributes.push_back(builder.getNamedAttr(argument, builder.getF64FloatAttr(value)));
  return InitializerAttr::get(context, builder.getStringAttr(name),
                              builder.getDictionaryAttr(attributes));
}

static LogicalResult
verifyArgument(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef name,
               NamedAttribute argument) {
  if (name == "literal" ? isa<DenseElementsAttr>(argument.getValue())
                        : isa<FloatAttr>(argument.getValue()))
    return success();
  return emitError() << "argument " << argument.getName() << " of initializer '" << name
                     << "' is " << argument.getValue() << ": expected "
                     << (name == "literal" ? "a dense tensor" : "a float");
}

LogicalResult verifyInitializer(llvm::function_ref<InFlightDiagnostic()> emitError,
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

} // namespace nnc
