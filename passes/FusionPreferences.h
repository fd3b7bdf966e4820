// What a target would have of the passes that fuse.
#ifndef NNC_PASSES_FUSIONPREFERENCES_H
#define NNC_PASSES_FUSIONPREFERENCES_H

namespace nnc {

struct FusionPreferences {
  /// Gather the updates of all parameters into one kernel (nnc-fuse-updates).
  bool groupUpdates = false;
  /// Merge kernels whose samples have a space of rows and columns each.
  bool samples = false;
  /// Keep attention whole: there are kernels for it, which have no scores in
  /// memory.
  bool attention = false;
};

} // namespace nnc

#endif // NNC_PASSES_FUSIONPREFERENCES_H
