"""The numeric tests of ops over windows, which stand in for those of pooling: against
what NumPy makes of each window's elements, one after another.
"""
import numpy as np

from cases import BATCH, case, edge, exact, spread

# Windows -------------------------------------------------------------------------------


class Windows:
    """Over the spatial dimensions of [n, spatial.., c]; numbers are for all of them."""

    def __init__(self, window, strides=1, low=0, high=0, dilations=1, dims=2):
        spread_out = lambda v: [v] * dims if isinstance(v, int) else list(v)
        self.window, self.strides, self.low, self.high, self.dilations = map(
            spread_out, (window, strides, low, high, dilations))

    def text(self, size=None):
        return " ".join(f"{name} = {list(values)}" for name, values in (
            ("size", size), ("window", self.window), ("strides", self.strides), ("low", self.low), ("high", self.high),
            ("dilations", self.dilations)) if values is not None)

    def positions(self, extents):
        return [(e + l + h - (w - 1) * d - 1) // s + 1 for e, w, s, l, h, d in zip(
            extents, self.window, self.strides, self.low, self.high, self.dilations)]

    def places(self, extents):
        """Of each element of a window: where in the padded tensor all positions have it."""
        for k in np.ndindex(*self.window):
            yield (slice(None),) + tuple(slice(i * d, i * d + (o - 1) * s + 1, s) for i, d, o, s in zip(
                k, self.dilations, self.positions(extents), self.strides)) + (slice(None),)

    def elements(self, x, padding=0.0):
        """[n, positions.., c, elements]."""
        sides = [(0, 0), *zip(self.low, self.high), (0, 0)]
        padded = np.pad(x, sides, constant_values=padding)
        return np.stack([padded[place] for place in self.places(x.shape[1:-1])], -1)

    def spread(self, x, size, position=None):
        shape = [x.shape[0], *(e + l + h for e, l, h in zip(size, self.low, self.high)), x.shape[-1]]
        padded = np.zeros(shape)
        for k, place in enumerate(self.places(size)):
            padded[place] += x if position is None else np.where(position == k, x, 0)
        return padded[(slice(None),) + tuple(slice(l, l + e) for l, e in zip(self.low, size)) + (slice(None),)]

    def counts(self, size):
        return np.maximum(self.elements(np.ones((1, *size, 1))).sum(-1), 1)


def positions_type(windows):
    return np.uint8 if np.prod(windows.window) <= 256 else np.int32


