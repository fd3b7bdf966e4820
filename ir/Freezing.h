// What training leaves as it is, by patterns of names, and how it is marked.
#ifndef NNC_IR_FREEZING_H
#define NNC_IR_FREEZING_H

#include "ir/Ops.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace nnc {

/// On the model: an array of strings, the patterns of the program itself.
inline constexpr llvm::StringLiteral kFreezeAttr = "nnc.freeze";

/// On nnc.parameter: a unit. Training reads it and leaves it as it is, whatever
/// its role.
inline constexpr llvm::StringLiteral kFrozenAttr = "nnc.frozen";

/// Adds the parameters and buffers that `pattern` matches to `matches`. `*`
/// stands for any characters, `?` for one, `[ab]` for one of several. Returns
/// what is wrong with the pattern, or with its matching nothing; empty if
/// nothing is.
std::string matchParameters(mlir::ModuleOp module, llvm::StringRef pattern,
                            llvm::SmallVectorImpl<ParameterOp> &matches);

} // namespace nnc

#endif // NNC_IR_FREEZING_H
