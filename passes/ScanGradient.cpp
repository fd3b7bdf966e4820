// Reverse accumulation through a loop over time. A step's gradient is built
// beside a copy of the step; then it is decided what of the step is kept, what
// is computed anew, and which sums over steps leave the loop.
#include "passes/ScanGradient.h"

#include "passes/Scans.h"

#include "ir/Expr.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {

static bool isFloat(Value value) {
  return isa<FloatType>(getElementTypeOrSelf(value.getType()));
}

/// The arguments of a step that vary smoothly with what the path is about: what
/// is carried may, and what is given to the loop does if its operand does.
static SmallVector<Value> findVariables(ScanOp scan, const Path &path) {
  SmallVector<Value> variables;
  for (auto [operand, argument] :
       llvm::zip_equal(scan->getOperands(), scan.getBody().getArguments())) {
    bool isCarried = argument.getArgNumber() < unsigned(scan.getNumCarried());
    if (isFloat(argument) && (isCarried || path.active.contains(operand)))
      variables.push_back(argument);
  }
  return variables;
}

Path findPathInStep(ScanOp scan, const Path &path) {
  return findPath(&scan.getBody().front(), nullptr, findVariables(scan, path),
                  scan.getYield().getValues());
}

//===----------------------------------------------------------------------===//
// Sums over the steps
//===----------------------------------------------------------------------===//

/// Whether `op` gives, of a sum over steps, the sum of what it gives of each
/// step, and has one operand.
static bool isLinear(Operation *op) {
  if (auto pad = dyn_cast<PadOp>(op))
    return pad.getValue().isZero();
  return isa<NegOp, ReshapeOp, TransposeOp, SliceOp, BroadcastOp>(op);
}

/// A product of matrices of which each step's adds to one that no step reads.
static bool isSummedProduct(Operation *op) {
  auto product = dyn_cast<MatmulOp>(op);
  return product && product.getY().getType().getRank() == 2 &&
         product.getLhs().getType().getRank() ==
             product.getRhs().getType().getRank();
}

/// Whether a value of each step can be summed over all steps outside of the
/// loop, as one product or one sum for all; what must be kept of each step for
/// that is added to `kept`. `isOfStep` tells what differs from step to step.
static bool canSumOutside(Value value, llvm::function_ref<bool(Value)> isOfStep,
                          llvm::SetVector<Value> &kept) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return false;
  if (auto add = dyn_cast<AddOp>(op))
    return add.getLhs().getType() == add.getRhs().getType() &&
           canSumOutside(add.getLhs(), isOfStep, kept) &&
           canSumOutside(add.getRhs(), isOfStep, kept);
  if (isSummedProduct(op) || isa<SumOp>(op)) {
    if (!llvm::all_of(op->getOperands(), isOfStep))
      return false;
    kept.insert(op->operand_begin(), op->operand_end());
    return true;
  }
  return isLinear(op) && op->getNumOperands() == 1 &&
         canSumOutside(op->getOperand(0), isOfStep, kept);
}

/// The sum of what canSumOutside takes; `stacked` gives the tensor of a value
/// of all steps.
static Expr sumOutside(ImplicitLocOpBuilder &b, Value value,
                       llvm::function_ref<Value(Value)> stacked) {
  Operation *op = value.getDefiningOp();
  if (auto add = dyn_cast<AddOp>(op))
    return sumOutside(b, add.getLhs(), stacked) +
           sumOutside(b, add.getRhs(), stacked);
  if (auto product = dyn_cast<MatmulOp>(op)) {
    unsigned flags = kReduceBatch |
                     (product.getTransposeLhs() ? kTransposeLhs : kPlain) |
                     (product.getTransposeRhs() ? kTransposeRhs : kPlain);
    return matmul(Expr(b, stacked(product.getLhs())),
                  Expr(b, stacked(product.getRhs())), flags);
  }
  if (auto sumOp = dyn_cast<SumOp>(op)) {
    SmallVector<int64_t> axes = {0};
    for (int64_t axis : sumOp.getReducedAxes())
      axes.push_back(axis + 1);
    return reshape(sum(Expr(b, stacked(sumOp.getX())), axes),
                   Expr(b, value).dims());
  }
  IRMapping mapping;
  mapping.map(op->getOperand(0),
              Value(sumOutside(b, op->getOperand(0), stacked)));
  return Expr(b, b.clone(*op, mapping)->getResult(0));
}

//===----------------------------------------------------------------------===//
// One loop
//===----------------------------------------------------------------------===//

namespace {

class ScanReversal {
public:
  ScanReversal(OpBuilder &builder, ScanOp scan, ValueRange upstream,
               const Path &path)
      : builder(builder), scan(scan), upstream(upstream), path(path),
        b(scan.getLoc(), builder) {}

