// Must never run: it is built for another version.
#include <nnc/compiler/passes/Plugin.h>

#include <cstdio>

static const int shout = std::puts("an initializer of a refused plugin ran");

const nnc::Plugin *nncPlugin() {
  static const nnc::Plugin plugin = {"refused", "1.0"};
  return &plugin;
}
