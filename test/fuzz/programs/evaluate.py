"""Evaluates programs of primitive ops in f64, with a bound on how far a computation
in the types written may be from it.

A value is (v, e): v as real arithmetic has it (but for the rounding of f64), and
e such that a computation as docs/numerics.md allows it ends within e of v:

  a basic operation    |y' - y| <= what the operands' e makes of it + u |y'|
  a function           the same with the units of the last place that are documented
  a sum of n terms     sum of e + n u sum of |x|: in any order (Higham 2002, eq. 4.4)
  any                  results below the type's smallest normal number may be zero

with u the type's unit roundoff. What the operands' e makes of it is bounded
rigorously where the op is monotone, by its values at the ends of the interval.
Ops that are kept in a wider type by fusion are within the same bounds, and so is
a fused multiply-add: each leaves roundings out.

Where a decision (a comparison, an index, a rounding to whole numbers) is closer
than the bounds, the result is as uncertain as what depends on it; e = inf says
that nothing is known, not even that there is a number, and goes on to all that
depends on it.
"""
import numpy as np

# p bits of precision round by 2^-p at most. Numbers that lie within `tiny` of zero
# may become zero: f16 keeps its subnormal numbers, the others need not.
UNIT = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-24, "f64": 2.0**-53}
TINY = {"f16": 2.0**-24, "bf16": 2.0**-126, "f32": 2.0**-126, "f64": 2.0**-1022}
LARGEST = {"f16": 65504.0, "bf16": 3.38e38, "f32": 3.4e38, "f64": 1.79e308}
# 16-bit types are storage, computed in f32.
ACCUMULATED_IN = {"f16": "f32", "bf16": "f32", "f32": "f32", "f64": "f64"}
# Twice the units of the last place of docs/numerics.md, "Functions".
FUNCTION_UNITS = {"f16": 8.2, "bf16": 8.2, "f32": 8.2, "f64": 6.0}
POWER_UNITS = {**FUNCTION_UNITS, "f64": 20.0}
INTEGERS = {"i32": (-2**31, 2**31 - 1), "i64": (-2**63, 2**63 - 1), "ui8": (0, 255), "ui32": (0, 2**32 - 1)}


class NoEvaluation(Exception):
    """An op that this file does not know."""


class Value:
    """v: float64, int64 or bool by the element type; e: float64, of v's shape."""
    __slots__ = ("v", "e", "type")

    def __init__(self, v, e, type):
        self.v, self.type = np.asarray(v), type
        self.e = np.broadcast_to(np.asarray(e, dtype=np.float64), self.v.shape)


def dtype_of(type):
    return np.bool_ if type == "i1" else np.int64 if type in INTEGERS else np.float64


def exact(v, type):
    return Value(np.asarray(v, dtype=dtype_of(type)), 0.0, type)


def to_type(numbers, type):
    """The nearest numbers of a floating-point type."""
    numbers = np.asarray(numbers, dtype=np.float64)
    if type == "f64":
        return numbers
    if type == "f16":
        return numbers.astype(np.float16).astype(np.float64)
    single = numbers.astype(np.float32)
    if type == "f32":
        return single.astype(np.float64)
    bits = np.atleast_1d(single).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32).astype(np.float64).reshape(numbers.shape)


def rounded(v, e, type, units=1.0):
    """What one operation with that many units of rounding makes of (v, e)."""
    if type not in UNIT:
        return Value(v, np.where(e > 0, np.inf, 0.0), type)
    # v itself is rounded in f64.
    units = 1.01 * units if type != "f64" else 2 * units + 2
    magnitude = np.abs(v) + e
    e = np.where(magnitude == 0, 0.0, e + units * UNIT[type] * magnitude + TINY[type])
    known = np.isfinite(v) & np.isfinite(e) & (magnitude < LARGEST[type])
    return Value(v, np.where(known, e, np.inf), type)


