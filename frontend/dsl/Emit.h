// A syntax tree to the nnc dialect.
#ifndef NNC_FRONTEND_DSL_EMIT_H
#define NNC_FRONTEND_DSL_EMIT_H

#include "frontend/dsl/Ast.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"

namespace nnc::dsl {

class Diagnostics;
class Trace;

/// `NAME=VALUE` of `--set`, for a constant that the program has. Both point
/// into a source buffer.
struct Override {
  Identifier name;
  ExpressionPtr value;
};

/// Emits the module of a program that has been parsed without error. Null after
/// errors, which `diagnostics` has then been given. `trace` is told on the way
/// what the program's names and calls are worth.
mlir::OwningOpRef<mlir::ModuleOp> emit(const Program &program,
                                       llvm::ArrayRef<Override> overrides,
                                       Diagnostics &diagnostics,
                                       mlir::MLIRContext *context,
                                       Trace *trace = nullptr);

} // namespace nnc::dsl

#endif // NNC_FRONTEND_DSL_EMIT_H
