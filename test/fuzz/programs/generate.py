"""Draws random models in the language.

Most statements are forms that this file knows to be right: there, a refusal is a
fault. Others are drawn from the ops' records, which an op that comes later has
too: the compiler is asked whether such a line is right, and it is dropped if not.
"""
from ending_forms import EndingForms
from forms import WindowForms
from measure_forms import MeasureForms
from sequence_forms import SequenceForms
from program import BATCH, Program, Value, broadcast_shape, elements, spell_dims, spell_type

# Sizes, and the most elements of a sample: most programs are small, and some reach
# where schedules change and threads share work.
SMALL = ([1, 2, 3, 5, 7, 8, 17, 33] * 4 + [65, 130], 1500)
LARGE = ([1, 3, 16, 64, 100, 257, 513], 5000)


class Generator(WindowForms, SequenceForms, MeasureForms, EndingForms):
    def __init__(self, rng, ops, check):
        """`ops`: the records. `check(program)`: the types of its outputs, or None
        where the compiler refuses it."""
        self.rng, self.ops, self.check = rng, ops, check
        self.records = {op["name"]: op for op in ops}
        self.by_category = {}
        for op in ops:
            # Of a set alone: metrics that no program computes with.
            if not op["gathered"]:
                self.by_category.setdefault(op["category"], []).append(op)

    # Choices ---------------------------------------------------------------------

    def chance(self, p):
        return self.rng.random() < p

    def one_of(self, items):
        items = list(items)
        return items[self.rng.integers(len(items))]

    def size(self):
        return self.one_of(self.sizes)

    def pick(self, accept=lambda v: True):
        """A value, a late or unused one rather than another; None if none fits."""
        fitting = [v for v in self.values if accept(v)]
        if not fitting:
            return None
        if self.chance(0.5):
            unused = [v for v in fitting if not v.uses]
            fitting = unused or fitting
        if self.chance(0.4):
            fitting = fitting[-3:]
        return self.one_of(fitting)

    def pick_float(self, accept=lambda v: True):
        return self.pick(lambda v: v.is_float and accept(v))

    # Statements -------------------------------------------------------------------

    def use(self, *values):
        for value in values:
            value.uses += 1
        return any(value.trained for value in values)

    def emit(self, text, type, shape, *operands, trained=None):
        """NAME = text; the new value."""
        depends = self.use(*operands)
        name = f"v{len(self.values)}"
        self.program.body.append(f"{name} = {text}")
        self.program.types[name] = (type, tuple(shape))
        value = Value(name, type, shape, depends if trained is None else trained)
        self.values.append(value)
        return value

    def add_input(self, type, shape):
        name = f"x{len(self.program.inputs)}"
        self.program.inputs[name] = spell_type(type, shape)
        value = Value(name, type, shape, is_input=True)
        self.values.append(value)
        return value

    def add_parameter(self, type, shape):
        name = f"p{sum(line.startswith('param ') for line in self.program.body)}"
        # Runs begin with values of their own; to compile a random start takes as long as
        # half of all the rest.
        start = self.one_of(["zeros", "ones", "constant(0.25)", "0.5"])
        if self.chance(0.2):
            start = self.one_of(["normal(0.5)", "uniform(-1, 1)"]
                                + (["glorot_uniform", "he_normal", "glorot_normal", "he_uniform", "orthogonal"]
                                   if len(shape) == 2 and type in ("f32", "f64") else []))
        self.program.body.append(f"param {name}: {spell_type(type, shape)} = {start}")
        self.program.types[name] = (type, tuple(shape))
        value = Value(name, type, shape, trained=True)
        self.values.append(value)
        return value

    def partner(self, x):
        """A value that broadcasts with x: one that is there, or a new parameter."""
        if self.chance(0.5):
            other = self.pick(lambda v: v.type == x.type and v is not x and self.joins(v, x))
            if other:
                return other
        shape = [1 if d == BATCH or self.chance(0.3) else d for d in x.shape]
        drop = self.rng.integers(len(shape) + 1)
        shape = shape[drop:]
        if x.shape[:1] == (BATCH,) and self.chance(0.15):
            return self.add_input(x.type, (BATCH, *(1 if self.chance(0.3) else d for d in x.shape[1:])))
        return self.add_parameter(x.type, shape)

    def joins(self, a, b):
        shape = broadcast_shape(a.shape, b.shape)
        return shape is not None and elements(shape) <= self.most and shape.count(BATCH) <= 1

    # Forms: each returns a value, or None where nothing fits ------------------------

    UNARY = ["neg({x})", "-{x}", "abs({x})", "exp(tanh({x}))", "exp({x} * 0.25)", "log(abs({x}) + 0.5)", "log1p(abs({x}))",
             "expm1(tanh({x}))", "tanh({x})", "sigmoid({x})", "erf({x})", "sqrt(abs({x}) + 0.25)",
             "rsqrt({x} * {x} + 0.25)", "sin({x})", "cos({x})", "relu({x})", "leaky_relu({x})", "leaky_relu({x}, 0.2)",
             "elu({x})", "gelu({x})", "silu({x})", "softplus({x})", "clamp({x}, -0.75, 1.1)", "{x} * 0.5", "{x} + 1",
             "1 - {x}", "{x} / 3", "2 / (abs({x}) + 1)", "{x} ** 2", "(abs({x}) + 0.5) ** 0.5", "{x} ** 3", "1.5 ** tanh({x})",
             "stop_gradient({x})", "floor({x})", "ceil({x})", "round({x} * 3)", "sign({x})", "{x} * {x}",
             "{x} - {x}", "maximum({x}, 0.25)", "minimum({x}, {x})", "(abs({x}) + 0.25) ** -1.5"]
    FLAT = ("stop_gradient", "floor", "ceil", "round", "sign")

    def unary(self):
        x = self.pick_float()
        form = self.one_of(self.UNARY)
        return self.emit(form.format(x=x.name), x.type, x.shape, x,
                         trained=False if form.startswith(self.FLAT) else None)

    def softmax(self):
        x = self.pick_float(lambda v: v.rank > 0 and v.shape[-1] != BATCH)
        axes = [a for a, d in enumerate(x.shape) if d != BATCH] if x else []
        if not axes:
            return None
        axis = self.one_of(axes)
        axis = axis - x.rank if self.chance(0.5) else axis
        return self.emit(f"{self.one_of(['softmax', 'log_softmax'])}({x.name}, axis = {axis})", x.type, x.shape, x)

    BINARY = ["{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / (abs({b}) + 0.5)", "maximum({a}, {b})", "minimum({a}, {b})",
              "(abs({a}) + 0.5) ** tanh({b})", "select({a} > {b}, {a}, {b} * 0.5)", "max({a}, {b})", "min({a}, {b})"]

    def binary(self):
        x = self.pick_float()
        y = self.partner(x)
        a, b = (x, y) if self.chance(0.5) else (y, x)
        form = self.one_of(self.BINARY)
        return self.emit(form.format(a=a.name, b=b.name), x.type, broadcast_shape(a.shape, b.shape), a, b)

    def literal(self):
        x = self.pick_float(lambda v: v.rank > 0 and 1 < v.shape[-1] <= 8)
        if not x:
            return None
        numbers = [int(n) / 4 for n in self.rng.integers(-8, 9, x.shape[-1])]
        return self.emit(f"{x.name} {self.one_of('+-*')} {numbers}", x.type, x.shape, x)

    def choice(self):
        x = self.pick_float()
        y = self.partner(x)
        shape = broadcast_shape(x.shape, y.shape)
        condition = self.one_of(["{a} > {b}", "{a} <= {b}", "not ({a} < {b})", "{a} >= 0.25 and {b} < 1",
                                 "{a} == {b} or {a} > 0", "{a} != {b}"]).format(a=x.name, b=y.name)
        other = self.pick(lambda v: v.type == x.type and broadcast_shape(v.shape, shape) == shape) or x
        return self.emit(f"select({condition}, {x.name}, {other.name})", x.type, shape, x, y, other)

    def truth(self):
        """A tensor of booleans, for movement, logic and outputs."""
        x = self.pick(lambda v: v.type != "i1")
        if self.chance(0.3):
            a = self.pick(lambda v: v.type == "i1")
            if a:
                b = self.pick(lambda v: v.type == "i1" and self.joins(v, a)) or a
                text = self.one_of(["{a} and {b}", "{a} or not {b}", "not {a}", "logical_and({a}, {b})"]).format(a=a.name, b=b.name)
                shape = a.shape if "{b}" not in text and b.name not in text else broadcast_shape(a.shape, b.shape)
                return self.emit(text, "i1", shape, a, b, trained=False)
        if self.chance(0.3):
            return self.emit(f"{x.name} {self.one_of(['<', '>=', '==', '!='])} 1", "i1", x.shape, x, trained=False)
        y = self.pick(lambda v: v.type == x.type and self.joins(v, x)) or x
        text = f"{x.name} {self.one_of(['<', '<=', '>', '>=', '==', '!='])} {y.name}"
        return self.emit(text, "i1", broadcast_shape(x.shape, y.shape), x, y, trained=False)

    WHOLE = ["{x} + 3", "{x} * 2", "5 - {x}", "{x} / 3", "{x} * {x}", "maximum({x}, 2)", "minimum({x}, {x} + 1)",
             "select({x} > 2, {x}, 1)", "abs({x})", "sign({x})"]

    def whole(self):
        """Arithmetic of integers, which may not become an index."""
        x = self.pick(lambda v: v.type in ("i32", "i64", "ui8")) or self.add_input(self.one_of(["i32", "i64", "ui8"]), (BATCH, self.size()))
        form = self.one_of(self.WHOLE)
        if x.type == "ui8" and self.chance(0.7):
            return self.emit(f"cast({x.name}, {self.float_type}) / 255", self.float_type, x.shape, x)
        value = self.emit(form.format(x=x.name), x.type, x.shape, x, trained=False)
        if self.chance(0.6):
            return self.emit(f"cast({value.name}, {self.float_type}) * 0.125", self.float_type, x.shape, value)
        return value

    def matmul(self):
        x = self.pick_float(lambda v: v.rank >= 2 and v.shape[-1] != BATCH and v.shape[-2] != BATCH
                            or v.rank == 2 and v.shape[0] == BATCH)
        if not x:
            return None
        *outer, m, k = x.shape
        form = self.one_of(["weight", "weight", "transposed", "left", "self", "batched"])
        n = self.size()
        if form == "weight":
            w = self.add_parameter(x.type, (k, n))
            return self.emit(f"matmul({x.name}, {w.name})", x.type, (*outer, m, n), x, w)
        if form == "transposed":
            w = self.add_parameter(x.type, (n, k))
            return self.emit(f"matmul({x.name}, {w.name}, transpose_rhs = true)", x.type, (*outer, m, n), x, w)
        if form == "left" and m != BATCH:
            w = self.add_parameter(x.type, (m, n) if self.chance(0.5) else (n, m))
            if w.shape == (m, n):
                return self.emit(f"matmul({w.name}, {x.name}, transpose_lhs = true)", x.type, (*outer, n, k), w, x)
            return self.emit(f"matmul({w.name}, {x.name})", x.type, (*outer, n, k), w, x)
        if form == "self":
            # Over the batch where m is the batch.
            return self.emit(f"matmul({x.name}, {x.name}, transpose_lhs = true)", x.type, (*outer, k, k), x)
        if form == "batched" and x.rank >= 3 and m != BATCH:
            y = self.pick(lambda v: v.type == x.type and v.rank == x.rank and v.shape[:-2] == x.shape[:-2]
                          and BATCH not in v.shape[-2:] and v.shape[-2] == m)
            if y and self.chance(0.5):
                return self.emit(f"matmul({x.name}, {y.name}, transpose_lhs = true, reduce_batch = true)", x.type,
                                 (k, y.shape[-1]), x, y)
            if y:
                return self.emit(f"matmul({x.name}, {y.name}, transpose_lhs = true)", x.type,
                                 (*outer, k, y.shape[-1]), x, y)
            return self.emit(f"matmul({x.name}, {x.name}, transpose_rhs = true)", x.type, (*outer, m, m), x)
        return None

    def layer(self):
        x = self.pick_float(lambda v: v.rank >= 2 and v.shape[-1] != BATCH)
        if not x:
            return None
        if self.chance(0.25):
            return self.emit(self.norm(x), x.type, x.shape, x, trained=True)
        n = self.size()
        if self.chance(0.2):
            # Shared with whatever else uses the table.
            table = self.add_parameter(x.type, (n, x.shape[-1]))
            return self.emit(f"dense({x.name}, {n}, weight = transpose({table.name}))", x.type, (*x.shape[:-1], n), x, table,
                             trained=True)
        more = self.one_of(["", "", ", bias = false", ", bias = normal(0.3)"])
        return self.emit(f"dense({x.name}, {n}{more})", x.type, (*x.shape[:-1], n), x, trained=True)

    def norm(self, x):
        channels = x.shape[-1]
        divisors = [n for n in range(1, channels + 1) if channels % n == 0]
        forms = ["layer_norm({x})", "rms_norm({x})", "batch_norm({x})", "batch_norm({x}, momentum = 0.75, convention = keras)",
                 "batch_norm({x}, epsilon = 0.25, frozen_statistics = true)", f"group_norm({{x}}, {self.one_of(divisors)})"]
        forms += ["instance_norm({x})"] if x.rank >= 3 else []
        return self.one_of(forms).format(x=x.name)

    BLOCK = "fn block(x, rate = 0.1) {\n  y = dense(x, channels_of(x), bias = false)\n  return x + dropout(tanh(y), rate)\n}\n"

    def function(self):
        x = self.pick_float(lambda v: v.rank >= 2 and v.shape[-1] != BATCH and v.type in ("f32", "f64"))
        if not x:
            return None
        if self.BLOCK not in self.program.prelude:
            self.program.prelude.append(self.BLOCK)
        # Instances of one name must have parameters of one shape.
        shared = f"shared{x.shape[-1]}_{x.type}"
        scope = self.one_of(["", f" as {shared}", f" as {shared}s[1]"])
        rate = self.one_of(["", ", rate = 0", ", 0.5"])
        if self.chance(0.3):
            name = f"v{len(self.values)}"
            self.program.body.append(f"{name} = {x.name}\n  for i in 0..{self.one_of([2, 3])} {{\n"
                                     f"    {name} = block({name}{rate}) as loop{len(self.values)}[i]\n  }}")
            self.program.types[name] = (x.type, x.shape)
            self.use(x)
            self.values.append(Value(name, x.type, x.shape, True))
            return self.values[-1]
        return self.emit(f"block({x.name}{rate}){scope}", x.type, x.shape, x, trained=True)

    def reduction(self):
        x = self.pick_float(lambda v: v.rank > 0)
        if not x:
            return None
        op = self.one_of(["sum", "mean", "max", "min", "logsumexp", "reduce_max", "reduce_min", "sum", "mean"])
        axes = [a for a in range(x.rank) if self.chance(0.5)] or [int(self.rng.integers(x.rank))]
        keep = self.chance(0.4)
        shape = [1 if a in axes else d for a, d in enumerate(x.shape) if keep or a not in axes]
        named = [a - x.rank if self.chance(0.3) else a for a in axes]
        text = f"{op}({x.name}, axes = {named}{', keep_dims = true' if keep else ''})"
        if len(axes) == x.rank and not keep and op not in ("max", "min") and self.chance(0.4):
            text = f"{op}({x.name})"
        return self.emit(text, x.type, shape, x)

    def argmax(self):
        x = self.pick_float(lambda v: v.rank > 0)
        if not x:
            return None
        axis = int(self.rng.integers(x.rank))
        shape = x.shape[:axis] + x.shape[axis + 1:]
        return self.emit(f"cast(argmax({x.name}, axis = {axis}), {x.type})", x.type, shape, x, trained=False)

    def reshape(self):
        x = self.pick(lambda v: v.rank > 0)
        if not x:
            return None
        has_batch = x.shape[0] == BATCH
        if not has_batch and BATCH in x.shape:
            return None
        count = elements(x.shape)
        divisors = [d for d in range(1, count + 1) if count % d == 0]
        d = self.one_of(divisors)
        shape = self.one_of([(count,), (d, count // d), (1, count), (count, 1), (d, 1, count // d)])
        shape = ((BATCH,) if has_batch else ()) + shape
        if has_batch and x.rank > 2 and self.chance(0.2):
            return self.emit(f"flatten({x.name})", x.type, (BATCH, count), x)
        return self.emit(f"reshape({x.name}, {spell_dims(shape)})", x.type, shape, x)

    def transpose(self):
        x = self.pick(lambda v: v.rank >= 2)
        if not x:
            return None
        order = [int(a) for a in self.rng.permutation(x.rank)]
        if x.shape[0] == BATCH and not self.chance(0.15):
            order = [0] + [a for a in order if a]
        return self.emit(f"transpose({x.name}, {order})", x.type, [x.shape[a] for a in order], x)

    def broadcast(self):
        x = self.pick(lambda v: v.rank <= 3)
        shape = [self.size() if d == 1 and self.chance(0.7) else d for d in x.shape]
        if BATCH not in shape and self.chance(0.5):
            shape = [BATCH if self.chance(0.4) else self.size(), *shape]
        if elements(shape) > self.most:
            return None
        return self.emit(f"broadcast({x.name}, {spell_dims(shape)})", x.type, shape, x)

    def slice(self):
        x = self.pick(lambda v: v.rank > 0 and any(d not in (BATCH, 1) for d in v.shape))
        if not x:
            return None
        if x.shape[0] == BATCH and x.rank > 1 and x.shape[1] != BATCH and self.chance(0.4):
            d = x.shape[1]
            if self.chance(0.5):
                return self.emit(f"{x.name}[:, {int(self.rng.integers(d))}]", x.type, (BATCH, *x.shape[2:]), x)
            low = int(self.rng.integers(d))
            return self.emit(f"{x.name}[:, {low}:]", x.type, (BATCH, d - low, *x.shape[2:]), x)
        starts, sizes, strides = [], [], []
        is_strided = self.chance(0.8)
        for d in x.shape:
            is_whole = d == BATCH
            start = 0 if is_whole else int(self.rng.integers(d))
            stride = int(self.rng.integers(1, 4)) if is_strided and not is_whole else 1
            most = (d - 1 - start) // stride + 1
            starts.append(start)
            strides.append(stride)
            sizes.append(BATCH if is_whole else int(self.rng.integers(1, most + 1)))
        more = f", {strides}" if is_strided else ""
        return self.emit(f"slice({x.name}, {starts}, {sizes}{more})", x.type, sizes, x)

    def pad(self):
        x = self.pick_float(lambda v: v.rank > 0)
        if not x:
            return None
        low, high, interior = ([0 if d == BATCH else int(self.rng.integers(3)) for d in x.shape] for _ in range(3))
        between = self.chance(0.4)
        shape = [d if d == BATCH else l + h + d + (i * (d - 1) if between else 0)
                 for d, l, h, i in zip(x.shape, low, high, interior)]
        if elements(shape) > self.most:
            return None
        text = f"pad({x.name}, {low}, {high}" + (f", interior = {interior}" if between else "")
        return self.emit(text + self.one_of([")", ", value = 0.5)", ", value = -1)"]), x.type, shape, x)

    def concat(self):
        x = self.pick(lambda v: v.rank > 0)
        axes = [a for a, d in enumerate(x.shape) if d != BATCH] if x else []
        if not axes:
            return None
        axis = self.one_of(axes)
        def fits(v):
            return v.type == x.type and v.rank == x.rank and all(
                m == n or a == axis and n != BATCH for a, (m, n) in enumerate(zip(x.shape, v.shape)))
        parts = [x] + [self.pick(fits) for _ in range(int(self.rng.integers(1, 3)))]
        shape = list(x.shape)
        shape[axis] = sum(p.shape[axis] for p in parts)
        if elements(shape) > self.most:
            return None
        return self.emit(f"concat({', '.join(p.name for p in parts)}, axis = {axis - x.rank if self.chance(0.3) else axis})",
                         x.type, shape, *parts)

    def index_input(self):
        found = self.pick(lambda v: v.is_input and v.type in ("i32", "i64", "ui8"))
        if found and self.chance(0.6):
            return found
        return self.add_input(self.one_of(["i32", "i64", "ui8"]), (BATCH,) if self.chance(0.7) else (BATCH, self.one_of([1, 3, 5])))

    def lookup(self):
        index = self.index_input()
        rows, width = self.one_of([2, 3, 10, 33]), self.size()
        form = self.one_of(["gather", "embedding", "one_hot", "scatter", "axis"])
        if form == "gather":
            table = self.add_parameter(self.float_type, (rows, width))
            return self.emit(f"gather({table.name}, {index.name})", table.type, (*index.shape, width), table, index)
        if form == "embedding" and self.float_type == "f32":
            return self.emit(f"embedding({index.name}, {rows}, {width})", "f32", (*index.shape, width), index, trained=True)
        if form == "axis":
            table = self.add_parameter(self.float_type, (width, rows))
            if elements(index.shape) * width > self.most:
                return None
            return self.emit(f"gather({table.name}, {index.name}, axis = 1)", table.type, (width, *index.shape), table, index)
        if form == "scatter":
            x = self.pick_float(lambda v: v.shape[:index.rank] == index.shape)
            if not x or rows * elements(x.shape) > self.most:
                return None
            return self.emit(f"scatter_add({index.name}, {x.name}, {rows})", x.type, (rows, *x.shape[index.rank:]), index, x)
        return self.emit(f"one_hot({index.name}, {rows}, type = {self.float_type})", self.float_type, (*index.shape, rows), index)

    def random(self):
        x = self.pick_float(lambda v: v.type in ("f32", "f64"))
        if not x:
            return None
        if self.chance(0.6):
            whole = ", channels = true" if x.rank > 1 and self.chance(0.3) else ""
            return self.emit(f"dropout({x.name}, {self.one_of([0, 0.1, 0.5])}{whole})", x.type, x.shape, x)
        dims = spell_dims(x.shape)
        noise = self.one_of([f"random_uniform({dims}, low = -1, high = 1, type = {x.type})",
                             f"random_normal({dims}, stddev = 0.5, type = {x.type})", f"bernoulli({dims}, 0.5, type = {x.type})"])
        return self.emit(f"{x.name} * {noise}", x.type, x.shape, x)

    def convert(self):
        x = self.pick(lambda v: v.type != "i1")
        to = self.one_of([self.float_type] * 3 + ["bf16", "f16", "f32", "f64"])
        if x.is_float and self.chance(0.2):
            whole = self.one_of(["i32", "i64"])
            return self.emit(f"cast(cast({x.name} * 4, {whole}) + 1, {self.float_type})", self.float_type, x.shape, x, trained=False)
        return self.emit(f"cast({x.name}, {to})", to, x.shape, x, trained=x.trained and x.is_float)

    def count(self):
        x = self.pick_float(lambda v: v.rank > 0)
        if not x:
            return None
        if self.chance(0.5):
            return self.emit(f"{x.name} / size({x.name})", x.type, x.shape, x)
        axis = int(self.rng.integers(x.rank))
        return self.emit(f"{x.name} + cast(iota({spell_dims(x.shape)}, i32, axis = {axis}), {x.type}) * 0.125", x.type, x.shape, x)

    SEVERAL = "fn several(x, y) {\n  pairs = [[x, y], [y, x]]\n  return [a * 0.5 + b for a, b in pairs] + [x], tanh(y)\n}\n"

    def several(self):
        """A list of tensors, and a function that returns one beside a tensor."""
        x = self.pick_float()
        y = self.pick(lambda v: v.type == x.type and v.shape == x.shape and v is not x)
        if not y:
            return None
        if self.SEVERAL not in self.program.prelude:
            self.program.prelude.append(self.SEVERAL)
        many, last = f"l{len(self.values)}", f"m{len(self.values)}"
        self.program.body.append(f"{many}, {last} = several({x.name}, {y.name})")
        if x.rank == 0 or x.shape[-1] == BATCH or 3 * elements(x.shape) > self.most or self.chance(0.5):
            return self.emit(f"maximum({many}[0] * {last}, {many}[-1])", x.type, x.shape, x, y)
        shape = (*x.shape[:-1], 3 * x.shape[-1])
        return self.emit(f"concat({many}[1:] + [{last}], axis = {x.rank - 1})", x.type, shape, x, y)

    FORMS = {"unary": 12, "binary": 10, "softmax": 2, "literal": 1, "choice": 2, "matmul": 4, "convolution": 3, "layer": 4, "function": 1,
             "reduction": 7, "argmax": 1, "reshape": 3, "transpose": 2, "broadcast": 2, "slice": 3, "pad": 2, "pool": 3, "concat": 3,
             "lookup": 3, "random": 1.5, "convert": 1.5, "count": 1, "truth": 1.5, "whole": 1, "record": 2, "attention": 2, "recurrent": 2,
             "scan": 3, "second": 1, "measure": 3, "several": 1}

    # Ops by their records -------------------------------------------------------------

    # What attributes that are words may be, by their names; others are tried in vain.
    WORDS = {"predicate": ["eq", "ne", "lt", "le", "gt", "ge"], "convention": ["pytorch", "keras"], "mode": ["nearest", "linear"],
             "activation": ["tanh", "relu"], "corners": ["half_pixel", "align_corners", "asymmetric"],
             "rounding": ["prefer_floor", "prefer_ceil", "floor", "ceil"], "from": ["logits", "probabilities"],
             "average": ["binary", "micro", "macro", "weighted"], "weighting": ["none", "linear", "quadratic"],
             "multioutput": ["uniform_average", "variance_weighted", "flattened"]}

    def attribute(self, info):
        number = self.one_of([0.1, 0.5, 1, 2])
        return {"integer": lambda: str(self.one_of([-1, 0, 1, 2, 3, 5])), "float": lambda: str(number),
                "bool": lambda: self.one_of(["true", "false"]),
                "dims": lambda: spell_dims([self.one_of([-1, 0, 1, 2, 3]) for _ in range(self.rng.integers(1, 4))]),
                "type": lambda: self.one_of(["f32", "i32", "f64"]),
                "enum": lambda: self.one_of(self.WORDS.get(info["name"], ["unknown"])),
                "padding": lambda: self.one_of(["valid", "same", "same_lower", "0", "1", "[[0, 1], [1, 0]]"])}.get(info["kind"], lambda: '"x"')()

    def call(self, op, operands):
        arguments = [v.name for v in operands]
        for info in op["attributes"] + op["layerArguments"]:
            # A layer's `bias` stands for an operand's place.
            if info["required"] or self.chance(0.3) and info["kind"] not in ("string", "other"):
                arguments.append(f"{info['name']} = {self.attribute(info)}")
        return f"{op['name']}({', '.join(arguments)})"

    def record(self):
        """Any op on values of this program, if the compiler takes it."""
        op = self.one_of(self.by_category["op"] + self.by_category["loss"] + self.by_category["metric"])
        # Integers from elsewhere may be out of range where they are indices.
        safe = lambda v: v.is_float or v.is_input or v.type == "i1"
        first = self.pick(safe)
        for _ in range(6):
            operands = []
            for info in op["operands"]:
                if info["arity"] == "optional" and self.chance(0.5):
                    continue
                similar = self.pick(lambda v: safe(v) and v.shape == first.shape) if self.chance(0.5) else None
                operands.append(similar or self.pick(safe) or first)
            if op["name"] == "div" and not all(v.is_float for v in operands):
                return None
            text = self.call(op, operands)
            name = f"v{len(self.values)}"
            trial = self.program.copy()
            trial.body += [f"{name} = {text}", f"output fuzzed = {name}", *(f"output used_{x} = {x}" for x in trial.inputs)]
            types = self.check(trial)
            if types:
                type, shape = types["fuzzed"]
                if elements(shape) > self.most:
                    return None
                return self.emit(text, type, shape, *operands, trained=False if type not in ("f16", "bf16", "f32", "f64") else None)
        return None

    # The whole ----------------------------------------------------------------------------

    def generate(self):
        self.program, self.values = Program(), []
        self.sizes, self.most = LARGE if self.chance(0.03) else SMALL
        self.float_type = self.one_of(["f32"] * 16 + ["f64"] * 4 + ["bf16"] * 2 + ["f16"])
        for _ in range(self.rng.integers(1, 4)):
            shape = [self.size() for _ in range(self.one_of([0, 1, 1, 1, 2, 2]))]
            if elements(shape) <= self.most:
                self.add_input(self.float_type, (BATCH, *shape))
        if not self.values:
            self.add_input(self.float_type, (BATCH, 3))
        if self.chance(0.4):
            self.add_parameter(self.float_type, self.one_of([(), (1,), (), (3,)]))
        names, weights = list(self.FORMS), list(self.FORMS.values())
        total = sum(weights)
        for _ in range(self.rng.integers(2, 14) if self.chance(0.95) else self.rng.integers(20, 40)):
            getattr(self, self.rng.choice(names, p=[w / total for w in weights]))()
        self.finish()
        return self.program
