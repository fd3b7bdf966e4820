#!/usr/bin/env python3
"""Writes the numeric tests of the ops for nnc-check: for each op some inputs, and
what NumPy makes of them in f64. nnc-check adds the gradients, which it compares
with central differences.

`python3 ops.py FAMILY` prints one family's MLIR; `--list` the ops that have a test.
"""
import math, sys

import numpy as np

from cases import BATCH, FAMILIES, MLIR_TYPES, TESTED, case, edge, exact, mlir_type, spread
from formulas import adam, batch_norm, cross_entropy, layer_norm, normalized, softmax

x = spread((BATCH, 5))
positive = spread((BATCH, 5), 0.25, 4.0)
unit = spread((BATCH, 5), -0.9, 0.9)
y = spread((BATCH, 5), seed=3)
long = spread((3, 67), seed=4)

erf = np.vectorize(math.erf)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


# Elementwise ---------------------------------------------------------------------

for op, f, values in [
    ("neg", np.negative, x), ("abs", np.abs, x), ("exp", np.exp, x), ("log", np.log, positive),
    ("log1p", np.log1p, positive), ("expm1", np.expm1, x), ("tanh", np.tanh, x), ("sigmoid", sigmoid, x),
    ("erf", erf, x), ("sqrt", np.sqrt, positive), ("rsqrt", lambda v: 1 / np.sqrt(v), positive),
    ("sin", np.sin, x), ("cos", np.cos, x)]:
    case("elementwise", op, [values], f, dynamic=(0,))
    case("elementwise", op, [np.abs(long) + 0.25 if values is positive else long], f)
for op, f in [("floor", np.floor), ("ceil", np.ceil), ("round", np.round), ("trunc", np.trunc), ("sign", np.sign)]:
    case("elementwise", op, [x], f, gradient=False, dynamic=(0,))
