"""The evaluation of each primitive op: its value in f64, and its error from those of
its operands, as evaluate.py says."""
import math, os, sys

import numpy as np

from evaluate import (FUNCTION_UNITS, INTEGERS, POWER_UNITS, TINY, UNIT, Value, dtype_of, exact, result_type, rounded,
                      summed, to_type)

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "numerics"))
from convolutions import convolve, convolve_filter, convolve_transpose

PRIMITIVES = {}


# Of numbers that arithmetic tells from zero; f16 is computed in f32.
SMALLEST_NORMAL = {"f16": 2.0**-14, "bf16": 2.0**-126, "f32": 2.0**-126, "f64": 2.0**-1022}


def epsilon_of(at):
    """As the first operand's type holds it: its smallest normal number where it would be zero."""
    epsilon, least = at["epsilon"], SMALLEST_NORMAL[at["type"]]
    vanishes = np.float16(epsilon) == 0 if at["type"] == "f16" else epsilon < least
    return least if epsilon and vanishes else epsilon


def primitive(*names):
    def add(function):
        for name in names:
            PRIMITIVES[name] = function
        return function
    return add


def binary(name, compute, spread):
    """`spread(a, b, y)`: the error of y from those of the operands."""
    def evaluate(ev, op, a, b):
        type = result_type(op)
        y = compute(a.v, b.v)
        if type in INTEGERS:
            return wrapped(y, a.e + b.e, type)
        return rounded(y, spread(a, b, y), type)
    PRIMITIVES[name] = evaluate


def wrapped(y, e, type):
    """Integers outside of the type's range are left open."""
    low, high = INTEGERS[type]
    return Value(np.asarray(y).astype(np.int64), np.where((e > 0) | (y < low) | (y > high), np.inf, 0.0), type)


binary("add", np.add, lambda a, b, y: a.e + b.e)
binary("sub", np.subtract, lambda a, b, y: a.e + b.e)
binary("mul", np.multiply, lambda a, b, y: np.abs(a.v) * b.e + a.e * np.abs(b.v) + a.e * b.e)


