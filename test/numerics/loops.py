#!/usr/bin/env python3
"""Runs loops over time against NumPy in f64: in every form that their values take in
memory, at several batches, and with the same bits on any number of threads.

  loops.py NNC-COMPILER LIBNNC-RUNTIME FOLDER [OPTION OF nnc compile]..."""
import ctypes
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

LARGEST_BATCH = 33
STEPS = 7
random = np.random.default_rng(5)


# The C interface -----------------------------------------------------------------


class Status(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("message", ctypes.c_char_p)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("element_type", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_int64))]


class Options(ctypes.Structure):
    _fields_ = [("threads", ctypes.c_int), ("seed", ctypes.c_int64), ("device", ctypes.c_int64),
                ("reserved", ctypes.c_int64 * 5)]


ELEMENT_TYPES = {"float32": 0, "int32": 4, "bool": 7}


def load_library(path):
    library = ctypes.CDLL(str(path))
    for name in ("plan_open", "session_create", "session_predict", "session_output"):
        getattr(library, "nnc_" + name).restype = Status
    return library


def check(status):
    if status.code:
        sys.exit(status.message.decode())


class Session:
    def __init__(self, library, path, threads):
        self.library, self.handle, plan = library, ctypes.c_void_p(), ctypes.c_void_p()
        check(library.nnc_plan_open(str(path).encode(), ctypes.byref(plan)))
        options = Options(threads=threads)
        check(library.nnc_session_create(plan, ctypes.byref(options), ctypes.byref(self.handle)))
        library.nnc_plan_close(plan)

    def predict(self, inputs, names):
        tensors = (Tensor * len(inputs))()
        shapes = [(ctypes.c_int64 * array.ndim)(*array.shape) for array in inputs]
        for tensor, array, shape in zip(tensors, inputs, shapes):
            tensor.data, tensor.element_type = array.ctypes.data, ELEMENT_TYPES[array.dtype.name]
            tensor.rank, tensor.shape = array.ndim, shape
        check(self.library.nnc_session_predict(self.handle, tensors, ctypes.c_size_t(len(inputs))))
        return [self.output(name) for name in names]

    def output(self, name):
        tensor = Tensor()
        check(self.library.nnc_session_output(self.handle, name.encode(), ctypes.byref(tensor)))
        shape = [tensor.shape[i] for i in range(tensor.rank)]
        data = ctypes.cast(tensor.data, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(data, shape).copy()

    def close(self):
        self.library.nnc_session_destroy(self.handle)


# Cases ---------------------------------------------------------------------------

CASES = []
# Those whose samples cannot be shared out among threads.
TOGETHER = {"samples_depend_on_each_other", "no_samples", "slices_operands_and_constants_are_kept"}


def mlir_type(shape, kind="f32"):
    return "tensor<" + "".join(f"{'?' if size is None else size}x" for size in shape) + kind + ">"


def case(name, inputs, body, outputs, compute):
    """`inputs`: name to shape, with None for the batch, or to (shape, a function that
    draws it). `compute`: what the outputs are, of the inputs in f64."""
    CASES.append((name, inputs, body, outputs, compute))


def write_model(name, inputs, body, outputs):
    shape_of = lambda given: given[0] if isinstance(given[0], tuple) else given
    kind_of = lambda given: given[2] if isinstance(given[0], tuple) else "f32"
    arguments = ", ".join(f'%{key}: {mlir_type(shape_of(given), kind_of(given))} {{nnc.name = "{key}"}}'
                          for key, given in inputs.items())
    results = "\n".join(f'  nnc.output "{key}" %{key} : {mlir_type(shape)}' for key, shape in outputs.items())
    return f"nnc.model @{name}({arguments}) attributes {{batch = {LARGEST_BATCH} : i64}} {{\n{body}\n{results}\n}}\n"


def draw(given, batch):
    if isinstance(given[0], tuple):
        return given[1]([batch if size is None else size for size in given[0]])
    shape = [batch if size is None else size for size in given]
    # Weights so small that a loop does not enlarge the errors of a step.
    scale = 1 if None in given or len(given) < 2 else given[0] ** -0.5
    return (scale * random.uniform(-1, 1, shape)).astype(np.float32)


def steps_of(reverse):
    return reversed(range(STEPS)) if reverse else range(STEPS)


def stack(values, reverse):
    return np.stack(values[::-1] if reverse else values)


# Hidden units that fill vectors, and such that no row is a multiple of one.
for units in (64, 5):
    for reverse in (False, True):
        word = "reverse" if reverse else ""
        B, H = None, units

        def rnn(h, x, u, w, reverse=reverse):
            before, after = [], []
            for t in steps_of(reverse):
                before.append(h)
                h = np.tanh(x[t] @ u + h @ w)
                after.append(h)
            return h, stack(after, reverse), stack(before, reverse)

        step = f"""
    %0 = nnc.matmul %x_t, %u_ : (tensor<?x3xf32>, tensor<3x{H}xf32>) -> tensor<?x{H}xf32>
    %1 = nnc.matmul %h, %w_ : (tensor<?x{H}xf32>, tensor<{H}x{H}xf32>) -> tensor<?x{H}xf32>
    %2 = nnc.add %0, %1 : tensor<?x{H}xf32>
    %3 = nnc.tanh %2 : tensor<?x{H}xf32>"""
        begin = f"""carried(%h = %h0) over(%x_t = %x) with(%u_ = %u, %w_ = %w) steps = {STEPS} {word}
      : (tensor<?x{H}xf32>, tensor<{STEPS}x?x3xf32>, tensor<3x{H}xf32>, tensor<{H}x{H}xf32>)"""
        inputs = {"h0": (B, H), "x": (STEPS, B, 3), "u": (3, H), "w": (H, H)}
        state, all_states = mlir_type((B, H)), mlir_type((STEPS, B, H))
        for kept, yielded in [([], []), (["after"], ["%3"]), (["before"], ["%h"]), (["after", "before"], ["%3", "%h"])]:
            names = ["last"] + kept
            results = ", ".join("%" + name for name in names)
            case(f"rnn_{'_'.join([str(H), word] + kept)}".replace("__", "_"), inputs, f"""
  {results} = nnc.scan {begin} -> ({', '.join([state] + [all_states] * len(kept))}) {{{step}
    nnc.yield {', '.join(['%3', *yielded][:1] + yielded)} : {', '.join([state] * (1 + len(kept)))}
  }}""", {name: (B, H) if name == "last" else (STEPS, B, H) for name in names},
                 lambda *given, names=names, rnn=rnn: [dict(zip(("last", "after", "before"), rnn(*given)))[name] for name in names])

        # Two carried values, gates of one product, and what a gradient wants of them.
        def lstm(h, c, x, w, reverse=reverse):
            hs, cs = [], []
            sigmoid = lambda v: 1 / (1 + np.exp(-v))
            for t in steps_of(reverse):
                i, f, g, o = np.split(x[t] + h @ w, 4, axis=1)
                cs.append(c)
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
                hs.append(h)
            return h, c, stack(hs, reverse), stack(cs, reverse)

        gates = "\n".join(
            f"""    %{gate} = nnc.slice %sum starts = [0, {number * H}] sizes = [-1, {H}] : (tensor<?x{4 * H}xf32>) -> {state}"""
            for number, gate in enumerate("ifgo"))
        case(f"lstm_{H}_{word}", {"h0": (B, H), "c0": (B, H), "x": (STEPS, B, 4 * H), "w": (H, 4 * H)}, f"""
  %h_last, %c_last, %hs, %cs = nnc.scan carried(%h = %h0, %c = %c0) over(%x_t = %x) with(%w_ = %w) steps = {STEPS} {word}
      : ({state}, {state}, tensor<{STEPS}x?x{4 * H}xf32>, tensor<{H}x{4 * H}xf32>) -> ({state}, {state}, {all_states}, {all_states}) {{
    %product = nnc.matmul %h, %w_ : ({state}, tensor<{H}x{4 * H}xf32>) -> tensor<?x{4 * H}xf32>
    %sum = nnc.add %x_t, %product : tensor<?x{4 * H}xf32>
{gates}
    %i1 = nnc.sigmoid %i : {state}
    %f1 = nnc.sigmoid %f : {state}
    %g1 = nnc.tanh %g : {state}
    %o1 = nnc.sigmoid %o : {state}
    %kept = nnc.mul %f1, %c : {state}
    %new = nnc.mul %i1, %g1 : {state}
    %c1 = nnc.add %kept, %new : {state}
    %t1 = nnc.tanh %c1 : {state}
    %h1 = nnc.mul %o1, %t1 : {state}
    nnc.yield %h1, %c1, %h1, %c : {state}, {state}, {state}, {state}
  }}""", {"h_last": (B, H), "c_last": (B, H), "hs": (STEPS, B, H), "cs": (STEPS, B, H)}, lstm)

B = None


def fibonacci(a, b):
    pairs = []
    for _ in range(STEPS):
        a, b = b, a + b
        pairs.append(a)
    return a, b, np.stack(pairs)


case("arguments_are_yielded", {"a0": (B, 6), "b0": (B, 6)}, f"""
  %a, %b, %all = nnc.scan carried(%u = %a0, %v = %b0) steps = {STEPS}
      : (tensor<?x6xf32>, tensor<?x6xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>, tensor<{STEPS}x?x6xf32>) {{
    %0 = nnc.add %u, %v : tensor<?x6xf32>
    nnc.yield %v, %0, %v : tensor<?x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>
  }}""", {"a": (B, 6), "b": (B, 6), "all": (STEPS, B, 6)}, fibonacci)

case("sum_in_place", {"h0": (B, 9), "x": (STEPS, B, 9)}, f"""
  %last = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = {STEPS}
      : (tensor<?x9xf32>, tensor<{STEPS}x?x9xf32>) -> tensor<?x9xf32> {{
    %0 = nnc.add %h, %x_t : tensor<?x9xf32>
    nnc.yield %0 : tensor<?x9xf32>
  }}""", {"last": (B, 9)}, lambda h, x: [h + x.sum(0)])

case("slices_operands_and_constants_are_kept", {"x": (STEPS, B, 3), "w": (B, 2)}, f"""
  %xs, %ws, %ones, %twice = nnc.scan over(%x_t = %x) with(%w_ = %w) steps = {STEPS}
      : (tensor<{STEPS}x?x3xf32>, tensor<?x2xf32>)
      -> (tensor<{STEPS}x?x3xf32>, tensor<{STEPS}x?x2xf32>, tensor<{STEPS}x2xf32>, tensor<{STEPS}x?x3xf32>) {{
    %0 = nnc.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %1 = nnc.add %x_t, %x_t : tensor<?x3xf32>
    nnc.yield %x_t, %w_, %0, %1 : tensor<?x3xf32>, tensor<?x2xf32>, tensor<2xf32>, tensor<?x3xf32>
  }}""", {"xs": (STEPS, B, 3), "ws": (STEPS, B, 2), "ones": (STEPS, 2), "twice": (STEPS, B, 3)},
     lambda x, w: [x, np.stack([w] * STEPS), np.tile([1.0, 2.0], (STEPS, 1)), x + x])


def centred(h, x):
    for t in range(STEPS):
        h = h + x[t]
        h = h - h.mean(0, keepdims=True)
    return [h]


case("samples_depend_on_each_other", {"h0": (B, 4), "x": (STEPS, B, 4)}, f"""
  %last = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = {STEPS}
      : (tensor<?x4xf32>, tensor<{STEPS}x?x4xf32>) -> tensor<?x4xf32> {{
    %0 = nnc.add %h, %x_t : tensor<?x4xf32>
    %1 = nnc.mean %0 axes = [0] keep_dims = true : (tensor<?x4xf32>) -> tensor<1x4xf32>
    %2 = nnc.sub %0, %1 : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
    nnc.yield %2 : tensor<?x4xf32>
  }}""", {"last": (B, 4)}, centred)

case("no_samples", {"h0": (4,), "x": (STEPS, 4), "y": (B, 4)}, f"""
  %last, %all = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = {STEPS}
      : (tensor<4xf32>, tensor<{STEPS}x4xf32>) -> (tensor<4xf32>, tensor<{STEPS}x4xf32>) {{
    %0 = nnc.add %h, %x_t : tensor<4xf32>
    nnc.yield %0, %0 : tensor<4xf32>, tensor<4xf32>
  }}
  %z = nnc.add %y, %last : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>""",
     {"z": (B, 4), "last": (4,), "all": (STEPS, 4)},
     lambda h, x, y: [y + h + x.sum(0), h + x.sum(0), h + np.cumsum(x, 0)])


def sums_of_sums(h, x):
    first = h + np.cumsum(x, 0)
    second = h + np.cumsum(first[::-1], 0)[::-1]
    return second[0], second, first.reshape(STEPS, -1, 2, 3)


# What the first loop wrote lies one slot behind the start of its memory.
case("loops_in_a_row", {"h0": (B, 6), "x": (STEPS, B, 6)}, f"""
  %last, %all = nnc.scan carried(%h = %h0) over(%x_t = %x) steps = {STEPS}
      : (tensor<?x6xf32>, tensor<{STEPS}x?x6xf32>) -> (tensor<?x6xf32>, tensor<{STEPS}x?x6xf32>) {{
    %0 = nnc.add %h, %x_t : tensor<?x6xf32>
    nnc.yield %0, %0 : tensor<?x6xf32>, tensor<?x6xf32>
  }}
  %split = nnc.reshape %all shape = [{STEPS}, -1, 2, 3] : (tensor<{STEPS}x?x6xf32>) -> tensor<{STEPS}x?x2x3xf32>
  %first, %sums = nnc.scan carried(%h = %h0) over(%x_t = %split) steps = {STEPS} reverse
      : (tensor<?x6xf32>, tensor<{STEPS}x?x2x3xf32>) -> (tensor<?x6xf32>, tensor<{STEPS}x?x6xf32>) {{
    %0 = nnc.reshape %x_t shape = [-1, 6] : (tensor<?x2x3xf32>) -> tensor<?x6xf32>
    %1 = nnc.add %h, %0 : tensor<?x6xf32>
    nnc.yield %1, %1 : tensor<?x6xf32>, tensor<?x6xf32>
  }}""", {"first": (B, 6), "sums": (STEPS, B, 6), "split": (STEPS, B, 2, 3)}, sums_of_sums)


def scaled(h, x, w):
    for t in range(STEPS):
        h = np.tanh(x[t] + h @ (w * w))
    return [h]


case("weights_are_computed_once", {"h0": (B, 48), "x": (STEPS, B, 48), "w": (48, 48)}, f"""
  %last = nnc.scan carried(%h = %h0) over(%x_t = %x) with(%w_ = %w) steps = {STEPS}
      : (tensor<?x48xf32>, tensor<{STEPS}x?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32> {{
    %0 = nnc.mul %w_, %w_ : tensor<48x48xf32>
    %1 = nnc.matmul %h, %0 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
    %2 = nnc.add %x_t, %1 : tensor<?x48xf32>
    %3 = nnc.tanh %2 : tensor<?x48xf32>
    nnc.yield %3 : tensor<?x48xf32>
  }}""", {"last": (B, 48)}, scaled)


def softmaxes(h, mask, x, table, ids):
    for t in range(STEPS):
        z = h + x[t] + table[ids[t]]
        e = np.exp(z - z.max(1, keepdims=True))
        h = np.where(mask[t], e / e.sum(1, keepdims=True), h)
    return [h]


case("rows_gathers_and_masks",
     {"h0": (B, 10), "mask": ((STEPS, B, 1), lambda shape: random.uniform(size=shape) < 0.7, "i1"),
      "x": (STEPS, B, 10), "table": (12, 10),
      "ids": ((STEPS, B), lambda shape: random.integers(0, 12, shape).astype(np.int32), "i32")}, f"""
  %last = nnc.scan carried(%h = %h0) over(%m = %mask, %x_t = %x, %id = %ids) with(%table_ = %table) steps = {STEPS}
      : (tensor<?x10xf32>, tensor<{STEPS}x?x1xi1>, tensor<{STEPS}x?x10xf32>, tensor<{STEPS}x?xi32>, tensor<12x10xf32>) -> tensor<?x10xf32> {{
    %0 = nnc.gather %table_, %id axis = 0 : (tensor<12x10xf32>, tensor<?xi32>) -> tensor<?x10xf32>
    %1 = nnc.add %h, %x_t : tensor<?x10xf32>
    %2 = nnc.add %1, %0 : tensor<?x10xf32>
    %3 = nnc.softmax %2 axis = 1 : tensor<?x10xf32>
    %4 = nnc.select %m, %3, %h : (tensor<?x1xi1>, tensor<?x10xf32>, tensor<?x10xf32>) -> tensor<?x10xf32>
    nnc.yield %4 : tensor<?x10xf32>
  }}""", {"last": (B, 10)}, softmaxes)


# Running -------------------------------------------------------------------------


def check_sharing(name, plan):
    """Whether threads take samples through the steps, where they may."""
    text = subprocess.run([compiler, "inspect", "--json", str(plan)], check=True, capture_output=True, text=True).stdout
    commands = json.loads(text)["entry_points"][-1]["commands"]
    shared = [command["samples_a_thread"] > 0 for command in commands if "loop_steps" in command]
    wanted = [name not in TOGETHER] * len(shared)
    return None if shared and shared == wanted else f"{name}: samples are shared out in {shared}, expected {wanted}"


def run(name, inputs, outputs, compute, sessions):
    """What is wrong; None: nothing."""
    for batch in (1, 2, 3, 7, 16, 17, 32, LARGEST_BATCH):
        given = [draw(shape, batch) for shape in inputs.values()]
        expected = compute(*[array.astype(np.float64) if array.dtype == np.float32 else array for array in given])
        found = [session.predict(given, outputs) for session in sessions]
        for key, want, *values in zip(outputs, expected, *found):
            # f32 rounds each of some hundred operations of a step by 2^-24; a value's
            # error is carried on, at most twice as large where a sum doubles it.
            bound = 2.0**-24 * 100 * STEPS * max(1, np.abs(want).max())
            error = np.abs(values[0] - want).max()
            if values[0].shape != want.shape or not error <= bound:
                return f"{name} at batch {batch}: {key} is off by {error}, bound {bound}"
            if any(other.tobytes() != values[0].tobytes() for other in values):
                return f"{name} at batch {batch}: {key} has other bits on other threads"
    return None


compiler, library, folder = sys.argv[1], load_library(sys.argv[2]), Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
wrong = []
for name, inputs, body, outputs, compute in CASES:
    model, plan = folder / f"{name}.mlir", folder / f"{name}.plan"
    model.write_text(write_model(name, inputs, body, outputs))
    subprocess.run([compiler, "compile", str(model), "-o", str(plan), *sys.argv[4:]], check=True,
                   stdout=subprocess.DEVNULL)
    # The plan has the inputs that something depends on, in the model's order.
    sessions = [Session(library, plan, threads) for threads in (1, 2, 3)]
    wrong += filter(None, [run(name, inputs, outputs, compute, sessions)])
    if "cpu" in sys.argv:
        wrong += filter(None, [check_sharing(name, plan)])
    for session in sessions:
        session.close()
print("\n".join(wrong) or f"{len(CASES)} loops are right")
sys.exit(bool(wrong))
