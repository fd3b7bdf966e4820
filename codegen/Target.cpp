// The list of targets.
#include "codegen/Target.h"

#include "codegen/cpu/CpuTarget.h"
#ifdef NNC_TARGET_CUDA
#include "codegen/cuda/CudaTarget.h"
#include "codegen/sim/SimTarget.h"
#endif

#include "llvm/ADT/StringExtras.h"

using namespace nnc;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

static std::vector<const TargetFamily *> &families() {
  static std::vector<const TargetFamily *> list = {
      &cpuTargets(),
#ifdef NNC_TARGET_CUDA
      &simTargets(),
      &cudaTargets(),
#endif
  };
  return list;
}

/// What a build may leave out, and CMake's option that brings it back.
static constexpr std::pair<StringRef, StringRef> kOptional[] = {
    {"sim", "NNC_TARGET_CUDA"},
    {"cuda", "NNC_TARGET_CUDA"},
};

ArrayRef<const TargetFamily *> nnc::targetFamilies() { return families(); }

void nnc::registerTargets(const TargetFamily &family) {
  families().push_back(&family);
}

llvm::Error nnc::unknownTarget(StringRef name, ArrayRef<StringRef> known) {
  StringRef nearest =
      *llvm::min_element(known, [&](StringRef lhs, StringRef rhs) {
        return lhs.edit_distance(name) < rhs.edit_distance(name);
      });
  return llvm::createStringError(
      "unknown target '" + name + "', expected one of " +
      llvm::join(known, ", ") + "; did you mean '" + nearest + "'?");
}

static bool contains(const TargetFamily &family, StringRef name) {
  return llvm::is_contained(family.names, name) ||
         (family.isOpen && name.consume_front(family.names.front()) &&
          name.starts_with(":"));
}

llvm::Expected<std::unique_ptr<Target>>
nnc::createTarget(StringRef name, TargetOptions options) {
  SmallVector<StringRef> known;
  for (const TargetFamily *family : families()) {
    if (contains(*family, name))
      return family->create(name, options);
    llvm::append_range(known, family->names);
  }
  for (auto [leftOut, option] : kOptional)
    if (name.split(':').first == leftOut && !llvm::is_contained(known, leftOut))
      return llvm::createStringError("this build of nnc has no target '" +
                                     name + "', it has " +
                                     llvm::join(known, ", ") + "; CMake's " +
                                     option + "=ON brings it back");
  return unknownTarget(name, known);
}
