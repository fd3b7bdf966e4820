"""What optimizers and schedules are, in NumPy and f64: of their records' equations. Each
takes what those of references.py take."""
import math

import numpy as np

from primitives import epsilon_of

TRAINING = {}


def reference(*names):
    def add(function):
        for name in names:
            TRAINING[name] = function
        return function
    return add


def penalised(at, w, g):
    return g + at["weight_decay"] * w


TRAINING["sgd"] = lambda at, training, w, g, rate, step: w - rate * penalised(at, w, g)


@reference("momentum")
def momentum(at, training, w, g, rate, step, velocity):
    share = 1 - at["dampening"] if step > 0 else 1.0
    velocity = at["momentum"] * velocity + share * penalised(at, w, g)
    return w - rate * velocity, velocity


@reference("nesterov")
def nesterov(at, training, w, g, rate, step, velocity):
    g = penalised(at, w, g)
    velocity = at["momentum"] * velocity + g
    return w - rate * (g + at["momentum"] * velocity), velocity


@reference("rmsprop")
def rmsprop(at, training, w, g, rate, step, square, *more):
    g, more = penalised(at, w, g), list(more)
    square = at["decay"] * square + (1 - at["decay"]) * g**2
    spread = square
    if at["centered"]:
        more[0] = at["decay"] * more[0] + (1 - at["decay"]) * g
        spread = np.maximum(square - more[0]**2, 0.0)
    change = g / (np.sqrt(spread) + epsilon_of(at))
    if at["momentum"]:
        more[-1] = change = at["momentum"] * more[-1] + change
    return w - rate * change, square, *more


@reference("adagrad")
def adagrad(at, training, w, g, rate, step, square):
    g = penalised(at, w, g)
    square, rate = square + g**2, rate / (1 + float(step) * at["rate_decay"])
    return w - rate * g / (np.sqrt(at["initial_accumulator"] + square) + epsilon_of(at)), square


@reference("adadelta")
def adadelta(at, training, w, g, rate, step, square, change):
    g = penalised(at, w, g)
    square = at["decay"] * square + (1 - at["decay"]) * g**2
    delta = np.sqrt(change + epsilon_of(at)) / np.sqrt(square + epsilon_of(at)) * g
    return w - rate * delta, square, at["decay"] * change + (1 - at["decay"]) * delta**2


@reference("rprop")
def rprop(at, training, w, g, rate, step, previous, size):
    agreement = np.sign(g) * np.sign(previous)
    size = np.where(step > 0, size, rate)
    factor = np.where(agreement > 0, at["increase"], np.where(agreement < 0, at["decrease"], 1.0))
    size = np.minimum(np.maximum(size * factor, at["least"]), at["most"])
    g = np.where(agreement < 0, 0.0, g)
    return w - np.sign(g) * size, g, size


def moments(at, g, step, m, v):
    """The new moments, and both without their bias."""
    t = float(step) + 1
    m, v = at["beta1"] * m + (1 - at["beta1"]) * g, at["beta2"] * v + (1 - at["beta2"]) * g**2
    return m, v, m / (1 - at["beta1"]**t), v / (1 - at["beta2"]**t)


def of_largest(at, step, v, square, largest):
    """With amsgrad the largest v so far, without its bias, and the new slot."""
    if not largest:
        return square, ()
    most = np.maximum(largest[0], v)
    return most / (1 - at["beta2"] ** (float(step) + 1)), (most,)


@reference("adam")
def adam(at, training, w, g, rate, step, m, v, *largest):
    m, v, mean, square = moments(at, penalised(at, w, g), step, m, v)
    square, largest = of_largest(at, step, v, square, largest)
    return w - rate * mean / (np.sqrt(square) + epsilon_of(at)), m, v, *largest


@reference("adamw")
def adamw(at, training, w, g, rate, step, m, v, *largest):
    m, v, mean, square = moments(at, g, step, m, v)
    square, largest = of_largest(at, step, v, square, largest)
    return w * (1 - rate * at["weight_decay"]) - rate * mean / (np.sqrt(square) + epsilon_of(at)), m, v, *largest


