// Syntax, verification and simplification of loops over time, and recurrent
// layers.
#include "ir/Ops.h"
#include "ir/ScanBuilder.h"

#include "mlir/IR/PatternMatch.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace nnc;

/// The type of one step's slice of a tensor [steps, ..]; null for a scalar.
static RankedTensorType sliceType(RankedTensorType type) {
  if (type.getRank() == 0)
    return {};
  return RankedTensorType::get(type.getShape().drop_front(),
                               type.getElementType());
}

/// The type of all slices together.
static RankedTensorType stackedType(int64_t steps, RankedTensorType slice) {
  SmallVector<int64_t> shape = {steps};
  llvm::append_range(shape, slice.getShape());
  return RankedTensorType::get(shape, slice.getElementType());
}

void ScanOp::build(OpBuilder &builder, OperationState &state,
                   ValueRange carried, ValueRange over, ValueRange with,
                   TypeRange kept, int64_t steps, bool reverse) {
  state.addOperands(carried);
  state.addOperands(over);
  state.addOperands(with);
  auto &properties = state.getOrAddProperties<Properties>();
  properties.num_carried = builder.getI64IntegerAttr(carried.size());
  properties.num_over = builder.getI64IntegerAttr(over.size());
  properties.steps = builder.getI64IntegerAttr(steps);
  if (reverse)
    properties.reverse = builder.getUnitAttr();
  state.addTypes(carried.getTypes());
  for (Type type : kept)
    state.addTypes(stackedType(steps, llvm::cast<RankedTensorType>(type)));
  Block &body = state.addRegion()->emplaceBlock();
  for (Value value : carried)
    body.addArgument(value.getType(), value.getLoc());
  for (Value value : over)
    body.addArgument(sliceType(llvm::cast<RankedTensorType>(value.getType())),
                     value.getLoc());
  for (Value value : with)
    body.addArgument(value.getType(), value.getLoc());
}

//===----------------------------------------------------------------------===//
// Parts
//===----------------------------------------------------------------------===//

OperandRange ScanOp::getCarried() {
  return getOperands().take_front(getNumCarried());
}

OperandRange ScanOp::getOver() {
  return getOperands().slice(getNumCarried(), getNumOver());
}

OperandRange ScanOp::getWith() {
  return getOperands().drop_front(getNumCarried() + getNumOver());
}

Block::BlockArgListType ScanOp::getCarriedArguments() {
  return getBody().getArguments().take_front(getNumCarried());
}

Block::BlockArgListType ScanOp::getSlices() {
  return getBody().getArguments().slice(getNumCarried(), getNumOver());
}

Block::BlockArgListType ScanOp::getWithArguments() {
  return getBody().getArguments().drop_front(getNumCarried() + getNumOver());
}

YieldOp ScanOp::getYield() {
  return llvm::cast<YieldOp>(getBody().front().getTerminator());
}

OperandRange ScanOp::getNext() {
  return getYield().getValues().take_front(getNumCarried());
}

OperandRange ScanOp::getKept() {
  return getYield().getValues().drop_front(getNumCarried());
}

ResultRange ScanOp::getLast() {
  return getResults().take_front(getNumCarried());
}

ResultRange ScanOp::getStacked() {
  return getResults().drop_front(getNumCarried());
}

//===----------------------------------------------------------------------===//
// Syntax
//===----------------------------------------------------------------------===//

