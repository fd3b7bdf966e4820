// The plugin's passes, as TableGen declares them.
#ifndef EXTRA_PASSES_H
#define EXTRA_PASSES_H

namespace extra {
void registerPasses();
} // namespace extra

#endif // EXTRA_PASSES_H
