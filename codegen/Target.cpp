// The list of targets.
#include "codegen/Target.h"

#include "codegen/cpu/CpuTarget.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/sim/SimTarget.h"

#include "llvm/ADT/StringExtras.h"

using namespace nnc;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

ArrayRef<StringRef> nnc::targetNames() {
  static const auto names = [] {
    SmallVector<StringRef> names(cpuTargetNames());
    llvm::append_range(names, simTargetNames());
    names.push_back("cuda");
    return names;
  }();
  return names;
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

llvm::Expected<std::unique_ptr<Target>>
nnc::createTarget(StringRef name, bool reference, bool allowTf32) {
  if (isCudaTarget(name))
    return createCudaTarget(name, reference, allowTf32);
  if (llvm::is_contained(simTargetNames(), name))
    return createSimTarget(name, reference);
  if (!llvm::is_contained(cpuTargetNames(), name))
    return unknownTarget(name, targetNames());
  llvm::Expected<CpuModel> model = findCpuModel(name);
  if (!model)
    return model.takeError();
  return createCpuTarget(std::move(*model), reference);
}
