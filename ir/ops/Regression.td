// Losses and metrics of numbers that are to be predicted, each defined by other ops.
#ifndef NNC_OPS_REGRESSION_TD
#define NNC_OPS_REGRESSION_TD

include "ir/Attributes.td"
include "ir/Dialect.td"
include "ir/Types.td"
include "ir/ops/Loss.td"

// Each is a mean over all elements, by `weights` where they are given, of those
// whose target is not `ignore_index`.
class Nnc_Distance<string mnemonic, string itsCategory, dag others, list<Trait> traits = []>
    : Nnc_CompositeOp<mnemonic, traits # [Nnc_Permutable]> {
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights, Nnc_Ignored, others);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferTerms(site, {\"prediction\", prediction}, target, {weights, {}, adaptor.getIgnoreIndex()})"];
  let category = itsCategory;
}
class Nnc_DistanceLoss<string mnemonic, dag attributes = (ins)>
    : Nnc_Distance<mnemonic, "Loss", !con(attributes, Nnc_Penalties)>;
class Nnc_DistanceMetric<string mnemonic>
    : Nnc_Distance<mnemonic, "Metric", (ins), [DeclareOpInterfaceMethods<Nnc_Summed>]>;

def MseOp : Nnc_DistanceLoss<"mse"> {
  let summary = "Mean squared error";
  let description = [{
    y = mean of (prediction - target) ^ 2 over all elements, by `weights` where they
    are given. Targets that are `ignore_index` do not count.

    dprediction = 2 * (prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mse %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 2.5
    ```
  }];
  let expansion = "weightedMean(squaredErrors(prediction, target), termWeights(weights, target, prediction, getIgnoreIndex()))";
}

def MaeOp : Nnc_DistanceLoss<"mae"> {
  let summary = "Mean absolute error";
  let description = [{
    y = mean of |prediction - target| over all elements, by `weights` where they
    are given. Targets that are `ignore_index` do not count.

    dprediction = sign(prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mae %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let expansion = "weightedMean(absoluteErrors(prediction, target), termWeights(weights, target, prediction, getIgnoreIndex()))";
}

def HuberOp : Nnc_DistanceLoss<"huber", (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$delta)> {
  let summary = "Squared error near zero, absolute error beyond";
  let description = [{
    y = mean of d * d / 2 where |d| <= delta, else delta * (|d| - delta / 2), with
    d = prediction - target, by `weights` where they are given. Targets that are
    `ignore_index` do not count.

    dprediction = min(max(d, -delta), delta) * dy / n.

    Source: Huber 1964, doi:10.1214/aoms/1177703732.

    ```mlir
    // prediction: [1.0, 4.0], target: [0.5, 0.0]
    %y = nnc.huber %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.8125
    ```
  }];
  let hasExpansion = 1;
}

def SmoothL1Op : Nnc_DistanceLoss<"smooth_l1", (ins DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0">:$beta)> {
  let summary = "Absolute error with a smooth tip: huber by beta";
  let description = [{
    y = mean of d * d / (2 * beta) where |d| <= beta, else |d| - beta / 2, with
    d = prediction - target, by `weights` where they are given. Targets that are
    `ignore_index` do not count.

    dprediction = min(max(d / beta, -1), 1) * dy / n.

    Source: Girshick 2015, arXiv:1504.08083, equation 3.

    ```mlir
    // prediction: [1.0, 4.0], target: [0.5, 0.0]
    %y = nnc.smooth_l1 %prediction, %target beta = 2.0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.53125
    ```
  }];
  let hasExpansion = 1;
}

def LogCoshOp : Nnc_DistanceLoss<"log_cosh"> {
  let summary = "Logarithm of the error's hyperbolic cosine";
  let description = [{
    y = mean of ln(cosh(prediction - target)), by `weights` where they are given:
    near d * d / 2 where d is small, and |d| - ln 2 where it is large. Targets that
    are `ignore_index` do not count.

    dprediction = tanh(prediction - target) * dy / n.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 2.0]
    %y = nnc.log_cosh %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.216890
    ```
  }];
  let hasExpansion = 1;
}

def QuantileLossOp : Nnc_DistanceLoss<"quantile_loss", (ins DefaultValuedAttr<Nnc_In<"(0, 1)">, "0.5">:$quantile)> {
  let summary = "Error by which a quantile is the best prediction";
  let description = [{
    y = mean of max(q * d, (q - 1) * d), with d = target - prediction and q =
    `quantile`: too low a prediction costs q a unit, and too high a one 1 - q. By
    `weights` where they are given; targets that are `ignore_index` do not count.

    Source: Koenker and Bassett 1978, doi:10.2307/1913643.

    ```mlir
    // prediction: [1.0, 4.0], target: [2.0, 0.0]
    %y = nnc.quantile_loss %prediction, %target quantile = 0.75 : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.875
    ```
  }];
  let hasExpansion = 1;
}

def PoissonNllOp : Nnc_DistanceLoss<"poisson_nll", (ins
    DefaultValuedAttr<BoolAttr, "true">:$log_input, DefaultValuedAttr<BoolAttr, "false">:$full,
    DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0e-8">:$epsilon)> {
  let summary = "How little a count is expected by a Poisson distribution";
  let description = [{
    y = mean of e ^ prediction - target * prediction, in which the prediction is the
    logarithm of the rate, or with `log_input = false` of prediction - target *
    ln(prediction + epsilon), in which it is the rate. `full` adds Stirling's
    t * ln t - t + ln(2 * pi * t) / 2 where the target t is above 1. By `weights`
    where they are given; targets that are `ignore_index` do not count.

    ```mlir
    // prediction: [0.0, 1.0], target: [1.0, 2.0]
    %y = nnc.poisson_nll %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.859141
    ```
  }];
  let hasExpansion = 1;
}

def GaussianNllOp : Nnc_CompositeOp<"gaussian_nll"> {
  let summary = "How little a number is expected by a normal distribution";
  let description = [{
    y = mean of (ln v + (prediction - target) ^ 2 / v) / 2, with v = max(variance,
    epsilon); the variance broadcasts to the prediction. `full` adds ln(2 * pi) / 2.
    By `weights` where they are given; targets that are `ignore_index` do not count.

    Source: Nix and Weigend 1994, doi:10.1109/ICNN.1994.374138.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 2.0], variance: [1.0, 1.0]
    %y = nnc.gaussian_nll %prediction, %target, %variance : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 0.25
    ```
  }];
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target, Nnc_FloatTensor:$variance),
      Nnc_Weights, Nnc_Ignored,
      (ins DefaultValuedAttr<BoolAttr, "false">:$full, DefaultValuedAttr<Nnc_In<"(0, inf)">, "1.0e-6">:$epsilon),
      Nnc_Penalties);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferGaussian(site, prediction, target, variance, {weights, {}, adaptor.getIgnoreIndex()})"];
  let category = "Loss";
  let hasExpansion = 1;
}

def MeanSquaredErrorOp : Nnc_DistanceMetric<"mean_squared_error"> {
  let summary = "Mean squared error, as a metric";
  let better = "smaller";
  let description = [{
    y = mean of (prediction - target) ^ 2 over all elements: mse without penalties.
    Over a set it is by all `weights`, and of all elements that count.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mean_squared_error %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 2.5
    ```
  }];
  let expansion = "weightedMean(squaredErrors(prediction, target), termWeights(weights, target, prediction, getIgnoreIndex()))";
}

