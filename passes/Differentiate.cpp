// Reverse accumulation: replaces nnc.gradient by the ops that compute it. The
// rules are the ops' own; what concerns all of them is here: which ops take
// part, the sum over the uses of a value, and broadcasting.
#include "passes/EntryPoints.h"
#include "passes/ExpandComposites.h"
#include "passes/Passes.h"

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

/// The ops through which a loss depends on the values asked about.
struct Path {
  /// In program order.
  SmallVector<Operation *> ops;
  /// The values that vary smoothly with a value asked about.
  llvm::DenseSet<Value> active;
};

} // namespace

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

/// The ops of `block` that `value` is computed from.
static llvm::DenseSet<Operation *> findProducers(Value value, Block *block) {
  llvm::DenseSet<Operation *> producers;
  SmallVector<Value> worklist = {value};
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (op && op->getBlock() == block && producers.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }
  return producers;
}

/// Keeps of `path.ops` those whose active results reach `loss` through active
/// values alone.
static void keepWhatReaches(Value loss, Path &path) {
  llvm::DenseSet<Value> useful = {loss};
  auto isUseful = [&](Value value) {
    return path.active.contains(value) && useful.contains(value);
  };
  SmallVector<Operation *> kept;
  for (Operation *op : llvm::reverse(path.ops)) {
    if (llvm::none_of(op->getResults(), isUseful))
      continue;
    kept.push_back(op);
    for (Value operand : op->getOperands())
      if (path.active.contains(operand))
        useful.insert(operand);
  }
  path.ops.assign(kept.rbegin(), kept.rend());
}

static Path findPath(GradientOp gradient) {
  Block *block = gradient->getBlock();
  llvm::DenseSet<Operation *> producers =
      findProducers(gradient.getLoss(), block);

  Path path;
  path.active.insert_range(gradient.getVariables());
  for (Operation &op : *block) {
    if (&op == gradient)
      break;
    if (!producers.contains(&op) || isa<StopGradientOp>(op) ||
        llvm::none_of(op.getOperands(),
                      [&](Value v) { return path.active.contains(v); }))
      continue;
    path.ops.push_back(&op);
    path.active.insert_range(llvm::make_filter_range(op.getResults(), isFloat));
  }
  keepWhatReaches(gradient.getLoss(), path);
  return path;
}

/// The path of `gradient` once every op on it that is defined by others alone
/// has been expanded.
static FailureOr<Path> expandPath(GradientOp gradient, bool training) {
  for (unsigned depth = 0; depth < kMaxExpansionDepth; ++depth) {
    Path path = findPath(gradient);
    bool changed = false;
    for (Operation *op : path.ops) {
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

/// Reports every op of `path` that has no gradient, each at its own place.
static LogicalResult checkRules(GradientOp gradient, const Path &path) {
  bool complete = true;
  for (Operation *op : path.ops) {
    auto differentiable = dyn_cast<Differentiable>(op);
    StringRef reason = "no rule is known for it";
    if (differentiable)
      reason = differentiable.getNoGradientReason();
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

/// A tensor of `like`'s type that holds `value` everywhere.
static Value buildSplat(ImplicitLocOpBuilder &b, Value like, double value) {
  Expr scalar = constant(b, value, getElementTypeOrSelf(like.getType()));
  return broadcastLike(scalar, Expr(b, like));
}

/// `gradient`, which has the shape of an op's result, in the shape `dims` of
/// one of the op's operands: summed over the dimensions that broadcasting
/// stretched or put in front, and stretched where the rule left that out.
static Expr fitToOperand(Expr gradient, ArrayRef<int64_t> dims) {
  int64_t numLeading = gradient.rank() - int64_t(dims.size());
  SmallVector<int64_t> summed, kept;
  for (int64_t axis = 0; axis < gradient.rank(); ++axis) {
    int64_t size = gradient.dim(axis);
    if (axis < numLeading) {
      summed.push_back(axis);
      continue;
    }
    bool isStretched = dims[axis - numLeading] == 1 && size != 1;
    if (isStretched)
      summed.push_back(axis);
    kept.push_back(isStretched ? 1 : size);
  }
  // No axes would mean all of them.
  if (!summed.empty())
    gradient = reshape(sum(gradient, summed), kept);
  return broadcast(gradient, dims);
}

namespace {

/// The gradient of one loss for each value, as far as it is known.
class Gradients {
public:
  Gradients(OpBuilder &builder, Value loss) : builder(builder) {
    ImplicitLocOpBuilder b(loss.getLoc(), builder);
    sums[loss] = buildSplat(b, loss, 1.0);
  }

  /// Null where it is zero.
  Value lookup(Value value) const { return sums.lookup(value); }

  /// Adds what `op` passes on to its active operands.
  LogicalResult propagate(Operation *op, const Path &path) {
    SmallVector<Value> upstream = llvm::map_to_vector(
        op->getResults(), [&](Value result) { return lookup(result); });
    if (llvm::none_of(upstream, [](Value v) { return bool(v); }))
      return success();
    FailureOr<SmallVector<Value>> downstream =
        llvm::cast<Differentiable>(op).buildGradient(builder, upstream);
    if (failed(downstream))
      return failure();
    assert(downstream->size() == op->getNumOperands() &&
           "a rule gives one gradient per operand");
    for (auto [operand, gradient] :
         llvm::zip_equal(op->getOperands(), *downstream))
      if (gradient && path.active.contains(operand))
        add(op->getLoc(), operand, gradient);
    return success();
  }

private:
  void add(Location loc, Value value, Value gradient) {
    ImplicitLocOpBuilder b(loc, builder);
    Expr fitted = fitToOperand(Expr(b, gradient), Expr(b, value).dims());
    Value &sum = sums[value];
    sum = sum ? Value(Expr(b, sum) + fitted) : Value(fitted);
  }

  OpBuilder &builder;
  llvm::DenseMap<Value, Value> sums;
};

} // namespace

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
  Gradients gradients(builder, gradient.getLoss());
  for (Operation *op : llvm::reverse(path->ops))
    if (failed(gradients.propagate(op, *path)))
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
