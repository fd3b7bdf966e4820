// Tables of a recipe that say how a model's weights are called in the files of
// others: what each may hold.
#ifndef NNC_IR_NAMETABLES_H
#define NNC_IR_NAMETABLES_H

#include "mlir/IR/BuiltinAttributes.h"

#include <string>

namespace nnc {

/// What is wrong with a line of a table (runtime/WeightNames.h); empty if
/// nothing is.
std::string explainNameLine(llvm::StringRef text);

/// What is wrong with `value` as tables: an array of dictionaries with a `name`
/// and `lines`, which are strings. Empty if nothing is.
std::string explainNameTables(mlir::Attribute value);

} // namespace nnc

#endif // NNC_IR_NAMETABLES_H
