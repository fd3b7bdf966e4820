"""What the numeric tests of all families are written with: inputs, cases, edges.

Inputs are multiples of 1/64, which f32 holds exactly, so that the same values test
both precisions.
"""
import math

import numpy as np

FAMILIES = {}
TESTED = set()


def exact(array):
    return np.round(np.asarray(array, dtype=np.float64) * 64) / 64


def spread(shape, low=-2.0, high=2.0, seed=0):
    """Distinct values in [low, high), none of them an integer or a tie of another."""
    count = int(np.prod(shape, dtype=int))
    step = max(1, int((high - low) * 64 / max(count, 1)))
    values = low + (np.arange(count) * step + 5 + seed) % int((high - low) * 64) / 64
    return exact(np.random.default_rng(seed).permutation(values)).reshape(shape)


MLIR_TYPES = {"float64": "f64", "int32": "i32", "int64": "i64", "uint8": "ui8", "bool": "i1"}


def mlir_type(array, dynamic=False):
    sizes = list(array.shape)
    if dynamic:
        sizes[0] = "?"
    return "tensor<" + "".join(f"{n}x" for n in sizes) + MLIR_TYPES[array.dtype.name] + ">"


def literal(array):
    def nested(a):
        if a.ndim == 0:
            value = a.item()
            if isinstance(value, bool):
                return "true" if value else "false"
            if a.dtype != np.float64:
                return str(int(value))
            # MLIR wants a point, and bits for what is not finite.
            decimal = repr(value) if "." in repr(value) else repr(value).replace("e", ".0e")
            return decimal if math.isfinite(value) else f"0x{a.view(np.uint64).item():016X}"
        return "[" + ", ".join(nested(x) for x in a) + "]"

    is_splat = array.size > 1 and (array == array.flat[0]).all()
    return f"dense<{nested(array.flat[0] if is_splat else array)}> : {mlir_type(array)}"


def case(family, op, inputs, reference, attributes="", gradient=True, dynamic=(), tolerance=64, name=None,
         text=None, training=False, narrow=False, values=None, only=None, own=False):
    """One test of `op`. `dynamic`: inputs whose first dimension is the batch; the
    result's is too, then, unless it is a scalar. `tolerance`: in units of the
    element type's epsilon, times the largest magnitude of the result. `text` stands
    in place of the op alone; it may be a function of the operands' types, and then
    names the results %y0, %y1 and so on. `narrow`: in f16 and bf16, too, which must
    hold the inputs; `only`: in no other type than this. `own`: of
    nnc's own products, so that a GPU's library is not held to it."""
    TESTED.add(op)
    tests = FAMILIES.setdefault(family, [])
    inputs = [np.asarray(i) for i in inputs]
    expected = reference(*inputs)
    expected = [np.asarray(e) for e in (expected if isinstance(expected, tuple) else (expected,))]
    for batch in ((False, True) if dynamic else (False,)):
        arguments = [mlir_type(a, batch and i in dynamic) for i, a in enumerate(inputs)]
        results = [mlir_type(e, batch and e.ndim > 0 and reference_is_batched(op, e, inputs, dynamic)) for e in expected]
        function = f"{name or op}_{len(tests)}" + ("_batch" if batch else "")
        head = ", ".join(f"%a{i}: {t} {{check.value = {literal(a)}}}" for i, (t, a) in enumerate(zip(arguments, inputs)))
        tail = ", ".join(f"{t} {{check.value = {literal(e)}}}" for t, e in zip(results, expected))
        marks = [f"check.tolerance = {float(tolerance)} : f64"] + (["check.gradient"] if gradient else [])
        marks += ["nnc.training", "nnc.state_stays"] if training else []
        marks += ["check.narrow"] if narrow else []
        marks += [f'check.only = "{only}"'] if only else []
        marks += ["check.own"] if own else []
        if not values and callable(text):
            values = [f"%y{i}" for i in range(len(results))]
        returned = ", ".join(values or [f"%y#{i}" for i in range(len(results))] if values or len(results) > 1 else ["%y"])
        body = text(*arguments) if callable(text) else text or (f"%y{':' + str(len(results)) if len(results) > 1 else ''} = nnc.{op} "
                        + ", ".join(f"%a{i}" for i in range(len(inputs)))
                        + f"{' ' + attributes if attributes else ''} : ({', '.join(arguments)}) -> "
                        + (f"({', '.join(results)})" if len(results) > 1 else results[0]))
        tests.append(f"func.func @{function}({head}) -> ({tail})\n    attributes {{{', '.join(marks)}}} {{\n"
                     f"  {body}\n  return {returned} : {', '.join(results)}\n}}\n")


def edge(family, op, inputs, expected, gradients=None, attributes="", **more):
    """`op` where differences say nothing about its gradient: at infinities, kinks and
    numbers so large that they have no digits left. `gradients`: those of the sum of the
    result by the first inputs."""
    inputs = [np.asarray(i) for i in inputs]
    results = [np.asarray(r) for r in [expected, *(gradients or [])]]
    types, wanted = [mlir_type(i) for i in inputs], [mlir_type(r) for r in results]
    arguments = ", ".join(f"%a{i}" for i in range(len(inputs)))
    text = f"%value = nnc.{op} {arguments} {attributes} : ({', '.join(types)}) -> {wanted[0]}\n  "
    values = ["%value"]
    if gradients:
        n = len(gradients)
        text += (f"%total = nnc.sum %value : ({wanted[0]}) -> tensor<f64>\n  " if results[0].ndim else "")
        text += (f"%g:{n} = nnc.gradient {'%total' if results[0].ndim else '%value'} wrt({', '.join(f'%a{i}' for i in range(n))})"
                 f" : (tensor<f64>, {', '.join(types[:n])}) -> ({', '.join(wanted[1:])})")
        values += [f"%g#{i}" for i in range(n)]
    case(family, op, inputs, lambda *_: tuple(results), gradient=False, text=text, name=f"{op}_edge", values=values, **more)


def reference_is_batched(op, expected, inputs, dynamic):
    """Whether the result's first dimension is the batch, as its size tells: batches
    here have a size that no other dimension has."""
    return expected.shape[0] == inputs[dynamic[0]].shape[0]


BATCH = 7
