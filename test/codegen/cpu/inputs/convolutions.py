"""Prints kernels of convolutions as linalg on tensors, for nnc-run-kernel:

    convolutions.py SET...

Each line of a set is a direction and what convolution it is of: `forward` y = x * w, `input`
its gradient by x and `filter` that by w. Images are NHWC with any number of dimensions, and
the batch is `?`.
"""

import itertools
import sys

SETS = {
    # Gradients by the input of a strided window: one contraction a phase of the stride.
    "parts": [
        ("stride_two", "input", dict(image=(7, 8), channels=(20, 6), kernel=3, stride=2, low=1, high=1)),
        ("with_residual", "input", dict(image=(6, 6), channels=(16, 5), kernel=3, stride=2, low=1, high=1, epilogue="add")),
        # The last column is no window's: zero before the bias.
        ("with_bias", "input", dict(image=(6, 5), channels=(12, 5), kernel=2, stride=2, epilogue="bias")),
        # Three of four phases have no tap.
        ("one_tap", "input", dict(image=(8, 8), channels=(33, 7), kernel=1, stride=2)),
        ("one_tap_residual", "input", dict(image=(8, 8), channels=(16, 7), kernel=1, stride=2, epilogue="add")),
        # A row fewer between two strides than in them.
        ("one_tap_odd", "input", dict(image=(7, 8), channels=(16, 7), kernel=1, stride=2, epilogue="add")),
        ("dilated", "input", dict(image=(11,), channels=(8, 4), kernel=3, stride=3, low=2, high=1, dilation=2)),
        ("dilated_taps_apart", "input", dict(image=(13,), channels=(8, 4), kernel=4, stride=2, low=3, high=3, dilation=3)),
        ("strides_differ", "input", dict(image=(7, 6), channels=(8, 4), kernel=(3, 2), stride=(2, 1), low=(1, 0), high=(0, 1))),
        ("wide", "input", dict(image=(5, 4), channels=(130, 70), kernel=3, stride=2, low=1, high=1)),
        ("gaps", "input", dict(image=(9,), channels=(4, 3), kernel=2, stride=4)),
        ("volume", "input", dict(image=(4, 4, 4), channels=(6, 3), kernel=3, stride=2, low=1, high=1, batch=2)),
        ("double", "input", dict(image=(6, 6), channels=(6, 5), kernel=3, stride=2, low=1, high=1, element="f64")),
        # One channel: what follows is done for itself, in vectors along rows.
        ("epilogue_apart", "input", dict(image=(6, 8), channels=(1, 16), kernel=3, stride=2, low=1, high=1, epilogue="function")),
        ("epilogue_apart_rest", "input", dict(image=(6, 8), channels=(1, 16), kernel=1, stride=2, epilogue="function")),
        ("indexed", "input", dict(image=(6, 7), channels=(9, 5), kernel=3, stride=2, low=1, high=1, epilogue="index")),
        # A stride of one: a window that runs backwards.
        ("backwards", "input", dict(image=(6, 6), channels=(20, 6), kernel=3, low=1, high=1)),
    ],
    "groups": [
        (name, direction, dict(options, epilogue=epilogue))
        for direction, epilogue in (("forward", "bias"), ("input", "add"), ("filter", "add"))
        for name, options in (
            ("two_groups", dict(image=(6, 7), channels=(8, 12), kernel=3, low=1, high=1, groups=2)),
            ("strided", dict(image=(6, 7), channels=(8, 12), kernel=3, stride=2, low=1, high=1, groups=4)),
            ("wide_groups", dict(image=(6, 7), channels=(66, 44), kernel=3, groups=2)),
            ("steps", dict(image=(9,), channels=(6, 6), kernel=3, low=1, high=1, groups=3)),
            ("multiplier", dict(image=(6, 7), channels=(5, 10), kernel=3, low=1, high=1, groups=5)),
        )
    ],
    # Each channel for itself.
    "depthwise": [
        (name, direction, dict(options, groups=options["channels"][0], epilogue=epilogue))
        for direction, epilogue in (("forward", "bias"), ("input", "add"), ("filter", "add"))
        for name, options in (
            ("same", dict(image=(6, 19), channels=(20, 20), kernel=3, low=1, high=1)),
            ("many_channels", dict(image=(5, 6), channels=(150, 150), kernel=3, low=1, high=1)),
            ("strided", dict(image=(7, 12), channels=(20, 20), kernel=3, stride=2, low=1, high=1)),
            ("valid", dict(image=(7, 12), channels=(17, 17), kernel=(2, 5))),
            ("dilated", dict(image=(9, 12), channels=(32, 32), kernel=3, low=(0, 2), high=(3, 1), dilation=2)),
            ("one_tap", dict(image=(4, 5), channels=(20, 20), kernel=1)),
            ("one_tap_strided", dict(image=(4, 5), channels=(20, 20), kernel=1, stride=2)),
            ("steps", dict(image=(600,), channels=(3, 3), kernel=5, low=2, high=2)),
            ("volume", dict(image=(4, 3, 5), channels=(10, 10), kernel=3, low=1, high=1)),
            ("double", dict(image=(6, 7), channels=(20, 20), kernel=3, low=1, high=1, element="f64")),
            ("computed", dict(image=(6, 7), channels=(20, 20), kernel=3, low=1, high=1, isComputed=True)),
            ("small_image", dict(image=(2, 2), channels=(20, 20), kernel=5, low=2, high=2)),
        )
    ],
    # 16 bits, in vectors of 16 bytes: what tensor cores multiply as it lies.
    "copies": [
        (name, direction, dict(options, element="bf16"))
        for name, options in (
            ("padded", dict(image=(7, 6), channels=(64, 72), kernel=3, low=1, high=1)),
            ("strided", dict(image=(9, 8), channels=(40, 136), kernel=3, stride=2, low=1, high=1)),
            ("dilated", dict(image=(30,), channels=(32, 64), kernel=3, low=2, high=2, dilation=2)),
            ("half_steps", dict(image=(12, 11), channels=(8, 136), kernel=3, low=(0, 2), high=(2, 0))),
        )
        for direction in ("forward", "input", "filter")
    ],
    # 3 x 3 windows and many channels.
    "winograd": [
        ("same", "forward", dict(image=(6, 8), channels=(48, 32), kernel=3, low=1, high=1, epilogue="bias")),
        ("odd", "forward", dict(image=(9, 7), channels=(64, 48), kernel=3, low=1, high=1)),
        ("one_side", "forward", dict(image=(9, 8), channels=(48, 32), kernel=3, low=(2, 0), high=(0, 2))),
        ("residual", "forward", dict(image=(6, 8), channels=(48, 32), kernel=3, low=1, high=1, epilogue="add")),
        ("same", "input", dict(image=(6, 8), channels=(32, 64), kernel=3, low=1, high=1, epilogue="add")),
        ("odd", "input", dict(image=(7, 9), channels=(48, 48), kernel=3, low=1, high=1)),
        ("valid", "input", dict(image=(10, 8), channels=(32, 48), kernel=3)),
        ("valid", "forward", dict(image=(10, 8), channels=(32, 48), kernel=3, epilogue="bias")),
        ("valid_odd", "forward", dict(image=(9, 11), channels=(32, 48), kernel=3)),
        ("valid_odd", "filter", dict(image=(11, 9), channels=(32, 48), kernel=3)),
        ("rows_padded", "forward", dict(image=(5, 9), channels=(32, 32), kernel=3, low=(1, 0), high=(1, 0))),
        *(("computed", direction, dict(image=(6, 8), channels=(32, 32), kernel=3, low=1, high=1, isComputed=True))
          for direction in ("forward", "input", "filter")),
        ("many_channels", "forward", dict(image=(4, 4), channels=(192, 256), kernel=3, low=1, high=1)),
        ("same", "filter", dict(image=(6, 8), channels=(48, 32), kernel=3, low=1, high=1, epilogue="add")),
        ("odd", "filter", dict(image=(9, 7), channels=(64, 48), kernel=3, low=1, high=1)),
        ("blocks", "filter", dict(image=(5, 4), channels=(240, 224), kernel=3, low=1, high=1, epilogue="add")),
    ],
    "winograd-not": [
        ("grouped", "forward", dict(image=(8, 8), channels=(96, 64), kernel=3, low=1, high=1, groups=2)),
        ("strided", "forward", dict(image=(8, 8), channels=(48, 32), kernel=3, stride=2, low=1, high=1)),
        ("odd_channels", "forward", dict(image=(8, 8), channels=(49, 32), kernel=3, low=1, high=1)),
        ("few_channels", "forward", dict(image=(8, 8), channels=(8, 32), kernel=3, low=1, high=1)),
        ("half_tiles", "forward", dict(image=(3, 3), channels=(48, 32), kernel=3, low=1, high=1)),
        ("double", "forward", dict(image=(8, 8), channels=(48, 32), kernel=3, low=1, high=1, element="f64")),
    ],
    # Of the speed of some kernels, for nnc-run-kernel --time.
    "speed": [
        (f"c{c}_{size}", direction, dict(image=(size, size), channels=(c, c), kernel=3, low=1, high=1, batch=16))
        for c, size in ((16, 32), (32, 32), (32, 16), (48, 16), (64, 32), (128, 16), (256, 8), (512, 4))
        for direction in ("forward", "input", "filter")
    ],
    "depthwise-speed": [
        (f"c{c}_{size}_{stride}", direction, dict(image=(size, size), channels=(c, c), kernel=3, stride=stride,
                                                  low=1, high=1, groups=c, batch=16))
        for c, size in ((32, 112), (144, 56), (192, 28), (512, 14))
        for stride in (1, 2)
        for direction in ("forward", "input", "filter")
    ],
}


