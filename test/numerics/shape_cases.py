"""Where schedules differ: rows that fill part of a thread, warp or block, or go beyond
it; one row; columns and scalars summed in parts; products in calls."""
import numpy as np

from cases import BATCH, case, spread
from formulas import adam, batch_norm, cross_entropy, layer_norm, softmax

rate, step = np.float64(0.125), np.int64(3)  # the fourth step
index = np.array([3, 0, 3, 9, 1, 1, 8], dtype=np.int32)


def shaped(op, inputs, reference, attributes="", tolerance=64, **more):
    case("shapes", op, inputs, reference, attributes, gradient=False, tolerance=tolerance, **more)


for rows, columns in [(1, 1), (1, 10), (7, 2), (7, 3), (5, 33), (3, 64), (2, 100), (2, 257), (1, 1000), (2, 1001), (1, 4100), (1, 9001)]:
    v = spread((rows, columns), -4, 4)
    short = columns <= 1001  # those also with the rows as the batch
    batch = (0,) if short and columns != rows else ()
    shaped("softmax", [v], softmax, dynamic=batch)
    rows_of_columns = spread((columns,), 0.5, 2), spread((columns,), seed=1)
    shaped("layer_norm", [v, *rows_of_columns], layer_norm, tolerance=256, dynamic=batch)
    if rows > 1:
        shaped("batch_norm", [v, *rows_of_columns, *rows_of_columns], batch_norm, tolerance=256, dynamic=batch, training=True)
    shaped("argmax", [v], lambda v: v.argmax(1).astype(np.int32), "axis = 1", dynamic=batch)
    shaped("sum", [v], lambda v: v.sum(0), "axes = [0]", dynamic=batch)
    shaped("mean", [v], np.mean, "axes = [0, 1]", dynamic=batch)
    shaped("add", [v, v[0]], np.add, dynamic=batch)
    label = np.arange(rows, dtype=np.int32) * 7 % columns
    shaped("cross_entropy", [v, label], cross_entropy, dynamic=(0, 1) if batch else ())
for rows, columns in [(600, 5), (1100, 40)]:
    v = spread((rows, columns))
    shaped("sum", [v], lambda v: v.sum(0), "axes = [0]")
    shaped("sum", [v], np.sum, "axes = [0, 1]", tolerance=256)
    shaped("reduce_max", [v], np.max, "axes = [0, 1]")
# Columns of so many rows that they are summed in blocks.
for rows, columns in [(4200, 16), (5000, 100), (4099, 1), (9000, 3)]:
    shaped("batch_norm", [spread((rows, columns)), *[spread((columns,), 0.5, 2)] * 4], batch_norm, tolerance=256, training=True)
shaped("sum", [spread((40001,))], np.sum, "axes = [0]", tolerance=256)
# Of a million terms as right as of a few: NumPy's sums in f32 err by 1e-7 here,
# a chain of additions by 2e-4, a product's by 1e-2. They are in blocks whose own
# roundings, all of one sign here, make up to 64 epsilons.
tenth = np.full(10**6, np.float64(np.float32(0.1)))
for shape, axes in [((10**6,), [0]), ((1, 10**6), [1]), ((10**6, 1), [0]), ((125000, 8), [0]), ((10**5, 10), [0, 1]), ((20, 50000), [1])]:
    shaped("sum", [tenth.reshape(shape)], lambda v: v.sum(tuple(axes)), f"axes = {axes}")
shaped("matmul", [tenth.reshape(2, -1), np.ones((500000, 3))], np.matmul, own=True)
shaped("matmul", [tenth.reshape(-1, 4), np.ones((250000, 20))], lambda a, b: a.T @ b, "transpose_lhs = true", dynamic=(0, 1), own=True)
for rows, columns in [(1, 1), (1, 7), (3, 21), (64, 20)]:
    w, g, m, v = (spread((rows, columns), 0.25, 2, seed=seed) for seed in range(4))
    shaped("adam", [w, g, rate, step, m, v], adam, tolerance=4096)