// nnc.scan carried(%argument = %operand, ..) over(..) with(..) steps = 10
//     reverse attributes {..} : (types) -> types { .. }
// Groups without operands are left out.
ParseResult ScanOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<int64_t> sizes;
  Builder &builder = parser.getBuilder();
  for (StringRef group : {"carried", "over", "with"}) {
    size_t before = operands.size();
    SmallVector<OpAsmParser::Argument> names;
    SmallVector<OpAsmParser::UnresolvedOperand> values;
    if (succeeded(parser.parseOptionalKeyword(group)) &&
        parser.parseAssignmentList(names, values))
      return failure();
    llvm::append_range(arguments, names);
    llvm::append_range(operands, values);
    sizes.push_back(operands.size() - before);
  }
  auto &properties = result.getOrAddProperties<Properties>();
  properties.num_carried = builder.getI64IntegerAttr(sizes[0]);
  properties.num_over = builder.getI64IntegerAttr(sizes[1]);
  IntegerAttr steps;
  FunctionType type;
  llvm::SMLoc start = parser.getCurrentLocation();
  if (parser.parseKeyword("steps") || parser.parseEqual() ||
      parser.parseAttribute(steps, builder.getI64Type()))
    return failure();
  properties.steps = steps;
  if (succeeded(parser.parseOptionalKeyword("reverse")))
    properties.reverse = builder.getUnitAttr();
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes) ||
      parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), start,
                             result.operands))
    return failure();
  result.addTypes(type.getResults());
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    bool isSlice = int64_t(i) >= sizes[0] && int64_t(i) < sizes[0] + sizes[1];
    argument.type = type.getInput(i);
    auto tensor = llvm::dyn_cast<RankedTensorType>(argument.type);
    if (isSlice && tensor && tensor.getRank() > 0)
      argument.type = sliceType(tensor);
  }
  Region *body = result.addRegion();
  if (parser.parseRegion(*body, arguments))
    return failure();
  ScanOp::ensureTerminator(*body, builder, result.location);
  return success();
}

void ScanOp::print(OpAsmPrinter &printer) {
  auto printGroup = [&](StringRef name, auto arguments, ValueRange operands) {
    if (operands.empty())
      return;
    printer << ' ' << name << '(';
    llvm::interleaveComma(
        llvm::zip_equal(arguments, operands), printer, [&](auto pair) {
          printer.printRegionArgument(std::get<0>(pair), {}, true);
          printer << " = " << std::get<1>(pair);
        });
    printer << ')';
  };
  printGroup("carried", getCarriedArguments(), getCarried());
  printGroup("over", getSlices(), getOver());
  printGroup("with", getWithArguments(), getWith());
  printer << " steps = " << getSteps();
  if (getReverse())
    printer << " reverse";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getNumCarriedAttrName(), getNumOverAttrName(),
                            getStepsAttrName(), getReverseAttrName()});
  printer << " : ";
  printer.printFunctionalType(*this);
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

//===----------------------------------------------------------------------===//
// Verification
//===----------------------------------------------------------------------===//

/// Checks the types of one argument of the region and of its operand.
static LogicalResult checkArgument(OpSite site, ScanOp scan, unsigned index) {
  Value operand = scan->getOperand(index);
  auto type = llvm::cast<RankedTensorType>(operand.getType());
  unsigned numCarried = scan.getNumCarried();
  bool isSlice = index >= numCarried && index < numCarried + scan.getNumOver();
  if (isSlice) {
    if (type.getRank() == 0 || type.getDimSize(0) != int64_t(scan.getSteps()))
      return site.error() << "goes over " << printType(type)
                          << ", whose first dimension is not its "
                          << scan.getSteps() << " steps";
    type = sliceType(type);
  }
  Type found = scan.getBody().getArgument(index).getType();
  if (found == type)
    return success();
  return site.error() << "argument " << index << " of the region is " << found
                      << ": expected " << type;
}

