// Replaces nnc.gradient by the ops that compute it (passes/Gradients.h).
#include "passes/EntryPoints.h"
#include "passes/ExpandComposites.h"
#include "passes/Gradients.h"
#include "passes/Passes.h"
#include "passes/ScanGradient.h"

#include "ir/Expr.h"
#include "ir/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_DIFFERENTIATEPASS
#include "passes/Passes.h.inc"

namespace {

/// Remembers what was built, so that what no gradient needed can go again.
struct BuiltOps : OpBuilder::Listener {
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    ops.push_back(op);
  }
  SmallVector<Operation *> ops;
};

} // namespace

static Path findPath(GradientOp gradient) {
  return findPath(gradient->getBlock(), gradient, gradient.getVariables(),
                  gradient.getLoss());
}

/// The ops of `path` and of the paths through the steps of loops on it.
static SmallVector<Operation *> withOpsOfSteps(const Path &path) {
  SmallVector<Operation *> ops;
  for (Operation *op : path.ops) {
    ops.push_back(op);
    if (auto scan = dyn_cast<ScanOp>(op))
      llvm::append_range(ops, withOpsOfSteps(findPathInStep(scan, path)));
  }
  return ops;
}

/// The path of `gradient` once every op on it that is defined by others alone
/// has been expanded.
static FailureOr<Path> expandPath(GradientOp gradient, bool training) {
  for (unsigned depth = 0; depth < kMaxExpansionDepth; ++depth) {
    Path path = findPath(gradient);
    bool changed = false;
    SmallVector<Operation *> ops = withOpsOfSteps(path);
    for (Operation *op : ops) {
      auto composite = dyn_cast<Composite>(op);
      if (!composite || isa<Differentiable>(op))
        continue;
      if (failed(expandComposite(composite, training)))
        return failure();
      changed = true;
    }
    if (!changed)
      return path;
  }
  return gradient.emitOpError("the loss expands without end");
}

/// Reports every op of `path`, and of the loops on it, that has no gradient,
/// each at its own place.
static LogicalResult checkRules(GradientOp gradient, const Path &path) {
  bool complete = true;
  for (Operation *op : path.ops) {
    if (auto scan = dyn_cast<ScanOp>(op))
      complete &= succeeded(checkRules(gradient, findPathInStep(scan, path)));
    StringRef reason = whyNoGradient(op);
    if (reason.empty())
      continue;
    complete = false;
    InFlightDiagnostic diagnostic = mlir::emitError(op->getLoc())
                                    << '\'' << op->getName().stripDialect()
                                    << "' has no gradient: " << reason;
    diagnostic.attachNote(gradient.getLoss().getLoc())
        << "the loss depends on parameters through it; stop_gradient(...) "
           "would leave it out of training";
  }
  return success(complete);
}

static void eraseUnused(const BuiltOps &built) {
  for (Operation *op : llvm::reverse(built.ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

/// Warns that `wrt` gets no gradient. A loss of many parts may well leave a
/// parameter out on purpose (stop_gradient), so this is no error.
static void warnZeroGradient(GradientOp gradient, Value wrt) {
  InFlightDiagnostic diagnostic = mlir::emitWarning(wrt.getLoc());
  if (auto read = wrt.getDefiningOp<ReadOp>())
    diagnostic << "parameter '" << read.getParameter() << "' is not trained: ";
  else
    diagnostic << "this gradient is zero: ";
  diagnostic << "the loss does not depend on it";
  diagnostic.attachNote(gradient.getLoss().getLoc()) << "loss computed here";
}

/// Removes `gradient` from the updates that use it, with its parameter.
static void leaveOutOfUpdates(Value gradient) {
  for (OpOperand &use : llvm::make_early_inc_range(gradient.getUses())) {
    auto optimize = dyn_cast<OptimizeOp>(use.getOwner());
    if (!optimize)
      continue;
    unsigned index = use.getOperandNumber();
    SmallVector<Attribute> parameters(optimize.getParameters().getValue());
    parameters.erase(parameters.begin() + index);
    optimize.setParametersAttr(
        ArrayAttr::get(optimize.getContext(), parameters));
    optimize->eraseOperand(index);
  }
}

/// Puts the gradients that were found in place of `gradient`'s results. A
/// parameter without one leaves the update, and so keeps its value whatever the
/// optimizer would do with a zero.
static void replaceResults(GradientOp gradient, const Gradients &gradients,
                           OpBuilder &builder) {
  for (auto [wrt, result] :
       llvm::zip_equal(gradient.getVariables(), gradient.getGradients())) {
    Value value = gradients.lookup(wrt);
    if (!value) {
      warnZeroGradient(gradient, wrt);
      leaveOutOfUpdates(result);
      if (result.use_empty())
        continue;
      ImplicitLocOpBuilder b(gradient.getLoc(), builder);
      value = buildSplat(b, wrt, 0.0);
    }
    result.replaceAllUsesWith(value);
  }
}

static LogicalResult differentiate(GradientOp gradient, bool training) {
  FailureOr<Path> path = expandPath(gradient, training);
  if (failed(path) || failed(checkRules(gradient, *path)))
    return failure();

  BuiltOps built;
  OpBuilder builder(gradient->getContext(), &built);
  builder.setInsertionPoint(gradient);
  Gradients gradients(builder);
  ImplicitLocOpBuilder b(gradient.getLoss().getLoc(), builder);
  gradients.add(b.getLoc(), gradient.getLoss(),
                buildSplat(b, gradient.getLoss(), 1.0));
  if (failed(gradients.propagate(*path)))
    return failure();
  replaceResults(gradient, gradients, builder);
  gradient.erase();
  eraseUnused(built);
  return success();
}

namespace {
struct DifferentiatePass : impl::DifferentiatePassBase<DifferentiatePass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    bool training = function->hasAttr(kTrainingAttr);
    SmallVector<GradientOp> gradients;
    function.walk([&](GradientOp op) { gradients.push_back(op); });
    // All of them, so that one run reports what every loss lacks.
    bool complete = true;
    for (GradientOp gradient : gradients)
      complete &= succeeded(differentiate(gradient, training));
    if (!complete)
      signalPassFailure();
  }
};
} // namespace

} // namespace nnc
