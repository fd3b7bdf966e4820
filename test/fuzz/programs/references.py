"""What composites are, in NumPy and f64: of their records' equations, and without a
look at how the compiler expands them.

Each takes the op's attributes (and `type` and `dims` of its first operand, and of a
random op the elements' `numbers`), whether it is in a training step, and arrays.
"""
import math
import re

import numpy as np

from evaluate import UNIT, Value, to_type
from program import BATCH
from primitives import PRIMITIVES, axes_of, element_numbers, epsilon_of, erf, philox_words, sigmoid
from convolutions import conv_layer, transposed_layer  # in the folder that primitives names
from attention_references import SEQUENCES
from training_references import TRAINING
import measures
import sequences

REFERENCES = {**SEQUENCES, **TRAINING}


def reference(*names):
    def add(function):
        for name in names:
            REFERENCES[name] = function
        return function
    return add


# Activations and layers -----------------------------------------------------------------


def logsumexp(x, axes, keep=True):
    top = x.max(axis=axes, keepdims=True)
    y = top + np.log(np.exp(x - top).sum(axis=axes, keepdims=True))
    return y if keep else np.squeeze(y, axes)


REFERENCES.update({
    "relu": lambda at, training, x: np.maximum(x, 0),
    "leaky_relu": lambda at, training, x: np.where(x > 0, x, at["slope"] * x),
    "elu": lambda at, training, x: np.where(x > 0, x, at["alpha"] * np.expm1(np.minimum(x, 0))),
    "gelu": lambda at, training, x: x * 0.5 * (1 + erf(x / math.sqrt(2))),
    "silu": lambda at, training, x: x * sigmoid(x),
    "mish": lambda at, training, x: x * np.tanh(np.logaddexp(0, x)),
    "softplus": lambda at, training, x: np.logaddexp(0, x),
    "softmax": lambda at, training, x: np.exp(x - logsumexp(x, at["axis"])),
    "log_softmax": lambda at, training, x: x - logsumexp(x, at["axis"]),
    "flatten": lambda at, training, x: x.reshape(x.shape[0], -1),
    "embedding": lambda at, training, indices, table: np.where(
        (indices == at.get("padding_index", -1))[..., None], 0.0, table[indices]),
    "one_hot": lambda at, training, x: (x[..., None] == np.arange(at["classes"])).astype(np.float64),
})


@reference("dense")
def dense(at, training, x, weight, bias=0.0):
    return np.tensordot(x, weight, 1) + bias


@reference("conv1d", "conv2d", "conv3d")
def conv(at, training, x, weight, bias=0.0):
    return conv_layer(x, weight, bias, at["stride"], at["padding"], at["dilation"], at["groups"])


@reference("conv1d_transpose", "conv2d_transpose", "conv3d_transpose")
def conv_transpose(at, training, x, weight, bias=0.0):
    return transposed_layer(x, weight, bias, at["stride"], at["padding"], at["dilation"], at["groups"], at["output_padding"])


def moments(x, axes):
    return x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)


def normalized(at, x, scale, bias, mean, variance):
    return (x - mean) / np.sqrt(variance + epsilon_of(at)) * scale + bias


@reference("normalize")
def normalize(at, training, x, scale, bias):
    mean, variance = moments(x, axes_of({"attributes": at}, x.ndim))
    return normalized(at, x, scale, bias, mean, variance), mean, variance


@reference("layer_norm")
def layer_norm(at, training, x, scale, bias):
    return normalized(at, x, scale, bias, *moments(x, -1))


@reference("rms_norm")
def rms_norm(at, training, x, scale):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon_of(at)) * scale


@reference("instance_norm")
def instance_norm(at, training, x, scale, bias):
    return normalized(at, x, scale, bias, *moments(x, tuple(range(1, x.ndim - 1))))


@reference("group_norm")
def group_norm(at, training, x, scale, bias):
    parts = x.reshape(*x.shape[:-1], at["groups"], -1)
    scale, bias = (v.reshape(at["groups"], -1) for v in (scale, bias))
    return normalized(at, parts, scale, bias, *moments(parts, (*range(1, x.ndim - 1), x.ndim))).reshape(x.shape)


