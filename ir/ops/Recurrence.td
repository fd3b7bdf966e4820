// Recurrent layers, each defined by loops over time.
#ifndef NNC_OPS_RECURRENCE_TD
#define NNC_OPS_RECURRENCE_TD

include "ir/Dialect.td"
include "ir/Attributes.td"
include "ir/Types.td"

// A cell of `gates` parts for each unit, from step to step, in `layers` layers.
class Nnc_RecurrentLayer<string mnemonic, int numGates, dag more = (ins), dag moreAttributes = (ins)>
    : Nnc_CompositeOp<mnemonic, [AttrSizedOperandSegments, DeclareOpInterfaceMethods<Nnc_Layer>,
                                 DeclareOpInterfaceMethods<Nnc_IndexLimited>]> {
  int gates = numGates;
  let arguments = !con(
      (ins Nnc_FloatTensor:$x, Variadic<Nnc_FloatTensor>:$weights, Optional<Nnc_FloatTensor>:$initial), more,
      (ins Optional<Nnc_IntegerTensor>:$lengths, Variadic<Nnc_CountScalar>:$counter,
           DefaultValuedAttr<Nnc_In<"[1, 1000]", I64Attr>, "1">:$layers,
           DefaultValuedAttr<BoolAttr, "false">:$bidirectional,
           DefaultValuedAttr<BoolAttr, "false">:$reverse,
           DefaultValuedAttr<BoolAttr, "true">:$sequences,
           DefaultValuedAttr<Nnc_In<"[0, 1)">, "0.0">:$dropout), moreAttributes,
      (ins DefaultValuedAttr<I64Attr, "-1">:$stream));
  let layerArguments = [Nnc_LayerArgument<"units", "Integer">, Nnc_LayerArgument<"bias", "Bool", "true">];
  let precision = "Full";
  let hasVerifier = 1;
  // How the op says what it is in a shape rule.
  string inferred = "{" # numGates # ", int64_t(adaptor.getLayers()), adaptor.getBidirectional(), adaptor.getSequences()}";
  let extraClassDeclaration = "/// What decides shapes.\n"
    # "::nnc::RecurrentForm getForm() {\n"
    # "  return {" # numGates # ", int64_t(getLayers()), getBidirectional(), getSequences()};\n}";
  // The rest is the same for all, in the file that shares this one's stem.
  string definitions =
    "::llvm::FailureOr<::llvm::SmallVector<::nnc::LayerParameter>> $cppClass::getLayerParameters(\n"
    # "    ::mlir::Location loc, ::mlir::ValueRange given, ::mlir::DictionaryAttr arguments) {\n"
    # "  return ::nnc::makeRecurrentParameters(::nnc::OpSite(loc, \"" # mnemonic # "\"), given, arguments, "
    # numGates # ");\n}\n"
    # "::llvm::LogicalResult $cppClass::verify() {\n"
    # "  return ::nnc::checkCounter(*this, getCounter(), getStream());\n}\n"
    # "::llvm::SmallVector<::nnc::IndexLimit> $cppClass::getIndexLimits() {\n"
    # "  return ::nnc::limitLengths(*this, getX(), getLengths());\n}\n";
  let extraClassDefinition = computingDefinition # expansionDefinition # definitions;
  let hasExpansion = 1;
}

