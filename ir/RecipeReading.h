// Settings of a recipe as values: what its checks and its typed reading share.
#ifndef NNC_IR_RECIPEREADING_H
#define NNC_IR_RECIPEREADING_H

#include "ir/Recipe.h"

namespace nnc {

/// An integer that is no bool and fits in 64 bits.
std::optional<int64_t> toInteger(mlir::Attribute value);
/// The same, or what a FloatAttr holds.
std::optional<double> toNumber(mlir::Attribute value);

/// The settings of an update of a recipe, without what says which it is.
mlir::DictionaryAttr settingsOf(mlir::DictionaryAttr update);

} // namespace nnc

#endif // NNC_IR_RECIPEREADING_H