def summed(v, magnitude, e, terms, type):
    """A sum v of `terms` terms whose magnitudes sum up to `magnitude`, and errors
    to e, accumulated in any order and stored in `type`."""
    wide = ACCUMULATED_IN[type]
    factor = 1.01 if type != "f64" else 3
    e = e + factor * terms * (UNIT[wide] * (magnitude + e) + (magnitude + e > 0) * TINY[wide])
    return Value(v, e, type) if wide == type and terms == 1 else rounded(v, e, type)


def result_type(op, index=0):
    return op["types"][index][0]


# Programs -----------------------------------------------------------------------------------------


class Evaluation:
    """One function on given inputs and state, which stay as they are. `table` has
    an evaluation for each op: a function of this, the op and its operands."""

    def __init__(self, function, inputs, state, batch, table, training=False):
        self.function, self.batch, self.table, self.training = function, batch, table, training
        self.inputs, self.state, self.assigned = inputs, state, {}
        self.values, self.types, self.made_by, self.decisions = {}, {}, {}, []
        self.is_undefined = False
        for argument in function["arguments"]:
            self.types[argument["value"]] = argument["type"]
            self.values[argument["value"]] = exact(inputs[argument["name"]], argument["type"][0])

    def shape(self, dims):
        return tuple(self.batch if d == -1 else d for d in dims)

    def decide(self, decision):
        """Notes what a kink of the program depends on."""
        self.decisions.append(decision)

    def indices(self, x, size):
        """Which indices are not certain, and all of them, within the range."""
        if ((x.v < 0) | (x.v >= size)).any():
            self.is_undefined = True
        return x.e > 0, np.clip(x.v, 0, size - 1)

    def reduction_of(self, value):
        """The maximum or minimum whose elements `value` holds, or None."""
        op = self.made_by.get(value)
        while op and op["name"] in ("reshape", "broadcast"):
            op = self.made_by.get(op["operands"][0])
        return op if op and op["name"] in ("reduce_max", "reduce_min") else None

    def run(self, wanted=None):
        """Evaluates all ops, or those that the value `wanted` needs."""
        needed = self.needed(wanted) if wanted is not None else None
        with np.errstate(all="ignore"):
            for op in self.function["ops"]:
                if needed is None or needed.intersection(op["results"]):
                    self.step(op)
        return self

    def needed(self, wanted):
        needed = {wanted}
        for op in reversed(self.function["ops"]):
            if needed.intersection(op["results"]):
                needed.update(op["operands"])
        return needed

    def step(self, op):
        name = op["name"]
        if name == "read":
            type = result_type(op)
            results = exact(self.state[op["attributes"]["parameter"]], type)
        elif name == "assign":
            self.assigned[op["attributes"]["parameter"]] = self.values[op["operands"][0]]
            return
        elif name == "scan":
            results = self.scan(op)
        elif name in self.table:
            results = self.table[name](self, op, *(self.values[i] for i in op["operands"]))
        else:
            raise NoEvaluation(name)
        for number, type, result in zip(op["results"], op["types"], results if isinstance(results, tuple) else (results,)):
            self.values[number], self.types[number], self.made_by[number] = result, type, op

    def scan(self, op):
        """A loop over time, step by step: the last carried values, then all kept ones."""
        at, step = op["attributes"], op["step"]
        carried, over = at["num_carried"], at["num_carried"] + at["num_over"]
        given = [self.values[i] for i in op["operands"]]
        now, kept = given[:carried], {}
        for t in reversed(range(at["steps"])) if "reverse" in at else range(at["steps"]):
            slices = [Value(x.v[t], x.e[t], x.type) for x in given[carried:over]]
            for number, type, value in zip(step["arguments"], step["types"], [*now, *slices, *given[over:]]):
                self.values[number], self.types[number] = value, type
            for inner in step["ops"]:
                self.step(inner)
            yields = [self.values[i] for i in step["yields"]]
            now, kept[t] = yields[:carried], yields[carried:]
        stacked = [Value(np.stack([x.v for x in all]), np.stack([x.e for x in all]), all[0].type)
                   for all in zip(*(kept[t] for t in range(at["steps"])))]
        return (*now, *stacked)

    def results(self):
        return {f"{r['kind']}:{r['name']}": self.values[r["value"]] for r in self.function["results"]}