class Kernel:
    """One kernel as text, line by line. Values are pairs of a name and a shape."""

    def __init__(self, element):
        self.element, self.lines, self.count = element, [], 0
        self.lines.append(f"%zero = arith.constant 0.0 : {element}")

    def type(self, shape):
        return "tensor<" + "".join(f"{size}x" for size in shape) + self.element + ">"

    def value(self, text, shape):
        self.count += 1
        self.lines.append(f"%v{self.count} = {text}")
        return f"%v{self.count}", list(shape)

    def sizes(self, shape):
        return "[" + ", ".join("%batch" if size == "?" else str(size) for size in shape) + "]"

    def empty(self, shape):
        batch = "%batch" if "?" in shape else ""
        return self.value(f"tensor.empty({batch}) : {self.type(shape)}", shape)

    def zeros(self, shape):
        name, _ = self.empty(shape)
        type = self.type(shape)
        return self.value(f"linalg.fill ins(%zero : {self.element}) outs({name} : {type}) -> {type}", shape)

    def insert(self, part, whole, offsets, strides):
        return self.value(
            f"tensor.insert_slice {part[0]} into {whole[0]}{list(offsets)} {self.sizes(part[1])} {list(strides)}"
            f" : {self.type(part[1])} into {self.type(whole[1])}", whole[1])

    def extract(self, whole, offsets, shape, strides):
        if shape == whole[1]:
            return whole
        return self.value(
            f"tensor.extract_slice {whole[0]}{list(offsets)} {self.sizes(shape)} {list(strides)}"
            f" : {self.type(whole[1])} to {self.type(shape)}", shape)

    def pad(self, image, low, high):
        """`image` with zeros around, or without what is beyond where `high` is negative."""
        more = [max(size, 0) for size in high]
        shape = [image[1][0], *map(sum, zip(image[1][1:-1], low, more)), image[1][-1]]
        if any(low) or any(more):
            image = self.insert(image, self.zeros(shape), [0, *low, 0], [1] * len(shape))
        cut = [shape[0], *map(sum, zip(shape[1:-1], (min(size, 0) for size in high))), shape[-1]]
        return self.extract(image, [0] * len(cut), cut, [1] * len(cut))

    def split(self, value, groups):
        """The last dimension as groups of channels."""
        name, shape = value
        last = len(shape) - 1
        split = [*shape[:-1], groups, shape[-1] // groups]
        dims = [[dim] for dim in range(last)] + [[last, last + 1]]
        return self.value(f"tensor.expand_shape {name} {dims} output_shape {self.sizes(split)}"
                          f" : {self.type(shape)} into {self.type(split)}", split)

    def join(self, value):
        name, shape = value
        last = len(shape) - 2
        dims = [[dim] for dim in range(last)] + [[last, last + 1]]
        joined = [*shape[:-2], shape[-2] * shape[-1]]
        return self.value(f"tensor.collapse_shape {name} {dims} : {self.type(shape)} into {self.type(joined)}", joined)

    def generic(self, loops, numParallel, inputs, out, body, sum=None):
        """`inputs` and `out` are values with their indices, as lists of text; elements of `out` are of type `sum`."""
        sum = sum or self.element
        maps = ", ".join(f"affine_map<({', '.join(loops)}) -> ({', '.join(indices)})>" for _, indices in [*inputs, out])
        kinds = ['"parallel"'] * numParallel + ['"reduction"'] * (len(loops) - numParallel)
        names = ", ".join(name for (name, _), _ in inputs)
        types = ", ".join(self.type(shape) for (_, shape), _ in inputs)
        arguments = ", ".join([*(f"%a{i}: {self.element}" for i in range(len(inputs))), f"%a{len(inputs)}: {sum}"])
        (result, shape), _ = out
        type = "tensor<" + "".join(f"{size}x" for size in shape) + sum + ">"
        return self.value(
            f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{', '.join(kinds)}]}}"
            f" ins({names} : {types}) outs({result} : {type}) {{\n  ^bb0({arguments}):\n    "
            + "\n    ".join(line.replace("T", self.element) for line in body)
            + f"\n    linalg.yield %r : {sum}\n  }} -> {type}", shape)

    def contract(self, loops, numParallel, lhs, rhs, shape, indices):
        if self.element == "bf16":
            return self.contractNarrow(loops, numParallel, [lhs, rhs], shape, indices)
        return self.generic(loops, numParallel, [lhs, rhs], (self.zeros(shape), indices),
                            ["%p = arith.mulf %a0, %a1 : T", "%r = arith.addf %a2, %p : T"])

    def contractNarrow(self, loops, numParallel, inputs, shape, indices):
        """Sums in f32, of which the result is rounded."""
        wide, dims = self.type(shape).replace("bf16", "f32"), [f"d{i}" for i in range(len(shape))]
        batch = "%batch" if "?" in shape else ""
        zero, _ = self.value("arith.constant 0.0 : f32", [])
        empty, _ = self.value(f"tensor.empty({batch}) : {wide}", shape)
        zeros = self.value(f"linalg.fill ins({zero} : f32) outs({empty} : {wide}) -> {wide}", shape)
        sums = self.generic(loops, numParallel, inputs, (zeros, indices),
                            ["%x0 = arith.extf %a0 : bf16 to f32", "%x1 = arith.extf %a1 : bf16 to f32",
                             "%p = arith.mulf %x0, %x1 : f32", "%r = arith.addf %a2, %p : f32"], "f32")
        identity = f"affine_map<({', '.join(dims)}) -> ({', '.join(dims)})>"
        kinds = ", ".join(['"parallel"'] * len(dims))
        return self.value(
            f"linalg.generic {{indexing_maps = [{identity}, {identity}], iterator_types = [{kinds}]}}"
            f" ins({sums[0]} : {wide}) outs({self.empty(shape)[0]} : {self.type(shape)}) {{\n  ^bb0(%a0: f32, %a1: bf16):"
            f"\n    %r = arith.truncf %a0 : f32 to bf16\n    linalg.yield %r : bf16\n  }} -> {self.type(shape)}", shape)

    def after(self, epilogue, value):
        """What the kernel does with its product."""
        dims = [f"d{i}" for i in range(len(value[1]))]
        inputs, body = {
            "bias": ([(("%more", value[1][-1:]), dims[-1:])],
                     ["%s = arith.addf %a0, %a1 : T", "%r = arith.maximumf %s, %zero : T"]),
            "function": ([(("%more", value[1]), dims)],
                         ["%s = arith.addf %a0, %a1 : T", "%e = math.exp %s : T", "%r = arith.mulf %e, %a1 : T"]),
            "add": ([(("%more", value[1]), dims)], ["%r = arith.addf %a0, %a1 : T"]),
            "index": ([], [f"%i = linalg.index {len(dims) - 2} : index", f"%c = linalg.index {len(dims) - 1} : index",
                           "%j = arith.muli %i, %c : index", "%k = arith.index_cast %j : index to i32",
                           "%f = arith.sitofp %k : i32 to T", "%r = arith.addf %a0, %f : T"]),
        }[epilogue]
        return self.generic(dims, len(dims), [(value, dims), *inputs], (self.empty(value[1]), dims), body)