@reference("adamax")
def adamax(at, training, w, g, rate, step, m, u):
    g, t = penalised(at, w, g), float(step) + 1
    m, u = at["beta1"] * m + (1 - at["beta1"]) * g, np.maximum(at["beta2"] * u, np.abs(g) + epsilon_of(at))
    return w - rate / (1 - at["beta1"]**t) * m / u, m, u


def decayed(at, w, g, rate):
    """What an update begins with: the decay is in one of them."""
    if at["decoupled_weight_decay"]:
        return w * (1 - rate * at["weight_decay"]), g
    return w, penalised(at, w, g)


@reference("radam")
def radam(at, training, w, g, rate, step, m, v):
    w, g = decayed(at, w, g, rate)
    m, v, mean, square = moments(at, g, step, m, v)
    t, most = float(step) + 1, 2 / (1 - at["beta2"]) - 1
    passed = at["beta2"] ** t
    known = most - 2 * t * passed / (1 - passed)
    if known > 5:
        mean = mean * math.sqrt((known - 4) * (known - 2) * most / ((most - 4) * (most - 2) * known))
        mean = mean / (np.sqrt(square) + epsilon_of(at))
    return w - rate * mean, m, v


@reference("nadam")
def nadam(at, training, w, g, rate, step, m, v, passed):
    (w, g), t = decayed(at, w, g, rate), float(step) + 1
    m, v, _, square = moments(at, g, step, m, v)
    now, then = (at["beta1"] * (1 - 0.5 * 0.96 ** (k * at["momentum_decay"])) for k in (t, t + 1))
    product = (1 - passed) * now
    amount = then / (1 - product * then) * m + (1 - now) / (1 - product) * g
    return w - rate * amount / (np.sqrt(square) + epsilon_of(at)), m, v, 1 - product


@reference("lion")
def lion(at, training, w, g, rate, step, m):
    direction = np.sign(at["beta1"] * m + (1 - at["beta1"]) * g)
    return w * (1 - rate * at["weight_decay"]) - rate * direction, at["beta2"] * m + (1 - at["beta2"]) * g


@reference("lamb")
def lamb(at, training, w, g, rate, step, m, v):
    m, v, mean, square = moments(at, g, step, m, v)
    update = mean / (np.sqrt(square) + epsilon_of(at)) + at["weight_decay"] * w
    size, length = np.sqrt(np.sum(w * w)), np.sqrt(np.sum(update * update))
    return w - rate * (size / length if size > 0 and length > 0 else 1.0) * update, m, v


@reference("adafactor")
def adafactor(at, training, w, g, rate, step, row, column=None):
    t = float(step) + 1
    share, squares, least = t ** -at["decay_power"], g * g, at["epsilon1"]
    if column is None:
        row = row + share * (squares - row)
        estimate, slots = row, (row,)
    else:
        row = row + share * (squares.mean(-1, keepdims=True) - row)
        column = column + share * (squares.mean(-2, keepdims=True) - column)
        estimate, slots = row * column / np.maximum(row.mean(-2, keepdims=True), least), (row, column)
    update = g / np.sqrt(np.maximum(estimate, max(least**2, 2.0**-126)))
    size = max(at["epsilon2"], np.sqrt(np.mean(w * w)))
    amount = size * min(rate, 1 / math.sqrt(t)) / max(1.0, np.sqrt(np.mean(update * update)) / at["clip"])
    return (w * (1 - rate * at["weight_decay"]) - amount * update, *slots)


