"""What attention, positions and recurrent layers are, for references.py: some operands may be absent."""
import re

import numpy as np

from primitives import philox_words
from attention import attention, attention_gradient, rotary, sinusoidal  # in the folder that primitives names
import recurrence

MASKS = ("lengths", "bias", "slopes", "mask", "counter")
GRADIENT = ("q", "lse", "delta", "dy", "k", "v", *MASKS)
NAMES = {
    "attention": ("q", "k", "v", *MASKS),
    "attend": ("q", "k", "v", *MASKS),
    "attend_gradient": GRADIENT,
    "attend_scores_gradient": GRADIENT,
    "multi_head_attention": ("x", "in_proj_weight", "out_proj_weight", "in_proj_bias", "out_proj_bias", "memory",
                             "memory_proj_weight", "memory_proj_bias", "positions", "lengths", "bias", "slopes", "mask", "counter"),
    "rotary": ("x", "positions", "cos", "sin"),
    "rnn": ("x", "weights", "initial", "lengths", "counter"),
    "gru": ("x", "weights", "initial", "lengths", "counter"),
    "lstm": ("x", "weights", "initial", "initial_cell", "lengths", "counter"),
}
SEQUENCES = {}


def named(*names):
    """A reference of operands by name; `counter` and `weights` are lists."""
    def add(function):
        for name in names:
            def evaluate(at, training, *operands, order=NAMES[name]):
                counts = re.findall(r"\d+", at["operandSegmentSizes"].replace("i32", ""))
                rest, given = list(operands), {}
                for operand, count in zip(order, map(int, counts)):
                    taken, rest = rest[:count], rest[count:]
                    if count:
                        given[operand] = taken if operand in ("counter", "weights") else taken[0]
                return function(at, training, given)
            SEQUENCES[name] = evaluate
        return function
    return add


def masks_of(given):
    return [given.get(name) for name in MASKS[:-1]]


def options_of(at):
    return {name: at[name] for name in ("causal", "window", "soft_cap", "scale") if name in at}


def keep_of(at, training, given, sizes):
    """What dropout multiplies weights of these sizes by."""
    if not training or at["dropout"] == 0:
        return 1.0
    seed, step, *stream = given["counter"]
    number = stream[0] if stream else 2 * at["stream"]
    words = philox_words(seed, step, number, np.arange(np.prod(sizes)).reshape(sizes)) >> 8
    keep = 1 - at["dropout"]
    return np.where(words < round(keep * 2.0**24), 1 / keep, 0.0)


def weights_of(q, k):
    return (q.shape[0], q.shape[2], q.shape[1], k.shape[1])


@named("attention")
def attention_of(at, training, given):
    q, k, v = given["q"], given["k"], given["v"]
    return attention(q, k, v, *masks_of(given), keep=keep_of(at, training, given, weights_of(q, k)), **options_of(at))


def split(at, q, k=None, v=None):
    """Queries, keys and values that may stand in one tensor."""
    h, kv = at["heads"], at["kv_heads"]
    if k is None:
        return q[:, :, :h], q[:, :, h:h + kv], q[:, :, h + kv:]
    return (q, k[:, :, :kv], k[:, :, kv:]) if v is None else (q, k, v)


@named("attend")
def attend(at, training, given):
    q, k, v = split(at, given["q"], given.get("k"), given.get("v"))
    # Only a training step has it with dropout.
    keep = keep_of(at, True, given, weights_of(q, k))
    return attention(q, k, v, *masks_of(given), keep=keep, logarithms=True, **options_of(at))


def gradients(at, given):
    q, k, v = split(at, given["q"], given.get("k"), given.get("v"))
    keep = keep_of(at, True, given, weights_of(q, k))
    return attention_gradient(q, k, v, given["lse"], given["delta"], given["dy"], *masks_of(given), keep=keep, **options_of(at))


@named("attend_gradient")
def attend_gradient(at, training, given):
    dq, dk, dv, _ = gradients(at, given)
    if "v" in given:
        return dq, dk, dv
    return (dq, np.concatenate([dk, dv], 2)) if "k" in given else (np.concatenate([dq, dk, dv], 2),)


@named("attend_scores_gradient")
def attend_scores_gradient(at, training, given):
    return gradients(at, given)[3]


@named("multi_head_attention")
def multi_head_attention(at, training, given):
    x, h = given["x"], at["heads"]
    kv, size = at["kv_heads"] or h, at["head_size"] or x.shape[2] // h
    rows = lambda y: y.reshape(*y.shape[:2], -1, size)
    y = rows(x @ given["in_proj_weight"] + given.get("in_proj_bias", 0.0))
    other = y[:, :, h:]
    if "memory" in given:
        other = rows(given["memory"] @ given["memory_proj_weight"] + given.get("memory_proj_bias", 0.0))
    q, k, v = y[:, :, :h], other[:, :, :kv], other[:, :, kv:]
    if at["rotary"]:
        turn = {"base": at["rotary_base"], "interleaved": at["rotary_interleaved"], "rotated": at["rotary_size"]}
        q = rotary(q, given.get("positions"), **turn)
        k = rotary(k, None if "memory" in given else given.get("positions"), **turn)
    keep = keep_of(at, training, given, weights_of(q, k))
    mixed = attention(q, k, v, *masks_of(given), keep=keep, **options_of(at))
    return mixed.reshape(*x.shape[:2], -1) @ given["out_proj_weight"] + given.get("out_proj_bias", 0.0)


@named("rotary")
def rotary_of(at, training, given):
    x, n = given["x"], at["heads"] or given["x"].shape[2]
    sign = -1.0 if at["inverse"] else 1.0
    tables = {"cos": given["cos"], "sin": sign * given["sin"]} if "cos" in given else {}
    positions = given.get("positions")
    if not tables:
        positions = sign * (np.arange(x.shape[1]) if positions is None else positions)
    turned = rotary(x[:, :, :n], positions, base=at["base"], interleaved=at["interleaved"], rotated=at["rotated"], **tables)
    return np.concatenate([turned, x[:, :, n:]], 2)


SEQUENCES["sinusoidal_positions"] = lambda at, training: sinusoidal(at["length"], at["width"], at["base"], at["interleaved"])


def recurrent(step, states, at, training, given):
    x, weights = given["x"], given["weights"]
    directions, units = 1 + at["bidirectional"], weights[1].shape[0]
    widths, keep = (at["layers"] - 1) * directions * units, 1 - at["dropout"]
    kept = np.ones((*x.shape[:2], widths))
    if training and keep < 1 and widths:
        seed, step_number, *_ = given["counter"]
        words = philox_words(seed, step_number, 2 * at["stream"], np.arange(kept.size).reshape(kept.shape)) >> 8
        kept = np.where(words < round(keep * 2.0**24), 1 / keep, 0.0)
    return recurrence.layer(x, weights, step, [given.get(name) for name in ("initial", "initial_cell")][:states],
                            given.get("lengths"), at["layers"], at["bidirectional"], at["reverse"], at["sequences"], kept)


@named("rnn")
def rnn(at, training, given):
    return recurrent(recurrence.rnn_step(at["activation"]), 1, at, training, given)


@named("gru")
def gru(at, training, given):
    return recurrent(recurrence.gru_step(at["reset_after"]), 1, at, training, given)


@named("lstm")
def lstm(at, training, given):
    return recurrent(recurrence.lstm_step, 2, at, training, given)
