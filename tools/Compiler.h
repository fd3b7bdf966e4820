// Source in, module out: what every program that compiles models shares.
#ifndef NNC_TOOLS_COMPILER_H
#define NNC_TOOLS_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

#include <functional>
#include <string>
#include <vector>

namespace llvm {
class SourceMgr;
} // namespace llvm

namespace nnc::tools {

/// Registers every dialect and extension that compiling needs, and turns on
/// what diagnostics need.
void prepareContext(mlir::MLIRContext &context);

/// Loads plugins: their passes into MLIR's registry, their dialects into
/// `context`. The exit status; not Done after a message.
int loadPlugins(mlir::MLIRContext &context,
                const std::vector<std::string> &plugins);

/// Whether the name ends as that of a model does: .nn, .graph, .mlir, .mlirbc.
bool isModelFile(llvm::StringRef path);

/// Reads a model by its name's ending; .mlir and .mlirbc may be text or
/// bytecode. `settings` are overrides of the model's consts. Null after a
/// diagnostic.
mlir::OwningOpRef<mlir::ModuleOp>
loadModel(const std::string &path, llvm::SourceMgr &sources,
          mlir::MLIRContext *context, const std::vector<std::string> &settings);

/// As in Program.h, which belongs to the driver.
enum Exit { Done = 0, InputWrong = 1, CommandLineWrong = 2, MachineFailed = 3 };

/// Writes a file, whole or not at all: beside it first, then in its place. "-"
/// is standard output. `write` returns an exit status, and nothing is left if
/// that is not Done.
int writeOutput(const std::string &path,
                const std::function<int(llvm::raw_ostream &)> &write);

/// The exit status of a program that would end with `exit`: MachineFailed,
/// after a message, if what it printed could not be written.
int finishOutput(int exit);

/// InputWrong, after a message, if `path`, which is to be written, is the file
/// `input`; else Done.
int checkNoInput(const std::string &path, const std::string &input);

/// `nnc convert`: reads a model and writes it as the ending of `output` says.
int convert(const std::string &input, const std::string &output,
            const std::vector<std::string> &settings,
            const std::vector<std::string> &plugins);

/// `nnc inspect` of a model: parameters, inputs and ops.
int inspectModel(const std::string &path, bool asJson,
                 const std::vector<std::string> &plugins);

} // namespace nnc::tools

#endif // NNC_TOOLS_COMPILER_H
