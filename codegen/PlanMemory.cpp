// One arena an entry point, with constant offsets at the largest batch; state
// in one region that all entry points share.
#include "codegen/PlanMemory.h"

#include "codegen/ConstantPool.h"
#include "codegen/EntryPlanner.h"
#include "codegen/Reference.h"
#include "ir/Ops.h"
#include "runtime/abi.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace nnc;

static void placeState(ModuleOp module, MemoryPlan &plan) {
  for (auto parameter : module.getOps<ParameterOp>()) {
    plan.stateOffsetsBytes[parameter.getSymName()] = plan.stateBytes;
    Extent size = sizeBytes(cast<RankedTensorType>(parameter.getType()));
    plan.stateBytes += llvm::alignTo(size.constant, NNC_ALIGNMENT_BYTES);
  }
}

FailureOr<MemoryPlan> nnc::planMemory(ModuleOp module, const Schedule &schedule,
                                      int64_t maxBatch) {
  MemoryPlan plan;
  plan.maxBatch = maxBatch;
  placeState(module, plan);
  ConstantPool constants(plan.constants);
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isPrivate())
      continue;
    FailureOr<PlannedEntryPoint> entry =
        EntryPlanner(function, schedule, plan, constants).run();
    if (failed(entry))
      return failure();
    plan.entryPoints.push_back(std::move(*entry));
  }
  return plan;
}

int64_t MemoryPlan::peakBytes() const {
  int64_t largest = 0;
  for (const PlannedEntryPoint &entry : entryPoints)
    largest = std::max(largest, entry.arenaBytes);
  return stateBytes + largest;
}
