// Programs in the dialect as JSON, for an evaluation outside of the compiler.
#ifndef NNC_TEST_FUZZ_PROGRAMS_DESCRIBE_H
#define NNC_TEST_FUZZ_PROGRAMS_DESCRIBE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/JSON.h"

namespace nnc::fuzz {

/// Every op that a program may call: its signature, with the kinds of its
/// attributes, and whether other ops define it.
llvm::json::Array describeOps(mlir::MLIRContext *context);

/// The functions of a module and its model, if it has one, by name; and its
/// parameters. Values are numbered in each function:
///
///   {"arguments": [{"name": ..., "value": 0, "type": ["f32", [-1, 5]]}],
///    "ops": [{"name": "add", "operands": [0, 1], "results": [2],
///             "types": [...], "attributes": {...}}],
///    "results": [{"name": ..., "kind": ..., "value": 2}]}
llvm::json::Object describeModule(mlir::ModuleOp module);

/// An element type's name and a shape: ["f32", [-1, 5]].
llvm::json::Array describeType(mlir::Type type);

} // namespace nnc::fuzz

#endif // NNC_TEST_FUZZ_PROGRAMS_DESCRIBE_H
