// See JoinedPhases.h.
#include "codegen/cuda/JoinedPhases.h"

#include "codegen/KernelForms.h"

#include <set>

using namespace mlir;
using namespace nnc;

int64_t nnc::threadsOf(func::FuncOp phase) {
  return phase->getAttrOfType<IntegerAttr>("nnc.threads").getInt();
}

int64_t nnc::bytesOf(Type element) {
  return (element.getIntOrFloatBitWidth() + 7) / 8;
}

Extent nnc::plus(Extent lhs, Extent rhs) {
  return {lhs.constant + rhs.constant, lhs.perBatch + rhs.perBatch, 1};
}

std::string nnc::freeName(ModuleOp phases, StringRef stem) {
  std::string name = stem.str();
  for (unsigned number = 1; phases.lookupSymbol(name); ++number)
    name = stem.str() + "_" + std::to_string(number);
  return name;
}

void nnc::shareEqual(PlannedLaunch &launch, SmallVectorImpl<func::FuncOp> &made,
                     ModuleOp phases) {
  auto function = phases.lookupSymbol<func::FuncOp>(launch.phase);
  for (func::FuncOp other : made)
    if (areEqual(function, other) && threadsOf(function) == threadsOf(other)) {
      launch.phase = other.getName().str();
      function.erase();
      return;
    }
  made.push_back(function);
}

void nnc::eraseUnused(const MemoryPlan &plan, ArrayRef<std::string> replaced,
                      ModuleOp phases) {
  std::set<std::string> used;
  for (const PlannedEntryPoint &entry : plan.entryPoints)
    for (const PlannedCommand &command : entry.commands)
      if (auto *launch = std::get_if<PlannedLaunch>(&command))
        used.insert(launch->phase);
  for (const std::string &name : replaced)
    if (!used.count(name))
      if (Operation *phase = phases.lookupSymbol(name))
        phase->erase();
}
