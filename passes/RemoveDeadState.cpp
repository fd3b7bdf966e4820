// Removes parameters that no function reads, with their assignments.
#include "passes/EntryPoints.h"
#include "passes/Passes.h"

#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_REMOVEDEADSTATEPASS
#include "passes/Passes.h.inc"

/// Erases `op` and the ops before it that only it used.
static void eraseWithOperands(Operation *op) {
  llvm::SetVector<Operation *> worklist;
  auto eraseAndVisitOperands = [&](Operation *dead) {
    for (Value operand : dead->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        worklist.insert(producer);
    worklist.remove(dead);
    dead->erase();
  };
  eraseAndVisitOperands(op);
  while (!worklist.empty()) {
    Operation *candidate = worklist.pop_back_val();
    if (isOpTriviallyDead(candidate))
      eraseAndVisitOperands(candidate);
  }
}

namespace {
struct RemoveDeadStatePass
    : impl::RemoveDeadStatePassBase<RemoveDeadStatePass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::DenseSet<StringRef> read;
    SmallVector<AssignOp> assigns;
    module.walk([&](Operation *op) {
      if (auto readOp = dyn_cast<ReadOp>(op))
        read.insert(readOp.getParameter());
      else if (auto assign = dyn_cast<AssignOp>(op))
        assigns.push_back(assign);
    });

    // What has an average, or is read rounded, is saved by its name.
    for (auto parameter : module.getOps<ParameterOp>())
      for (StringRef name : {kAverageOfAttr, kRoundedFromAttr})
        if (auto of = parameter->getAttrOfType<FlatSymbolRefAttr>(name))
          read.insert(of.getValue());

    llvm::DenseSet<StringRef> dead;
    for (auto parameter : module.getOps<ParameterOp>())
      if (parameter.getRole() != Role::scalar &&
          parameter.getRole() != Role::generation &&
          !read.contains(parameter.getSymName()))
        dead.insert(parameter.getSymName());

    for (AssignOp assign : assigns)
      if (dead.contains(assign.getParameter()))
        eraseWithOperands(assign);
    for (auto parameter :
         llvm::make_early_inc_range(module.getOps<ParameterOp>()))
      if (dead.contains(parameter.getSymName()))
        parameter.erase();
  }
};
} // namespace

} // namespace nnc