  FailureOr<ScanGradient> run();

private:
  void copyStep();
  LogicalResult differentiateStep();
  void chooseSums();
  void findReadValues();
  void chooseKept();
  bool canCompute(Value value);
  void extendForward();
  void gatherCarried();
  void gatherOthers();
  void fillReverse(ImplicitLocOpBuilder &inner, IRMapping &mapping);
  void yieldReverse(ImplicitLocOpBuilder &inner, IRMapping &mapping);
  void buildReverse();
  SmallVector<Value> gradientsOfOperands();

  bool isArgument(Value value, unsigned first, unsigned count) const;
  bool isCarried(Value value) {
    return isArgument(value, 0, scan.getNumCarried());
  }
  bool isWith(Value value) {
    unsigned first = scan.getNumCarried() + scan.getNumOver();
    return isArgument(value, first, scan->getNumOperands() - first);
  }
  bool isSlice(Value value) {
    return isArgument(value, scan.getNumCarried(), scan.getNumOver());
  }
  bool isOfStep(Value value);
  bool isForward(Value value) const {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return argument.getArgNumber() < numArguments;
    return forward.contains(value.getDefiningOp());
  }
  Value stackedOf(Value value);
  Block::BlockArgListType ownArguments() {
    return step->getArguments().take_front(numArguments);
  }

  /// A value of the copy, and the tensor that gives it to the reverse loop.
  struct Given {
    Value value, tensor;
  };

  OpBuilder &builder;
  ScanOp scan;
  ValueRange upstream;
  const Path &path;
  ImplicitLocOpBuilder b;

  /// A copy of a step, and its gradient behind it. The arguments are the
  /// step's, then the gradients that come from the step that follows, and those
  /// of what the step keeps.
  Region region;
  Block *step = nullptr;
  unsigned numArguments = 0;
  llvm::DenseSet<Operation *> forward;
  /// By the values of the copy.
  IRMapping toCopy;
  SmallVector<Value> adjoints, keptAdjoints; // null where there is none
  SmallVector<Value> gradients;              // of the step's arguments

  /// Arguments of `with` whose gradients are summed outside.
  llvm::DenseSet<Value> summedOutside;
  /// What the reverse loop keeps of its steps, beside gradients of slices.
  llvm::SetVector<Value> stackedForSums;
  llvm::SetVector<Value> readValues, kept;
  llvm::DenseMap<Value, Value> stackedForward; // of kept values
  SmallVector<Given> carried, over, with;      // of the reverse loop
  SmallVector<BlockArgument> accumulated;
  SmallVector<Value> keptBackward;
  ScanOp reversed;
  llvm::DenseMap<Value, Value> stackedBackward;
  llvm::DenseMap<unsigned, Value> lastAccumulated; // by operand
};

} // namespace

bool ScanReversal::isArgument(Value value, unsigned first,
                              unsigned count) const {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && argument.getArgNumber() >= first &&
         argument.getArgNumber() < first + count;
}

/// Whether a value differs from step to step.
bool ScanReversal::isOfStep(Value value) {
  return !isWith(value) && !value.getDefiningOp<ConstantOp>();
}

void ScanReversal::copyStep() {
  step = &region.emplaceBlock();
  Block &body = scan.getBody().front();
  numArguments = body.getNumArguments();
  for (BlockArgument argument : body.getArguments())
    toCopy.map(argument,
               step->addArgument(argument.getType(), argument.getLoc()));
  OpBuilder inner(builder.getContext());
  inner.setInsertionPointToEnd(step);
  for (Operation &op : body.without_terminator())
    forward.insert(inner.clone(op, toCopy));
}

LogicalResult ScanReversal::differentiateStep() {
  SmallVector<Value> variables;
  for (Value variable : findVariables(scan, path))
    variables.push_back(toCopy.lookup(variable));
  SmallVector<Value> yielded;
  for (Value value : scan.getYield().getValues())
    yielded.push_back(toCopy.lookupOrDefault(value));
  Path inner = findPath(step, nullptr, variables, yielded);

  OpBuilder inBlock(builder.getContext());
  inBlock.setInsertionPointToEnd(step);
  Gradients sums(inBlock);
  unsigned numCarried = scan.getNumCarried();
  for (auto [i, value] : llvm::enumerate(yielded)) {
    Value adjoint;
    bool comesFromNext = i < numCarried && isFloat(value);
    if (comesFromNext || (i >= numCarried && upstream[i])) {
      adjoint = step->addArgument(value.getType(), value.getLoc());
      sums.add(scan.getLoc(), value, adjoint);
    }
    (i < numCarried ? adjoints : keptAdjoints).push_back(adjoint);
  }
  if (failed(sums.propagate(inner)))
    return failure();
  ImplicitLocOpBuilder zero(scan.getLoc(), inBlock);
  for (BlockArgument argument : ownArguments()) {
    Value gradient = llvm::is_contained(variables, argument)
                         ? sums.lookup(argument)
                         : Value();
    if (!gradient && isCarried(argument) && isFloat(argument))
      gradient = buildSplat(zero, argument, 0.0);
    gradients.push_back(gradient);
  }
  return success();
}

