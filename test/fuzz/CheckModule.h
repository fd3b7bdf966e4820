// What every module promises that a frontend made.
#ifndef NNC_TEST_FUZZ_CHECKMODULE_H
#define NNC_TEST_FUZZ_CHECKMODULE_H

#include "test/fuzz/FuzzContext.h"

#include "mlir/IR/BuiltinOps.h"

namespace nnc::fuzz {

/// Ends the program unless the module's names and places can be shown, be files
/// and stand in files of weights. Then brings it as far as the dialect goes,
/// gradients with it, and ends the program if a pass leaves a module that is
/// not valid, or fails without a message.
void checkModule(mlir::ModuleOp module, const Errors &errors);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_CHECKMODULE_H