for m, k, n in [(1, 300, 40), (7, 300, 1), (33, 257, 65), (7, 512, 10)]:
    a, b = spread((m, k), -1, 1), spread((k, n), -1, 1, seed=1)
    shaped("matmul", [a, b], np.matmul, dynamic=(0,) if m == BATCH else ())
    shaped("dense", [a, b, spread((n,), seed=2)], lambda v, w, c: v @ w + c, dynamic=(0,) if m == BATCH else ())
a, b = spread((5, 40, 30), -1, 1), spread((5, 30, 20), -1, 1, seed=1)
shaped("matmul", [a, b], np.matmul)
shaped("matmul", [a, b[0]], np.matmul)
shaped("matmul", [a, b.swapaxes(1, 2).copy()], lambda a, b: a @ b.swapaxes(1, 2), "transpose_rhs = true")
shaped("transpose", [spread((1, 129))], lambda v: v.T)
# A kernel of several stages: what a pass over all elements gives is a result, is an
# operand of the next pass, or both. $ is the type of those elements.
def staged(length, reference, lines):
    v, c = spread((length,)), np.float64(0.25)
    shaped("reduce_max", [v, c], reference, name="staged", tolerance=256, dynamic=(0,) if length == BATCH else (),
           text=lambda of, _: lines.replace("$", of))


for length in (1, 2, BATCH, 32, 257, 2100, 40001):
    staged(length, lambda v, c: (v.max(), np.exp(v - v.max()).sum()), """
  %y0 = nnc.reduce_max %a0 : ($) -> tensor<f64>
  %d = nnc.sub %a0, %y0 : ($, tensor<f64>) -> $
  %e = nnc.exp %d : $
  %y1 = nnc.sum %e : ($) -> tensor<f64>""")
    staged(length, lambda v, c: (v.sum(), np.log(np.exp(v).sum()), c + 1), """
  %y0 = nnc.sum %a0 : ($) -> tensor<f64>
  %y1 = nnc.logsumexp %a0 axes = [0] : ($) -> tensor<f64>
  %one = nnc.constant dense<1.0> : tensor<f64>
  %y2 = nnc.add %a1, %one : tensor<f64>""")
    staged(length, lambda v, c: (v.max() * c, (v * v.max() * c).sum(), softmax(v[None])[0] * v.max() * c), """
  %m = nnc.reduce_max %a0 : ($) -> tensor<f64>
  %y0 = nnc.mul %m, %a1 : tensor<f64>
  %p = nnc.mul %a0, %y0 : ($, tensor<f64>) -> $
  %y1 = nnc.sum %p : ($) -> tensor<f64>
  %s = nnc.softmax %a0 axis = 0 : $
  %y2 = nnc.mul %s, %y0 : ($, tensor<f64>) -> $""")
# Passes over each row, and again once a number of all rows is known.
for rows, columns in [(BATCH, 66), (300, 130)]:
    v = spread((rows, columns), -4, 4)
    shaped("softmax", [v], lambda v: (softmax(v).max(), softmax(v) - softmax(v).max()), name="restarted",
           dynamic=(0,) if rows == BATCH else (), text=lambda of: """
  %s = nnc.softmax %a0 : $
  %y0 = nnc.reduce_max %s axes = [0, 1] : ($) -> tensor<f64>
  %y1 = nnc.sub %s, %y0 : ($, tensor<f64>) -> $""".replace("$", of))
    # Passes over each row that keep its tanh, then a walk down the columns that needs another row's.
    shaped("softmax", [v], lambda v: (np.exp(np.tanh(v) - np.tanh(v).max(0)).sum(0), softmax(np.tanh(v))),
           name="then_columns", dynamic=(0,) if rows == BATCH else (), text=lambda of: """
  %t = nnc.tanh %a0 : $
  %y1 = nnc.softmax %t : $
  %m = nnc.reduce_max %t axes = [0] : ($) -> #
  %d = nnc.sub %t, %m : ($, #) -> $
  %e = nnc.exp %d : $
  %y0 = nnc.sum %e axes = [0] : ($) -> #""".replace("$", of).replace("#", f"tensor<{v.shape[1]}xf64>"))
shaped("concat", [spread((3, 1)), spread((3, 66), seed=1)], lambda a, b: np.concatenate([a, b], 1), "axis = 1")
shaped("gather", [spread((10, 33)), index], lambda t, i: t[i], dynamic=(1,))
