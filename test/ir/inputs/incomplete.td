// Three records, complete unless a macro takes a part away: op-contract.test.
include "ir/Dialect.td"
include "ir/Types.td"

def Test_Dialect : Dialect {
  let name = "test";
  let cppNamespace = "::test";
}

def HalfOp : Nnc_Op<"half", [Nnc_Elementwise], Test_Dialect> {
  let summary = "Half of each element";
  let arguments = (ins Nnc_FloatTensor:$x);
  let results = (outs Nnc_FloatTensor:$y);
#ifndef RESULT
  let resultTypes = ["x"];
#endif
#ifdef OPERAND
  let gradient = ["0.5 * dy", "dy"];
#else
#ifndef GRADIENT
  let gradient = ["0.5 * dy"];
#endif
#endif
}

def TwiceOp : Nnc_CompositeOp<"twice", [], Test_Dialect> {
  let summary = "Twice each element";
  let arguments = (ins Nnc_FloatTensor:$x);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
#ifndef EXPANSION
  let expansion = "x + x";
#endif
}

def ErrorOp : Nnc_CompositeOp<"error", [], Test_Dialect> {
  let summary = "Mean of all elements";
  let arguments = (ins Nnc_FloatTensor:$x);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["RankedTensorType::get({}, x.getElementType())"];
  let category = "Metric";
#ifndef BETTER
  let better = "smaller";
#endif
  let expansion = "mean(x)";
}