LogicalResult ScanOp::verify() {
  OpSite site(getLoc(), "scan");
  int64_t steps = getSteps();
  int64_t numCarried = getNumCarried(), numOver = getNumOver();
  if (numCarried < 0 || numOver < 0 || numCarried > int64_t(getNumOperands()) ||
      numOver > int64_t(getNumOperands()) - numCarried)
    return site.error() << "has " << getNumOperands() << " operands, of which "
                        << numCarried << " are carried and " << numOver
                        << " gone over";
  if (steps < 1)
    return site.error() << "has " << steps << " steps: expected at least 1";
  if (getBody().getNumArguments() != getNumOperands())
    return site.error() << "has " << getNumOperands()
                        << " operands, and its region "
                        << getBody().getNumArguments() << " arguments";
  for (unsigned i = 0, e = getNumOperands(); i < e; ++i)
    if (failed(checkArgument(site, *this, i)))
      return failure();
  // This runs before the region's own checks: it may end in anything.
  Block &body = getBody().front();
  auto yield = body.empty() ? YieldOp() : llvm::dyn_cast<YieldOp>(body.back());
  if (!yield)
    return site.error() << "the region does not end in nnc.yield";
  if (yield.getValues().size() != getNumResults())
    return site.error() << "has " << getNumResults()
                        << " results, and its region yields "
                        << yield.getValues().size() << " values";
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    Type expected = value.getType();
    if (int64_t(i) >= numCarried)
      expected = stackedType(steps, llvm::cast<RankedTensorType>(expected));
    else if (expected != getCarried()[i].getType())
      return site.error() << "carries " << getCarried()[i].getType()
                          << " into the first step, and " << expected
                          << " into the next";
    if (getResult(i).getType() != expected)
      return site.error() << "result " << i << " is " << getResult(i).getType()
                          << ": expected " << expected;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Simplification
//===----------------------------------------------------------------------===//

/// Which operands and results of a loop stay.
namespace {
struct Parts {
  llvm::SmallBitVector operands, results;
};
} // namespace

/// A carried value stays if its last value is used, or if the region computes
/// of it what stays; a slice or a whole operand if the region reads it.
static Parts findUsedParts(ScanOp scan) {
  unsigned numCarried = scan.getNumCarried();
  Parts parts{llvm::SmallBitVector(scan->getNumOperands()),
              llvm::SmallBitVector(scan->getNumResults())};
  llvm::DenseSet<Value> live;
  SmallVector<Value> worklist;
  auto need = [&](Value value) {
    if (live.insert(value).second)
      worklist.push_back(value);
  };
  auto keepResult = [&](unsigned index) {
    parts.results.set(index);
    need(scan.getYield().getValues()[index]);
  };
  for (OpResult result : scan->getResults())
    if (!result.use_empty())
      keepResult(result.getResultNumber());
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (auto argument = llvm::dyn_cast<BlockArgument>(value)) {
      parts.operands.set(argument.getArgNumber());
      if (argument.getArgNumber() < numCarried &&
          !parts.results.test(argument.getArgNumber()))
        keepResult(argument.getArgNumber());
      continue;
    }
    for (Value operand : value.getDefiningOp()->getOperands())
      need(operand);
  }
  // One that only its own last value needs is still a carried value.
  for (unsigned i = 0; i < numCarried; ++i)
    if (parts.results.test(i))
      parts.operands.set(i);
  return parts;
}

