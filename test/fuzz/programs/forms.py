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

    def image(self):
        """A tensor [n, spatial.., c]: one that is there, or a reshaped one."""
        x = self.pick_float(lambda v: 3 <= v.rank <= 5 and BATCH not in v.shape[1:])
        if x and self.chance(0.6):
            return x
        dims = [self.one_of([1, 2, 3, 4, 6, 7]) for _ in range(self.one_of([1, 2, 2, 2, 3]))]
        shape = (BATCH, *dims, self.one_of([1, 2, 3, 5, 8, 16, 17, 33]))
        return self.add_input(self.float_type, shape) if elements(shape) <= self.most else None

    def numbers(self, count, choices):
        """One for all spatial dimensions, or one for each, as text; and each."""
        if self.chance(0.5):
            n = self.one_of(choices)
            return str(n), [n] * count
        each = [self.one_of(choices) for _ in range(count)]
        return str(each), each

    def pool(self):
        x = self.image()
        if not x:
            return None
        extents, count = x.shape[1:-1], x.rank - 2
        kind = self.one_of(["windows", "windows", "windows", "global", "adaptive", "resize", "border"])
        if kind == "global":
            keep = self.chance(0.5)
            return self.emit(f"{self.one_of(['global_max_pool', 'global_average_pool'])}({x.name}{', keep_dims = true' if keep else ''})",
                             x.type, (x.shape[0], *[1] * (count if keep else 0), x.shape[-1]), x)
        if kind in ("adaptive", "resize"):
            text, size = self.numbers(count, [1, 2, 3, 5, 8])
            shape = (x.shape[0], *size, x.shape[-1])
            if elements(shape) > self.most:
                return None
            if kind == "adaptive":
                return self.emit(f"{self.one_of(['adaptive_max_pool', 'adaptive_average_pool'])}({x.name}, {text})", x.type, shape, x)
            more = self.one_of(["", ", mode = linear", ", mode = linear, corners = align_corners", ", corners = asymmetric",
                                ", rounding = ceil", ", mode = nearest, rounding = floor"])
            return self.emit(f"resize({x.name}, {text}{more})", x.type, shape, x)
        if kind == "border":
            low, high = ([0, *(int(self.rng.integers(e)) for e in extents), 0] for _ in range(2))
            shape = [d if d == BATCH else d + l + h for d, l, h in zip(x.shape, low, high)]
            if elements(shape) > self.most:
                return None
            return self.emit(f"{self.one_of(['reflect_pad', 'replicate_pad', 'wrap_pad'])}({x.name}, {low}, {high})", x.type, shape, x)
        return self.windows(x, extents, count)

    def windows(self, x, extents, count):
        text, window = self.numbers(count, [1, 2, 2, 3, 3, 4])
        stride_text, stride = self.numbers(count, [1, 2, 3])
        dilation = 2 if self.chance(0.15) else 1
        reach = [(w - 1) * dilation + 1 for w in window]
        if any(r > e for r, e in zip(reach, extents)):
            return None
        more = f", dilation = {dilation}" if dilation != 1 else ""
        sides = [(0, 0)] * count
        if self.chance(0.3):
            more += f", padding = {self.one_of(['same', 'same_lower'])}"
            positions = [-(-e // s) for e, s in zip(extents, stride)]
        else:
            if self.chance(0.6):
                sides = [(int(self.rng.integers(r)), int(self.rng.integers(r))) for r in reach]
                more += f", padding = {[list(s) for s in sides]}"
            positions = [(e + l + h - r) // s + 1 for e, (l, h), r, s in zip(extents, sides, reach, stride)]
            if self.chance(0.2):
                more += ", ceil_mode = true"
                rooms = [e + l + h - r for e, (l, h), r in zip(extents, sides, reach)]
                positions = [-(-room // s) + 1 - (-(-room // s) * s >= e + l)
                             for room, s, e, (l, _) in zip(rooms, stride, extents, sides)]
        op = self.one_of(["max_pool", "average_pool"])
        if op == "average_pool" and self.chance(0.4):
            more += ", count_padding = true"
        return self.emit(f"{op}({x.name}, {text}, {stride_text}{more})", x.type, (x.shape[0], *positions, x.shape[-1]), x)
