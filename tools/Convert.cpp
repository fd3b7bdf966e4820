// nnc convert: a model as written, from one file format to another.
#include "tools/Compiler.h"

#include "frontend/Frontend.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace nnc::tools {

static int writeGraph(ModuleOp module, llvm::raw_ostream &os) {
  FailureOr<std::vector<uint8_t>> bytes = exportGraph(module);
  if (failed(bytes))
    return InputWrong;
  os.write(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  return Done;
}

static int writeProgram(ModuleOp module, llvm::raw_ostream &os) {
  FailureOr<std::string> text = exportProgram(module);
  if (failed(text))
    return InputWrong;
  os << *text;
  return Done;
}

// With locations: a message about the model then names the source that it was
// written in.
static int writeText(ModuleOp module, llvm::raw_ostream &os) {
  OpPrintingFlags flags;
  flags.enableDebugInfo();
  module.print(os, flags);
  return Done;
}

static int writeBytecode(ModuleOp module, llvm::raw_ostream &os) {
  BytecodeWriterConfig config("nnc " NNC_TOOLS_VERSION);
  return failed(writeBytecodeToFile(module, os, config)) ? InputWrong : Done;
}

namespace {
struct Format {
  llvm::StringRef ending;
  int (*write)(ModuleOp, llvm::raw_ostream &);
};
} // namespace

static constexpr Format formats[] = {{".nn", writeProgram},
                                     {".graph", writeGraph},
                                     {".mlir", writeText},
                                     {".mlirbc", writeBytecode}};

int convert(const std::string &input, const std::string &output,
            const std::vector<std::string> &settings,
            const std::vector<std::string> &plugins) {
  const Format *format = llvm::find_if(formats, [&](const Format &known) {
    return StringRef(output).ends_with(known.ending);
  });
  if (format == std::end(formats)) {
    llvm::errs() << output
                 << ": error: expected a name that ends in .nn, .graph, .mlir "
                    "or .mlirbc\n";
    return CommandLineWrong;
  }
  MLIRContext context;
  prepareContext(context);
  if (int exit = loadPlugins(context, plugins))
    return exit;
  llvm::SourceMgr sources;
  DiagnosticPrinter printer(sources, &context);
  OwningOpRef<ModuleOp> module = loadModel(input, sources, &context, settings);
  if (!module)
    return InputWrong;
  if (!takeBuckets(*module).empty())
    emitWarning(module->getLoc())
        << "the buckets are left out: they are about constants, which are "
           "numbers from here on";
  return writeOutput(output, [&](llvm::raw_ostream &os) {
    return format->write(*module, os);
  });
}

} // namespace nnc::tools
