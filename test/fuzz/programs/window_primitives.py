"""The evaluation of each primitive op over windows: of each element of a window in turn,
which are places in a padded tensor.
"""
import numpy as np

from evaluate import Value, result_type, rounded, summed
from primitives import attains, chosen, primitive


class WindowPlaces:
    """Where the windows over the spatial dimensions `extents` of a tensor [n, spatial.., c]
    have their elements, in the padded tensor: one place for each element of a window."""

    def __init__(self, attributes, extents):
        count = len(extents)
        default = {"strides": 1, "low": 0, "high": 0, "dilations": 1}
        strides, self.low, self.high, dilations = (attributes[name] or [value] * count for name, value in default.items())
        window = attributes["window"]
        self.extents, self.size = extents, int(np.prod(window))
        positions = [(e + l + h - (w - 1) * d - 1) // s + 1
                     for e, l, h, w, d, s in zip(extents, self.low, self.high, window, dilations, strides)]
        whole = slice(None)
        self.places = [(whole, *(slice(i * d, i * d + (o - 1) * s + 1, s)
                                 for i, d, o, s in zip(k, dilations, positions, strides)), whole)
                       for k in np.ndindex(*window)]

    def elements(self, x, padding):
        """[n, positions.., c, elements]."""
        sides = [(0, 0), *zip(self.low, self.high), (0, 0)]
        padded = np.pad(x, sides, constant_values=padding)
        return np.stack([padded[place] for place in self.places], -1)

    def spread(self, parts):
        """The transpose: of each element of a window, what is added to it."""
        shape = parts[0].shape
        padded = np.zeros((shape[0], *(e + l + h for e, l, h in zip(self.extents, self.low, self.high)), shape[-1]))
        for place, part in zip(self.places, parts):
            padded[place] += part
        inner = (slice(l, l + e) for l, e in zip(self.low, self.extents))
        return padded[(slice(None), *inner, slice(None))]


def windows_over(op, x):
    return WindowPlaces(op["attributes"], x.v.shape[1:-1])


@primitive("window_sum")
def window_sum(ev, op, x):
    windows = windows_over(op, x)
    v, magnitude, e = (windows.elements(part, 0).sum(-1) for part in (x.v, np.abs(x.v), x.e))
    return summed(v, magnitude, e, windows.size, x.type)


def spread_over(op):
    return WindowPlaces(op["attributes"], op["attributes"]["size"])


def added_up(windows, x, chosen):
    """x where `chosen` says so of each element of a window, added up."""
    parts = ([np.where(here, part, 0) for here in chosen] for part in (x.v, np.abs(x.v), x.e))
    v, magnitude, e = (windows.spread(part) for part in parts)
    return summed(v, magnitude, e, windows.size, x.type)


@primitive("window_spread")
def window_spread(ev, op, x):
    windows = spread_over(op)
    return added_up(windows, x, [True] * windows.size)


@primitive("window_normalize")
def window_normalize(ev, op, x):
    windows = spread_over(op)
    count = np.maximum(windows.elements(np.ones((1, *windows.extents, 1)), 0).sum(-1), 1)
    return rounded(x.v / count, x.e / count, x.type)


@primitive("window_max")
def window_max(ev, op, x):
    windows = windows_over(op, x)
    ev.decide(windows.elements(x.v, -np.inf).argmax(-1))
    return chosen(lambda xs: windows.elements(xs[0], -np.inf).max(-1), [x], x.type,
                  lambda flag: windows.elements(flag, False).any(-1))


@primitive("window_argmax")
def window_argmax(ev, op, x):
    windows = windows_over(op, x)
    v, e = windows.elements(x.v, -np.inf), windows.elements(x.e, 0)
    y = v.argmax(-1)
    ev.decide(y)
    uncertain = attains(Value(v, e, x.type), (-1,), True)[1].any(-1) | np.isnan(v).any(-1) | ~np.isfinite(e).all(-1)
    return Value(y, np.where(uncertain, np.inf, 0.0), result_type(op))


@primitive("window_unmax")
def window_unmax(ev, op, x, position):
    windows = spread_over(op)
    y = added_up(windows, x, [position.v == k for k in range(windows.size)])
    unknown = windows.spread([(position.e > 0).astype(np.float64)] * windows.size) > 0
    return Value(y.v, np.where(unknown, np.inf, y.e), x.type)


@primitive("window_pick")
def window_pick(ev, op, x, position):
    windows = windows_over(op, x)
    where = np.clip(position.v, 0, windows.size - 1)[..., None]
    inside = position.v == where[..., 0]
    v, e = (np.take_along_axis(windows.elements(part, 0), where, -1)[..., 0] for part in (x.v, x.e))
    return Value(np.where(inside, v, 0), np.where(position.e > 0, np.inf, np.where(inside, e, 0)), x.type)
