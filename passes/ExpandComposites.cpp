// Replaces composite ops by their definitions, until primitives remain.
#include "passes/ExpandComposites.h"
#include "passes/EntryPoints.h"
#include "passes/Passes.h"

#include "ir/Ops.h"
#include "ir/Shapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {
#define GEN_PASS_DEF_EXPANDCOMPOSITESPASS
#include "passes/Passes.h.inc"

namespace {
struct InsertionRecord : OpBuilder::Listener {
  explicit InsertionRecord(SmallVectorImpl<Operation *> *ops) : ops(ops) {}
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override {
    if (ops)
      ops->push_back(op);
  }
  SmallVectorImpl<Operation *> *ops;
};
} // namespace

/// Whether the updates of state are to happen: in a training step, and not
/// where only its gradients are asked for.
static bool updatesState(func::FuncOp function) {
  return function && function->hasAttr(kTrainingAttr) &&
         !function->hasAttr(kStateStaysAttr);
}

/// The read that a value comes from, into the step of a loop too, and where the
/// model computes in another type than it keeps.
static ReadOp readOf(Value value) {
  for (;;) {
    if (auto cast = value.getDefiningOp<CastOp>()) {
      value = cast.getX();
      continue;
    }
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument)
      return value.getDefiningOp<ReadOp>();
    auto scan = dyn_cast<ScanOp>(argument.getOwner()->getParentOp());
    if (!scan)
      return {};
    value = scan->getOperand(argument.getArgNumber());
  }
}

/// `value` in the type that it is kept or computed in.
static Value convert(Value value, Type type, OpBuilder &b) {
  if (value.getType() == type)
    return value;
  auto cast = value.getDefiningOp<CastOp>();
  if (cast && cast.getX().getType() == type)
    return cast.getX();
  return CastOp::create(b, value.getLoc(), value,
                        TypeAttr::get(getElementTypeOrSelf(type)));
}

/// Says what `site` is to update, which is no buffer: the parameter that `read`
/// reads, or, where that is null, a value.
static LogicalResult refuseState(OpSite site, ReadOp read,
                                 ParameterOp parameter) {
  if (!parameter)
    return site.error()
           << "updates state that is no buffer; it must be read from one";
  InFlightDiagnostic diagnostic =
      site.error() << "updates '" << read.getParameter()
                   << "', which is no buffer; a layer makes one where the "
                      "operand is left out";
  diagnostic.attachNote(parameter.getLoc()) << "it is declared here";
  return diagnostic;
}

/// The ops that compute `value` of `state`, in order.
static SmallVector<Operation *> findBetween(Value state, Value value) {
  Operation *last = value.getDefiningOp();
  llvm::SetVector<Operation *> dependent, needed;
  SmallVector<Value> values = {state};
  while (last && !values.empty())
    for (Operation *user : values.pop_back_val().getUsers())
      if (user->getBlock() == last->getBlock() && dependent.insert(user))
        llvm::append_range(values, user->getResults());
  SmallVector<Operation *> ops = {last};
  while (!ops.empty()) {
    Operation *op = ops.pop_back_val();
    if (!op || !dependent.contains(op) || !needed.insert(op))
      continue;
    for (Value operand : op->getOperands())
      ops.push_back(operand.getDefiningOp());
  }
  SmallVector<Operation *> between = needed.takeVector();
  llvm::sort(between,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return between;
}

/// `value`, which is computed of `state`, computed of `instead`; `value` itself
/// where it does not depend on the state.
static Value computeOf(Value value, Value state, Value instead, OpBuilder &b) {
  SmallVector<Operation *> between = findBetween(state, value);
  if (between.empty())
    return value;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(between.back());
  IRMapping mapping;
  mapping.map(state, instead);
  for (Operation *op : between)
    b.clone(*op, mapping);
  return mapping.lookup(value);
}

/// Has `assign`, of an update that a call of the same layer has made, assign
/// what both make of the state, in the order of the calls. False where one of
/// them does not go by what was there before.
static bool joinUpdates(AssignOp assign, Composite composite,
                        const StateUpdate &update, OpBuilder &b) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(assign);
  Value others = convert(assign.getValue(), update.state.getType(), b);
  Operation *other = others.getDefiningOp();
  while (auto cast = dyn_cast_or_null<CastOp>(other))
    other = cast.getX().getDefiningOp();
  bool isLater = other && other->isBeforeInBlock(composite);
  Value first = isLater ? others : update.value;
  Value second = isLater ? update.value : others;
  Value joined = computeOf(second, update.state, first, b);
  b.setInsertionPoint(assign);
  assign.getValueMutable().assign(
      convert(joined, assign.getValue().getType(), b));
  return joined != second;
}

/// Has `function` assign the updates when it ends. A training step reads state
/// before it assigns any, so that of two updates of one buffer the second is
/// computed of what the first makes.
static LogicalResult applyUpdates(Composite composite,
                                  ArrayRef<StateUpdate> updates,
                                  func::FuncOp function, OpBuilder &b) {
  OpSite site(composite.getLoc(), composite->getName().stripDialect());
  if (auto described = dyn_cast<Described>(composite.getOperation()))
    site.name = described.getSignature().name;
  SymbolTableCollection symbols;
  for (const StateUpdate &update : updates) {
    ReadOp read = readOf(update.state);
    auto buffer = read ? symbols.lookupNearestSymbolFrom<ParameterOp>(
                             read, read.getParameterAttr())
                       : ParameterOp();
    if (!buffer || buffer.getRole() != Role::buffer)
      return refuseState(site, read, buffer);
    if (buffer.isFrozen())
      continue;
    if (composite->getBlock() != &function.front())
      return site.error() << "updates '" << read.getParameter()
                          << "' in the step of a loop; state is updated once "
                             "a training step, or not at all where it is "
                             "frozen";
    auto assigns = function.getOps<AssignOp>();
    auto before = llvm::find_if(assigns, [&](AssignOp assign) {
      return assign.getParameterAttr() == read.getParameterAttr();
    });
    if (before != assigns.end()) {
      if (joinUpdates(*before, composite, update, b))
        continue;
      InFlightDiagnostic diagnostic = site.error()
                                      << "updates '" << read.getParameter()
                                      << "', which is updated already";
      diagnostic.attachNote((*before).getLoc()) << "the first update is here";
      return diagnostic;
    }
    OpBuilder atEnd(function.front().getTerminator());
    AssignOp::create(atEnd, composite.getLoc(), read.getParameterAttr(),
                     convert(update.value, read.getType(), atEnd));
  }
  return success();
}