void ScanReversal::chooseSums() {
  auto ofStep = [&](Value value) { return isOfStep(value); };
  for (BlockArgument argument : ownArguments()) {
    Value gradient = gradients[argument.getArgNumber()];
    if (!gradient || !isWith(argument))
      continue;
    llvm::SetVector<Value> stacked;
    if (!canSumOutside(gradient, ofStep, stacked))
      continue;
    summedOutside.insert(argument);
    stackedForSums.insert(stacked.begin(), stacked.end());
  }
}

/// The values of the forward step that the way back reads.
void ScanReversal::findReadValues() {
  SmallVector<Value> worklist;
  llvm::DenseSet<Value> seen;
  auto need = [&](Value value) {
    if (!value || !seen.insert(value).second)
      return;
    if (isForward(value))
      readValues.insert(value);
    else if (value.getDefiningOp())
      worklist.push_back(value);
  };
  for (auto [i, gradient] : llvm::enumerate(gradients))
    if (!summedOutside.contains(step->getArgument(i)))
      need(gradient);
  for (Value value : stackedForSums)
    need(value);
  while (!worklist.empty())
    for (Value operand : worklist.pop_back_val().getDefiningOp()->getOperands())
      need(operand);
}

/// Whether `value` follows, by ops that cost nothing beside memory, from what
/// is kept or given.
bool ScanReversal::canCompute(Value value) {
  if (kept.contains(value))
    return true;
  if (isa<BlockArgument>(value))
    return !isCarried(value);
  return isCheap(value.getDefiningOp()) &&
         llvm::all_of(value.getDefiningOp()->getOperands(),
                      [&](Value operand) { return canCompute(operand); });
}

/// What costs something is kept, and so is what would need more than itself to
/// be kept.
void ScanReversal::chooseKept() {
  for (Value value : readValues)
    if (isCarried(value) ||
        (value.getDefiningOp() && !isCheap(value.getDefiningOp())))
      kept.insert(value);
  for (Value value : stackedForSums)
    if (isForward(value) && !isSlice(value))
      kept.insert(value);
  for (Value value : readValues)
    if (!canCompute(value))
      kept.insert(value);
}

void ScanReversal::extendForward() {
  DenseMap<Value, Value> original;
  for (auto [from, to] : toCopy.getValueMap())
    original[to] = from;
  ScanParts more;
  DenseMap<Value, unsigned> places; // among what the loop keeps
  for (auto [i, value] : llvm::enumerate(scan.getKept()))
    places.try_emplace(value, i);
  unsigned next = scan.getKept().size();
  for (Value value : kept)
    if (places.try_emplace(original.lookup(value), next).second) {
      more.kept.push_back(original.lookup(value));
      ++next;
    }
  // By places before the loop's arguments are replaced.
  SmallVector<std::pair<Value, unsigned>> stacked;
  for (Value value : kept)
    stacked.push_back({value, places.lookup(original.lookup(value))});
  scan = extendScan(scan, more);
  for (auto [value, place] : stacked)
    stackedForward[value] = scan.getStacked()[place];
}

/// The tensor of a value of all steps.
Value ScanReversal::stackedOf(Value value) {
  if (isSlice(value))
    return scan->getOperand(cast<BlockArgument>(value).getArgNumber());
  if (Value found = stackedForward.lookup(value))
    return found;
  return stackedBackward.lookup(value);
}

/// What the reverse loop carries: the gradients of states, then the sums that
/// stay in the loop.
void ScanReversal::gatherCarried() {
  for (auto [i, adjoint] : llvm::enumerate(adjoints))
    if (adjoint)
      carried.push_back(
          {adjoint, upstream[i] ? upstream[i]
                                : buildSplat(b, scan.getCarried()[i], 0.0)});
  for (BlockArgument argument : ownArguments())
    if (isWith(argument) && gradients[argument.getArgNumber()] &&
        !summedOutside.contains(argument))
      accumulated.push_back(argument);
}

