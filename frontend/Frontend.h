// From a model's source to the nnc dialect.
#ifndef NNC_FRONTEND_FRONTEND_H
#define NNC_FRONTEND_FRONTEND_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace llvm {
class SourceMgr;
} // namespace llvm

namespace nnc {

/// Values for the model's `const`s, "NAME=VALUE" each.
using Overrides = llvm::ArrayRef<std::string>;

/// Of a module that parseModel makes, where the program has buckets: an array
/// of strings for each, with values that its constants are to have, as
/// overrides. They are smaller than those of the module.
inline constexpr llvm::StringLiteral kBucketsAttr = "nnc.buckets";

/// Takes the buckets of `module` away from it. They are of its source, and
/// nothing behind the frontend knows them.
std::vector<std::vector<std::string>> takeBuckets(mlir::ModuleOp module);

/// Translates the main file of `sources`, written in the language of
/// docs/language.md, to a verified module as docs/architecture.md section 1
/// says: `nnc.parameter`s and one `nnc.model`.
///
/// Loads the nnc dialect into `context`. Adds a buffer an override to
/// `sources`, so that a diagnostic can show it; `sources` must outlive
/// `context`'s use of it for diagnostics, the module does not refer to it.
///
/// Null if the program is wrong. Everything wrong that was found, up to fifty
/// errors, has then been given to the context's diagnostic handlers.
mlir::OwningOpRef<mlir::ModuleOp> parseModel(llvm::SourceMgr &sources,
                                             mlir::MLIRContext *context,
                                             Overrides overrides = {});

/// True if `bytes` begin as a graph does (docs/graph-format.md).
bool isGraph(llvm::ArrayRef<uint8_t> bytes);

/// Translates a graph to the module that parseModel makes of the same program
/// in the language. The bytes are not trusted, and not needed afterwards;
/// `name` is the file's, for diagnostics.
///
/// Loads the nnc dialect into `context`. Ops of other dialects must have been
/// loaded.
///
/// Null if the graph is wrong. The first thing wrong that was found has then
/// been given to the context's diagnostic handlers, with what was being read
/// and, as a note, where that comes from.
mlir::OwningOpRef<mlir::ModuleOp> importGraph(llvm::ArrayRef<uint8_t> bytes,
                                              llvm::StringRef name,
                                              mlir::MLIRContext *context);

/// Writes a module of the form that parseModel makes as a graph. Failure, after
/// a diagnostic, if it has another form or anything that a graph cannot hold.
llvm::FailureOr<std::vector<uint8_t>> exportGraph(mlir::ModuleOp module);

/// Writes a module of the form that parseModel makes as a program, formatted:
/// parameters that layers make are left to these, scopes of parameters become
/// functions, and what stands in one function several times is written once.
/// Failure, after a diagnostic, if anything in it has no spelling.
llvm::FailureOr<std::string> exportProgram(mlir::ModuleOp module);

/// Prints diagnostics to standard error while it lives:
///
///   mlp.nn:7:12: error: expected ')', found 'x'
///     y = relu(x x)
///                ^
///
/// A place in line 0 is the whole file; an unknown one, the main file.
class DiagnosticPrinter : public mlir::ScopedDiagnosticHandler {
public:
  DiagnosticPrinter(const llvm::SourceMgr &sources, mlir::MLIRContext *context);

private:
  void print(mlir::Diagnostic &diagnostic);
  void printLine(mlir::FileLineColLoc place);

  const llvm::SourceMgr &sources;
};

} // namespace nnc

#endif // NNC_FRONTEND_FRONTEND_H