@reference("batch_norm")
def batch_norm(at, training, x, scale, bias, mean, variance):
    if training and not at["frozen_statistics"]:
        mean, variance = moments(x, tuple(range(x.ndim - 1)))
    return normalized(at, x, scale, bias, mean, variance)


def batch_norm_updates(at, x, scale, bias, mean, variance):
    """New values of the operands that are state, by their number."""
    axes = tuple(range(x.ndim - 1))
    new_mean, new_variance = moments(x, axes)
    count, keras = x.size // x.shape[-1], at["convention"] == "keras"
    if not keras:
        new_variance = new_variance * count / max(count - 1, 1)
    momentum = at.get("momentum", 0.99 if keras else 0.1)
    share = 1 - momentum if keras else momentum
    return {3: mean + share * (new_mean.reshape(mean.shape) - mean),
            4: variance + share * (new_variance.reshape(variance.shape) - variance)}


# Of composites with state: what a training step makes of it.
UPDATES = {"batch_norm": batch_norm_updates}


# Pooling ---------------------------------------------------------------------------------------


def for_each(value, count):
    return list(value) * count if len(value) == 1 else list(value)


def padding_of(at, extents, reach, strides):
    """Before and behind each dimension, by what a program says."""
    padding = at["padding"]
    if padding in ("same", "same_lower"):
        total = [max(0, (-(-e // s) - 1) * s + r - e) for e, r, s in zip(extents, reach, strides)]
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        return (less, more) if padding == "same" else (more, less)
    numbers = [0] if padding == "valid" else padding
    return (numbers * len(extents),) * 2 if len(numbers) == 1 else (numbers[::2], numbers[1::2])


def pool_windows(at, x):
    """The elements of each window, and what each is: 0 one of x, 1 padding, 2 beyond."""
    extents = x.shape[1:-1]
    count = len(extents)
    window = for_each(at["window"], count)
    strides, dilations = for_each(at["stride"] or window, count), for_each(at["dilation"] or [1], count)
    reach = [(w - 1) * d + 1 for w, d in zip(window, dilations)]
    low, high = padding_of(at, extents, reach, strides)
    positions = []
    for e, l, h, r, s in zip(extents, low, high, reach, strides):
        room = e + l + h - r
        o = (-(-room // s) if at["ceil_mode"] else room // s) + 1
        positions.append(o - (at["ceil_mode"] and (o - 1) * s >= e + l))
    most = [max(0, (o - 1) * s + r - e - l - h) for o, s, r, e, l, h in zip(positions, strides, reach, extents, low, high)]
    kinds = np.pad(np.zeros(x.shape), [(0, 0), *zip(low, high), (0, 0)], constant_values=1)
    kinds = np.pad(kinds, [(0, 0), *((0, m) for m in most), (0, 0)], constant_values=2)
    padded = np.pad(x, [(0, 0), *((l, h + m) for l, h, m in zip(low, high, most)), (0, 0)])
    places = [(slice(None), *(slice(i * d, i * d + (o - 1) * s + 1, s)
                              for i, d, o, s in zip(k, dilations, positions, strides)), slice(None))
              for k in np.ndindex(*window)]
    return tuple(np.stack([part[place] for place in places], -1) for part in (padded, kinds))


@reference("max_pool")
def max_pool(at, training, x):
    elements, kinds = pool_windows(at, x)
    return np.where(kinds == 0, elements, -np.inf).max(-1)


@reference("average_pool")
def average_pool(at, training, x):
    elements, kinds = pool_windows(at, x)
    return elements.sum(-1) / np.maximum((kinds <= (1 if at["count_padding"] else 0)).sum(-1), 1)


def global_pool(function):
    return lambda at, training, x: function(x, axis=tuple(range(1, x.ndim - 1)), keepdims=at["keep_dims"])


def adaptive_pool(function):
    def pool(at, training, x):
        for axis, size in enumerate(for_each(at["size"], x.ndim - 2), 1):
            extent = x.shape[axis]
            x = np.stack([function(x.take(range(o * extent // size, -(-(o + 1) * extent // size)), axis), axis=axis)
                          for o in range(size)], axis)
        return x
    return pool


REFERENCES.update({"global_max_pool": global_pool(np.max), "global_average_pool": global_pool(np.mean),
                   "adaptive_max_pool": adaptive_pool(np.max), "adaptive_average_pool": adaptive_pool(np.mean)})

NEAREST = {"prefer_floor": lambda at: np.ceil(at - 0.5), "prefer_ceil": lambda at: np.floor(at + 0.5),
           "floor": np.floor, "ceil": np.ceil}


@reference("resize")
def resize(at, training, x):
    extents, scale = x.shape[1:-1], at.get("scale")
    sizes = [int(np.floor(e * scale)) for e in extents] if scale else for_each(at["size"], len(extents))
    for axis, (extent, size) in enumerate(zip(extents, sizes), 1):
        o, factor = np.arange(size), scale or size / extent
        place = {"half_pixel": (o + 0.5) / factor - 0.5, "asymmetric": o / factor,
                 "align_corners": o * ((extent - 1) / max(size - 1, 1))}[at["corners"]]
        def take(index):
            return x.take(np.clip(index, 0, extent - 1).astype(np.int64), axis)
        if at["mode"] == "nearest":
            x = take(NEAREST[at["rounding"]](place))
            continue
        below = np.floor(place)
        part = (place - below).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
        x = take(below) * (1 - part) + take(below + 1) * part
    return x


def border_pad(mode):
    return lambda at, training, x: np.pad(x, [*zip(at["low"], at["high"])], mode=mode)


REFERENCES.update({"reflect_pad": border_pad("reflect"), "replicate_pad": border_pad("edge"), "wrap_pad": border_pad("wrap")})


def reduced(function):
    return lambda at, training, x: function(x, axes_of({"attributes": at}, x.ndim), at["keep_dims"])


REFERENCES["mean"] = reduced(lambda x, axes, keep: x.mean(axis=axes, keepdims=keep))
REFERENCES["logsumexp"] = reduced(logsumexp)

# Randomness: 24 bits of the even words' stream, 2 * stream, for what one number decides.

UNIFORM = 2.0**-24


def uniform(seed, step, stream, numbers):
    return (philox_words(seed, step, stream, numbers) >> 8) * UNIFORM


@reference("dropout")
def dropout(at, training, x, seed=None, step=None):
    keep = 1 - at["rate"]
    if not training or at["rate"] == 0:
        return x
    return np.where(uniform(seed, step, 2 * at["stream"], at["numbers"]) < round(keep / UNIFORM) * UNIFORM, x / keep, 0.0)


REFERENCES["random_uniform"] = lambda at, training, seed, step: (
    at["low"] + (at["high"] - at["low"]) * uniform(seed, step, 2 * at["stream"], at["numbers"]))
REFERENCES["bernoulli"] = lambda at, training, seed, step: (
    uniform(seed, step, 2 * at["stream"], at["numbers"]) < round(at["p"] / UNIFORM) * UNIFORM).astype(np.float64)


@reference("random_normal")
def random_normal(at, training, seed, step):
    u = uniform(seed, step, 2 * at["stream"], at["numbers"]) + UNIFORM
    v = uniform(seed, step, 2 * at["stream"] + 1, at["numbers"])
    return at["mean"] + at["stddev"] * np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)


# Losses and metrics ---------------------------------------------------------------------------


def classes(target, prediction):
    """The class of each row, of integers or of rows."""
    if target.dtype != np.float64:
        return target.reshape(prediction.shape[:-1])
    return target.argmax(-1)


def by_segments(at, *operands):
    """The operands, None for those that are absent."""
    if "operandSegmentSizes" not in at:
        return list(operands)
    counts = [int(count) for count in re.findall(r"\d+", at["operandSegmentSizes"].replace("i32", ""))]
    rest = list(operands)
    return [rest.pop(0) if count else None for count in counts]


@reference("cross_entropy")
def cross_entropy(at, training, *operands):
    logits, target, weights, class_weights = by_segments(at, *operands)
    target = target if target.dtype == np.float64 else classes(target, logits)
    return sequences.weighted_entropy(logits, target, weights, class_weights, at.get("ignore_index"), at["label_smoothing"])


def nats(at, logits, target, weights):
    target = target if target.dtype == np.float64 else classes(target, logits)
    return sequences.weighted_entropy(logits, target, weights, ignored=at.get("ignore_index"))


@reference("perplexity")
def perplexity(at, training, logits, target, weights=None):
    return np.exp(nats(at, logits, target, weights))


@reference("bits_per_byte")
def bits_per_byte(at, training, logits, target, weights=None):
    return nats(at, logits, target, weights) / math.log(2) / at["bytes_per_token"]


@reference("ctc_loss")
def ctc_loss(at, training, logits, target, times, lengths, weights=None):
    losses = np.array([sequences.ctc(*(part[None] for part in sample), blank=at["blank"])
                       for sample in zip(logits, target, times, lengths)])
    return sequences.weighted(np.where(np.isinf(losses) & at["zero_infinity"], 0.0, losses), weights)


REFERENCES.update({
    "ctc_decode": lambda at, training, v, times: sequences.collapsed(v.argmax(-1), times, at["blank"], at["padding"]),
    "token_error_rate": lambda at, training, p, t: sequences.token_error_rate(p, t, at["padding"]),
    "word_error_rate": lambda at, training, p, t: sequences.word_error_rate(p, t, at["space"], at["padding"]),
    "bleu": lambda at, training, p, t: sequences.bleu(p, t, at["padding"]),
})


def counted_by(at):
    return {"ignored": at.get("ignore_index")}


def smoothed_by(at):
    return {"smoothing": at["label_smoothing"]}


def with_positive(at, operands):
    """The operands, of which the last is what positive targets weigh: 1 where it is absent."""
    *others, positive = by_segments(at, *operands)
    return [*others, 1.0 if positive is None else positive]


@reference("binary_cross_entropy")
def binary_cross_entropy(at, training, *operands):
    # The limits are numbers of the type: in f32, 1 - 1e-7 is 1 - 1.19e-7.
    margin = max(1e-7, UNIT[at["type"]])
    return measures.binary_cross_entropy(*with_positive(at, operands), to_type([margin, 1 - margin], at["type"]),
                                         **smoothed_by(at), **counted_by(at))


@reference("bce_logits")
def bce_logits(at, training, *operands):
    return measures.bce_logits(*with_positive(at, operands), **smoothed_by(at), **counted_by(at))


@reference("mse", "mean_squared_error")
def mse(at, training, x, target, weights=None):
    return measures.mean_of((x - target.reshape(x.shape)) ** 2, target, weights, **counted_by(at))


@reference("mae", "mean_absolute_error")
def mae(at, training, x, target, weights=None):
    return measures.mean_of(np.abs(x - target.reshape(x.shape)), target, weights, **counted_by(at))


@reference("focal_loss")
def focal_loss(at, training, *operands):
    return measures.focal(*by_segments(at, *operands), at["gamma"], at.get("alpha"), **smoothed_by(at), **counted_by(at))


def are_probabilities(at):
    return {"probabilities": at["from"] == "probabilities"}


REFERENCES.update({
    "huber": lambda at, training, x, t, w=None: measures.huber(x, t, w, at["delta"], **counted_by(at)),
    "smooth_l1": lambda at, training, x, t, w=None: measures.smooth_l1(x, t, w, at["beta"], **counted_by(at)),
    "log_cosh": lambda at, training, x, t, w=None: measures.log_cosh(x, t, w, **counted_by(at)),
    "quantile_loss": lambda at, training, x, t, w=None: measures.quantile(x, t, w, at["quantile"], **counted_by(at)),
    "hinge_loss": lambda at, training, *given: measures.hinge(*with_positive(at, given), at["squared"], **counted_by(at)),
    "multiclass_hinge_loss": lambda at, training, *given: measures.multiclass_hinge(*by_segments(at, *given), **counted_by(at)),
    "poisson_nll": lambda at, training, x, t, w=None: measures.poisson(
        x, t, w, at["log_input"], at["full"], epsilon_of(at), **counted_by(at)),
    "gaussian_nll": lambda at, training, x, t, v, w=None: measures.gaussian(
        x, t, v, w, at["full"], epsilon_of(at), **counted_by(at)),
    "kl_divergence": lambda at, training, x, t, w=None: measures.kl(
        x, t, w, margin=max(1e-7, UNIT[at["type"]]), **are_probabilities(at), **smoothed_by(at)),
    "dice_loss": lambda at, training, *given: measures.dice(
        *by_segments(at, *given), at["smooth"], **are_probabilities(at), **counted_by(at)),
    "cosine_embedding_loss": lambda at, training, *given: measures.cosine_embedding(
        *with_positive(at, given), at["margin"], **counted_by(at)),
    "triplet_loss": lambda at, training, a, p, n, w=None: measures.triplet(a, p, n, w, at["margin"], at["squared"]),
    "contrastive_loss": lambda at, training, x, other, w=None: measures.contrastive(
        x, other, w, at["temperature"], at["normalize"], at["symmetric"], **smoothed_by(at)),
})


def decided_by(at):
    return {"threshold": at.get("threshold"), **are_probabilities(at), **counted_by(at)}


def metric(*names):
    """Decorates what takes the attributes, a prediction, a target and their weights: a last dimension that is the batch is
    no row of classes."""
    def add(function):
        def evaluate(at, training, x, target, weights=None):
            is_row = not at["dims"] or at["dims"][-1] != BATCH
            return function(at, *(x, target) if is_row else (x[..., None], target[..., None]), weights)
        for name in names:
            REFERENCES[name] = evaluate
        return function
    return add


for name, measure in [("precision", measures.precision), ("recall", measures.recall), ("f1", measures.f_beta)]:
    metric(name)(lambda at, x, t, w, of=measure: of(x, t, weights=w, average=at.get("average"), **decided_by(at)))
for name in ("accuracy", "mean_iou", "balanced_accuracy", "mcc"):
    metric(name)(lambda at, x, t, w, of=getattr(measures, name): of(x, t, weights=w, **decided_by(at)))
for name in ("log_loss", "brier_score"):
    metric(name)(lambda at, x, t, w, of=getattr(measures, name): of(x, t, weights=w, **are_probabilities(at), **counted_by(at)))
for name in ("root_mean_squared_error", "r2", "explained_variance"):
    REFERENCES[name] = lambda at, training, x, t, w=None, of=getattr(measures, name): of(x, t, at["multioutput"], w, **counted_by(at))
for name in ("roc_auc", "average_precision"):  # of a set: a program has their scores, and no value of a batch
    REFERENCES[name] = lambda at, training, x, t, w=None, of=getattr(measures, name): of(x.ravel(), t.ravel())
metric("f_beta")(lambda at, x, t, w: measures.f_beta(x, t, at["beta"], weights=w, average=at.get("average"), **decided_by(at)))
metric("cohen_kappa")(lambda at, x, t, w: measures.cohen_kappa(x, t, at["weighting"], weights=w, **decided_by(at)))
metric("expected_calibration_error")(lambda at, x, t, w: measures.expected_calibration_error(
    x, t, at["bins"], weights=w, **are_probabilities(at), **counted_by(at)))
REFERENCES["top_k_accuracy"] = lambda at, training, x, t, w=None: measures.top_k_accuracy(x, t, at["k"], w, **counted_by(at))


# As a table for Evaluation ------------------------------------------------------------------------


def evaluates(function):
    def evaluate(ev, op, *operands):
        attributes = dict(op["attributes"])
        if op["operands"]:
            attributes["type"], attributes["dims"] = ev.types[op["operands"][0]]
        if "stream" in attributes and len(operands) > 1:
            attributes["numbers"] = element_numbers(ev, op, operands[-1].v)
        if ev.training and op["name"] in UPDATES:
            for number, value in UPDATES[op["name"]](attributes, *(x.v for x in operands)).items():
                read = ev.made_by[op["operands"][number]]
                ev.assigned.setdefault(read["attributes"]["parameter"], Value(value, 0.0, operands[number].type))
        results = function(attributes, ev.training, *(x.v for x in operands))
        results = results if isinstance(results, tuple) else (results,)
        return tuple(Value(y, 0.0, type[0]) for y, type in zip(results, op["types"]))
    return evaluate


COMPOSITES = {**PRIMITIVES, **{name: evaluates(function) for name, function in REFERENCES.items()}}
