// Source in, module out: what every program that compiles models shares.
#ifndef NNC_TOOLS_COMPILER_H
#define NNC_TOOLS_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace llvm {
class SourceMgr;
} // namespace llvm

namespace nnc::tools {

/// Registers every dialect and extension that compiling needs, and turns on
/// what diagnostics need.
void prepareContext(mlir::MLIRContext &context);

/// Reads a model by its name's ending: .nn, or .mlir (text or bytecode).
/// `settings` are overrides of the model's consts. Null after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp>
loadModel(const std::string &path, llvm::SourceMgr &sources,
          mlir::MLIRContext *context, const std::vector<std::string> &settings);

} // namespace nnc::tools

#endif // NNC_TOOLS_COMPILER_H
