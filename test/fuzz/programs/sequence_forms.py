"""Expressions of random programs over sequences: a part of the Generator in generate.py."""
from program import BATCH, elements


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
