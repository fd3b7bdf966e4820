"""Expressions of random programs over sequences: a part of the Generator in generate.py."""
import re

from program import BATCH, Value, elements


def find_trained(lines, trained):
    """The names of a cell behind which there is a parameter: of `lines`, (name, expression), and of `trained`, which what
    a state becomes is among, h0 of n0."""
    found = set(trained)
    for _ in range(len(lines) + 1):
        for name, text in lines:
            if "dense(" in text or "layer_norm(" in text or found & set(re.findall(r"\w+", text)):
                found |= {name, re.sub("^n", "h", name)}
    return found


class SequenceForms:
    def masks(self, time, keys, heads, type):
        """What decides which keys a query sees, as arguments; and the operands among it."""
        arguments, operands = "", []
        if self.chance(0.5):
            arguments += ", causal = true"
        if self.chance(0.2):
            arguments += f", window = {self.one_of([1, 2, 5, 40])}"
        if self.chance(0.2):
            arguments += f", soft_cap = {self.one_of([0.5, 3])}"
        if self.chance(0.2):
            arguments += f", dropout = {self.one_of([0.1, 0.5])}"
        if self.chance(0.2):
            arguments += f", scale = {self.one_of([0.5, -1, 0])}"
        shapes = {"bias": self.one_of([(time, keys), (heads, 1, keys), (keys,)]), "slopes": (heads,)}
        for name, shape in shapes.items():
            if self.chance(0.2):
                operands.append(self.add_parameter(type, shape))
                arguments += f", {name} = {operands[-1].name}"
        if self.chance(0.2):
            operands.append(self.add_input("i32", (BATCH,)))
            arguments += f", lengths = {operands[-1].name}"
        return arguments, operands

    def attention(self):
        kv, size, time = self.one_of([1, 1, 2, 3]), self.one_of([1, 2, 4, 6, 8, 16, 18]), self.one_of([1, 2, 3, 7, 16, 33, 40])
        heads, keys = kv * self.one_of([1, 1, 2]), self.one_of([time, 1, 2, 5, 9, 66])
        shapes = [(BATCH, time, heads, size), (BATCH, keys, kv, size), (BATCH, keys, kv, self.one_of([size, 1, 5]))]
        if max(elements(shape) for shape in shapes) * 4 > self.most or self.float_type in ("bf16", "f16"):
            return None
        given = []
        for shape in shapes:
            found = self.pick_float(lambda v: v.type == self.float_type and v.shape == shape)
            flat = self.pick_float(lambda v: v.type == self.float_type and v.shape[:1] == (BATCH,) and elements(v.shape) == elements(shape))
            if not found and flat and BATCH not in flat.shape[1:]:
                found = self.emit(f"reshape({flat.name}, [batch, {', '.join(map(str, shape[1:]))}])", flat.type, shape, flat)
            given.append(found or self.add_input(self.float_type, shape))
        if self.chance(0.3) and size % 2 == 0:
            more = ", interleaved = true" if self.chance(0.5) else ""
            given[0] = self.emit(f"rotary({given[0].name}{more})", given[0].type, shapes[0], given[0])
        arguments, operands = self.masks(time, keys, heads, self.float_type)
        names = ", ".join(x.name for x in given)
        return self.emit(f"attention({names}{arguments})", self.float_type, (*shapes[0][:3], shapes[2][3]), *given, *operands)

    def recurrent(self):
        name, gates = self.one_of([("rnn", 1), ("gru", 3), ("lstm", 4)])
        channels, units, time = self.one_of([1, 2, 3, 5]), self.one_of([1, 2, 3, 8, 17]), self.one_of([1, 2, 3, 5])
        layers, directions, each = self.one_of([1, 1, 2]), self.one_of([1, 1, 2]), self.one_of([2, 4])
        if self.float_type in ("bf16", "f16") or max(channels, directions * units) * gates * units > self.most:
            return None
        type, shape = self.float_type, (BATCH, time, channels)
        x = self.pick_float(lambda v: v.type == type and v.shape == shape) or self.add_input(type, shape)
        weights = []
        for cell in range(layers * directions):
            inputs = channels if cell < directions else directions * units
            shapes = [(inputs, gates * units), (units, gates * units), (gates * units,), (gates * units,)]
            weights += [self.add_parameter(type, shape) for shape in shapes[:each]]
        arguments, operands, sequences = f", weights = [{', '.join(w.name for w in weights)}]", [], self.chance(0.6)
        for given, text in [(layers > 1, f"layers = {layers}"), (directions > 1, "bidirectional = true"),
                            (self.chance(0.3), "reverse = true"), (not sequences, "sequences = false"),
                            (layers > 1 and self.chance(0.3), "dropout = 0.5"),
                            (name == "rnn" and self.chance(0.3), "activation = relu"),
                            (name == "gru" and self.chance(0.3), "reset_after = false")]:
            arguments += f", {text}" if given else ""
        if self.chance(0.3):
            operands.append(self.add_input("i32", (BATCH,)))
            arguments += f", lengths = {operands[-1].name}"
        result = (BATCH, time, directions * units) if sequences else (BATCH, directions * units)
        return self.emit(f"{name}({x.name}{arguments})", type, result, x, *weights, *operands)

    def second(self):
        """A tensor whose second dimension is the batch."""
        x = self.pick(lambda v: v.rank >= 2 and v.shape[0] == BATCH and BATCH not in v.shape[1:])
        if not x:
            return None
        order = [1, 0, *range(2, x.rank)]
        return self.emit(f"transpose({x.name}, {order})", x.type, [x.shape[a] for a in order], x)

    # What a cell makes of what it goes over, {a}, and of a state, {h}, of one shape.
    NEXT = ["tanh({a} + dense({h}, {units}))", "{h} * 0.5 + {a}", "sigmoid({a}) * {h} + (1 - sigmoid({a})) * tanh(dense({h}, {units}))",
            "tanh(dense(concat({a}, {h}, axis = 1), {units}))", "maximum({h}, {a})", "softmax({h} + {a}, axis = 1)",
            "layer_norm({h} + {a})", "select({a} > {h}, {a}, {h} * 0.5)", "{h} - 0.5 * mean({h}, axes = [0], keep_dims = true) + {a}",
            "{h}", "{a}", "tanh({h} + max({a}, axes = [1], keep_dims = true))"]
    # What else it keeps of a step: a row or a number a sample, or one number.
    KEPT = [("{h} * {a}", "row"), ("sum({h} * {a}, axes = [1])", "number"), ("{n}", "row"), ("max({n}, axes = [1])", "number"),
            ("dense({n}, {units})", "row"), ("{n} - {h}", "row"), ("mean({n})", "whole")]

    def scan(self):
        units, time, type = self.one_of([1, 2, 3, 5, 17]), self.one_of([1, 2, 3, 5]), self.float_type
        if type in ("bf16", "f16"):
            return None
        axis, count = self.one_of([0, 1]), self.one_of([0, 1, 1, 1, 2])
        over = [self.stepped(axis, time, type) for _ in range(count)]
        states = [self.started(units, type, over) for _ in range(self.one_of([1, 1, 2]))]
        cell, results = self.cell(over, states, units)
        text = f"scan({cell}, from = [{', '.join(x.name for x in states)}], axis = {axis}"
        text += f", over = [{', '.join(x.name for x in over)}]" if over else f", steps = {time}"
        operands = [*over, *states]
        if self.chance(0.3):
            text += ", reverse = true"
        has_lengths = self.chance(0.3)
        if has_lengths:
            operands.append(self.add_input(self.one_of(["i32", "i32", "i64", "ui8"]), (BATCH,)))
            text += f", lengths = {operands[-1].name}"
        self.use(*operands)
        timed = lambda shape: (time, *shape) if axis == 0 or not shape else (shape[0], time, *shape[1:])
        # With lengths, what is the same for all samples is a part a sample.
        shapes = {"row": (BATCH, units), "number": (BATCH,), "whole": (BATCH,) if has_lengths else ()}
        first = len(self.values)
        for i, (kind, is_trained) in enumerate(results):
            shape = shapes[kind] if i < len(states) else timed(shapes[kind])
            self.values.append(Value(f"v{first + i}", type, shape, is_trained))
            self.program.types[f"v{first + i}"] = (type, shape)
        self.program.body.append(f"{', '.join(v.name for v in self.values[first:])} = {text})")
        return self.values[-1]

    def stepped(self, axis, time, type):
        """What a loop goes over: [batch, time, channels], or time first, of one sample each or of all."""
        if axis == 0 and self.chance(0.2):
            return self.add_parameter(type, (time, self.one_of([1, 3])))
        channels = self.one_of([1, 2, 3, 8])
        shape = (BATCH, time, channels) if axis else (time, BATCH, channels)
        x = self.pick_float(lambda v: v.type == type and v.shape == shape)
        if x or axis:
            return x or self.add_input(type, shape)
        x = self.add_input(type, (BATCH, time, channels))
        return self.emit(f"transpose({x.name}, [1, 0, 2])", type, shape, x)

    def started(self, units, type, over):
        """A state before the first step; where nothing else has the batch, with it."""
        if any(BATCH in x.shape for x in over) and self.chance(0.4):
            return self.add_parameter(type, (units,))
        x = self.pick_float(lambda v: v.type == type and v.shape == (BATCH, units))
        return x or self.add_input(type, (BATCH, units))

    def cell(self, over, states, units):
        """Declares a cell; its name, and of what a loop gives of it how large it is, and whether it is trained."""
        name = f"cell{len(self.program.prelude)}"
        slices, carried = [f"x{i}" for i in range(len(over))], [f"h{i}" for i in range(len(states))]
        lines = [(f"a{x}", f"dense({x}, {units})" if BATCH in value.shape else f"sum({x})") for x, value in zip(slices, over)]
        for i, h in enumerate(carried):
            # Of the state's shape, and of whatever else there is.
            a = " + ".join([f"a{x}" for x in slices if self.chance(0.8)] + [self.one_of(carried), f"0.25 * {h}"])
            lines += [(f"b{i}", a), (f"n{i}", self.one_of(self.NEXT).format(a=f"b{i}", h=h, units=units))]
        kept = [self.one_of(self.KEPT) for _ in range(self.one_of([0, 0, 1, 2]))]
        lines += [(f"k{i}", text.format(a="b0", h=carried[0], n="n0", units=units)) for i, (text, _) in enumerate(kept)]
        trained = find_trained(lines, [a for a, value in zip(slices + carried, [*over, *states]) if value.trained])
        given = [f"n{i}" for i in range(len(carried))] + [f"k{i}" for i in range(len(kept))]
        returned = f"[{', '.join(given)}]" if len(given) > 1 else given[0]
        body = [*(f"{left} = {text}" for left, text in lines), f"return {returned}"]
        self.program.prelude.append(f"fn {name}({', '.join(slices + carried)}) {{\n" + "".join(f"  {line}\n" for line in body) + "}\n")
        kinds = ["row"] * len(carried) + [kind for _, kind in kept]
        results = [(kind, x in trained) for x, kind in zip(given, kinds)]
        # Of a cell that gives states alone, a loop keeps all of them.
        return name, results if kept else 2 * results
