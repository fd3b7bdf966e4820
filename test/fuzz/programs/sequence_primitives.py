"""The evaluation of each primitive op on sequences. Those of integers are exact."""
import numpy as np

import sequences
from evaluate import FUNCTION_UNITS, Value, result_type, rounded
from primitives import primitive


def exactly(ev, op, values, *operands):
    ev.decide(values)
    uncertain = any((operand.e > 0).any() for operand in operands)
    return Value(values, np.full(values.shape, np.inf if uncertain else 0.0), result_type(op))


@primitive("edit_distance")
def edit_distance(ev, op, prediction, target):
    return exactly(ev, op, sequences.all_edits(prediction.v, target.v, op["attributes"]["padding"]), prediction, target)


@primitive("number_words")
def number_words(ev, op, x):
    at = op["attributes"]
    return exactly(ev, op, sequences.numbered(x.v, at["space"], at["padding"]), x)


@primitive("ctc_collapse")
def ctc_collapse(ev, op, x, lengths):
    at = op["attributes"]
    return exactly(ev, op, sequences.collapsed(x.v, lengths.v, at["blank"], at["padding"]), x, lengths)


@primitive("ctc_forward")
def ctc_forward(ev, op, scores, labels):
    y, type = sequences.forward(scores.v, labels.v), result_type(op)
    # The logarithm of a sum of powers errs as the most wrong of its terms does.
    e = np.cumsum(scores.e.max(-1), 1)[..., None] + np.zeros(y.shape)
    steps = np.arange(1, y.shape[1] + 1)[:, None]
    return rounded(y, np.where(np.isinf(y), 0.0, e), type, 4 * FUNCTION_UNITS[type] * steps)


@primitive("ctc_backward")
def ctc_backward(ev, op, alpha, dy, labels):
    y, type = sequences.backward(alpha.v, dy.v, labels.v), result_type(op)
    time = y.shape[1]
    # Of each step's shares, by twice the error of what they are powers of.
    whole = sequences.backward(alpha.v, np.abs(dy.v), labels.v)
    spread = np.expm1(np.minimum(2 * time * alpha.e.max(initial=0), 700)) * whole
    e = sequences.backward(alpha.v, dy.e, labels.v) + spread
    return rounded(y, e, type, 4 * FUNCTION_UNITS[type] * time)