/// What it goes over and captures, and what it keeps.
void ScanReversal::gatherOthers() {
  for (auto [i, adjoint] : llvm::enumerate(keptAdjoints))
    if (adjoint)
      over.push_back({adjoint, upstream[scan.getNumCarried() + i]});
  for (Value value : kept)
    over.push_back({value, stackedForward.lookup(value)});
  for (BlockArgument argument : ownArguments()) {
    Value operand = scan->getOperand(argument.getArgNumber());
    if (isSlice(argument))
      over.push_back({argument, operand});
    else if (isWith(argument))
      with.push_back({argument, operand});
    if (isSlice(argument) && gradients[argument.getArgNumber()])
      keptBackward.push_back(gradients[argument.getArgNumber()]);
  }
  for (Value value : stackedForSums)
    if (!isForward(value))
      keptBackward.push_back(value);
}

/// The ops of the copy that the way back needs, in terms of the reverse loop's
/// arguments.
void ScanReversal::fillReverse(ImplicitLocOpBuilder &inner,
                               IRMapping &mapping) {
  auto map = [&](ArrayRef<Given> given, auto arguments) {
    for (auto [pair, argument] : llvm::zip(given, arguments))
      mapping.map(pair.value, argument);
  };
  map(carried, reversed.getCarriedArguments());
  map(over, reversed.getSlices());
  map(with, reversed.getWithArguments());
  auto isKept = [&](Value result) { return kept.contains(result); };
  auto isMapped = [&](Value operand) { return mapping.contains(operand); };
  for (Operation &op : *step)
    if (llvm::none_of(op.getResults(), isKept) &&
        llvm::all_of(op.getOperands(), isMapped))
      inner.clone(op, mapping);
}

void ScanReversal::yieldReverse(ImplicitLocOpBuilder &inner,
                                IRMapping &mapping) {
  SmallVector<Value> yielded;
  for (auto [i, adjoint] : llvm::enumerate(adjoints))
    if (adjoint)
      yielded.push_back(mapping.lookup(gradients[i]));
  for (BlockArgument argument : accumulated) {
    unsigned number = argument.getArgNumber(), place = yielded.size();
    Expr sum(inner, reversed.getCarriedArguments()[place]);
    yielded.push_back(sum + Expr(inner, mapping.lookup(gradients[number])));
    lastAccumulated[number] = reversed.getLast()[place];
  }
  for (Value value : keptBackward)
    yielded.push_back(mapping.lookup(value));
  YieldOp::create(inner, yielded);
}

void ScanReversal::buildReverse() {
  gatherCarried();
  gatherOthers();
  auto tensorsOf = [](ArrayRef<Given> given) {
    return llvm::map_to_vector(given,
                               [](const Given &pair) { return pair.tensor; });
  };
  SmallVector<Value> initial = tensorsOf(carried);
  for (BlockArgument argument : accumulated)
    initial.push_back(
        buildSplat(b, scan->getOperand(argument.getArgNumber()), 0.0));
  SmallVector<Type> keptTypes(ValueRange(keptBackward).getTypes());
  reversed = ScanOp::create(b, initial, tensorsOf(over), tensorsOf(with),
                            keptTypes, scan.getSteps(), !scan.getReverse());

  ImplicitLocOpBuilder inner(scan.getLoc(), builder.getContext());
  inner.setInsertionPointToEnd(&reversed.getBody().front());
  IRMapping mapping;
  fillReverse(inner, mapping);
  yieldReverse(inner, mapping);
  for (auto [value, tensor] : llvm::zip(keptBackward, reversed.getStacked()))
    stackedBackward.try_emplace(value, tensor);
  // What the gradients needed none of.
  Block &body = reversed.getBody().front();
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

SmallVector<Value> ScanReversal::gradientsOfOperands() {
  SmallVector<Value> found(scan->getNumOperands());
  unsigned nextLast = 0;
  auto stacked = [&](Value value) { return stackedOf(value); };
  for (BlockArgument argument : ownArguments()) {
    unsigned number = argument.getArgNumber();
    if (isCarried(argument)) {
      if (adjoints[number])
        found[number] = reversed.getLast()[nextLast++];
      continue;
    }
    if (!gradients[number])
      continue;
    if (isSlice(argument))
      found[number] = stackedBackward.lookup(gradients[number]);
    else if (summedOutside.contains(argument))
      found[number] = sumOutside(b, gradients[number], stacked);
    else
      found[number] = lastAccumulated.lookup(number);
  }
  return found;
}

FailureOr<ScanGradient> ScanReversal::run() {
  copyStep();
  if (failed(differentiateStep()))
    return failure();
  chooseSums();
  findReadValues();
  chooseKept();
  extendForward();
  buildReverse();
  return ScanGradient{gradientsOfOperands(),
                      SmallVector<Value>(scan->getResults())};
}

FailureOr<ScanGradient> buildScanGradient(OpBuilder &builder, ScanOp scan,
                                          ValueRange upstream,
                                          const Path &path) {
  return ScanReversal(builder, scan, upstream, path).run();
}

} // namespace nnc
