// Loops over time at one position: a step of the loop, with what it carries in
// the state.
#include "passes/SequenceStep.h"

#include "passes/EntryPoints.h"

#include "ir/Expr.h"

#include "mlir/IR/Matchers.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc {

static RankedTensorType typeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether it is zero everywhere, as state is where sequences begin.
static bool isZero(Value value) {
  while (auto broadcast = value.getDefiningOp<BroadcastOp>())
    value = broadcast.getX();
  return matchPattern(value, m_AnyZeroFloat()) || matchPattern(value, m_Zero());
}

Value SequenceStep::carry(Value begin, StringAttr &name, Location loc) {
  name = builder.getStringAttr("generation.carried." + Twine(numKept++));
  ImplicitLocOpBuilder b(loc, builder);
  Expr first(b, whole(begin));
  ParameterOp state = declareState(name.getValue(), first.type(), loc);
  for (int64_t axis = 0; axis < typeOf(begin).getRank(); ++axis)
    if (typeOf(begin).isDynamicDim(axis))
      rearranged.push_back({state, axis});
  Expr carried(b,
               ReadOp::create(b, state.getType(), state.getSymName()).getY());
  if (isZero(begin))
    return carried;
  Expr isFirst = Expr(b, position()) == constant(b, 0.0, b.getI32Type());
  return select(isFirst, first, carried);
}

LogicalResult SequenceStep::checkScan(ScanOp op) {
  for (Value operand : llvm::concat<Value>(llvm::to_vector(op.getCarried()),
                                           llvm::to_vector(op.getWith())))
    if (isStepped(operand))
      return refuse(*op, "every step depends on the tokens of others");
  for (Value operand : op.getOver())
    if (isStepped(operand) && lookup(operand).axis != 0)
      return refuse(*op, "it goes over something else than positions");
  if (op.getReverse())
    return refuse(*op, "it goes from the last position to the first");
  for (Operation &inner : op.getBody().front())
    if (inner.getNumRegions())
      return refuse(*op, "there is a loop in it");
  return success();
}

LogicalResult SequenceStep::rewriteScan(ScanOp op) {
  if (failed(checkScan(op)))
    return failure();
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  DenseMap<Value, Value> mapping;
  SmallVector<StringAttr> names(op.getNumCarried());
  for (auto [operand, argument, name] :
       llvm::zip_equal(op.getCarried(), op.getCarriedArguments(), names))
    mapping[argument] = carry(operand, name, op.getLoc());
  for (auto [operand, argument] :
       llvm::zip_equal(op.getOver(), op.getSlices())) {
    Expr all(b,
             isStepped(operand) ? lookup(operand).value : restrict(operand, 0));
    mapping[argument] = reshape(all, ArrayRef(all.dims()).drop_front());
  }
  for (auto [operand, argument] :
       llvm::zip_equal(op.getWith(), op.getWithArguments()))
    mapping[argument] = whole(operand);
  auto lookUp = [&](Value value) { return mapping.lookup(value); };
  for (Operation &inner : op.getBody().front().without_terminator()) {
    Operation *copied =
        copy(inner, llvm::map_to_vector(inner.getOperands(), lookUp));
    if (!copied)
      return failure();
    for (auto [from, to] :
         llvm::zip_equal(inner.getResults(), copied->getResults()))
      mapping[from] = to;
  }
  for (auto [name, next, last] :
       llvm::zip_equal(names, op.getNext(), op.getLast())) {
    AssignOp::create(b, name, lookUp(next));
    mapStepped(last, {lookUp(next), std::nullopt});
  }
  for (auto [kept, stacked] : llvm::zip_equal(op.getKept(), op.getStacked())) {
    Expr now(b, lookUp(kept));
    SmallVector<int64_t> shape = {1};
    llvm::append_range(shape, now.dims());
    mapStepped(stacked, {reshape(now, shape), 0});
  }
  return success();
}

LogicalResult SequenceStep::copyScan(ScanOp op) {
  auto copied = cast<ScanOp>(builder.insert(op->clone()));
  copied->setOperands(llvm::map_to_vector(
      op->getOperands(), [&](Value operand) { return whole(operand); }));
  for (auto [argument, operand] :
       llvm::zip_equal(copied.getBody().getArguments(), copied.getOperands()))
    argument.setType(operand.getType());
  for (BlockArgument slice : copied.getSlices())
    slice.setType(RankedTensorType::get(typeOf(slice).getShape().drop_front(),
                                        typeOf(slice).getElementType()));
  for (Operation &inner : copied.getBody().front().without_terminator()) {
    if (inner.getNumRegions())
      return refuse(*op, "there is a loop in it");
    fixBatch(&inner);
    if (failed(inferTypes(&inner)))
      return failure();
  }
  for (auto [result, next] :
       llvm::zip_equal(copied.getLast(), copied.getNext()))
    result.setType(next.getType());
  for (auto [result, kept] :
       llvm::zip_equal(copied.getStacked(), copied.getKept())) {
    SmallVector<int64_t> shape = {typeOf(result).getDimSize(0)};
    llvm::append_range(shape, typeOf(kept).getShape());
    result.setType(typeOf(kept).clone(shape));
  }
  for (auto [from, to] :
       llvm::zip_equal(op->getResults(), copied->getResults()))
    mapWhole(from, to);
  return success();
}

} // namespace nnc
