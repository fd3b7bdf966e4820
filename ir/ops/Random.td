// Random numbers as a counter: the same seed, step and stream give the same
// numbers on every target and at any number of threads.
#ifndef NNC_OPS_RANDOM_TD
#define NNC_OPS_RANDOM_TD

include "ir/Dialect.td"
include "ir/Types.td"

def RandomBitsOp : Nnc_Op<"random_bits", [Nnc_Positional]> {
  let summary = "Uniformly random words";
  let description = [{
    y[i] = the upper `bits` bits of word i (in row-major order) of stream
    `stream`, of which the lower half counts, at (seed, step), as an integer below
    2 ^ bits. Philox 4x32-10; which counter gives which word is in
    runtime/Random.h. In the shape -1 is the batch. The stream is an operand, so
    that equal layers have equal kernels (nnc-outline-kernels). With the attribute `nnc.sample_numbers`, i counts from the first sample of a set,
    of which the upper half of `step` come before the batch (ir/SampleNumbers.h).

    Source: Salmon et al. 2011, doi:10.1145/2063384.2063405.

    ```mlir
    %y = nnc.random_bits %seed, %step, %stream shape = [-1, 8] bits = 24
        : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?x8xui32>
    // y: integers from 0 to 16777215
    ```
  }];
  let arguments = (ins Nnc_CountScalar:$seed, Nnc_CountScalar:$step,
                       Nnc_CountScalar:$stream, DenseI64ArrayAttr:$shape, DefaultValuedAttr<I64Attr, "32">:$bits);
  let results = (outs Nnc_BitsTensor:$y);
  let resultTypes = ["makeType(site, adaptor.getShape(), ::mlir::IntegerType::get(context, 32, ::mlir::IntegerType::Unsigned))"];
  let category = "Internal";
  let noGradient = "a random number does not depend on a tensor";
  let hasVerifier = 1;
}

// The counter is the seed and the step; the frontend leaves it out, and
// nnc-build-entry-points adds it and gives each op its stream.
class Nnc_RandomOp<string mnemonic, dag attributes> : Nnc_CompositeOp<mnemonic> {
  let arguments = !con((ins Variadic<Nnc_CountScalar>:$counter, DenseI64ArrayAttr:$shape),
      attributes, (ins OptionalAttr<TypeAttr>:$type, DefaultValuedAttr<I64Attr, "-1">:$stream));
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["inferRandom(site, adaptor.getShape(), adaptor.getType())"];
  let hasExpansion = 1;
  let hasVerifier = 1;
}

def RandomUniformOp : Nnc_RandomOp<"random_uniform", (ins
    DefaultValuedAttr<Nnc_In<"(-inf, inf)">, "0.0">:$low, DefaultValuedAttr<Nnc_In<"(-inf, inf)">, "1.0">:$high)> {
  let summary = "Uniformly distributed numbers";
  let description = [{
    y = low + (high - low) * bits / 2^24, with 24 random bits: low <= y < high, but
    for rounding in element types of less precision.

    ```mlir
    %y = nnc.random_uniform %seed, %step shape = [2] stream = 1 : (tensor<i64>, tensor<i64>) -> tensor<2xf32>
    // y: two numbers from 0.0 to 0.99999994
    ```
  }];
}

def RandomNormalOp : Nnc_RandomOp<"random_normal", (ins
    DefaultValuedAttr<Nnc_In<"(-inf, inf)">, "0.0">:$mean, DefaultValuedAttr<Nnc_In<"[0, inf)">, "1.0">:$stddev)> {
  let summary = "Normally distributed numbers";
  let description = [{
    y = mean + stddev * sqrt(-2 ln u) * cos(2 pi v), with u and v uniform in
    (0, 1] and [0, 1).

    Source: Box and Muller 1958, doi:10.1214/aoms/1177706645.

    ```mlir
    // u: 1.0, v: 0.25
    %y = nnc.random_normal %seed, %step shape = [] stream = 1 : (tensor<i64>, tensor<i64>) -> tensor<f32>
    // y: 0.0
    ```
  }];
}

def BernoulliOp : Nnc_RandomOp<"bernoulli", (ins Nnc_In<"[0, 1]">:$p)> {
  let summary = "Ones with a probability, else zeros";
  let description = [{
    y = 1 with probability p, rounded to a multiple of 2^-24, else 0.

    ```mlir
    %y = nnc.bernoulli %seed, %step shape = [2] p = 1.0 stream = 1 : (tensor<i64>, tensor<i64>) -> tensor<2xf32>
    // y: [1.0, 1.0]
    ```
  }];
}

def OrthogonalizeOp : Nnc_Op<"orthogonalize"> {
  let summary = "A matrix with orthonormal columns or rows";
  let description = [{
    x as a matrix [all but the last dimension, last dimension]. If it has no more
    columns than rows, y = the columns made orthonormal one after another
    (Gram-Schmidt, in f64); else the same of the rows. It serves the initializer
    `orthogonal`, on normally distributed x.

    Source: Saxe, McClelland and Ganguli 2013, arXiv:1312.6120.

    ```mlir
    // x: [[3.0, 1.0], [4.0, 2.0]]
    %y = nnc.orthogonalize %x : tensor<2x2xf32>
    // y: [[0.6, -0.8], [0.8, 0.6]]
    ```
  }];
  let arguments = (ins Nnc_FloatTensor:$x);
  let results = (outs Nnc_FloatTensor:$y);
  let resultTypes = ["x"];
  let category = "Internal";
  let noGradient = "only an initializer uses it";
  let hasVerifier = 1;
}

#endif // NNC_OPS_RANDOM_TD
