// What nnc asks the library for.
#include "Ops.h"
#include "Passes.h"

#include <nnc/compiler/passes/Plugin.h>

static void registerDialects(mlir::DialectRegistry &registry) {
  registry.insert<extra::ExtraDialect>();
}

const nnc::Plugin *nncPlugin() {
  static const nnc::Plugin plugin = {"nnc-extra", "1.0", extra::registerPasses,
                                     registerDialects};
  return &plugin;
}