LogicalResult expandComposite(Composite composite, bool training,
                              SmallVectorImpl<Operation *> *inserted) {
  InsertionRecord record(inserted);
  OpBuilder builder(composite->getContext(), &record);
  builder.setInsertionPoint(composite);
  FailureOr<Expansion> expansion = composite.buildExpansion(builder, training);
  if (failed(expansion))
    return failure();
  ArrayRef<Value> values = expansion->values;
  if (values.size() != composite->getNumResults())
    return composite->emitOpError("expands to ")
           << values.size() << " values, but has " << composite->getNumResults()
           << " results";
  for (auto [result, value] : llvm::zip_equal(composite->getResults(), values))
    if (result.getType() != value.getType())
      return composite->emitOpError("expands to ")
             << value.getType() << ", but its result is " << result.getType();
  auto function = composite->getParentOfType<func::FuncOp>();
  if (updatesState(function) &&
      failed(applyUpdates(composite, expansion->updates, function, builder)))
    return failure();
  composite->replaceAllUsesWith(values);
  composite->erase();
  return success();
}

/// Expands `op` and what it expands to, but for what `stays`.
static LogicalResult expandFully(Operation *op, bool training,
                                 function_ref<bool(Operation *)> stays,
                                 unsigned depth) {
  auto composite = dyn_cast<Composite>(op);
  if (!composite || stays(op))
    return success();
  if (depth == kMaxExpansionDepth)
    return op->emitOpError("is still composite after ")
           << depth << " expansions: its definition leads back to itself";
  SmallVector<Operation *> inserted;
  if (failed(expandComposite(composite, training, &inserted)))
    return failure();
  // A definition may hold a loop, whose step is built of composites too.
  SmallVector<Operation *> definitions;
  for (Operation *definition : inserted)
    definition->walk([&](Operation *part) { definitions.push_back(part); });
  for (Operation *definition : definitions)
    if (failed(expandFully(definition, training, stays, depth + 1)))
      return failure();
  return success();
}

LogicalResult expandWithoutGradient(Block &block, bool training) {
  for (unsigned depth = 0; depth < kMaxExpansionDepth; ++depth) {
    SmallVector<Composite> composites;
    for (Operation &op : block)
      if (auto composite = dyn_cast<Composite>(op))
        if (!isa<Differentiable>(op))
          composites.push_back(composite);
    if (composites.empty())
      return success();
    for (Composite composite : composites)
      if (failed(expandComposite(composite, training)))
        return failure();
  }
  return block.getParentOp()->emitOpError("holds what expands without end");
}

LogicalResult expandFully(Operation *op, bool training,
                          function_ref<bool(Operation *)> stays) {
  return expandFully(op, training, stays, 0);
}

bool isAttentionKernel(Operation *op) {
  return isa<AttendOp, AttendGradientOp>(op);
}

/// Whether the heads of queries, keys and values have at most `bytes` bytes;
/// those of 16 bits, at most `elements` elements, in whole matrices of tensor
/// cores.
template <typename Op>
static bool hasHeadsUpTo(Op op, int64_t bytes, int64_t elements) {
  constexpr int64_t kMatrix = 16;
  Value tensors[] = {op.getQ(), op.getK(), op.getV()};
  return llvm::all_of(tensors, [&](Value tensor) {
    if (!tensor)
      return true;
    auto type = cast<RankedTensorType>(tensor.getType());
    int64_t bits = type.getElementTypeBitWidth(), size = type.getShape().back();
    return bits < 32 ? size % kMatrix == 0 && size <= elements
                     : size * bits / 8 <= bytes;
  });
}

static bool hasHeadsUpTo(Operation *op, int64_t bytes, int64_t elements) {
  if (auto attend = dyn_cast<AttendOp>(op))
    return hasHeadsUpTo(attend, bytes, elements);
  return hasHeadsUpTo(cast<AttendGradientOp>(op), bytes, elements);
}

namespace {
struct ExpandCompositesPass
    : impl::ExpandCompositesPassBase<ExpandCompositesPass> {
  using ExpandCompositesPassBase::ExpandCompositesPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    bool training = function->hasAttr(kTrainingAttr);
    SmallVector<Operation *> ops;
    function.walk([&](Operation *op) { ops.push_back(op); });
    auto stays = [&](Operation *op) {
      return attention && isAttentionKernel(op) &&
             (!largestHead || hasHeadsUpTo(op, largestHead, largestHalfHead));
    };
    for (Operation *op : ops) {
      if (failed(expandFully(op, training, stays)))
        return signalPassFailure();
    }
    function.walk([](StopGradientOp op) {
      op.replaceAllUsesWith(op.getX());
      op.erase();
    });
  }
};
} // namespace

} // namespace nnc