@reference("muon")
def muon(at, training, w, g, rate, step, m, v=None):
    if v is not None:
        return adamw(at, training, w, g, rate, step, m, v)
    blend = lambda mean: at["momentum"] * mean + (1 - at["momentum"]) * g
    m = blend(m)
    x = (blend(m) if at["nesterov"] else m).reshape(-1, w.shape[-1])
    rows, columns = x.shape
    x = x.T if rows > columns else x
    x = x / max(np.sqrt(np.sum(x * x)), 1e-7)
    for _ in range(at["iterations"]):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    x = (x.T if rows > columns else x).reshape(w.shape)
    scale = 0.2 * math.sqrt(max(rows, columns)) if at["match_adamw"] else math.sqrt(max(1.0, columns / rows))
    return w * (1 - rate * at["weight_decay"]) - rate * scale * x, m


def in_steps(length, run):
    """A length of a schedule; None where it is of a run of which nothing is known."""
    if not isinstance(length, str):
        return length
    amount, unit = length.split()
    whole = float(run[1] if unit == "run" else run[0]) if run else 0.0
    return float(np.round(whole * float(amount))) if whole > 0 else None


def schedule(name, lengths):
    """Decorates a function of the attributes, base and step: its lengths are in steps,
    and it begins with a linear warm-up where it has one that `rest` counts from."""
    def decorate(function):
        @reference(name)
        def evaluate(at, training, base, step, *run):
            at = dict(at) | {length: in_steps(at[length], run) for length in lengths}
            if any(at[length] is None for length in lengths):
                return base
            return function(at, base, float(step))
        return function
    return decorate


def warmed(at, base, step, rest):
    return base * (step + 1) / at["warmup"] if step < at["warmup"] else rest


def progress(at, step):
    return min(max((step - at["warmup"]) / max(at["total"] - at["warmup"], 1), 0.0), 1.0)


@schedule("constant_rate", ["warmup"])
def constant_rate(at, base, step):
    return warmed(at, base, step, base)


@schedule("plateau", ["warmup"])
def plateau(at, base, step):
    return warmed(at, base, step, base)


@schedule("step_decay", ["every", "warmup"])
def step_decay(at, base, step):
    return warmed(at, base, step, base * at["factor"] ** (step // max(at["every"], 1)))


@schedule("exponential_decay", ["every", "warmup"])
def exponential_decay(at, base, step):
    return warmed(at, base, step, base * at["factor"] ** ((step - at["warmup"]) / max(at["every"], 1)))


@schedule("cosine", ["warmup", "total"])
def cosine(at, base, step):
    fall = (1 + math.cos(math.pi * progress(at, step))) / 2
    return warmed(at, base, step, at["final"] + (base - at["final"]) * fall)


@schedule("polynomial", ["warmup", "total"])
def polynomial(at, base, step):
    return warmed(at, base, step, at["final"] + (base - at["final"]) * (1 - progress(at, step)) ** at["power"])


@schedule("wsd", ["warmup", "decay", "total"])
def wsd(at, base, step):
    t = min(max((step - (at["total"] - at["decay"])) / max(at["decay"], 1), 0.0), 1.0)
    return warmed(at, base, step, at["final"] + (base - at["final"]) * (1 - t ** at["power"]))


@schedule("one_cycle", ["warmup", "total"])
def one_cycle(at, base, step):
    peak, end = at["warmup"] - 1, at["total"] - 1
    ease = lambda start, stop, t: stop + (start - stop) * (1 + math.cos(math.pi * min(max(t, 0.0), 1.0))) / 2
    first = base / at["div_factor"]
    if step < peak:
        return ease(first, base, step / max(peak, 1))
    return ease(base, first / at["final_div_factor"], (step - peak) / max(end - peak, 1))


@reference("piecewise")
def piecewise(at, training, base, step, *run):
    lengths, warmup = [in_steps(length, run) for length in at["at"]], in_steps(at["warmup"], run)
    if warmup is None or None in lengths:
        return base
    factor = 1.0
    for length, next_factor in zip(lengths, at["factors"]):
        factor = next_factor if step >= length else factor
    return base * factor * (min((float(step) + 1) / max(warmup, 1), 1.0) if warmup else 1.0)
