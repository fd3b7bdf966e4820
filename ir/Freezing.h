// Which parameters training leaves as they are, by patterns of their names.
#ifndef NNC_IR_FREEZING_H
#define NNC_IR_FREEZING_H

#include "ir/Ops.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace nnc {

/// On the model: an array of strings, the patterns of the program itself.
inline constexpr llvm::StringLiteral kFreezeAttr = "nnc.freeze";

/// Adds the parameters that `pattern` matches to `matches`. `*` stands for any
/// characters, `?` for one, `[ab]` for one of several. Returns what is wrong
/// with the pattern, or with its matching nothing; empty if nothing is.
std::string matchParameters(mlir::ModuleOp module, llvm::StringRef pattern,
                            llvm::SmallVectorImpl<ParameterOp> &matches);

} // namespace nnc

#endif // NNC_IR_FREEZING_H