for op, f in [("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("maximum", np.maximum), ("minimum", np.minimum)]:
    case("elementwise", op, [x, y], f, dynamic=(0, 1))
    case("elementwise", op, [x, y[0]], f, dynamic=(0,))
    case("elementwise", op, [x[:, :1], y], f, dynamic=(0, 1))
    case("elementwise", op, [np.float64(0.7578125), y], f, dynamic=(1,))
case("elementwise", "div", [x, positive], np.divide, dynamic=(0, 1))
case("elementwise", "div", [x, positive[0]], np.divide, dynamic=(0,))
case("elementwise", "pow", [positive, y], np.power, dynamic=(0, 1))
case("elementwise", "clamp", [x], lambda v: np.clip(v, -1.01, 0.77), "min = -1.01 max = 0.77", dynamic=(0,))
for predicate, f in [("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("le", np.less_equal),
                     ("gt", np.greater), ("ge", np.greater_equal)]:
    tied = y.copy()
    tied[::2] = x[::2]
    case("elementwise", "compare", [x, tied], f, f"predicate = {predicate}", gradient=False, dynamic=(0, 1))
case("elementwise", "select", [x > 0, x, y], np.where, dynamic=(0, 1, 2))
case("elementwise", "logical_and", [x > 0, y > 0], np.logical_and, gradient=False, dynamic=(0, 1))
case("elementwise", "logical_or", [x > 0, y > 0], np.logical_or, gradient=False, dynamic=(0, 1))
case("elementwise", "logical_not", [x > 0], np.logical_not, gradient=False, dynamic=(0,))
whole = np.arange(BATCH * 5, dtype=np.int32).reshape(BATCH, 5) - 9
case("elementwise", "cast", [whole], lambda v: v.astype(np.float64), "to = f64", gradient=False, dynamic=(0,))
case("elementwise", "cast", [(whole + 9).astype(np.uint8) * 7], lambda v: v.astype(np.float64), "to = f64", gradient=False, dynamic=(0,))
case("elementwise", "cast", [x], lambda v: v.astype(np.int32), "to = i32", gradient=False, dynamic=(0,))
# Defined for every operand, where C is not and machines differ.
inf, nan = math.inf, math.nan
for kind, least, largest in [(np.int32, -(2**31), 2**31 - 1), (np.int64, -(2**63), 2**63 - 1)]:
    most = largest if kind is np.int32 else 2**62  # what nnc-check's doubles hold
    counts = np.array([7, -7, 7, least, least, most, 0, 5, least], kind)
    divisors = np.array([2, 2, -2, -1, 0, 0, 0, -1, 1], kind)
    edge("elementwise", "div", [counts, divisors], np.array([3, -3, -3, least, 0, 0, 0, -5, least], kind))
    edge("elementwise", "neg", [counts], np.array([-7, 7, -7, least, least, -most, 0, -5, least], kind))
    edge("elementwise", "abs", [counts], np.array([7, 7, 7, least, least, most, 0, 5, least], kind))
    name = f"to = {MLIR_TYPES[np.dtype(kind).name]}"
    edge("elementwise", "cast", [np.array([nan, inf, -inf, 1e30, -1e30, 1e10 if kind is np.int64 else 3e9, -2.75, 2.75, -0.0])],
         np.array([0, largest, least, largest, least, 10**10 if kind is np.int64 else largest, -2, 2, 0], kind), attributes=name)
edge("elementwise", "div", [np.array([7, 255, 0], np.uint8), np.array([2, 0, 0], np.uint8)], np.array([3, 0, 0], np.uint8))
edge("elementwise", "cast", [np.array([nan, inf, -inf, 300.0, -0.5, -3.0, 255.0, 255.5])],
     np.array([0, 255, 0, 255, 0, 0, 255, 255], np.uint8), attributes="to = ui8")
edge("elementwise", "cast", [np.array([300, -1, 2**31 - 1], np.int32)], np.array([44, 255, 255], np.uint8), attributes="to = ui8")
# A constant power has no slope, not even at zero.
edge("elementwise", "pow", [np.array([0.0, 0.0, 2.0, 0.0]), np.array([0.0, 1.0, 0.0, 2.0])], np.array([1.0, 0.0, 1.0, 0.0]),
     [np.array([0.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, math.log(2), 0.0])], only="f64")
case("elementwise", "stop_gradient", [x], lambda v: v, gradient=False, dynamic=(0,))
case("elementwise", "constant", [np.float64(0)], lambda v: exact([1.5, -2.25]), gradient=False,
     text="%y = nnc.constant dense<[1.5, -2.25]> : tensor<2xf64>")
case("elementwise", "iota", [np.float64(0)], lambda v: np.tile(np.arange(4, dtype=np.int32), (3, 1)), gradient=False,
     text="%y = nnc.iota shape = [3, 4] type = i32 axis = 1 : () -> tensor<3x4xi32>")

# Contraction ---------------------------------------------------------------------

for m, k, n in [(BATCH, 3, 4), (BATCH, 33, 17), (BATCH, 1, 1), (64, 48, 40), (13, 300, 9)]:
    lhs, rhs = spread((m, k), -1, 1), spread((k, n), -1, 1, seed=1)
    for tl in (False, True):
        for tr in (False, True):
            flags = ("transpose_lhs = true " if tl else "") + ("transpose_rhs = true" if tr else "")
            case("contraction", "matmul", [lhs.T.copy() if tl else lhs, rhs.T.copy() if tr else rhs],
                 lambda a, b: (a.T if tl else a) @ (b.T if tr else b), flags.strip(),
                 dynamic=() if tl or m != BATCH or n == BATCH or k == BATCH else (0,))
# The batch is what is summed over: the gradient of a weight.
case("contraction", "matmul", [spread((BATCH, 6), -1, 1), spread((BATCH, 4), -1, 1, seed=2)],
     lambda a, b: a.T @ b, "transpose_lhs = true", dynamic=(0, 1))
batched = spread((BATCH, 3, 5), -1, 1)
case("contraction", "matmul", [batched, spread((BATCH, 5, 4), -1, 1, seed=1)], np.matmul, dynamic=(0, 1))
case("contraction", "matmul", [batched, spread((5, 4), -1, 1, seed=1)], np.matmul, dynamic=(0,))
case("contraction", "matmul", [batched, spread((BATCH, 4, 5), -1, 1, seed=1)],
     lambda a, b: a @ b.swapaxes(1, 2), "transpose_rhs = true", dynamic=(0, 1))
case("contraction", "matmul", [batched, spread((BATCH, 3, 4), -1, 1, seed=1)],
     lambda a, b: np.einsum("bki,bkj->ij", a, b), "transpose_lhs = true reduce_batch = true", dynamic=(0, 1))

# Reduction -----------------------------------------------------------------------

cube = spread((BATCH, 3, 4))


def logsumexp(v, axis, keepdims=False):
    return np.log(np.exp(v).sum(axis=axis, keepdims=keepdims))


for op, f in [("sum", np.sum), ("mean", np.mean), ("reduce_max", np.max), ("reduce_min", np.min), ("logsumexp", logsumexp)]:
    for axes in [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)]:
        case("reduction", op, [cube], lambda v: f(v, axis=axes), f"axes = {list(axes)}", dynamic=(0,))
    case("reduction", op, [cube], lambda v: f(v, axis=(1,), keepdims=True), "axes = [1] keep_dims = true", dynamic=(0,))
    case("reduction", op, [long], lambda v: f(v, axis=(1,)), "axes = [1]")
case("reduction", "argmax", [cube], lambda v: v.argmax(2).astype(np.int32), "axis = 2", gradient=False, dynamic=(0,))
edge("reduction", "logsumexp", [np.array([[inf, 0.0], [-inf, -inf], [-inf, 0.5], [inf, inf], [nan, 0.0]])],
     np.array([inf, -inf, 0.5, inf, nan]), attributes="axes = [1]", narrow=True)
edge("reduction", "logsumexp", [np.array([[-inf, 0.5], [0.0, 0.0]])], np.array([0.5, math.log(2)]),
     [np.array([[0.0, 1.0], [0.5, 0.5]])], "axes = [1]", narrow=True)
edge("reduction", "argmax", [np.array([[nan, 1.0, 2.0], [nan, nan, nan], [-inf, -inf, -inf], [1.0, inf, nan]])],
     np.array([2, 0, 0, 1], np.int32), attributes="axis = 1", narrow=True)
case("reduction", "argmax", [long], lambda v: v.argmax(1).astype(np.int32), "axis = 1", gradient=False)
case("reduction", "size", [cube], lambda v: np.float64(v.shape[0] * v.shape[1]), "axes = [0, 1]", gradient=False, dynamic=(0,))

# Movement ------------------------------------------------------------------------

case("movement", "reshape", [cube], lambda v: v.reshape(BATCH, 12), "shape = [7, 12]")
case("movement", "transpose", [cube], lambda v: v.swapaxes(1, 2), dynamic=(0,))
case("movement", "transpose", [cube], lambda v: v.transpose(2, 0, 1), "permutation = [2, 0, 1]")
case("movement", "transpose", [spread((33, 20))], lambda v: v.T)
case("movement", "broadcast", [spread((1, 4))], lambda v: np.broadcast_to(v, (3, 4)).copy(), "shape = [3, 4]")
case("movement", "slice", [cube], lambda v: v[:, 1:3, 0:4:2], "starts = [0, 1, 0] sizes = [7, 2, 2] strides = [1, 1, 2]")
case("movement", "pad", [cube], lambda v: np.pad(v, ((0, 0), (1, 2), (0, 1)), constant_values=0.5),
     "low = [0, 1, 0] high = [0, 2, 1] value = 0.5", dynamic=(0,))
case("movement", "concat", [cube, spread((BATCH, 2, 4), seed=1)], lambda a, b: np.concatenate([a, b], 1), "axis = 1", dynamic=(0, 1))
index = np.array([3, 0, 3, 9, 1, 1, 8], dtype=np.int32)
case("movement", "gather", [spread((10, 6)), index], lambda t, i: t[i], dynamic=(1,))
case("movement", "scatter_add", [index, spread((BATCH, 6))],
     lambda i, u: np.add.reduce([np.eye(10)[:, [a]] * b for a, b in zip(i, u)]), "size = 10", dynamic=(0, 1))

# Activations, normalisation ----------------------------------------------------------

case("neural", "relu", [x], lambda v: np.maximum(v, 0), dynamic=(0,))
case("neural", "leaky_relu", [x], lambda v: np.where(v > 0, v, 0.01 * v), dynamic=(0,))
case("neural", "elu", [x], lambda v: np.where(v > 0, v, np.expm1(v)), dynamic=(0,))
case("neural", "gelu", [x], lambda v: 0.5 * v * (1 + erf(v / math.sqrt(2))), dynamic=(0,))
case("neural", "silu", [x], lambda v: v * sigmoid(v), dynamic=(0,))
case("neural", "mish", [x], lambda v: v * np.tanh(np.log1p(np.exp(v))), dynamic=(0,))
case("neural", "softplus", [x], lambda v: np.log1p(np.exp(v)), dynamic=(0,))


case("neural", "softmax", [x], softmax, dynamic=(0,))
case("neural", "softmax", [long * 20], softmax)
edge("neural", "softmax", [np.array([[-inf, 0.0], [inf, 0.0], [-inf, -inf]])], np.array([[0.0, 1.0], [nan, nan], [nan, nan]]), narrow=True)
case("neural", "log_softmax", [x], lambda v: np.log(softmax(v)), dynamic=(0,))


case("neural", "dense", [x, spread((5, 3), seed=2), spread((3,), seed=1)], lambda v, w, b: v @ w + b, dynamic=(0,))
case("neural", "embedding", [np.array([3, 0, 3, 9, 1, 1, 8], dtype=np.int32), spread((10, 6))], lambda i, t: t[i], dynamic=(0,))
# An index outside takes the nearest row, and its gradient goes there.
outside = np.array([-1, 2, 3, 2**31 - 1, -(2**31)], np.int32)
edge("neural", "embedding", [outside, exact([[1], [2], [3]])], exact([[1], [3], [3], [3], [1]]))
edge("movement", "gather", [exact([[1], [2], [3]]), outside], exact([[1], [3], [3], [3], [1]]), [exact([[2], [0], [3]])])
# Those that 32 bits would wrap around into the table are outside, too.
beyond = np.array([2**32 + 1, -(2**32) + 1, 1, 2**62], np.int64)
edge("movement", "gather", [exact([[1], [2], [3]]), beyond], exact([[3], [1], [2], [3]]), [exact([[1], [1], [2]])])
# A table of as many rows as the batch has.
case("movement", "gather", [spread((BATCH, 3)), np.array([-1, 5, 2**31 - 1, 0, 5, 3, BATCH], np.int32)],
     lambda t, i: t[np.clip(i, 0, BATCH - 1)], name="gather_along_batch", dynamic=(0, 1))
case("neural", "flatten", [cube], lambda v: v.reshape(BATCH, -1), dynamic=(0,))
labels = np.array([0, 4, 2, 2, 1, 3, 0], dtype=np.int32)
edge("neural", "one_hot", [np.array([-1, 2, 3, 2**32, 2**32 + 1, 1 - 2**32], np.int64)],
     np.eye(3)[[2] * 6] * np.array([[0], [1], [0], [0], [0], [0]]), attributes="classes = 3 type = f64")
case("neural", "one_hot", [labels], lambda l: np.eye(5)[l], "classes = 5 type = f64", gradient=False, dynamic=(0,))

# Normalization ----------------------------------------------------------------------


def batch_norm_with(v, scale, bias, mean, variance, epsilon=1e-5):
    return (v - mean) / np.sqrt(variance + epsilon) * scale + bias


def group_norm(v, scale, bias, groups):
    parts = v.reshape(*v.shape[:-1], groups, -1)
    axes = (*range(1, v.ndim - 1), v.ndim)
    return normalized(parts, scale.reshape(groups, -1), bias.reshape(groups, -1), axes).reshape(v.shape)


def normalize(v, scale, bias, axes):
    return normalized(v, scale, bias, axes), v.mean(axes, keepdims=True), v.var(axes, keepdims=True)


image = spread((BATCH, 2, 3, 4), seed=6)
weights = spread((4,), 0.5, 2, seed=1), spread((4,), seed=2)
running = spread((4,), seed=7), spread((4,), 0.5, 2, seed=8)
case("normalization", "layer_norm", [x, positive[0], y[0]], layer_norm, dynamic=(0,), tolerance=256)
case("normalization", "layer_norm", [image, *weights], layer_norm, dynamic=(0,), tolerance=256)
case("normalization", "rms_norm", [x, positive[0]],
     lambda v, scale: v / np.sqrt((v * v).mean(-1, keepdims=True) + 1e-5) * scale, dynamic=(0,), tolerance=256)
case("normalization", "instance_norm", [image, *weights], lambda v, s, b: normalized(v, s, b, (1, 2)), dynamic=(0,), tolerance=256)
for groups in (1, 2, 4):
    case("normalization", "group_norm", [image, *weights], lambda v, s, b: group_norm(v, s, b, groups), f"groups = {groups}",
         dynamic=(0,), tolerance=256)
case("normalization", "group_norm", [image[:, 0, 0], *weights], lambda v, s, b: group_norm(v, s, b, 2), "groups = 2",
     dynamic=(0,), tolerance=256)
case("normalization", "batch_norm", [image, *weights, *running], batch_norm_with, dynamic=(0,), tolerance=256)
case("normalization", "batch_norm", [x, positive[0], y[0], y[1], positive[1]],
     lambda *all: batch_norm_with(*all, epsilon=0.5), "epsilon = 0.5", dynamic=(0,), tolerance=256)
case("normalization", "batch_norm", [image, *weights, *running], batch_norm, dynamic=(0,), tolerance=256, training=True,
     name="batch_norm_of_batch")
case("normalization", "batch_norm", [x, positive[0], y[0], y[1], positive[1]], batch_norm,
     "momentum = 0.9 convention = keras", dynamic=(0,), tolerance=256, training=True, name="batch_norm_of_batch")
case("normalization", "batch_norm", [image, *weights, *running], batch_norm_with, "frozen_statistics = true", dynamic=(0,),
     tolerance=256, training=True, name="batch_norm_frozen")
# A mean of some thousand deviations: it rounds by 2^-15 in f32, 256 epsilons, beside
# which a variance of the squares' mean alone would have lost all of its digits.
case("normalization", "batch_norm", [x + 1000, positive[0], y[0], y[1], positive[1]], batch_norm, dynamic=(0,), tolerance=2048,
     gradient=False, training=True, name="batch_norm_far_from_zero")
# The shift is of the first sample: one that is far from all the others.
case("normalization", "batch_norm", [np.concatenate([x[:1] + 4096, x[1:]]), positive[0], y[0], y[1], positive[1]], batch_norm,
     dynamic=(0,), tolerance=2048, gradient=False, training=True, name="batch_norm_outlier")
for axes in ([0, 1, 2], [1, 2], [-1], [0], [0, 1, 2, 3], [2]):
    case("normalization", "normalize", [image, *weights], lambda v, s, b: normalize(v, s, b, tuple(axes)),
         f"axes = {axes} epsilon = 1.0e-5", dynamic=(0,), tolerance=256)

# Losses and metrics ------------------------------------------------------------------


case("losses", "cross_entropy", [x, labels], cross_entropy, dynamic=(0, 1))
case("losses", "cross_entropy", [x * 300, labels], lambda v, l: np.mean(
    np.log(np.exp(v - v.max(1, keepdims=True)).sum(1)) + v.max(1) - v[np.arange(BATCH), l]), name="cross_entropy_large")
# Large logits have no digits left for the loss; their differences still have it.
for size in (1e4, 1e7, 1e8, 1e30):
    even, small = np.full((2, 2), size), size <= 1e4
    edge("losses", "cross_entropy", [even, np.array([0, 1], np.int32)], np.log(2.0), [np.array([[-0.25, 0.25], [0.25, -0.25]])], narrow=small)
    edge("losses", "cross_entropy", [even, np.array([[0.0, 1.0], [0.5, 0.5]])], np.log(2.0),
         [np.array([[0.25, -0.25], [0.0, 0.0]]), np.full((2, 2), np.log(2.0) / 2)], narrow=small)
    edge("neural", "log_softmax", [even], np.full((2, 2), -np.log(2.0)), [np.zeros((2, 2))], narrow=small)
    edge("neural", "softmax", [even], np.full((2, 2), 0.5), [np.zeros((2, 2))], narrow=small)
    edge("reduction", "logsumexp", [even], size + np.log([2.0, 2.0]), [np.full((2, 2), 0.5)], "axes = [1]", narrow=small)
# A number that is no class is a row of zeros: it counts, and adds nothing.
for kind in (np.int32, np.int64):
    wide = 2**32 if kind is np.int64 else 0
    edge("losses", "cross_entropy", [np.zeros((4, 3)), np.array([3, -1, 1, wide + 4], kind)], np.log(3.0) / 4,
         [np.array([[0, 0, 0], [0, 0, 0], [1, -2, 1], [0, 0, 0]]) / 12], narrow=True)
edge("losses", "cross_entropy", [np.array([[-inf, 0.5], [0.5, -inf]]), np.array([1, 0], np.int32)], np.float64(0.0), [np.zeros((2, 2))], narrow=True)
case("losses", "cross_entropy", [x, np.eye(5)[labels]], cross_entropy, dynamic=(0, 1))
truth = np.array([0, 1, 1, 0, 1, 0, 1], dtype=np.float64)
probability = spread((BATCH,), 0.1, 0.9)
case("losses", "binary_cross_entropy", [probability, truth],
     lambda p, t: -(t * np.log(p) + (1 - t) * np.log1p(-p)).mean(), dynamic=(0, 1))
# Saturated, and right: no loss to speak of, no gradient, in any type.
edge("losses", "binary_cross_entropy", [np.array([1.0, 0.0]), np.array([1.0, 0.0])], -np.log1p(-1e-7), [np.zeros(2)], tolerance=256)
for size, loss in [("f16", -math.log1p(-(2.0**-11))), ("bf16", -math.log1p(-(2.0**-8)))]:
    edge("losses", "binary_cross_entropy", [np.array([1.0, 0.0]), np.array([1.0, 0.0])], np.float64(loss), [np.zeros(2)], only=size)
case("losses", "bce_logits", [x[:, 0], truth],
     lambda v, t: (np.maximum(v, 0) - v * t + np.log1p(np.exp(-np.abs(v)))).mean(), dynamic=(0, 1))
case("losses", "mse", [x, y], lambda p, t: ((p - t) ** 2).mean(), dynamic=(0, 1))
case("losses", "mae", [x, y], lambda p, t: np.abs(p - t).mean(), dynamic=(0, 1))
case("losses", "huber", [x, y], lambda p, t: np.where(np.abs(p - t) <= 1, 0.5 * (p - t) ** 2, np.abs(p - t) - 0.5).mean(), dynamic=(0, 1))
case("losses", "accuracy", [x, labels], lambda v, l: (v.argmax(1) == l).mean(), gradient=False, dynamic=(0, 1))
case("losses", "top_k_accuracy", [x, labels],
     lambda v, l: np.mean([l[i] in np.argsort(-v[i])[:2] for i in range(len(l))]), "k = 2", gradient=False, dynamic=(0, 1))
# What compares with nothing is not right.
rows = np.array([[nan, nan, nan], [nan, 1.0, 0.0], [3.0, 2.0, nan], [3.0, 2.0, 1.0]])
edge("losses", "accuracy", [rows, np.array([0, 1, 0, 0], np.int32)], np.float64(0.25), narrow=True)
edge("losses", "accuracy", [rows, np.array([3, -1, 5, 2], np.int32)], np.float64(0.0), narrow=True)
edge("losses", "accuracy", [np.array([[nan], [nan], [1.0], [-1.0]]), np.array([0.0, 1.0, 1.0, nan])], np.float64(0.25), narrow=True)
edge("losses", "top_k_accuracy", [rows, np.array([0, 1, 0, 1], np.int32)], np.float64(0.75), attributes="k = 2", narrow=True)
edge("losses", "top_k_accuracy", [rows, np.array([0, 0, 2, 2], np.int32)], np.float64(0.25), attributes="k = 5", narrow=True)
edge("losses", "top_k_accuracy", [rows, np.array([3, -1, 5, 9], np.int32)], np.float64(0.0), attributes="k = 5", narrow=True)
case("losses", "mean_absolute_error", [x, y], lambda p, t: np.abs(p - t).mean(), dynamic=(0, 1))
case("losses", "mean_squared_error", [x, y], lambda p, t: ((p - t) ** 2).mean(), dynamic=(0, 1))

# Optimizers: one update, against the papers' formulas -----------------------------------

w, g, m, v = spread((6, 5)), spread((6, 5), seed=1), spread((6, 5), seed=2), spread((6, 5), 0.25, 2, seed=3)
rate, step = np.float64(0.125), np.int64(3)  # the fourth step: t = 4
case("optimizers", "sgd", [w, g, rate, step], lambda w, g, r, s: w - r * g, gradient=False)
case("optimizers", "momentum", [w, g, rate, step, m], lambda w, g, r, s, m: (w - r * (0.9 * m + g), 0.9 * m + g), gradient=False)
case("optimizers", "nesterov", [w, g, rate, step, m],
     lambda w, g, r, s, m: (w - r * (g + 0.9 * (0.9 * m + g)), 0.9 * m + g), gradient=False)
case("optimizers", "rmsprop", [w, g, rate, step, v],
     lambda w, g, r, s, v: (w - r * g / (np.sqrt(0.9 * v + 0.1 * g * g) + 1e-7), 0.9 * v + 0.1 * g * g), gradient=False)
case("optimizers", "adagrad", [w, g, rate, step, v],
     lambda w, g, r, s, v: (w - r * g / (np.sqrt(v + g * g) + 1e-7), v + g * g), gradient=False)


# 1 - beta2^t is 4e-3 at t = 4: a subtraction that costs eight bits.
case("optimizers", "adam", [w, g, rate, step, m, v], adam, gradient=False, tolerance=4096)
case("optimizers", "adamw", [w, g, rate, step, m, v], lambda *a: adam(*a, decay=0.01), gradient=False, tolerance=4096)

# With a penalty, as PyTorch's weight_decay of these.
decayed = "weight_decay = 0.25"
penalised = g + 0.25 * w
case("optimizers", "momentum", [w, g, rate, step, m], lambda w, g, r, s, m: (w - r * (0.9 * m + penalised), 0.9 * m + penalised),
     decayed, gradient=False)
case("optimizers", "nesterov", [w, g, rate, step, m],
     lambda w, g, r, s, m: (w - r * (penalised + 0.9 * (0.9 * m + penalised)), 0.9 * m + penalised), decayed, gradient=False)
case("optimizers", "rmsprop", [w, g, rate, step, v],
     lambda w, g, r, s, v: (w - r * penalised / (np.sqrt(0.9 * v + 0.1 * penalised**2) + 1e-7), 0.9 * v + 0.1 * penalised**2),
     decayed, gradient=False, tolerance=256)
case("optimizers", "adam", [w, g, rate, step, m, v], lambda w, g, *a: adam(w, penalised, *a), decayed, gradient=False, tolerance=4096)


def nadam(w, g, r, s, m, v, passed):
    mu = lambda t: 0.9 * (1 - 0.5 * 0.96 ** (0.004 * t))
    t, product = s + 1, 1 - passed
    m, v, product = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g, product * mu(s + 1)
    spread = np.sqrt(v / (1 - 0.999**t)) + 1e-8
    amount = mu(t + 1) / (1 - product * mu(t + 1)) * m + (1 - mu(t)) / (1 - product) * g
    return w - r * amount / spread, m, v, 1 - product


# Of the first step, and of one in the middle, where the product of mu is 1/4.
for now, passed in [(0, 0.0), (3, 0.75)]:
    case("optimizers", "nadam", [w, g, rate, np.int64(now), m, v, np.float64(passed)], nadam, gradient=False, tolerance=4096)


def lion(w, g, r, s, m, decay=0.0):
    return w * (1 - r * decay) - r * np.sign(0.9 * m + 0.1 * g), 0.99 * m + 0.01 * g


case("optimizers", "lion", [w, g, rate, step, m], lion, gradient=False)
case("optimizers", "lion", [w, g, rate, step, m], lambda *a: lion(*a, decay=0.25), decayed, gradient=False)


def lamb(w, g, r, s, m, v):
    t = s + 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    u = m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-6) + 0.01 * w
    norms = np.linalg.norm(w), np.linalg.norm(u)
    return w - r * (norms[0] / norms[1] if all(norms) else 1.0) * u, m, v


case("optimizers", "lamb", [w, g, rate, step, m, v], lamb, gradient=False, tolerance=4096)
# A parameter of zeros has no norm to be scaled to.
case("optimizers", "lamb", [0 * w, g, rate, step, m, v], lamb, gradient=False, tolerance=4096, name="lamb_of_zeros")


def adafactor(w, g, r, s, row, column=None, decay=0.0, eps=1.1920929e-7):
    t, size = float(s + 1), np.sqrt(np.mean(w * w))
    share = t**-0.8
    if column is None:
        results = [row + share * (g * g - row)]
        square = results[0]
    else:
        results = [row + share * ((g * g).mean(-1, keepdims=True) - row),
                   column + share * ((g * g).mean(-2, keepdims=True) - column)]
        square = results[0] * results[1] / np.maximum(results[0].mean(-2, keepdims=True), eps)
    u = g / np.sqrt(np.maximum(square, eps * eps))
    amount = max(1e-3, size) * min(r, 1 / np.sqrt(t)) / max(1.0, np.sqrt(np.mean(u * u)))
    return (w * (1 - r * decay) - amount * u, *results)


# The mean of a column's squares divides: f32 keeps all but the last digits.
for shape in [(6, 5), (1, 7), (3, 4, 5)]:
    a, b = spread(shape), spread(shape, seed=1)
    rows, columns = spread((*shape[:-1], 1), 0.25, 2, seed=2), spread((*shape[:-2], 1, shape[-1]), 0.25, 2, seed=3)
    case("optimizers", "adafactor", [a, b, rate, step, rows, columns], adafactor, gradient=False, tolerance=512)
a, b, squares = spread((7,)), spread((7,), seed=1), spread((7,), 0.25, 2, seed=2)
case("optimizers", "adafactor", [a, b, rate, step, squares], adafactor, gradient=False, tolerance=512, name="adafactor_vector")
case("optimizers", "adafactor", [a, b, rate, np.int64(0), 0 * squares], lambda *x: adafactor(*x, decay=0.25), decayed,
     gradient=False, tolerance=512, name="adafactor_first")


def muon(w, g, r, s, m, nesterov=True, match=True):
    m = 0.95 * m + 0.05 * g
    matrix = (0.95 * m + 0.05 * g if nesterov else m).reshape(-1, w.shape[-1])
    rows, columns = matrix.shape
    x = matrix.T if rows > columns else matrix
    x = x / max(np.linalg.norm(x), 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    x = (x.T if rows > columns else x).reshape(w.shape)
    return w * (1 - r * 0.1) - r * (0.2 * max(rows, columns)**0.5 if match else max(1.0, columns / rows)**0.5) * x, m


# Each of five iterations has singular values times up to 3.4445, and their errors.
for shape in [(6, 5), (5, 8), (2, 3, 4)]:
    case("optimizers", "muon", [spread(shape), spread(shape, seed=1), rate, step, spread(shape, seed=2)], muon,
         gradient=False, tolerance=2048)
case("optimizers", "muon", [w, g, rate, step, m], lambda *a: muon(*a, nesterov=False, match=False),
     "nesterov = false match_adamw = false", gradient=False, tolerance=2048)
case("optimizers", "muon", [a, b, rate, step, spread((7,), seed=3), squares], lambda *x: adam(*x, decay=0.1),
     gradient=False, tolerance=4096, name="muon_vector")

# Those parts of an optimizer's state that are there by its attributes.
velocity, mean = spread((6, 5), seed=4), spread((6, 5), -0.5, 0.5, seed=5)


def rmsprop(w, g, r, s, v, *more, centered=False, momentum=0.0):
    v, more = 0.9 * v + 0.1 * g * g, list(more)
    root = v
    if centered:
        more[0] = 0.9 * more[0] + 0.1 * g
        root = v - more[0]**2
    change = g / (np.sqrt(root) + 1e-7)
    if momentum:
        more[-1] = change = momentum * more[-1] + change
    return w - r * change, v, *more


# Of centered squares a difference is left: v is above 0.225, and the mean's square below 0.43.
for state, words in [([velocity], {"momentum": 0.5}), ([mean], {"centered": True}),
                     ([mean, velocity], {"centered": True, "momentum": 0.5})]:
    case("optimizers", "rmsprop", [w, g, rate, step, v + 0.5, *state], lambda *a, k=words: rmsprop(*a, **k),
         " ".join(f"{name} = {str(value).lower()}" for name, value in words.items()), gradient=False, tolerance=1024,
         name="rmsprop_" + "_".join(words))


def amsgrad(w, g, r, s, m, v, most, decay=0.0):
    t = s + 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    most = np.maximum(most, v)
    return w - r * (m / (1 - 0.9**t)) / (np.sqrt(most / (1 - 0.999**t)) + 1e-8) - r * decay * w, m, v, most


case("optimizers", "adam", [w, g, rate, step, m, v, v[::-1]], amsgrad, "amsgrad = true", gradient=False, tolerance=4096,
     name="adam_amsgrad")
case("optimizers", "adamw", [w, g, rate, step, m, v, v[::-1]], lambda *a: amsgrad(*a, decay=0.01), "amsgrad = true",
     gradient=False, tolerance=4096, name="adamw_amsgrad")
case("optimizers", "momentum", [w, g, rate, step, m], lambda w, g, r, s, m: (w - r * (0.9 * m + 0.75 * g), 0.9 * m + 0.75 * g),
     "dampening = 0.25", gradient=False, name="momentum_dampened")
case("optimizers", "momentum", [w, g, rate, np.int64(0), 0 * m], lambda w, g, r, s, m: (w - r * g, g), "dampening = 0.25",
     gradient=False, name="momentum_dampened_first")
case("optimizers", "adagrad", [w, g, rate, step, v],
     lambda w, g, r, s, v: (w - r / (1 + s * 0.5) * penalised / (np.sqrt(0.25 + v + penalised**2) + 1e-7), v + penalised**2),
     decayed + " rate_decay = 0.5 initial_accumulator = 0.25", gradient=False, name="adagrad_of_all")


def adadelta(w, g, r, s, v, change):
    v = 0.9 * v + 0.1 * g * g
    d = np.sqrt(change + 1e-6) / np.sqrt(v + 1e-6) * g
    return w - r * d, v, 0.9 * change + 0.1 * d * d


case("optimizers", "adadelta", [w, g, rate, step, v, v[::-1]], adadelta, gradient=False)
case("optimizers", "adadelta", [w, g, rate, step, v, v[::-1]], lambda w, g, *a: adadelta(w, penalised, *a), decayed,
     gradient=False, name="adadelta_decayed")


def rprop(w, g, r, s, previous, size):
    turn = np.sign(g * previous)
    size = np.clip((r if s == 0 else size) * np.where(turn > 0, 1.2, np.where(turn < 0, 0.5, 1)), 0.25, 2)
    g = np.where(turn < 0, 0, g)
    return w - np.sign(g) * size, g, size


for now in [0, 3]:
    case("optimizers", "rprop", [w, g, rate, np.int64(now), m * now, v], rprop, "least = 0.25 most = 2.0", gradient=False,
         name=f"rprop_{now}")


def adamax(w, g, r, s, m, u):
    m, u = 0.9 * m + 0.1 * g, np.maximum(0.999 * u, np.abs(g) + 1e-8)
    return w - r / (1 - 0.9 ** (s + 1)) * m / u, m, u


case("optimizers", "adamax", [w, g, rate, step, m, v], adamax, gradient=False, tolerance=256)
case("optimizers", "adamax", [w, g, rate, step, m, v], lambda w, g, *a: adamax(w, penalised, *a), decayed, gradient=False,
     tolerance=256, name="adamax_decayed")


def radam(w, g, r, s, m, v, decay=0.0):
    t, most = s + 1, 2 / 0.001 - 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    known = most - 2 * t * 0.999**t / (1 - 0.999**t)
    factor = 1.0
    if known > 5:
        factor = np.sqrt((known - 4) * (known - 2) * most / ((most - 4) * (most - 2) * known))
        factor = factor / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w * (1 - r * decay) - r * m / (1 - 0.9**t) * factor, m, v


# Before and after the sixth step, from which on the variance counts.
for now in [0, 3, 5, 900]:
    case("optimizers", "radam", [w, g, rate, np.int64(now), m, v], radam, gradient=False, tolerance=4096, name=f"radam_{now}")
case("optimizers", "radam", [w, g, rate, np.int64(900), m, v], lambda w, g, *a: radam(w, penalised, *a), decayed,
     gradient=False, tolerance=256, name="radam_decayed")
apart = decayed + " decoupled_weight_decay = true"
case("optimizers", "radam", [w, g, rate, np.int64(900), m, v], lambda *a: radam(*a, decay=0.25), apart, gradient=False,
     tolerance=256, name="radam_decayed_apart")
case("optimizers", "nadam", [w, g, rate, step, m, v, np.float64(0.75)],
     lambda w, g, r, s, *a: nadam(w * (1 - r * 0.25), g, r, s, *a), apart, gradient=False, tolerance=4096,
     name="nadam_decayed_apart")

# Of f16, 1e-8 would be 0, and so would 0 / 0 be the step of a gradient of 0.
still = np.zeros(3)
for op, slots in [("rmsprop", 1), ("adagrad", 1), ("adam", 2), ("adamw", 2), ("radam", 2)]:
    results = [exact([1, 2, 3]) if op != "adamw" else exact([1, 2, 3]) * (1 - 0.125 * 0.01), *[still] * slots]
    case("optimizers", op, [exact([1, 2, 3]), still, rate, step, *[still] * slots], lambda *_, r=results: tuple(r),
         gradient=False, narrow=True, name=f"{op}_still")

# Schedules ------------------------------------------------------------------------

base = np.float64(0.5)
for now in (0, 3, 10, 25, 100):
    now = np.int64(now)
    case("schedules", "step_decay", [base, now], lambda b, s: b * 0.5 ** (s // 10), "every = 10 factor = 0.5", gradient=False)
    case("schedules", "exponential_decay", [base, now], lambda b, s: b * 0.5 ** (s / 10), "every = 10 factor = 0.5", gradient=False, tolerance=256)
    case("schedules", "cosine", [base, now], lambda b, s: b * ((s + 1) / 10 if s < 10 else 0.5 * (1 + np.cos(np.pi * min(s - 10, 40) / 40))),
         "warmup = 10 total = 50", gradient=False, tolerance=256)


def scheduled(op, reference, attributes, run=(), tolerance=256):
    """`reference` of base and step at steps of every part; `run` has the steps of an
    epoch and of the run, where lengths are of those."""
    for now in (0, 3, 9, 10, 24, 25, 39, 40, 49, 50, 100):
        case("schedules", op, [base, np.int64(now), *map(np.int64, run)], lambda b, s, *_: reference(b, float(s)), attributes,
             gradient=False, tolerance=tolerance)


def warm(s, rest, steps=10):
    return (s + 1) / steps if s < steps else rest


def cycle(b, s, peak=14, end=49):
    ease = lambda start, stop, t: stop + (start - stop) * (1 + np.cos(np.pi * min(max(t, 0), 1))) / 2
    return ease(b / 25, b, s / peak) if s < peak else ease(b, b / 25e4, (s - peak) / (end - peak))


scheduled("constant_rate", lambda b, s: b * warm(s, 1), "warmup = 10")
scheduled("step_decay", lambda b, s: b * warm(s, 0.5 ** (s // 20)), "every = 20 factor = 0.5 warmup = 10")
scheduled("exponential_decay", lambda b, s: b * warm(s, 0.5 ** ((s - 10) / 20)), "every = 20 factor = 0.5 warmup = 10")
scheduled("polynomial", lambda b, s: b * warm(s, 1 - min((s - 10) / 40, 1)), "warmup = 10 total = 50")
scheduled("polynomial", lambda b, s: 0.125 + (b - 0.125) * (1 - min(s / 50, 1)) ** 2, "total = 50 power = 2.0 final = 0.125")
scheduled("wsd", lambda b, s: b * warm(s, min(1, max(0, (50 - s) / 25))), "warmup = 10 decay = 25 total = 50")
scheduled("wsd", lambda b, s: b * warm(s, 1 - min(1, max(0, (s - 25) / 25)) ** 0.5), "warmup = 10 decay = 25 total = 50 power = 0.5")
# The end is 4e-6 of the rate, a difference of numbers that are as large as it.
scheduled("one_cycle", cycle, "warmup = 15 total = 50")
scheduled("piecewise", lambda b, s: b * (1 if s < 10 else 0.5 if s < 25 else 0.125),
          "at = [10, 25] factors = array<f64: 0.5, 0.125>")
scheduled("piecewise", lambda b, s: b * min((s + 1) / 5, 1) * (1 if s < 25 else 0.25), "at = [25] factors = array<f64: 0.25> warmup = 5")
scheduled("plateau", lambda b, s: b * warm(s, 1), "warmup = 10")
# The same of a run of 5 epochs of 10 steps; and while nothing is known of it.
half = lambda b, s: b * warm(s, 0.5 * (1 + np.cos(np.pi * min(s - 10, 40) / 40)))
scheduled("cosine", half, 'warmup = "0.2 run"', (10, 50))
scheduled("cosine", half, 'warmup = "1 epoch" total = "5 epochs"', (10, 50))
scheduled("cosine", half, 'warmup = 10 total = "1 run"', (10, 50))
scheduled("cosine", lambda b, s: b, 'warmup = "0.2 run"', (10, 0))
scheduled("wsd", lambda b, s: b * warm(s, min(1, max(0, (50 - s) / 10))), 'warmup = "1 epochs"', (10, 50))
scheduled("one_cycle", cycle, "", (10, 50))
scheduled("step_decay", lambda b, s: b * 0.5 ** (s // 20), 'every = "2 epochs" factor = 0.5', (10, 50))
scheduled("piecewise", lambda b, s: b * (1 if s < 10 else 0.5 if s < 25 else 0.125),
          'at = ["1 epochs", "0.5 run"] factors = array<f64: 0.5, 0.125>', (10, 50))


import attention_cases, convolution_cases, counted, measured, product_cases, recurrent, shape_cases, windows  # their families have files of their own


def main():
    if sys.argv[1] == "--list":
        print("\n".join(sorted(TESTED)))
        return
    # --fixed: of cases that are there for any batch too, those of one.
    print("".join(test for test in FAMILIES[sys.argv[1]] if "--fixed" not in sys.argv or "_batch(" not in test))


if __name__ == "__main__":
    main()
