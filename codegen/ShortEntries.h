// Entry points for short batches: those of the same program with smaller sizes,
// beside its own in one plan, on the same state.
#ifndef NNC_CODEGEN_SHORTENTRIES_H
#define NNC_CODEGEN_SHORTENTRIES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>
#include <vector>

namespace nnc {

/// Of a function: the name of that of which it is the short form.
inline constexpr llvm::StringLiteral kShortOfAttr = "nnc.short_of";

/// A program with smaller values of its constants.
struct ShortModel {
  /// "time=25", as overrides have it.
  std::vector<std::string> overrides;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  /// "25", of several constants "8x10".
  std::string suffix() const;
};

/// Adds to each error, while it lives, of which bucket it is, and keeps
/// warnings to itself: the program has had them.
class ShortDiagnostics : public mlir::ScopedDiagnosticHandler {
public:
  /// `overrides` outlive it.
  ShortDiagnostics(mlir::MLIRContext *context,
                   const std::vector<std::string> &overrides);
};

/// Adds to `module` the entry points of `shorter` that take less than its own
/// and give the same, as "train_step.25". Both are fused. Fails after a
/// diagnostic where their state differs, or no entry point is shorter.
llvm::LogicalResult addShortEntries(mlir::ModuleOp module,
                                    const ShortModel &shorter);

} // namespace nnc

#endif // NNC_CODEGEN_SHORTENTRIES_H
