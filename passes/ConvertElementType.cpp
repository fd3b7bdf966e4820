// Puts one floating-point type in the place of another, everywhere.
#include "passes/Passes.h"

#include "ir/Dialect.h"

#include "mlir/IR/AttrTypeSubElements.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_CONVERTELEMENTTYPEPASS
#include "passes/Passes.h.inc"

/// `value` in `to`, rounded to nearest where that is narrower.
static APFloat convert(APFloat value, FloatType to) {
  bool losesInformation;
  value.convert(to.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &losesInformation);
  return value;
}

static DenseElementsAttr convert(DenseElementsAttr attr, FloatType to) {
  auto type = cast<ShapedType>(attr.getType()).clone(to);
  if (attr.isSplat())
    return DenseElementsAttr::get(type,
                                  convert(attr.getSplatValue<APFloat>(), to));
  SmallVector<APFloat> values;
  for (APFloat value : attr.getValues<APFloat>())
    values.push_back(convert(value, to));
  return DenseElementsAttr::get(type, values);
}

/// Says which element type `op` makes where that of its result went without
/// saying: another type must be said.
static void spellElementType(Described op) {
  for (const AttributeInfo &attribute : op.getSignature().attributes)
    if (attribute.kind == AttributeKind::Type && attribute.optional &&
        !op->getAttr(attribute.name))
      op->setAttr(attribute.name,
                  TypeAttr::get(getElementTypeOrSelf(op->getResult(0))));
}

namespace {
struct ConvertElementTypePass
    : impl::ConvertElementTypePassBase<ConvertElementTypePass> {
  using Base::Base;

  LogicalResult initialize(MLIRContext *context) override {
    fromType = parse(from, context);
    toType = parse(to, context);
    return success(fromType && toType);
  }

  void runOnOperation() override {
    getOperation().walk(spellElementType);
    // Later replacements are tried first: an attribute goes before its type.
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](FloatType type) -> std::optional<Type> {
      if (type == fromType)
        return toType;
      return std::nullopt;
    });
    replacer.addReplacement(
        // An op's own numbers (a slope, factors) are f64 whatever it computes
        // in.
        [](FloatAttr attr) -> std::optional<std::pair<Attribute, WalkResult>> {
          return std::make_pair(Attribute(attr), WalkResult::skip());
        });
    replacer.addReplacement(
        [](DenseArrayAttr attr)
            -> std::optional<std::pair<Attribute, WalkResult>> {
          return std::make_pair(Attribute(attr), WalkResult::skip());
        });
    replacer.addReplacement(
        [&](DenseElementsAttr attr)
            -> std::optional<std::pair<Attribute, WalkResult>> {
          if (attr.getElementType() != fromType)
            return std::nullopt;
          return std::make_pair(Attribute(convert(attr, toType)),
                                WalkResult::skip());
        });
    replacer.recursivelyReplaceElementsIn(getOperation(), /*replaceAttrs=*/true,
                                          /*replaceLocs=*/false,
                                          /*replaceTypes=*/true);
  }

private:
  /// A floating-point type by name; null, after a diagnostic, for another name.
  static FloatType parse(StringRef name, MLIRContext *context) {
    Builder b(context);
    if (name == "f64")
      return b.getF64Type();
    if (name == "f32")
      return b.getF32Type();
    if (name == "f16")
      return b.getF16Type();
    if (name == "bf16")
      return b.getBF16Type();
    emitError(UnknownLoc::get(context)) << "unknown element type '" << name
                                        << "'; expected f64, f32, f16 or bf16";
    return {};
  }

  FloatType fromType, toType;
};
} // namespace

} // namespace nnc
