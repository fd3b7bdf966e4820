"""A model as parts that can be taken away one by one, and what its parts are."""
import itertools

BATCH = -1


class Program:
    def __init__(self):
        self.inputs, self.prelude, self.body, self.training = {}, [], [], []
        # Of names that the body gives.
        self.types = {}
        self.gradients = True

    def copy(self):
        other = Program()
        other.inputs, other.types = dict(self.inputs), dict(self.types)
        other.prelude, other.body, other.training = list(self.prelude), list(self.body), list(self.training)
        other.gradients = self.gradients
        return other

    def text(self):
        inputs = ", ".join(f"{name}: {type}" for name, type in self.inputs.items())
        lines = [*self.prelude, f"model fuzz({inputs}) {{", *("  " + line for line in self.body), "}"]
        if self.training:
            lines += ["", "training {", *("  " + line for line in self.training), "}"]
        return "\n".join(lines) + "\n"


def spell_type(type, shape):
    if type == "i1":
        type = "bool"
    type = "u8" if type == "ui8" else type
    dims = ", ".join("batch" if d == BATCH else str(d) for d in shape)
    return f"{type}[{dims}]" if shape else type


class Value:
    def __init__(self, name, type, shape, trained=False, is_input=False):
        self.name, self.type, self.shape = name, type, tuple(shape)
        # Whether a parameter is behind it, without a stop.
        self.trained, self.is_input = trained, is_input
        self.uses = 0

    @property
    def rank(self):
        return len(self.shape)

    @property
    def is_float(self):
        return self.type in ("f16", "bf16", "f32", "f64")


def spell_dims(dims):
    return "[" + ", ".join(str(d) for d in dims) + "]"


def broadcast_shape(a, b):
    """The shape to which both stretch, or None."""
    shape = []
    for m, n in itertools.zip_longest(a[::-1], b[::-1], fillvalue=1):
        if m != n and 1 not in (m, n):
            return None
        shape.append(n if m == 1 else m)
    return tuple(shape[::-1])


def elements(shape):
    count = 1
    for d in shape:
        count *= 1 if d == BATCH else d
    return count