class Nnc_OneStateLayer<string mnemonic, int numGates, dag moreAttributes = (ins)>
    : Nnc_RecurrentLayer<mnemonic, numGates, (ins), moreAttributes> {
  let results = (outs Nnc_FloatTensor:$y, Nnc_FloatTensor:$last);
  let resultTypes = ["inferRecurrent(site, x, weights, {{\"initial\", initial}}, lengths, " # inferred # ")",
                     "inferRecurrentState(site, x, weights, " # inferred # ")"];
}

def RnnOp : Nnc_OneStateLayer<"rnn", 1, (ins DefaultValuedAttr<Nnc_RecurrentActivationAttr,
                                               "::nnc::RecurrentActivation::tanh">:$activation)> {
  let summary = "A recurrent layer: each step sees the one before";
  let description = [{
    For x [batch, time, channels], from step to step of time:

      h' = activation(x_t weight_ih + bias_ih + h weight_hh + bias_hh)

    y [batch, time, units] is h of every step, or, without `sequences`, [batch,
    units] that of the last; `last` is that too. h begins as `initial`, or as zeros.
    `reverse` goes from the last step to the first. With `lengths` [batch], a sample
    has as many steps: those that follow leave its state as it is, and y is 0 there.

    With `bidirectional` a second cell goes the other way, and y has its units behind
    those of the first. With `layers`, each but the first goes over the y of the one
    before, of which training sets elements to zero with probability `dropout`;
    `initial` and `last` are then [batch, layers * directions, units]. `weights` are
    weight_ih, weight_hh, bias_ih and bias_hh of each direction of each layer, in
    this order; all biases may be left out. A program may leave all out and give
    `units` and `bias`; their names are PyTorch's, as in weight_hh_l1_reverse.

    The gradient is that of the definition: nnc.scan.

    ```mlir
    // x: [[[1.0], [2.0]]], w: [[1.0]], u: [[0.5]]
    %y, %last = nnc.rnn %x, %w, %u activation = relu
        : (tensor<1x2x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>) -> (tensor<1x2x1xf32>, tensor<1x1xf32>)
    // y: [[[1.0], [2.5]]], last: [[2.5]]
    ```
  }];
}

def GruOp : Nnc_OneStateLayer<"gru", 3, (ins DefaultValuedAttr<BoolAttr, "true">:$reset_after)> {
  let summary = "A recurrent layer of gated recurrent units";
  let description = [{
    As nnc.rnn, with three parts r, z and n, in this order, of the columns of
    x_t weight_ih + bias_ih = (xr, xz, xn) and of h weight_hh + bias_hh = (hr, hz, hn):

      r = sigmoid(xr + hr), z = sigmoid(xz + hz)
      n = tanh(xn + r * hn)
      h' = (1 - z) * n + z * h

    Without `reset_after` hn = (r * h) weight_hh[n] + bias_hh[n], and n = tanh(xn + hn).

    Source: Cho et al. 2014, arXiv:1406.1078.

    ```mlir
    // x: [[[0.0]]], w: [[0.0, 0.0, 0.0]], u: [[0.0, 0.0, 0.0]], h: [[4.0]]
    %y, %last = nnc.gru %x, %w, %u initial = %h
        : (tensor<1x1x1xf32>, tensor<1x3xf32>, tensor<1x3xf32>, tensor<1x1xf32>) -> (tensor<1x1x1xf32>, tensor<1x1xf32>)
    // y: [[[2.0]]], last: [[2.0]]
    ```
  }];
}

def LstmOp : Nnc_RecurrentLayer<"lstm", 4, (ins Optional<Nnc_FloatTensor>:$initial_cell)> {
  let summary = "A recurrent layer with long short-term memory";
  let description = [{
    As nnc.rnn, with four parts i, f, g and o, in this order, of the columns of
    x_t weight_ih + bias_ih + h weight_hh + bias_hh, and a second state c, which begins as
    `initial_cell`, or as zeros, and ends as `last_cell`:

      c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
      h' = sigmoid(o) * tanh(c')

    Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8); Gers et al. 2000
    (f).

    ```mlir
    // x: [[[0.0]]], w: [[0.0, 0.0, 0.0, 0.0]], u: [[0.0, 0.0, 0.0, 0.0]], c: [[2.0]]
    %y, %last, %last_cell = nnc.lstm %x, %w, %u initial_cell = %c
        : (tensor<1x1x1xf32>, tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x1xf32>)
        -> (tensor<1x1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>)
    // y: [[[0.380797]]], last: [[0.380797]], last_cell: [[1.0]]
    ```
  }];
  let results = (outs Nnc_FloatTensor:$y, Nnc_FloatTensor:$last, Nnc_FloatTensor:$last_cell);
  let resultTypes = ["inferRecurrent(site, x, weights, {{\"initial\", initial}, {\"initial_cell\", initial_cell}}, "
                       # "lengths, " # inferred # ")",
                     "inferRecurrentState(site, x, weights, " # inferred # ")",
                     "inferRecurrentState(site, x, weights, " # inferred # ")"];
}

#endif // NNC_OPS_RECURRENCE_TD