/// Rebuilds `scan` with what stays.
static void keepParts(ScanOp scan, const Parts &parts,
                      PatternRewriter &rewriter) {
  auto pick = [&](auto range, unsigned first) {
    SmallVector<Value> kept;
    for (auto [i, value] : llvm::enumerate(range))
      if (parts.operands.test(first + i))
        kept.push_back(value);
    return kept;
  };
  unsigned numCarried = scan.getNumCarried(), numOver = scan.getNumOver();
  SmallVector<Type> keptTypes;
  SmallVector<Value> yielded;
  for (auto [i, value] : llvm::enumerate(scan.getYield().getValues())) {
    if (!parts.results.test(i))
      continue;
    yielded.push_back(value);
    if (i >= numCarried)
      keptTypes.push_back(value.getType());
  }
  auto slim =
      ScanOp::create(rewriter, scan.getLoc(), pick(scan.getCarried(), 0),
                     pick(scan.getOver(), numCarried),
                     pick(scan.getWith(), numCarried + numOver), keptTypes,
                     scan.getSteps(), scan.getReverse());
  slim->setDiscardableAttrs(llvm::to_vector(scan->getDiscardableAttrs()));

  Block &body = scan.getBody().front();
  rewriter.modifyOpInPlace(scan.getYield(),
                           [&] { scan.getYield()->setOperands(yielded); });
  SmallVector<Value> replacements;
  unsigned next = 0;
  for (unsigned i = 0, e = scan->getNumOperands(); i < e; ++i)
    replacements.push_back(parts.operands.test(i)
                               ? Value(slim.getBody().getArgument(next++))
                               : Value());
  // Dead ops may still use what goes.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
    if (isOpTriviallyDead(&op))
      rewriter.eraseOp(&op);
  for (auto [argument, replacement] :
       llvm::zip_equal(body.getArguments(), replacements))
    if (replacement)
      rewriter.replaceAllUsesWith(argument, replacement);
  Block &slimBody = slim.getBody().front();
  slimBody.getOperations().splice(slimBody.end(), body.getOperations());
  next = 0;
  for (unsigned i = 0, e = scan->getNumResults(); i < e; ++i)
    if (parts.results.test(i))
      rewriter.replaceAllUsesWith(scan->getResult(i), slim->getResult(next++));
  rewriter.eraseOp(scan);
}

LogicalResult ScanOp::canonicalize(ScanOp scan, PatternRewriter &rewriter) {
  Parts parts = findUsedParts(scan);
  if (parts.operands.all() && parts.results.all())
    return failure();
  keepParts(scan, parts, rewriter);
  return success();
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// The weights of one cell; biases may be null.
struct CellWeights {
  Expr input, state, inputBias, stateBias;
};

/// What a step computes: the next states of `states`, given the part of the
/// input, x_t weight_ih + bias_ih.
using CellStep = llvm::function_ref<SmallVector<Expr>(
    Expr input, ArrayRef<Expr> states, const CellWeights &weights)>;

/// All cells of a recurrent layer, by their form and one step of a cell.
class RecurrentLayer {
public:
  /// `initial` has a tensor for each state, which may be null.
  template <typename Op>
  RecurrentLayer(ImplicitLocOpBuilder &b, Op op, SmallVector<Expr> initial,
                 bool training, CellStep step)
      : b(b), op(op), form(op.getForm()), isReversed(op.getReverse()),
        rate(training ? number(op.getDropout()) : 0.0), stream(op.getStream()),
        counter(op.getCounter()), initial(std::move(initial)), step(step),
        x(b, op.getX()) {
    for (Value weight : op.getWeights())
      weights.push_back(Expr(b, weight));
    steps = x.dim(1);
    units = weights[1].dim(0);
    if (op.getLengths())
      mask = isWithinLengths(Expr(b, op.getLengths()), steps);
  }

  FailureOr<Expansion> expand();

private:
  Expr runCell(Expr input, int64_t cell, bool reverse);
  Expr initialState(unsigned state, int64_t cell);
  CellWeights weightsOf(int64_t cell);
  FailureOr<Expr> drop(Expr input, int64_t layer);
  Expr joinStates(unsigned state);

  ImplicitLocOpBuilder &b;
  Operation *op;
  RecurrentForm form;
  bool isReversed;
  double rate;
  int64_t stream;
  ValueRange counter;
  SmallVector<Expr> initial, weights;
  CellStep step;
  Expr x, mask;
  int64_t steps, units;
  /// Of each cell, its last states.
  SmallVector<SmallVector<Expr>> last;
  Expr dropMask;
};

} // namespace

CellWeights RecurrentLayer::weightsOf(int64_t cell) {
  int64_t each = int64_t(weights.size()) / form.cells();
  ArrayRef<Expr> own = ArrayRef(weights).slice(cell * each, each);
  return each == 2 ? CellWeights{own[0], own[1], {}, {}}
                   : CellWeights{own[0], own[1], own[2], own[3]};
}

