// The nnc dialect: its ops, attributes and interfaces.
#ifndef NNC_IR_DIALECT_H
#define NNC_IR_DIALECT_H

#include "ir/Expansion.h"
#include "ir/Length.h"
#include "ir/Recipe.h"
#include "ir/Signature.h"
#include "ir/Traits.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace nnc {
class KernelBuilder; // codegen/lower/KernelBuilder.h
} // namespace nnc

#include "ir/Dialect.h.inc"
#include "ir/Enums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/Attributes.h.inc"
#include "ir/Interfaces.h.inc"

namespace nnc {
/// Registers the dialect (for tools: once, before any context parses).
void registerDialect(mlir::DialectRegistry &registry);
} // namespace nnc

#endif // NNC_IR_DIALECT_H