@primitive("div")
def divide(ev, op, a, b):
    type = result_type(op)
    if type in INTEGERS:
        divisor = np.where(b.v == 0, 1, b.v)
        y = np.sign(a.v) * np.sign(divisor) * (np.abs(a.v) // np.abs(divisor))
        return wrapped(y, a.e + b.e + (b.v == 0), type)
    y = a.v / b.v
    smallest = np.abs(b.v) - b.e
    e = np.where(smallest > 0, (a.e + np.abs(y) * b.e) / smallest, np.inf)
    return rounded(y, e, type)


@primitive("pow")
def power(ev, op, a, b):
    type = result_type(op)
    y = np.power(a.v, b.v)
    e = np.zeros(y.shape)
    for x in (a.v - a.e, a.v + a.e):
        for n in (b.v - b.e, b.v + b.e):
            e = np.maximum(e, np.abs(np.power(x, n) - y))
    # Monotone in each operand unless the base may change its sign.
    e = np.where(np.isnan(e) | ((np.abs(a.v) <= a.e) & (a.e > 0)), np.inf, e)
    return rounded(y, e, type, POWER_UNITS[type])


def ends(function, x):
    """The error of a monotone function from that of x."""
    y = function(x.v)
    e = np.maximum(np.abs(function(x.v + x.e) - y), np.abs(function(x.v - x.e) - y))
    return y, np.where(np.isnan(e) | np.isinf(x.e), np.inf, e)


def sigmoid(x):
    return np.where(x < 0, np.exp(np.minimum(x, 0)), 1.0) / (1 + np.exp(-np.abs(x)))


erf = np.vectorize(math.erf, otypes=[np.float64])

for name, function, own_units in [
    ("exp", np.exp, None), ("log", np.log, None), ("log1p", np.log1p, None), ("expm1", np.expm1, None),
    ("tanh", np.tanh, None), ("sigmoid", sigmoid, None), ("erf", erf, None), ("sqrt", np.sqrt, 1.0),
    ("rsqrt", lambda x: 1 / np.sqrt(x), None)]:
    def monotone(ev, op, x, function=function, own_units=own_units):
        type = result_type(op)
        return rounded(*ends(function, x), type, own_units or FUNCTION_UNITS[type])
    PRIMITIVES[name] = monotone

for name, function in [("sin", np.sin), ("cos", np.cos)]:
    def bounded(ev, op, x, function=function):
        type = result_type(op)
        return rounded(function(x.v), np.where(np.isinf(x.e), np.inf, np.minimum(x.e, 2.0)), type, FUNCTION_UNITS[type])
    PRIMITIVES[name] = bounded

for name, function in [("floor", np.floor), ("ceil", np.ceil), ("round", np.round), ("trunc", np.trunc),
                       ("sign", np.sign)]:
    def stepped(ev, op, x, function=function):
        y, e = ends(function, x)
        ev.decide(y)
        return Value(y, e, result_type(op))
    PRIMITIVES[name] = stepped


@primitive("abs")
def absolute(ev, op, x):
    ev.decide(x.v < 0)
    return Value(np.abs(x.v), x.e, x.type)


@primitive("neg")
def negate(ev, op, x):
    return Value(-x.v, x.e, x.type) if x.type in UNIT else wrapped(-x.v, x.e, x.type)


@primitive("stop_gradient")
def same(ev, op, x):
    return x


def chosen(function, values, type, anywhere=np.maximum):
    """A function that is monotone in each of `values` and rounds nothing.
    `anywhere` joins flags as the function joins values."""
    y = function([x.v for x in values])
    high = function([x.v + x.e for x in values])
    low = function([x.v - x.e for x in values])
    unknown = anywhere(*[np.isinf(x.e) for x in values])
    e = np.maximum(high - y, y - low)
    if type in INTEGERS:
        return wrapped(y, e, type)
    return Value(y, np.where(np.isnan(e) | unknown, np.inf, e), type)


for name, function in [("maximum", np.maximum), ("minimum", np.minimum)]:
    def extreme(ev, op, a, b, function=function):
        ev.decide(a.v >= b.v)
        return chosen(lambda xs: function(*xs), [a, b], result_type(op))
    PRIMITIVES[name] = extreme


@primitive("clamp")
def clamp(ev, op, x):
    low, high = (to_type(op["attributes"][side], x.type) for side in ("min", "max"))
    ev.decide((x.v < low).astype(int) + (x.v > high))
    return chosen(lambda xs: np.clip(xs[0], low, high), [x], x.type, lambda flag: flag)


# Choice ---------------------------------------------------------------------------------

COMPARE = {"eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
           "ge": np.greater_equal}


def attains(x, axes, largest):
    """Where x is its largest element along axes, and where that is not certain."""
    v = x.v if largest else -x.v
    least = np.max(v - x.e, axis=axes, keepdims=True)
    candidate = v + x.e >= least
    several = candidate.sum(axis=axes, keepdims=True) > 1
    vague = (candidate & (x.e > 0)).any(axis=axes, keepdims=True)
    uncertain = candidate & several & vague
    return np.where(several, v == v.max(axis=axes, keepdims=True), candidate), uncertain


@primitive("compare")
def compare(ev, op, a, b):
    predicate = op["attributes"]["predicate"]
    y = COMPARE[predicate](a.v, b.v)
    ev.decide(y)
    uncertain = (np.abs(a.v - b.v) <= a.e + b.e) & (a.e + b.e > 0) | np.isnan(a.v) | np.isnan(b.v)
    if predicate in ("eq", "ne"):
        # x = max(x) is certain where one x is larger than all others, whatever
        # its error: both sides have the same.
        for whole, reduced in (op["operands"], op["operands"][::-1]):
            source = ev.reduction_of(reduced)
            if source and source["operands"][0] == whole:
                x = ev.values[whole]
                y, uncertain = attains(x, axes_of(source, x.v.ndim), source["name"] == "reduce_max")
                y = y if predicate == "eq" else ~y
    return Value(y, np.where(uncertain, 1.0, 0.0), "i1")


@primitive("select")
def select(ev, op, condition, on_true, on_false):
    y = np.where(condition.v, on_true.v, on_false.v)
    e = np.where(condition.v, on_true.e, on_false.e)
    other = np.where(condition.v, np.abs(on_false.v - y) + on_false.e if on_true.type != "i1" else 1.0,
                     np.abs(on_true.v - y) + on_true.e if on_true.type != "i1" else 1.0)
    return Value(y, np.where(condition.e > 0, np.maximum(np.where(np.isnan(other), np.inf, other), e), e), result_type(op))


@primitive("logical_and")
def logical_and(ev, op, a, b):
    certain = ((a.e == 0) & ~a.v) | ((b.e == 0) & ~b.v) | ((a.e == 0) & (b.e == 0))
    return Value(a.v & b.v, np.where(certain, 0.0, 1.0), "i1")


@primitive("logical_or")
def logical_or(ev, op, a, b):
    certain = ((a.e == 0) & a.v) | ((b.e == 0) & b.v) | ((a.e == 0) & (b.e == 0))
    return Value(a.v | b.v, np.where(certain, 0.0, 1.0), "i1")


@primitive("logical_not")
def logical_not(ev, op, x):
    return Value(~x.v, x.e, "i1")


@primitive("cast")
def cast(ev, op, x):
    to = result_type(op)
    if to == "i1":
        y = x.v != 0
        return Value(y, np.where((x.e > 0) & (np.abs(x.v) <= x.e), 1.0, 0.0), to)
    if x.type == "i1":
        return Value(x.v.astype(dtype_of(to)), x.e if to in UNIT else np.where(x.e > 0, np.inf, 0.0), to)
    if to in INTEGERS:
        if x.type in INTEGERS:
            return wrapped(x.v, x.e, to)
        y, e = ends(np.trunc, x)
        ev.decide(y)
        low, high = INTEGERS[to]
        inside = (x.v + x.e < high) & (x.v - x.e > low)
        return Value(np.where(inside, y, 0).astype(np.int64), np.where(inside, e, np.inf), to)
    widens = x.type in UNIT and UNIT[to] <= UNIT[x.type] and TINY[to] <= TINY[x.type]
    y = x.v.astype(np.float64)
    return Value(y, x.e, to) if widens or (x.type in INTEGERS and is_exact(y, to)) else rounded(y, x.e, to)


def is_exact(y, type):
    return bool(np.all(np.abs(y) <= 1 / UNIT[type]))


# Constants, indices, randomness ------------------------------------------------------------


@primitive("constant")
def constant(ev, op):
    type, shape = op["types"][0]
    numbers = np.array([float(x) if type in UNIT else x for x in op["attributes"]["value"]])
    full = np.broadcast_to(numbers if numbers.size == 1 else numbers.reshape(shape), shape) if shape else numbers.reshape(())
    return exact(full.reshape(shape), type)


@primitive("iota")
def iota(ev, op):
    type, shape = op["types"][0]
    shape = ev.shape(shape)
    axis = op["attributes"]["axis"] % len(shape)
    along = [1] * len(shape)
    along[axis] = shape[axis]
    return exact(np.broadcast_to(np.arange(shape[axis]).reshape(along), shape), type)


def philox(counter, key):
    """Philox4x32-10, as runtime/Random.h states it, on arrays of counters."""
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * counter[0], np.uint64(0xCD9E8D57) * counter[2]
        counter = [(product1 >> np.uint64(32)) ^ counter[1] ^ np.uint64(key[0]), product1 & mask,
                   (product0 >> np.uint64(32)) ^ counter[3] ^ np.uint64(key[1]), product0 & mask]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def philox_words(seed, step, stream, element):
    """The words of runtime/Random.h for elements of these numbers."""
    element = np.asarray(element).astype(np.uint64)
    index = element // np.uint64(32) * np.uint64(8) + element % np.uint64(8)
    def full(number):
        return np.full(element.shape, int(number) & 0xFFFFFFFF, np.uint64)
    key = int(seed) & (2**64 - 1)
    words = philox([index & np.uint64(0xFFFFFFFF), index >> np.uint64(32), full(step), full(stream)],
                   [key & 0xFFFFFFFF, key >> 32])
    return np.choose((element // np.uint64(8) % np.uint64(4)).astype(np.int64), words).astype(np.int64)


def element_numbers(ev, op, step):
    """Row by row; over a set of samples where ir/SampleNumbers.h says so."""
    dims = op["types"][0][1]
    if op["attributes"].get("channels"):
        dims = [dims[0], *[1] * (len(dims) - 2), dims[-1]]
    shape = ev.shape(dims)
    if "nnc.sample_numbers" not in op["attributes"]:
        return np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    axis = dims.index(-1)
    along = [ev.batch if d == axis else 1 for d in range(len(dims))]
    sample = np.arange(ev.batch).reshape(along) + ((int(step) >> 32) & 0xFFFFFFFF)
    place_shape = [1 if d == axis else n for d, n in enumerate(shape)]
    place = np.arange(int(np.prod(place_shape, dtype=np.int64))).reshape(place_shape)
    return sample * place.size + place


@primitive("random_bits")
def random_bits(ev, op, seed, step, stream):
    words = philox_words(seed.v, step.v, stream.v, element_numbers(ev, op, step.v))
    return exact(words >> (32 - op["attributes"]["bits"]), result_type(op))


# Reductions and products ----------------------------------------------------------------------


def axes_of(op, rank):
    axes = op["attributes"].get("axes") or range(rank)
    return tuple(axis % rank for axis in axes)


def terms(x, axes):
    return int(np.prod([x.v.shape[a] for a in axes], dtype=np.int64))


@primitive("sum")
def total(ev, op, x):
    axes, keep = axes_of(op, x.v.ndim), op["attributes"]["keep_dims"]
    magnitude, e, v = (np.sum(part, axis=axes, keepdims=keep) for part in (np.abs(x.v), x.e, x.v))
    return summed(v, magnitude, e, terms(x, axes), x.type)


@primitive("reduce_max", "reduce_min")
def reduce_extreme(ev, op, x):
    axes, keep = axes_of(op, x.v.ndim), op["attributes"]["keep_dims"]
    function = np.max if op["name"] == "reduce_max" else np.min
    y = chosen(lambda xs: function(xs[0], axis=axes, keepdims=keep), [x], x.type,
               lambda flags: flags.any(axis=axes, keepdims=keep))
    ev.decide(x.v == function(x.v, axis=axes, keepdims=True))
    return y


@primitive("argmax")
def argmax(ev, op, x):
    axis = op["attributes"]["axis"] % x.v.ndim
    y = x.v.argmax(axis)
    ev.decide(y)
    uncertain = attains(x, (axis,), True)[1].any(axis) | np.isnan(x.v).any(axis) | ~np.isfinite(x.e).all(axis)
    return Value(y, np.where(uncertain, np.inf, 0.0), result_type(op))


@primitive("size")
def size(ev, op, x):
    count = np.float64(terms(x, axes_of(op, x.v.ndim)))
    return exact(count, x.type) if is_exact(count, x.type) else rounded(count, np.float64(0), x.type)


def product(a, b, reduce_batch):
    if not reduce_batch:
        return np.matmul(a, b)
    y = np.matmul(a, b)
    return y.reshape((-1,) + y.shape[-2:]).sum(0)


@primitive("matmul")
def matmul(ev, op, a, b):
    attributes, type = op["attributes"], result_type(op)
    def laid_out(x, flag):
        return (np.swapaxes(x.v, -1, -2), np.swapaxes(x.e, -1, -2)) if attributes[flag] else (x.v, x.e)
    (av, ae), (bv, be) = laid_out(a, "transpose_lhs"), laid_out(b, "transpose_rhs")
    batch = attributes["reduce_batch"]
    y = product(av, bv, batch)
    # Largest magnitudes |a| + ea, |b| + eb bound the terms; their product less
    # |a||b| is what the errors make.
    largest = product(np.abs(av) + ae, np.abs(bv) + be, batch)
    e = product(np.abs(av), be, batch) + product(ae, np.abs(bv) + be, batch)
    count = av.shape[-1] * (int(np.prod(av.shape[:-2], dtype=np.int64)) if batch else 1)
    # No term is lost to 0 * inf.
    e, largest = (np.where(np.isnan(x), np.inf, x) for x in (e, largest))
    return summed(y, np.maximum(largest - e, 0) if np.isfinite(e).all() else largest, e, count, type)


def sum_of_products(product, a, b, count, type):
    """`product` is linear in each of a and b, and has no negative coefficient."""
    y = product(a.v, b.v)
    largest = product(np.abs(a.v) + a.e, np.abs(b.v) + b.e)
    e = product(np.abs(a.v), b.e) + product(a.e, np.abs(b.v) + b.e)
    e, largest = (np.where(np.isnan(x), np.inf, x) for x in (e, largest))
    return summed(y, np.maximum(largest - e, 0) if np.isfinite(e).all() else largest, e, count, type)


def window_steps(op, rank):
    attributes = op["attributes"]
    defaults = {"strides": 1, "low": 0, "high": 0, "dilations": 1}
    return *(attributes[name] or [value] * rank for name, value in defaults.items()), attributes["groups"]


@primitive("convolution")
def convolution(ev, op, x, w):
    steps = window_steps(op, x.v.ndim - 2)
    return sum_of_products(lambda a, b: convolve(a, b, *steps), x, w, int(np.prod(w.v.shape[:-1])), result_type(op))


@primitive("convolution_transpose")
def convolution_transpose(ev, op, y, w):
    steps, sizes = window_steps(op, y.v.ndim - 2), op["attributes"]["sizes"]
    count = int(np.prod(w.v.shape[:-2])) * w.v.shape[-1]
    return sum_of_products(lambda a, b: convolve_transpose(a, b, sizes, *steps), y, w, count, result_type(op))


@primitive("convolution_filter")
def convolution_filter(ev, op, x, y):
    steps, window = window_steps(op, x.v.ndim - 2), op["attributes"]["sizes"]
    count = int(np.prod(y.v.shape[:-1]))
    return sum_of_products(lambda a, b: convolve_filter(a, b, window, *steps), x, y, count, result_type(op))


@primitive("orthogonalize")
def orthogonalize(ev, op, x):
    matrix = x.v.reshape(-1, x.v.shape[-1])
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    q = np.zeros_like(tall)
    for j in range(tall.shape[1]):
        column = tall[:, j]
        for _ in range(2):
            column = column - q[:, :j] @ (q[:, :j].T @ column)
        q[:, j] = column / np.linalg.norm(column)
    y = (q if tall is matrix else q.T).reshape(x.v.shape)
    # The factor's condition (Stewart 1977, Perturbation bounds for the QR
    # factorization, theorem 3.1): sqrt(2) |dA| / smallest singular value.
    smallest = np.linalg.svd(matrix, compute_uv=False)[-1]
    change = np.linalg.norm(x.e) + 1e-13 * np.linalg.norm(matrix)
    e = 2 * change / smallest if smallest > 4 * change else np.inf
    return rounded(y, np.full(y.shape, e), x.type)


# Movement ---------------------------------------------------------------------------------------


def moved(x, function):
    return Value(function(x.v), function(x.e), x.type)


@primitive("reshape")
def reshape(ev, op, x):
    return moved(x, lambda a: a.reshape(ev.shape(op["types"][0][1])))


@primitive("broadcast")
def broadcast(ev, op, x):
    return moved(x, lambda a: np.broadcast_to(a, ev.shape(op["types"][0][1])))


@primitive("transpose")
def transpose(ev, op, x):
    rank = x.v.ndim
    order = op["attributes"]["permutation"] or [*range(rank - 2), rank - 1, rank - 2]
    return moved(x, lambda a: a.transpose(order))


@primitive("slice")
def part(ev, op, x):
    starts, shape = op["attributes"]["starts"], ev.shape(op["types"][0][1])
    strides = op["attributes"]["strides"] or [1] * x.v.ndim
    places = tuple(slice(start, start + (size - 1) * stride + 1, stride)
                   for start, size, stride in zip(starts, shape, strides))
    return moved(x, lambda a: a[places])


@primitive("pad")
def pad(ev, op, x):
    attributes = op["attributes"]
    interior = attributes["interior"] or [0] * x.v.ndim
    shape = ev.shape(op["types"][0][1])
    places = tuple(slice(low, low + (size - 1) * (between + 1) + 1, between + 1)
                   for low, size, between in zip(attributes["low"], x.v.shape, interior))
    value = attributes["value"]
    v = np.full(shape, to_type(float(value), x.type) if x.type in UNIT else value, dtype=x.v.dtype)
    e = np.zeros(shape)
    v[places], e[places] = x.v, x.e
    return Value(v, e, x.type)


@primitive("concat")
def concat(ev, op, *xs):
    axis = op["attributes"]["axis"]
    return Value(np.concatenate([x.v for x in xs], axis), np.concatenate([x.e for x in xs], axis), result_type(op))


@primitive("gather")
def gather(ev, op, table, indices):
    axis = op["attributes"]["axis"] % table.v.ndim
    size = table.v.shape[axis]
    unknown, where = ev.indices(indices, size)
    v, e = np.take(table.v, where, axis), np.take(table.e, where, axis)
    spread = unknown.reshape(unknown.shape + (1,) * (table.v.ndim - axis - 1))
    return Value(v, np.where(spread, np.inf, e), table.type)


@primitive("scatter_add")
def scatter_add(ev, op, indices, updates):
    shape = ev.shape(op["types"][0][1])
    axis, rank = op["attributes"]["axis"] % len(shape), indices.v.ndim
    unknown, where = ev.indices(indices, shape[axis])
    where = where.reshape(-1)
    def add_up(part):
        # The indices' dimensions first, as one.
        order = [*range(axis, axis + rank), *range(axis), *range(axis + rank, part.ndim)]
        rows = part.transpose(order).reshape((where.size,) + shape[:axis] + shape[axis + 1:])
        y = np.zeros((shape[axis],) + rows.shape[1:])
        np.add.at(y, where, rows)
        return np.moveaxis(y, 0, axis)
    v, magnitude, e = add_up(updates.v), add_up(np.abs(updates.v)), add_up(updates.e)
    return summed(v, magnitude, e + (np.inf if unknown.any() else 0.0), where.size, updates.type)


import sequence_primitives, window_primitives  # which add to the table, and need what is above