/// [batch, units]
Expr RecurrentLayer::initialState(unsigned state, int64_t cell) {
  SmallVector<int64_t> dims = {x.dim(0), units};
  if (!initial[state])
    return broadcast(scalar(x, 0.0), dims);
  if (form.cells() == 1)
    return initial[state];
  return reshape(slice(initial[state], {0, cell, 0}, {x.dim(0), 1, units}),
                 dims);
}

/// The states of all steps of one cell, [time, batch, units], from those of the
/// layer before, [time, batch, ..].
Expr RecurrentLayer::runCell(Expr input, int64_t cell, bool reverse) {
  CellWeights own = weightsOf(cell);
  Expr product = matmul(input, own.input);
  if (own.inputBias)
    product = product + own.inputBias;
  SmallVector<Value> begin, over = {product};
  for (unsigned state = 0; state < initial.size(); ++state)
    begin.push_back(initialState(state, cell));
  if (mask)
    over.push_back(mask);
  ScanBuilder loop(b, begin, over, steps, reverse);
  ImplicitLocOpBuilder inner(b.getLoc(), b.getContext());
  inner.setInsertionPointToEnd(&loop.body());
  auto inside = [&](Expr e) { return e ? Expr(inner, e) : Expr(); };
  SmallVector<Expr> states;
  for (unsigned state = 0; state < initial.size(); ++state)
    states.push_back(Expr(inner, loop.carried(state)));
  SmallVector<Expr> next = step(Expr(inner, loop.slice(0)), states,
                                {inside(own.input), inside(own.state),
                                 inside(own.inputBias), inside(own.stateBias)});
  Expr kept = next.front();
  if (mask) {
    Expr present(inner, loop.slice(1));
    kept = selectSamples(present, kept, scalar(kept, 0.0));
    for (auto [state, value] : llvm::zip_equal(states, next))
      value = selectSamples(present, value, state);
  }
  ScanOp scan =
      loop.finish(SmallVector<Value>(next.begin(), next.end()), Value(kept));
  SmallVector<Expr> ended;
  for (Value value : scan.getLast())
    ended.push_back(Expr(b, value));
  last.push_back(std::move(ended));
  return Expr(b, scan.getStacked().front());
}

/// `input` [time, batch, ..] of a layer after the first, with elements set to
/// zero. One tensor of random numbers serves all layers.
FailureOr<Expr> RecurrentLayer::drop(Expr input, int64_t layer) {
  if (rate == 0.0)
    return input;
  int64_t width = form.directions() * units;
  if (!dropMask) {
    FailureOr<Counter> drawn = requireCounter(b, op, counter);
    if (failed(drawn))
      return failure();
    dropMask =
        randomMask(*drawn, stream, {x.dim(0), steps, (form.layers - 1) * width},
                   1.0 - rate);
  }
  Expr own =
      slice(dropMask, {0, 0, (layer - 1) * width}, {x.dim(0), steps, width});
  return select(moveToFront(own, 1), input * (1.0 / (1.0 - rate)), 0.0);
}

/// The last of one state of all cells: [batch, units], or with a dimension of
/// cells before the last.
Expr RecurrentLayer::joinStates(unsigned state) {
  if (form.cells() == 1)
    return last.front()[state];
  SmallVector<Expr> parts;
  for (ArrayRef<Expr> states : last)
    parts.push_back(reshape(states[state], {x.dim(0), 1, units}));
  return concat(parts, 1);
}

