// Recurrent layers as loops over time: the step of each kind of cell, and what
// all have in common.
#include "ir/Expr.h"
#include "ir/Ops.h"
#include "ir/ScanBuilder.h"

using namespace mlir;
using namespace nnc;

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