# Strides above, at and below the window, padding on either side, dilation, one to three
# dimensions, few and many channels: lanes along channels, and rows with a rest.
for shape, windows in [
    ((BATCH, 4, 6, 5), Windows(2, 2)), ((BATCH, 5, 4, 16), Windows(3, 2, 1, 1)), ((BATCH, 5, 3, 1), Windows(2, 1, 0, 1)),
    ((BATCH, 5, 4, 3), Windows((3, 2), (1, 3), (2, 0), (0, 1))), ((BATCH, 7, 6, 2), Windows(2, 3, 1, 0, 2)),
    ((BATCH, 9, 4), Windows(3, 2, 1, 2, dims=1)), ((BATCH, 9, 1), Windows(4, 1, 3, 0, 2, dims=1)),
    ((2, 3, 4, 5, 2), Windows((2, 3, 2), 2, 1, 0, dims=3)), ((2, 6, 5, 20), Windows((6, 5), (6, 5))),
    ((2, 9, 1), Windows(3, 4, dims=1)), ((3, 8, 9, 40), Windows(3, 1, 1, 1))]:
    v = np.random.default_rng(9).permutation(spread(shape, -4, 4).reshape(-1)).reshape(shape)
    size, batch = list(shape[1:-1]), (0,) if shape[0] == BATCH and shape[-1] < 6 else ()
    over = windows.elements(v).sum(-1)
    w = spread(over.shape, seed=2)
    position = windows.elements(v, -np.inf).argmax(-1).astype(positions_type(windows))
    case("window", "window_sum", [v], lambda v: windows.elements(v).sum(-1), windows.text(), dynamic=batch)
    case("window", "window_spread", [w], lambda w: windows.spread(w, size), windows.text(size), dynamic=batch)
    case("window", "window_normalize", [w], lambda w: w / windows.counts(size), windows.text(size), dynamic=batch)
    # Differences say nothing where two elements are nearly equal.
    distinct = (np.random.default_rng(3).permutation(v.size).reshape(shape) - v.size // 2) / 16
    case("window", "window_max", [distinct], lambda v: windows.elements(v, -np.inf).max(-1), windows.text(), dynamic=batch)
    case("window", "window_argmax", [v], lambda v: windows.elements(v, -np.inf).argmax(-1).astype(positions_type(windows)),
         windows.text(), dynamic=batch, gradient=False)
    case("window", "window_unmax", [w, position], lambda w, p: windows.spread(w, size, p), windows.text(size),
         dynamic=(0, 1) if batch else ())
    case("window", "window_pick", [v, position], lambda v, p: np.take_along_axis(
        windows.elements(v), p[..., None].astype(int), -1)[..., 0], windows.text(), dynamic=(0, 1) if batch else ())
# More elements than u8 counts, and no loop that is written out.
wide = Windows(17, 5, 8, 8)
v = exact(np.random.default_rng(4).permutation(2 * 18 * 18 * 3).reshape(2, 18, 18, 3) / 64)
case("window", "window_argmax", [v], lambda v: wide.elements(v, -np.inf).argmax(-1).astype(np.int32), wide.text(), gradient=False)
case("window", "window_max", [v], lambda v: wide.elements(v, -np.inf).max(-1), wide.text(), gradient=False)
case("window", "window_sum", [v], lambda v: wide.elements(v).sum(-1), wide.text(), gradient=False)
# The first of equals gets all; nothing is lost to the padding, which is the smallest.
ties = exact([[[1], [1], [0], [2], [2]], [[-8], [-8], [-8], [-9], [-9]]])
edge("window", "max_pool", [ties], exact([[[1], [1], [2]], [[-8], [-8], [-9]]]),
     [exact([[[1], [1], [0], [1], [0]], [[1], [1], [0], [1], [0]]])], "window = [2] padding = [1]")
edge("window", "window_max", [exact([[[np.nan], [1]], [[-np.inf], [-np.inf]]])], exact([[[np.nan]], [[-np.inf]]]),
     attributes="window = [2]")


def padded(window, stride, padding, dilation, extents, ceil):
    """The windows of a pool, by the rules of its record, and the padding that counts."""
    dims = len(extents)
    windows = Windows(window, stride or window, dilations=dilation, dims=dims)
    reach = [(w - 1) * d + 1 for w, d in zip(windows.window, windows.dilations)]
    if padding in ("same", "same_lower"):
        total = [max(0, (-(-e // s) - 1) * s + r - e) for e, s, r in zip(extents, windows.strides, reach)]
        sides = [(t // 2, t - t // 2) if padding == "same" else (t - t // 2, t // 2) for t in total]
    else:
        numbers = [0] if padding == "valid" else padding
        sides = [tuple(numbers * 2)] * dims if len(numbers) == 1 else list(zip(numbers[::2], numbers[1::2]))
    windows.low, windows.high = [l for l, _ in sides], [h for _, h in sides]
    counted = list(windows.high)
    if ceil:
        for i, (e, r, s, l, h) in enumerate(zip(extents, reach, windows.strides, windows.low, counted)):
            last = -(-(e + l + h - r) // s)
            last -= last * s >= e + l
            windows.high[i] = max(0, last * s + r - e - l)
    return windows, counted


def pool_text(window, stride, padding, dilation, ceil, more=""):
    return (f"window = {window}" + (f" stride = {stride}" if stride else "") + f" padding = {padding}"
            + (f" dilation = {dilation}" if dilation != 1 else "") + (" ceil_mode = true" if ceil else "") + more)


def average(v, windows, counted, count_padding):
    sums = windows.elements(v).sum(-1)
    if not count_padding:
        return sums / windows.counts(v.shape[1:-1])
    extents = v.shape[1:-1]
    whole = [e + l + min(h, c) for e, l, h, c in zip(extents, windows.low, windows.high, counted)]
    mask = np.ones((1, *whole, 1))
    beyond = [(0, 0), *((0, e + l + h - w) for e, l, h, w in zip(extents, windows.low, windows.high, whole)), (0, 0)]
    inner = Windows(windows.window, windows.strides, dilations=windows.dilations, dims=len(extents))
    return sums / inner.elements(np.pad(mask, beyond)).sum(-1)


for shape, window, stride, padding, dilation, ceil in [
    ((BATCH, 6, 4, 3), [2], [], "valid", 1, False), ((BATCH, 6, 5, 3), [3], [2], "same", 1, False),
    ((BATCH, 5, 6, 16), [3, 2], [2], "same_lower", 1, False), ((BATCH, 6, 5, 2), [3], [2], [1], 1, True),
    ((BATCH, 6, 7, 2), [2, 3], [2, 1], [0, 1, 1, 2], 1, True), ((BATCH, 7, 6, 2), [2], [1], [1], [2], False),
    ((BATCH, 8, 2), [3], [3], [1, 1], 1, True), ((2, 4, 3, 5, 2), [2], [], "same", 1, False)]:
    size = list(shape[1:-1])
    windows, counted = padded(window[0] if len(window) == 1 else window,
                              (stride[0] if len(stride) == 1 else stride) if stride else None, padding,
                              dilation[0] if dilation != 1 else 1, size, ceil)
    v = (np.random.default_rng(5).permutation(int(np.prod(shape))).reshape(shape) - 40) / 16
    batch = (0,) if shape[0] == BATCH and shape[-1] < 6 else ()
    case("window", "max_pool", [v], lambda v: windows.elements(v, -np.inf).max(-1),
         pool_text(window, stride, padding, dilation, ceil), dynamic=batch)
    for count in (False, True):
        case("window", "average_pool", [v], lambda v: average(v, windows, counted, count),
             pool_text(window, stride, padding, dilation, ceil, " count_padding = true" if count else ""), dynamic=batch)

for shape in [(BATCH, 4, 3, 5), (BATCH, 6, 17), (2, 3, 2, 4, 3), (3, 7, 7, 40)]:
    v = (np.random.default_rng(6).permutation(int(np.prod(shape))).reshape(shape) - 40) / 16
    axes, batch = tuple(range(1, len(shape) - 1)), (0,) if shape[0] == BATCH else ()
    case("window", "global_max_pool", [v], lambda v: v.max(axes), dynamic=batch)
    case("window", "global_average_pool", [v], lambda v: v.mean(axes, keepdims=True), "keep_dims = true", dynamic=batch)
    case("window", "global_average_pool", [v], lambda v: v.mean(axes), dynamic=batch)


def adaptive(v, size, function):
    """Of each dimension in turn: the largest of largest ones, the mean of means."""
    for dim, n in enumerate(size):
        extent = v.shape[1 + dim]
        v = np.stack([function(np.take(v, range(o * extent // n, -(-(o + 1) * extent // n)), 1 + dim), 1 + dim)
                      for o in range(n)], 1 + dim)
    return v


for shape, size in [((BATCH, 6, 4, 3), [3, 2]), ((BATCH, 7, 5, 3), [3, 2]), ((BATCH, 5, 2), [7]), ((2, 4, 5, 3, 2), [2, 3, 3])]:
    v = (np.random.default_rng(7).permutation(int(np.prod(shape))).reshape(shape) - 40) / 16
    batch = (0,) if shape[0] == BATCH else ()
    case("window", "adaptive_max_pool", [v], lambda v: adaptive(v, size, np.max), f"size = {size}", dynamic=batch)
    case("window", "adaptive_average_pool", [v], lambda v: adaptive(v, size, np.mean), f"size = {size}", dynamic=batch)


def resized(v, size, mode, corners, rounding="prefer_floor", scale=None):
    for dim, n in enumerate(size):
        extent = v.shape[1 + dim]
        s = scale or n / extent
        o = np.arange(n)
        at = {"half_pixel": (o + 0.5) / s - 0.5, "asymmetric": o / s,
              "align_corners": o * (extent - 1) / (n - 1) if n > 1 else 0.0 * o}[corners]
        clamp = lambda i: np.clip(i, 0, extent - 1).astype(int)
        if mode == "nearest":
            rule = {"prefer_floor": lambda x: np.ceil(x - 0.5), "prefer_ceil": lambda x: np.floor(x + 0.5),
                    "floor": np.floor, "ceil": np.ceil}[rounding]
            v = np.take(v, clamp(rule(at)), 1 + dim)
            continue
        below = np.floor(at)
        part = (at - below).reshape([-1 if a == 1 + dim else 1 for a in range(v.ndim)])
        v = np.take(v, clamp(below), 1 + dim) * (1 - part) + np.take(v, clamp(below + 1), 1 + dim) * part
    return v


grid = spread((BATCH, 3, 4, 5))
for mode in ("nearest", "linear"):
    for corners in ("half_pixel", "align_corners", "asymmetric"):
        for size in ([6, 8], [5, 7], [2, 1]):
            case("window", "resize", [grid], lambda v: resized(v, size, mode, corners),
                 f"size = {size} mode = {mode} corners = {corners}", dynamic=(0,) if corners == "half_pixel" else ())
    for scale in (2.0, 0.6, 2.6):
        size = [int(np.floor(3 * scale)), int(np.floor(4 * scale))]
        case("window", "resize", [grid], lambda v: resized(v, size, mode, "half_pixel", scale=scale),
             f"scale = {scale} mode = {mode}")
for rounding in ("prefer_floor", "prefer_ceil", "floor", "ceil"):
    case("window", "resize", [grid], lambda v: resized(v, [8, 3], "nearest", "half_pixel", rounding),
         f"size = [8, 3] rounding = {rounding}")
case("window", "resize", [spread((BATCH, 6, 2))], lambda v: resized(v, [9], "linear", "half_pixel"), "size = [9] mode = linear")
case("window", "resize", [spread((2, 2, 3, 2, 3))], lambda v: resized(v, [4, 6, 4], "nearest", "half_pixel"), "scale = 2.0")

for op, mode in [("reflect_pad", "reflect"), ("replicate_pad", "edge"), ("wrap_pad", "wrap")]:
    case("window", op, [grid], lambda v: np.pad(v, ((0, 0), (2, 1), (0, 3), (0, 0)), mode=mode),
         "low = [0, 2, 0, 0] high = [0, 1, 3, 0]", dynamic=(0,))
    case("window", op, [spread((5,))], lambda v: np.pad(v, ((3, 4),), mode=mode), "low = [3] high = [4]")