FailureOr<Expansion> RecurrentLayer::expand() {
  Expr input = moveToFront(x, 1);
  for (int64_t layer = 0; layer < form.layers; ++layer) {
    if (layer > 0) {
      FailureOr<Expr> dropped = drop(input, layer);
      if (failed(dropped))
        return failure();
      input = *dropped;
    }
    SmallVector<Expr> outputs;
    for (int64_t direction = 0; direction < form.directions(); ++direction)
      outputs.push_back(runCell(input, layer * form.directions() + direction,
                                isReversed != (direction == 1)));
    input = outputs.size() == 1 ? outputs.front() : concat(outputs, 2);
  }
  Expr y;
  if (form.sequences) {
    y = moveFromFront(input, 1);
  } else {
    SmallVector<Expr> ends;
    for (ArrayRef<Expr> states : ArrayRef(last).take_back(form.directions()))
      ends.push_back(states.front());
    y = ends.size() == 1 ? ends.front() : concat(ends, 1);
  }
  Expansion expansion{y};
  for (unsigned state = 0; state < initial.size(); ++state)
    expansion.values.push_back(joinStates(state));
  return expansion;
}

/// Part number `index` of `count` along the last dimension.
static Expr part(Expr x, int64_t index, int64_t count) {
  SmallVector<int64_t> starts(x.rank(), 0), sizes = x.dims();
  sizes.back() /= count;
  starts.back() = index * sizes.back();
  return slice(x, starts, sizes);
}

static Expr addBias(Expr product, Expr bias) {
  return bias ? product + bias : product;
}

FailureOr<Expansion> RnnOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  bool isRelu = getActivation() == RecurrentActivation::relu;
  auto step = [&](Expr input, ArrayRef<Expr> states,
                  const CellWeights &weights) -> SmallVector<Expr> {
    Expr sum =
        addBias(input + matmul(states[0], weights.state), weights.stateBias);
    return {isRelu ? relu(sum) : tanh(sum)};
  };
  return RecurrentLayer(b, *this, {operand(b, getODSOperands(2))}, training,
                        step)
      .expand();
}

FailureOr<Expansion> LstmOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto step = [&](Expr input, ArrayRef<Expr> states,
                  const CellWeights &weights) -> SmallVector<Expr> {
    Expr gates =
        addBias(input + matmul(states[0], weights.state), weights.stateBias);
    Expr i = sigmoid(part(gates, 0, 4)), f = sigmoid(part(gates, 1, 4));
    Expr g = tanh(part(gates, 2, 4)), o = sigmoid(part(gates, 3, 4));
    Expr cell = f * states[1] + i * g;
    return {o * tanh(cell), cell};
  };
  return RecurrentLayer(
             b, *this,
             {operand(b, getODSOperands(2)), operand(b, getODSOperands(3))},
             training, step)
      .expand();
}

FailureOr<Expansion> GruOp::buildExpansion(OpBuilder &builder, bool training) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  bool resetsAfter = getResetAfter();
  auto step = [&](Expr input, ArrayRef<Expr> states,
                  const CellWeights &weights) -> SmallVector<Expr> {
    Expr h = states[0], r, z, n;
    if (resetsAfter) {
      Expr product = addBias(matmul(h, weights.state), weights.stateBias);
      r = sigmoid(part(input, 0, 3) + part(product, 0, 3));
      z = sigmoid(part(input, 1, 3) + part(product, 1, 3));
      n = tanh(part(input, 2, 3) + r * part(product, 2, 3));
    } else {
      int64_t units = h.dim(-1);
      Expr gates = slice(weights.state, {0, 0}, {units, 2 * units});
      Expr product = matmul(h, gates);
      if (weights.stateBias)
        product = product + slice(weights.stateBias, {0}, {2 * units});
      r = sigmoid(part(input, 0, 3) + part(product, 0, 2));
      z = sigmoid(part(input, 1, 3) + part(product, 1, 2));
      Expr state = matmul(r * h, part(weights.state, 2, 3));
      if (weights.stateBias)
        state = state + part(weights.stateBias, 2, 3);
      n = tanh(part(input, 2, 3) + state);
    }
    return {n + z * (h - n)};
  };
  return RecurrentLayer(b, *this, {operand(b, getODSOperands(2))}, training,
                        step)
      .expand();
}
