"""What training blocks say of several steps: gradients of each that wait, and averages of what
two of them update, against NumPy in f64 on linear maps whose gradients are known.

    steps-recipes.py accumulation|averages|embedded [LIBRARIES] [OPTIONS of nnc]
"""
import json
import subprocess
import sys

import numpy

import safetensors

SAMPLES = 22
RANDOM = numpy.random.RandomState(8)
DATA = {name: RANDOM.standard_normal((SAMPLES, width)).astype("f4") for name, width in (("x", 3), ("y", 2), ("z", 1))}
START = {"layer.weight": RANDOM.standard_normal((3, 2)).astype("f4"), "layer.bias": numpy.ones(2, "f4"),
         "head.weight": RANDOM.standard_normal((2, 1)).astype("f4"), "head.bias": numpy.zeros(1, "f4")}
OPTIONS = sys.argv[2:]
# Sums of some tens of terms in f32, of some tens of steps.
CLOSE = dict(rtol=2e-5, atol=2e-5)
MODEL = """
model pair(x: f32[batch, 3], y: f32[batch, 2], z: f32[batch, 1]) {
  code = dense(x, 2) as layer
  step fit {
    loss mse(code, y)
    update layer with momentum(0.1)
  }
  step tell {
    loss mse(dense(code, 1) as head, z)
    update head with sgd(0.05)
    update "layer.weight" with sgd(0.05)
  }
  output code
}
training {
  %s
}
data {
  train x = npy("x.npy"), y = npy("y.npy"), z = npy("z.npy")
}
"""


def write(*training):
    for name, array in DATA.items():
        numpy.save(f"{name}.npy", array)
    safetensors.save("start.safetensors", START)
    with open("model.nn", "w") as file:
        file.write(MODEL % "\n  ".join(training))


def train(*training, options=()):
    """The lines of steps, and the weights."""
    write(*training)
    subprocess.run(["nnc", "train", "model.nn", "--keep-order", "--weights", "start.safetensors", "--threads", "1", "--log", "log",
                    "-o", "end.safetensors", "--checkpoint", "check.point", *OPTIONS, *options], check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line) for line in open("log/steps.jsonl")], safetensors.load("end.safetensors")


class Model:
    """Both steps in f64, with what waits for each."""

    def __init__(self):
        self.weights = {name: array.astype("f8") for name, array in START.items()}
        self.velocity = {"layer.weight": 0.0, "layer.bias": 0.0}
        self.waiting = {"fit": {}, "tell": {}}
        self.samples = {"fit": 0, "tell": 0}
        self.updated = []

    def gradient(self, step, rows):
        x, y, z = (DATA[name][rows].astype("f8") for name in "xyz")
        w = self.weights
        code = x @ w["layer.weight"] + w["layer.bias"]
        if step == "fit":
            error = 2 * (code - y) / y.size
            return {"layer.weight": x.T @ error, "layer.bias": error.sum(0)}
        error = 2 * (code @ w["head.weight"] + w["head.bias"] - z) / z.size
        return {"head.weight": code.T @ error, "head.bias": error.sum(0), "layer.weight": x.T @ error @ w["head.weight"].T}

    def run(self, step, rows, updates):
        count = len(DATA["x"][rows])
        for name, slope in self.gradient(step, rows).items():
            self.waiting[step][name] = self.waiting[step].get(name, 0.0) + count * slope
        self.samples[step] += count
        if not updates:
            return
        for name, total in self.waiting[step].items():
            slope = total / self.samples[step]
            if step == "fit":
                self.velocity[name] = slope = 0.9 * self.velocity[name] + slope
            self.weights[name] = self.weights[name] - (0.1 if step == "fit" else 0.05) * slope
        self.updated.append((step, list(self.waiting[step])))
        self.waiting[step], self.samples[step] = {}, 0


def runs_of_epoch(size, order):
    """(step, rows) of an epoch: a step that runs again in its turn takes the next batch, if there is one."""
    batches = [slice(first, min(first + size, SAMPLES)) for first in range(0, SAMPLES, size)]
    runs, at = [], 0
    while at < len(batches):
        for step, times in order:
            for time in range(times):
                if time > 0:
                    if at + 1 == len(batches):
                        continue
                    at += 1
                runs.append((step, batches[at]))
        at += 1
    return runs


def reference(size, order, accumulate, epochs, after=None):
    model = Model()
    for _ in range(epochs):
        runs = runs_of_epoch(size, order)
        done = {"fit": 0, "tell": 0}
        for step, rows in runs:
            done[step] += 1
            before = len(model.updated)
            model.run(step, rows, done[step] % accumulate == 0 or done[step] == sum(other == step for other, _ in runs))
            if after and len(model.updated) > before:
                after(model)
    return model


def check(found, expected):
    for name, value in expected.items():
        numpy.testing.assert_allclose(found[name], value, **CLOSE, err_msg=name)


ORDERS = (("fit, tell", [("fit", 1), ("tell", 1)]), ("fit 2, tell", [("fit", 2), ("tell", 1)]),
          ("tell, fit 3", [("tell", 1), ("fit", 3)]))