def MeanAbsoluteErrorOp : Nnc_DistanceMetric<"mean_absolute_error"> {
  let summary = "Mean absolute error, as a metric";
  let better = "smaller";
  let description = [{
    y = mean of |prediction - target| over all elements: mae without penalties.
    Over a set it is by all `weights`, and of all elements that count.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.mean_absolute_error %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.5
    ```
  }];
  let expansion = "weightedMean(absoluteErrors(prediction, target), termWeights(weights, target, prediction, getIgnoreIndex()))";
}

// Of a whole set, as scikit-learn has it: prediction [B, ..] has an output a place,
// and y is the mean over outputs, or as `multioutput` says. Means within an output
// are by `weights`, and of elements whose target is not `ignore_index`.
class Nnc_Regression<string mnemonic>
    : Nnc_CompositeOp<mnemonic, [DeclareOpInterfaceMethods<Nnc_Summed>]> {
  let arguments = !con((ins Nnc_FloatTensor:$prediction, Nnc_NumericTensor:$target), Nnc_Weights,
      (ins DefaultValuedAttr<Nnc_MultioutputAttr, "::nnc::Multioutput::uniform_average">:$multioutput), Nnc_Ignored);
  let results = (outs Nnc_FloatScalar:$y);
  let resultTypes = ["inferTerms(site, {\"prediction\", prediction}, target, {weights, {}, adaptor.getIgnoreIndex()})"];
  let category = "Metric";
  let expansion = "readSums(*this, builder)";
}

def RootMeanSquaredErrorOp : Nnc_Regression<"root_mean_squared_error"> {
  let summary = "Root of the mean squared error";
  let better = "smaller";
  let description = [{
    y = sqrt(mean of (prediction - target) ^ 2), over a set of the mean over all of
    it. Where a sample has several places, [B, ..], each is an output with a root of
    its own, and y is their mean; `multioutput = flattened` takes one root of the
    mean over all of them.

    ```mlir
    // prediction: [1.0, 2.0], target: [0.0, 4.0]
    %y = nnc.root_mean_squared_error %prediction, %target : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
    // y: 1.58114
    ```
  }];
  let resultTypes = ["inferRootError(site, prediction, target, {weights, {}, adaptor.getIgnoreIndex()}, adaptor.getMultioutput())"];
}

def R2Op : Nnc_Regression<"r2"> {
  let summary = "Share of the target's variance that is predicted";
  let better = "larger";
  let description = [{
    y = 1 - sum (target - prediction) ^ 2 / sum (target - mean target) ^ 2, the
    coefficient of determination, over the whole set. 1 is perfect, 0 no better than
    the mean. Where the target does not vary it is 1 if the prediction is right, and
    else 0. Each place of a sample [B, ..] is an output; y is their mean, with
    `multioutput = variance_weighted` by the variance of their targets, and with
    `flattened` all places are one output.

    ```mlir
    // prediction: [1.0, 2.0, 4.0], target: [1.0, 2.0, 3.0]
    %y = nnc.r2 %prediction, %target : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
    // y: 0.5
    ```
  }];
}

def ExplainedVarianceOp : Nnc_Regression<"explained_variance"> {
  let summary = "Share of the target's variance that is predicted, but for a constant";
  let better = "larger";
  let description = [{
    y = 1 - variance(target - prediction) / variance(target), over the whole set: r2
    of a prediction whose mean error is taken off. Otherwise as r2.

    ```mlir
    // prediction: [2.0, 3.0, 4.0], target: [1.0, 2.0, 3.0]
    %y = nnc.explained_variance %prediction, %target : (tensor<3xf32>, tensor<3xf32>) -> tensor<f32>
    // y: 1.0
    ```
  }];
}

#endif // NNC_OPS_REGRESSION_TD
