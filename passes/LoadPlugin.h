// Loading plugins (passes/Plugin.h) into a program.
#ifndef NNC_PASSES_LOADPLUGIN_H
#define NNC_PASSES_LOADPLUGIN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nnc {

/// Loads the shared library at `path`, registers its passes and adds its
/// dialects to `registry`. The library is never unloaded. A file that is no
/// plugin, or one built for another version, is an error, and none of its code
/// has run.
llvm::Error loadPlugin(llvm::StringRef path, mlir::DialectRegistry &registry);

/// Loads what `--load-pass-plugin` names in a command line, and takes it from
/// there. For programs whose `main` is MLIR's, whose own option of that name
/// comes too late: passes would not be flags, and it knows no versions.
llvm::Error loadPluginsOf(std::vector<char *> &words,
                          mlir::DialectRegistry &registry);

} // namespace nnc

#endif // NNC_PASSES_LOADPLUGIN_H
