// What a run watches of its epochs: to stop, and to make a rate smaller.
#ifndef NNC_IR_WATCHING_H
#define NNC_IR_WATCHING_H

#include "ir/Ops.h"

#include <string>

namespace nnc {

/// Of what training makes small.
inline constexpr llvm::StringLiteral kSmallerIsBetter = "smaller";

/// Which values of what `value` computes are better, "larger" or "smaller";
/// empty where its op does not say.
llvm::StringRef betterOf(mlir::Value value);

/// What is wrong with watching `metric` in a run of `model`: "loss", the name
/// of a loss or metric behind that of its step and a dot, and all of these
/// behind "validation_"; ":min" or ":max" may follow, and do where nothing says
/// which values are better. Empty if nothing is.
std::string explainWatched(ModelOp model, llvm::StringRef metric);

/// The same of all that the recipe of `model` watches.
std::string explainAllWatched(ModelOp model);

} // namespace nnc

#endif // NNC_IR_WATCHING_H
