// Lengths of schedules as attributes.
#include "ir/Length.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

static std::optional<Length> parseText(StringRef text) {
  auto [number, unit] = text.split(' ');
  double amount;
  // Written so that NaN is none.
  if (number.getAsDouble(amount) || !(amount >= 0))
    return std::nullopt;
  if (unit == "run" && amount <= 1)
    return Length{amount, Length::Unit::Run};
  if ((unit == "epochs" || unit == "epoch") && amount < 0x1p31)
    return Length{amount, Length::Unit::Epochs};
  return std::nullopt;
}

std::optional<Length> parseLength(Attribute value) {
  if (auto text = dyn_cast_or_null<StringAttr>(value))
    return parseText(text.getValue());
  auto steps = dyn_cast_or_null<IntegerAttr>(value);
  if (!steps || !steps.getType().isSignlessInteger(64))
    return std::nullopt;
  return Length{double(steps.getInt()), Length::Unit::Steps};
}

bool isLength(Attribute value) { return parseLength(value).has_value(); }

bool isListOfLengths(Attribute value) {
  auto list = dyn_cast_or_null<ArrayAttr>(value);
  return list && !list.empty() && llvm::all_of(list, isLength);
}

bool isOfRun(Attribute length) {
  std::optional<Length> parsed = parseLength(length);
  return parsed && parsed->unit != Length::Unit::Steps;
}

Attribute makeLength(MLIRContext *context, int64_t steps) {
  return Builder(context).getI64IntegerAttr(steps);
}

Attribute makeLength(MLIRContext *context, StringRef text) {
  return StringAttr::get(context, text);
}

} // namespace nnc
