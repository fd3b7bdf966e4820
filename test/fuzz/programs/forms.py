"""Expressions of random programs whose windows slide over spatial dimensions: a part
of the Generator in generate.py."""
from program import BATCH, elements, spell_dims


class WindowForms:
    def convolution(self):
        x = self.pick_float(lambda v: 3 <= v.rank <= 5 and BATCH not in v.shape[1:])
        if not x:
            return None
        batch, *sizes, channels = x.shape
        groups = self.one_of([g for g in (1, 1, 2, 3, channels) if channels % g == 0])
        out = groups * self.one_of([1, 2, 3])
        window = [self.one_of([1, 2, 3]) for _ in sizes]
        steps = {"strides": [self.one_of([1, 1, 2, 3]) for _ in sizes], "dilations": [self.one_of([1, 1, 2]) for _ in sizes],
                 "low": [int(self.rng.integers(3)) for _ in sizes], "high": [int(self.rng.integers(3)) for _ in sizes]}
        counts = [(n + a + b - (k - 1) * d - 1) // s + 1 for n, a, b, k, d, s in
                  zip(sizes, steps["low"], steps["high"], window, steps["dilations"], steps["strides"])]
        if min(counts) < 1:
            return None
        if self.chance(0.3):
            # x is what another image of one of the fitting sizes was made into.
            w = self.add_parameter(x.type, (*window, self.one_of([1, 2]), channels))
            sizes = [(n - 1) * s + (k - 1) * d + 1 - a - b + int(self.rng.integers(s)) for n, a, b, k, d, s in
                     zip(sizes, steps["low"], steps["high"], window, steps["dilations"], steps["strides"])]
            shape, name = (batch, *sizes, w.shape[-2] * groups), f"convolution_transpose({x.name}, {w.name}, sizes = {spell_dims(sizes)}"
            if min(sizes) < 1 or elements(shape) > self.most:
                return None
        else:
            w = self.add_parameter(x.type, (*window, channels // groups, out))
            shape, name = (batch, *counts, out), f"convolution({x.name}, {w.name}"
        given = "".join(f", {key} = {spell_dims(value)}" for key, value in steps.items())
        return self.emit(f"{name}{given}, groups = {groups})", x.type, shape, x, w)