def along(*terms):
    """A sum of factors times loops, as an affine expression."""
    return " + ".join(f"{loop} * {factor}" for factor, loop in terms)


class Convolution:
    def __init__(self, image, channels, kernel, stride=1, low=0, high=0, dilation=1, groups=1, epilogue=None,
                 element="f32", batch="?", isComputed=False):
        rank = len(image)
        each = lambda value: [value] * rank if isinstance(value, int) else list(value)
        self.image, self.kernel, self.stride, self.low = list(image), each(kernel), each(stride), each(low)
        self.high, self.dilation, self.groups, self.epilogue = each(high), each(dilation), groups, epilogue
        self.isComputed = isComputed
        ci, co = channels
        self.out = [(n + l + h - (k - 1) * d - 1) // s + 1 for n, k, s, l, h, d in
                    zip(self.image, self.kernel, self.stride, self.low, self.high, self.dilation)]
        self.x, self.w, self.y = [batch, *image, ci], [*self.kernel, ci // groups, co], [batch, *self.out, co]
        self.places, self.taps = list("hwd"[:rank]), list("ijl"[:rank])
        self.k = Kernel(element)

    def read(self, name, shape):
        """An image as it is, or computed of one."""
        if not self.isComputed:
            return name, shape
        dims = [f"d{i}" for i in range(len(shape))]
        return self.k.generic(dims, len(dims), [((name, shape), dims)], (self.k.empty(shape), dims),
                              ["%r = arith.mulf %a0, %a0 : T"])

    def channels(self, value, isGrouped=True):
        """A value with its channels in groups, if there are several."""
        return self.k.split(value, self.groups) if self.groups > 1 and isGrouped else value

    def window(self):
        """The padded image, and where the loops read it."""
        x = self.channels(self.k.pad(self.read("%x", self.x), self.low, self.high))
        indices = [along((s, place), (d, tap)) for s, place, d, tap in
                   zip(self.stride, self.places, self.dilation, self.taps)]
        return x, ["n", *indices, *self.group, "k"]

    @property
    def group(self):
        return ["g"] if self.groups > 1 else []

    def product(self, loops, numParallel, lhs, rhs, shape, indices):
        """With what is by group joined again."""
        if self.groups == 1:
            return self.k.contract(loops, numParallel, lhs, rhs, shape, indices)
        shape = [*shape[:-1], self.groups, shape[-1] // self.groups]
        return self.k.join(self.k.contract(loops, numParallel, lhs, rhs, shape, indices))

    def forward(self):
        w = self.channels(("%w", self.w))
        out = ["n", *self.places, *self.group, "c"]
        return self.product([*out, *self.taps, "k"], len(out), self.window(),
                            (w, [*self.taps, "k", *self.group, "c"]), self.y, out)

    def filter(self):
        dy = self.channels(self.read("%dy", self.y))
        out = [*self.taps, "k", *self.group, "c"]
        return self.product([*out, "n", *self.places], len(out), self.window(),
                            (dy, ["n", *self.places, *self.group, "c"]), self.w, out)

    def phases(self, dim):
        """Of the stride: offset, first tap, taps from one to the next, their number, places, and where in dy the
        first place's first tap is and how far back the next."""
        n, k, s, l, d = (list[dim] for list in (self.image, self.kernel, self.stride, self.low, self.dilation))
        for phase in range(s):
            taps = [tap for tap in range(k) if (phase + l - tap * d) % s == 0]
            if taps and phase < n:
                step = taps[1] - taps[0] if len(taps) > 1 else 1
                yield (phase, taps[0], step, len(taps), (n - phase + s - 1) // s, (phase + l - taps[0] * d) // s,
                       step * d // s)

    def part(self, phase):
        """The gradient at the places of a phase."""
        offset, firstTap, tapStep, numTaps, size, start, back = map(list, zip(*phase))
        low = [max(0, (t - 1) * b - f) for t, b, f in zip(numTaps, back, start)]
        high = [f + n - o for f, n, o in zip(start, size, self.out)]
        dy = self.channels(self.k.pad(self.read("%dy", self.y), low, high))
        w = self.channels(self.k.extract(("%w", self.w), [*firstTap, 0, 0], [*numTaps, *self.w[-2:]], [*tapStep, 1, 1]))
        indices = [place if t == 1 and f + l == 0 else f"{place} + {tap} * -{b} + {f + l}" for place, tap, t, b, f, l in
                   zip(self.places, self.taps, numTaps, back, start, low)]
        out = ["n", *self.places, *self.group, "k"]
        return self.product([*out, *self.taps, "c"], len(out), (dy, ["n", *indices, *self.group, "c"]),
                            (w, [*self.taps, "k", *self.group, "c"]), [self.x[0], *size, self.x[-1]], out)

    def input(self):
        phases = list(itertools.product(*map(list, map(self.phases, range(len(self.image))))))
        if all(stride == 1 for stride in self.stride):
            return self.part(phases[0])
        whole = self.k.zeros(self.x)
        for phase in phases:
            offsets = [0, *(dim[0] for dim in phase), 0]
            whole = self.k.insert(self.part(phase), whole, offsets, [1, *self.stride, 1])
        return whole

    def text(self, name, direction):
        inputs = {"forward": [("x", self.x), ("w", self.w)], "input": [("dy", self.y), ("w", self.w)],
                  "filter": [("x", self.x), ("dy", self.y)]}[direction]
        value = getattr(self, direction)()
        if self.epilogue:
            if self.epilogue != "index":
                inputs.append(("more", value[1][-1:] if self.epilogue == "bias" else value[1]))
            value = self.k.after(self.epilogue, value)
        arguments = ", ".join(f"%{name}: {self.k.type(shape)}" for name, shape in inputs)
        type = self.k.type(value[1])
        return (f"func.func private @{name}(%batch: index, {arguments}) -> {type} attributes {{nnc.kernel}} {{\n  "
                + "\n  ".join(self.k.lines) + f"\n  return {value[0]} : {type}\n}}\n")


for name in sys.argv[1:]:
    for case, direction, options in SETS[name]:
        print(Convolution(**options).text(f"{case}_{direction}", direction))
