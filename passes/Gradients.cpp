// Reverse accumulation. The rules are the ops' own; what concerns all of them
// is here: which ops take part, the sum over the uses of a value, and
// broadcasting.
#include "passes/Gradients.h"

#include "passes/NameOrigins.h"
#include "passes/ScanGradient.h"

#include "ir/Ops.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

/// The ops of `block` that `values` are computed from.
static llvm::DenseSet<Operation *> findProducers(ValueRange values,
                                                 Block *block) {
  llvm::DenseSet<Operation *> producers;
  SmallVector<Value> worklist(values);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (op && op->getBlock() == block && producers.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }
  return producers;
}

/// Keeps of `path.ops` those whose active results reach `results` through
/// active values alone.
static void keepWhatReaches(ValueRange results, Path &path) {
  llvm::DenseSet<Value> useful(results.begin(), results.end());
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

Path findPath(Block *block, Operation *end, ValueRange variables,
              ValueRange results) {
  llvm::DenseSet<Operation *> producers = findProducers(results, block);
  Path path;
  path.active.insert_range(variables);
  for (Operation &op : *block) {
    if (&op == end)
      break;
    if (!producers.contains(&op) || isa<StopGradientOp>(op) ||
        llvm::none_of(op.getOperands(),
                      [&](Value v) { return path.active.contains(v); }))
      continue;
    path.ops.push_back(&op);
    path.active.insert_range(llvm::make_filter_range(op.getResults(), isFloat));
  }
  keepWhatReaches(results, path);
  return path;
}

StringRef whyNoGradient(Operation *op) {
  if (isa<ScanOp>(op)) // by passes/ScanGradient.h
    return op->getParentOfType<ScanOp>()
               ? "a loop over time within another is not differentiated yet"
               : "";
  auto differentiable = dyn_cast<Differentiable>(op);
  return differentiable ? differentiable.getNoGradientReason()
                        : "no rule is known for it";
}

Value buildSplat(ImplicitLocOpBuilder &b, Value like, double value) {
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

void Gradients::add(Location loc, Value value, Value gradient) {
  ImplicitLocOpBuilder b(loc, builder);
  Expr fitted = fitToOperand(Expr(b, gradient), Expr(b, value).dims());
  Value &sum = sums[value];
  sum = sum ? Value(Expr(b, sum) + fitted) : Value(fitted);
}

LogicalResult Gradients::propagate(Operation *op, const Path &path) {
  SmallVector<Value> upstream = llvm::map_to_vector(
      op->getResults(), [&](Value result) { return lookup(result); });
  if (llvm::none_of(upstream, [](Value v) { return bool(v); }))
    return success();
  SmallVector<Value> operands(op->getOperands());
  Location own = op->getLoc(), loc = gradientLocation(op);
  FailureOr<SmallVector<Value>> downstream = failure();
  if (auto scan = dyn_cast<ScanOp>(op)) {
    FailureOr<ScanGradient> made =
        buildScanGradient(builder, scan, upstream, path);
    if (failed(made))
      return failure();
    // What was known of the loop's results holds for those of its successor.
    for (auto [result, sum] : llvm::zip_equal(made->results, upstream))
      if (sum)
        sums[result] = sum;
    downstream = std::move(made->operands);
  } else {
    // Rules build where the op is.
    op->setLoc(loc);
    downstream = cast<Differentiable>(op).buildGradient(builder, upstream);
    op->setLoc(own);
  }
  if (failed(downstream))
    return failure();
  assert(downstream->size() == operands.size() &&
         "a rule gives one gradient per operand");
  for (auto [operand, gradient] : llvm::zip_equal(operands, *downstream))
    if (gradient && path.active.contains(operand))
      add(loc, operand, gradient);
  return success();
}

LogicalResult Gradients::propagate(const Path &path) {
  for (Operation *op : llvm::reverse(path.ops))
    if (failed(propagate(op, path)))
      return failure();
  return success();
}

} // namespace nnc
