// Of the right version, but without nncPlugin.
#include <nnc/compiler/passes/Plugin.h>

extern "C" const char *builtFor() { return nnc::kBuiltFor; }