def accumulation():
    """Each step updates after so many batches of its own, and after its last of an epoch."""
    for text, order in ORDERS:
        for size, accumulate in ((4, 3), (3, 2), (5, 4), (22, 2)):
            model = reference(size, order, accumulate, 3)
            steps, found = train(f"order {text}", f"batch {size}", f"accumulate {accumulate}", "epochs 3")
            check(found, model.weights)
            assert [line["of"] for line in steps] == [step for step, _ in model.updated], (text, size, accumulate, steps)
            assert [line["step"] for line in steps] == list(range(1, len(steps) + 1))
    # The gradients that wait of a parameter with two updates are two.
    names = safetensors.load("check.point")
    assert {"nnc.optimizer/layer.weight.gradient", "nnc.optimizer/layer.weight.tell.gradient"} <= set(names), sorted(names)
    # Before the night, the same runs.
    subprocess.run(["nnc", "train", "model.nn", "--dry-run", *OPTIONS], check=True, stdout=subprocess.DEVNULL)


def averages():
    """What two steps update is averaged after each update of either, and all of these count."""
    decay = 0.75
    for rule in ("0.75", "uniform", "uniform from 4 steps", "uniform from 0.5 run", "0.75 from 1 epochs"):
        for accumulate in (1, 2):
            order = ORDERS[1][1]
            per_epoch = [{name: sum(name in names for _, names in reference(4, order, accumulate, epochs).updated) for name in START}
                         for epochs in (1, 3)]
            counts, means = dict.fromkeys(START, 0), {name: array.astype("f8") for name, array in START.items()}

            def first(name):
                if "steps" in rule:
                    return 4
                return round(0.5 * per_epoch[1][name]) if "run" in rule else per_epoch[0][name] if "epochs" in rule else 0

            def after(model):
                for name in model.updated[-1][1]:
                    counts[name] += 1
                    t = max(counts[name] - first(name), 1)
                    weight = 1 / t if "uniform" in rule else (1 - decay) / (1 - decay**t)
                    means[name] = means[name] + weight * (model.weights[name] - means[name])

            model = reference(4, order, accumulate, 3, after)
            _, found = train("order fit 2, tell", "batch 4", f"accumulate {accumulate}", "epochs 3", f"average {rule}")
            check(found, means)
            checkpoint = safetensors.load("check.point")
            check(checkpoint, model.weights)
            if "run" in rule:
                # Each update of a step knows how often that runs.
                lengths = {name: int(checkpoint[f"nnc.scalar/{name}.run_steps"]) for name in ("fit", "tell", "tell_1")}
                counts_of = {name: sum(name == step for step, _ in model.updated) for name in ("fit", "tell")}
                assert lengths == {**counts_of, "tell_1": counts_of["tell"]}, lengths


def embedded():
    """From C each step knows whether it updates, and a checkpoint between two batches has what waits of both."""
    global OPTIONS
    libraries, *OPTIONS = OPTIONS
    import session
    library = session.Library(libraries)
    write("order fit 2, tell", "batch 4", "accumulate 4", "average 0.9")
    subprocess.run(["nnc", "compile", "model.nn", "-o", "model.plan", *OPTIONS], check=True)
    inputs_of = {"fit": "xy", "tell": "xz"}

    def step(run, name, rows):
        tensors = [session.to_tensor(numpy.ascontiguousarray(DATA[input][rows])) for input in inputs_of[name]]
        library.expect("nnc_session_train_step_by_name", run.handle, name.encode(), (session.Tensor * 2)(*tensors),
                       session.ctypes.c_size_t(2), session.ctypes.c_int64(0), None)

    def scalar(run, name):
        value = session.ctypes.c_double()
        library.expect("nnc_session_get_scalar", run.handle, name, session.ctypes.byref(value))
        return value.value

    def start():
        run = session.Session(library, "model.plan", sequences=False)
        library.expect("nnc_session_load", run.handle, b"start.safetensors")
        return run

    def saved(run, path):
        library.expect("nnc_session_save_checkpoint", run.handle, path, None, session.ctypes.c_size_t(0))
        return safetensors.load(path.decode())

    whole, parts, model = start(), start(), Model()
    done = {"fit": 0, "tell": 0}
    for number, (name, rows) in enumerate(runs_of_epoch(4, ORDERS[1][1])):
        done[name] += 1
        model.run(name, rows, done[name] % 4 == 0)
        for run in (whole, parts):
            step(run, name, rows)
        assert scalar(whole, b"batches") == number + 1
        for known, count in done.items():
            assert scalar(whole, known.encode() + b".waiting_batches") == count % 4
            assert scalar(whole, known.encode() + b".step" if known == "fit" else b"tell_1.step") == count // 4
        saved(parts, b"between.point")
        parts = start()
        library.expect("nnc_session_load_checkpoint", parts.handle, b"between.point")
    first, second = saved(whole, b"whole.point"), saved(parts, b"parts.point")
    assert all((first[name] == second[name]).all() for name in first)
    check(first, model.weights)
    waits = model.waiting["fit"]["layer.bias"]
    numpy.testing.assert_allclose(first["nnc.optimizer/layer.bias.gradient"], waits, **CLOSE)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
