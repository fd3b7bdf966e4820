// What a plugin is to nnc: a shared library with one function, nncPlugin, that
// says what it brings. docs/adding-a-pass.md and docs/adding-an-op.md are the
// tutorials.
//
// A plugin may hook into
//   passes     of any kind, registered with MLIR's registry: `nnc compile
//              --pass-at STAGE=PIPELINE` and nnc-opt run them by name;
//   dialects   whose ops derive from the base classes of ir/Dialect.td: models
//              call them as `dialect.op(...)`, and they are differentiated,
//              expanded, fused and lowered by what their records say.
//
// Unlike nnc.h, this interface follows MLIR's version and nnc's: a plugin is
// built for one pair of them, and refused by any other.
#ifndef NNC_PASSES_PLUGIN_H
#define NNC_PASSES_PLUGIN_H

#include "ir/Version.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace nnc {

/// What a plugin tells of itself. It lives as long as the library is loaded,
/// which is until the program ends.
struct Plugin {
  const char *name;
  const char *version; ///< The plugin's own.
  /// Registers passes and pipelines with MLIR; null: it has none. Called once.
  void (*registerPasses)() = nullptr;
  /// Adds dialects and extensions; null: it has none. Called once.
  void (*registerDialects)(mlir::DialectRegistry &) = nullptr;
  /// Not to be set: what the plugin is compiled for.
  const char *builtFor = kBuiltFor;
};

} // namespace nnc

/// The plugin defines it.
extern "C" __attribute__((visibility("default"))) const nnc::Plugin *
nncPlugin();

#endif // NNC_PASSES_PLUGIN_H
