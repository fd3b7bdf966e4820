"""Checks one program: what it computes on each target against its evaluation, its
gradients against differences, its bits against each other."""
import base64, re

import numpy as np

from evaluate import INTEGERS, UNIT, Evaluation, Value, to_type
from primitives import PRIMITIVES
from references import COMPOSITES
from samples import index_limits, results_by_sample
from server import ServerDied, decode, encode

# Of a result's largest magnitude: a bound beyond this says little.
USEFUL = 0.05
MOST_ELEMENTS = 30_000


class Finding(Exception):
    """`kind` is what shrinking keeps."""

    def __init__(self, kind, message, target=""):
        super().__init__(f"{target + ': ' if target else ''}{kind}: {message}")
        self.kind, self.target, self.message = kind, target, message

    def key(self):
        """What two findings of one cause have in common: no places and numbers."""
        about = re.sub(r"loc\([^)]*\)|[\d.]+", "", self.message) if self.kind in ("refused", "crashed", "run") else ""
        return self.kind, self.target, about


class Undefined(Exception):
    """The program has no meaning for the data: an index is out of range."""


class Counts:
    def __init__(self):
        self.compared = self.elements = self.gradients = 0

    def add(self, other):
        self.compared += other.compared
        self.elements += other.elements
        self.gradients += other.gradients


def draw_tensor(rng, type, shape, limit=0, role="parameter"):
    """Numbers that every type holds exactly; zeros and ties among them."""
    if type == "i1":
        return rng.integers(0, 2, shape).astype(bool)
    if type in INTEGERS:
        low, high = (0, min(limit, 256)) if limit else (0, 20) if type == "ui8" else (-9, 10)
        return rng.integers(low, high, shape)
    grid = rng.choice([64, 64, 64, 4])
    numbers = rng.integers(-2 * grid, 2 * grid + 1, shape) / grid
    return to_type(np.abs(numbers) if role == "optimizer_state" else numbers, type)


def averages_of(text, evaluation):
    """What a model's only step makes of the averages of the weights that it assigns, by docs/optimizers.md."""
    rule = re.search(r"^  average (\S+)(?: from (\S+) run)?$", text, re.M)
    found, state = {}, evaluation.state
    for name in [name for name in evaluation.assigned if name.endswith(".average")]:
        of = evaluation.assigned[name.removesuffix(".average")]
        t = float(state["step"]) + 1
        if rule[2]:
            whole = float(state["run_steps"])
            t = t - np.round(whole * float(rule[2])) if whole > 0 else 1.0
        w = 1.0 if t <= 1 else 1 / t if rule[1] == "uniform" else (1 - float(rule[1])) / (1 - float(rule[1]) ** t)
        found[name] = Value(state[name] + w * (of.v - state[name]), 0.0, of.type)
    return found


def is_of_gradients(entry):
    return entry.rpartition(".")[2] == "gradients"


class Checker:
    """`text` with the data and batches that `seed` draws."""

    def __init__(self, server, text, seed, gradients=True):
        self.server, self.text, self.gradients = server, text, gradients
        self.seed, self.rng = seed, np.random.default_rng([seed, 1])
        self.counts = Counts()
        self.batch = int(self.rng.choice([1, 2, 3, 4, 5, 7, 8, 9])) if self.rng.random() < 0.95 else int(self.rng.integers(40, 140))
        self.max_batch = self.batch + int(self.rng.choice([0, 0, 1, 3, 7]))

    def ask(self, what, where="", **request):
        try:
            answer = self.server.ask(what, text=self.text, **request)
        except ServerDied as death:
            raise Finding("crashed", str(death), where)
        if "error" in answer:
            raise Finding("refused", answer["error"], where)
        return answer

    # The evaluation -------------------------------------------------------------------

    def prepare(self):
        """Expands and evaluates; the runs that are to give the same."""
        answer = self.ask("expand", gradients=self.gradients)
        self.whole = answer["step"]["functions"]
        self.functions = answer["expanded"]["functions"]
        self.parameters = {p["name"]: p for p in answer["expanded"]["parameters"]}
        self.limit_batch()
        self.draw_data()
        self.runs, self.expected = [], []
        self.add_run("init", {}, self.first_state())
        self.by_sample = {}
        entries = sorted(self.functions.keys() - {"init"}, key=lambda entry: (self.functions[entry]["trains"], entry))
        for entry in entries:
            self.add_run(entry, self.inputs, self.state)
            if not self.functions[entry]["trains"] and not is_of_gradients(entry):
                self.add_parts(entry)
        # The next steps begin with what the last ones left.
        for run in [run for run in self.runs if run["trains"]]:
            self.runs.append({**run, "state": {}})
            self.expected.append(None)

    def add_parts(self, entry):
        """The same samples in two batches."""
        self.by_sample[entry] = results_by_sample(self.functions[entry])
        # Rows by number of a sample may be missing in a smaller batch.
        limits = index_limits(self.functions[entry], 1)
        if self.batch < 2 or not self.by_sample[entry] or any(self.inputs[name].max() >= n for name, n in limits.items()):
            return
        split = int(self.rng.integers(1, self.batch))
        for part in (slice(0, split), slice(split, self.batch)):
            inputs = {name: value[part] if self.types[name][1][:1] == [-1] else value
                      for name, value in self.inputs.items()}
            state = dict(self.state)
            if "first_sample" in state:
                state["first_sample"] += part.start
            self.add_run(entry, inputs, state, part.stop - part.start)
            self.expected[-1] = part

    def limit_batch(self):
        """Evaluating takes as long as the largest tensors are large."""
        largest = max((int(np.prod([d for d in type[1] if d != -1])) for function in self.functions.values()
                       for op in function["ops"] for type in op["types"] if -1 in type[1]), default=1)
        self.batch = max(1, min(self.batch, MOST_ELEMENTS // largest))
        self.max_batch = min(self.max_batch, self.batch + 7)

    def draw_data(self):
        self.inputs, self.state = {}, {}
        arguments, limits = {}, {}
        for function in self.functions.values():
            arguments.update((a["name"], a) for a in function["arguments"])
            for name, limit in index_limits(function, self.batch).items():
                limits[name] = min(limits.get(name, limit), limit)
        self.types = {name: a["type"] for name, a in arguments.items()}
        for name in sorted(arguments):
            type, dims = arguments[name]["type"]
            shape = [self.batch if d == -1 else d for d in dims]
            self.inputs[name] = draw_tensor(self.rng, type, shape, limits.get(name, 0))
        for name, parameter in sorted(self.parameters.items()):
            type, shape = parameter["type"]
            if parameter["role"] == "scalar":
                # A step of several has its own: NAME.step.
                self.state[name] = self.draw_scalar(name.rpartition(".")[2])
            else:
                self.state[name] = draw_tensor(self.rng, type, shape, role=parameter["role"])

    def draw_scalar(self, name):
        if name == "learning_rate":
            return np.float64(np.float32(self.rng.choice([0.5, 0.125, 0.01])))
        low, high = {"seed": (0, 2**40), "first_sample": (0, 100), "waiting_batches": (0, 3), "waiting_samples": (0, 20),
                     "steps_per_epoch": (0, 4), "run_steps": (0, 20)}.get(name, (0, 7))
        return np.int64(self.rng.integers(low, high))

    def first_state(self):
        """What init reads: the seed of the program."""
        return {"seed": np.int64(7 if "\n  seed 7\n" in self.text else 0)}

    def add_run(self, entry, inputs, state, batch=None):
        evaluation = None if batch else Evaluation(self.functions[entry], inputs, state, self.batch, PRIMITIVES).run()
        run = {"entry": entry, "batch": batch or self.batch, "trains": self.functions[entry]["trains"],
               "inputs": {a["name"]: encode(inputs[a["name"]], a["type"][0]) for a in self.functions[entry]["arguments"]},
               "state": {name: encode(value, self.parameters[name]["type"][0]) for name, value in state.items()
                         if name in self.parameters}}
        if evaluation and evaluation.is_undefined:
            raise Undefined
        self.runs.append(run)
        self.expected.append(evaluation)

    # Expansions against what the composites are -----------------------------------------------

    def check_composites(self):
        """Results and new state with composites as NumPy has them. Constants of an
        expansion are rounded to its type, which is within twice the bound."""
        for run, evaluation in zip(self.runs, self.expected):
            if not isinstance(evaluation, Evaluation):
                continue
            entry = run["entry"]
            other = Evaluation(self.whole[entry], evaluation.inputs, evaluation.state, self.batch, COMPOSITES,
                               training=self.functions[entry]["trains"] or is_of_gradients(entry)).run()
            pairs = [(r["name"], evaluation.values[r["value"]], other.values[o["value"]])
                     for r, o in zip(self.functions[entry]["results"], self.whole[entry]["results"])]
            assigned = other.assigned | (averages_of(self.text, evaluation) if entry == "train_step" else {})
            pairs += [(name, value, assigned[name]) for name, value in evaluation.assigned.items()
                      if name in assigned or not name.endswith(".average")]
            for name, expanded, reference in pairs:
                self.compare_reference(f"{entry} {name}", expanded, reference)

    def compare_reference(self, what, expanded, reference):
        if expanded.v.shape != reference.v.shape:
            raise Finding("expansion", f"{what} has shape {expanded.v.shape}, expected {reference.v.shape}")
        known = np.isfinite(expanded.e) if expanded.type != "i1" else expanded.e == 0
        with np.errstate(invalid="ignore"):
            off = np.abs(expanded.v.astype(np.float64) - reference.v.astype(np.float64))
        largest = np.max(np.abs(reference.v.astype(np.float64)), initial=0.0, where=known)
        wrong = known & ~(off <= 2 * expanded.e + 1e-12 * largest)
        # A constant that is a result as it stands has no error there: it is the nearest of its type.
        if expanded.type in UNIT:
            wrong &= expanded.v != to_type(reference.v, expanded.type)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise Finding("expansion", f"{what}{list(place)} expands to {expanded.v[place]:.12g}, expected {reference.v[place]:.12g}")

    # Gradients against differences of the loss ---------------------------------------------

    def check_gradients(self):
        """Central differences of the forward ops alone, in f64: independent of all
        rules. Steps h and h / 2 differ by three times the error of the latter, once h is
        small against the function's own scale: a cosine of large arguments turns within
        a step, and differences that do not agree say nothing."""
        if "stop_gradient" in self.text:
            return
        for run, evaluation in zip(self.runs, self.expected):
            if is_of_gradients(run["entry"]):
                self.check_slope(self.functions[run["entry"]], evaluation.results())

    def check_slope(self, function, results):
        loss = function["results"][0]["value"]
        rng = np.random.default_rng(7)
        directions, slope, size = {}, 0.0, 0.0
        for key, gradient in results.items():
            kind, name = key.split(":", 1)
            if kind not in ("gradient", "input_gradient"):
                continue
            direction = rng.standard_normal(gradient.v.shape)
            directions[kind, name] = direction
            slope += np.sum(direction * gradient.v)
            size += np.sum(np.abs(direction * gradient.v))
        if not np.isfinite(slope):
            return
        base = Evaluation(function, self.inputs, self.state, self.batch, PRIMITIVES).run(loss)
        def at(h):
            inputs = {n: v + h * directions.get(("input_gradient", n), 0) for n, v in self.inputs.items()}
            state = {n: v + h * directions.get(("gradient", n), 0) for n, v in self.state.items()}
            moved = Evaluation(function, inputs, state, self.batch, PRIMITIVES).run(loss)
            alike = all(np.array_equal(a, b) for a, b in zip(base.decisions, moved.decisions))
            return float(moved.values[loss].v) if alike else np.nan
        for h in (2.0**-16, 2.0**-20, 2.0**-24):
            wide, narrow = ((at(s) - at(-s)) / (2 * s) for s in (h, h / 2))
            if not abs(wide - narrow) > abs(narrow) / 16:
                break
        else:
            return
        magnitude = max((np.max(np.abs(v.v)) for v in base.values.values() if v.v.size and v.v.dtype == np.float64), default=1.0)
        # Constants of a rule are rounded to its type: some on the way to a gradient.
        unit = max(UNIT[t[0]] for op in function["ops"] for t in op["types"] if t[0] in UNIT)
        allowed = 8 * abs(wide - narrow) + 16 * unit * size + 2.0**-52 * 64 * (magnitude + 1) / h
        if not np.isfinite(wide + narrow + allowed):
            return
        self.counts.gradients += 1
        if abs(slope - narrow) > allowed:
            raise Finding("gradient", f"slope {slope:.9g}, differences say {narrow:.9g} within {allowed:.2g}")

    # One target ------------------------------------------------------------------------------

    def check_target(self, target):
        name, _, option = target.partition("+")
        # Mostly the kernels of train_step: in every other program, here or there.
        gradients = self.gradients and (self.seed + target.startswith(("cpu:", "cpu+"))) % 2 == 0
        runs, expected = zip(*((run, evaluation) for run, evaluation in zip(self.runs, self.expected)
                               if gradients or not is_of_gradients(run["entry"])))
        answer = self.ask("run", where=target, target=name, reference=option == "reference", maxBatch=self.max_batch,
                          gradients=gradients, threads=[1, 2, 3] if name.startswith("cpu") else [1], runs=runs)
        if answer["differingThreads"]:
            raise Finding("threads", f"other bits at {answer['differingThreads']} threads", target)
        before, whole = None, {}
        for run, evaluation, found in zip(runs, expected, answer["runs"]):
            if "error" in found:
                raise Finding("run", found["error"], target)
            if isinstance(evaluation, slice):
                self.compare_part(self.by_sample[run["entry"]], evaluation, whole[run["entry"]], found, target)
                continue
            if evaluation is None:
                evaluation = self.next_step(run["entry"], before)
            self.compare_run(run["entry"], evaluation, found, target)
            before = found["state"] or before
            whole[run["entry"]] = found

    def next_step(self, entry, before):
        state = {name: decode(text, *self.parameters[name]["type"]) for name, text in before.items() if name in self.parameters}
        return Evaluation(self.functions[entry], self.inputs, {**self.state, **state}, self.batch, PRIMITIVES).run()

    def compare_part(self, by_sample, part, whole, found, target):
        if target.startswith("cuda"):
            return  # the library chooses how to multiply by the batch
        for key in by_sample:
            rows, together = (base64.b64decode(answer["outputs"][key]) for answer in (found, whole))
            row_bytes = len(together) // self.batch
            if rows != together[part.start * row_bytes:part.stop * row_bytes]:
                raise Finding("samples", f"{key}: samples {part.start} to {part.stop - 1} of {self.batch} have other bits alone", target)

    def compare_run(self, entry, evaluation, found, target):
        for result in self.functions[entry]["results"]:
            key = f"{result['kind']}:{result['name']}"
            wanted = evaluation.values[result["value"]]
            self.compare(f"{entry} {key}", wanted, found["outputs"][key], target)
        for name, wanted in evaluation.assigned.items():
            if name in found["state"]:
                self.compare(f"{entry} {name}", wanted, found["state"][name], target)
        for name in found["changed"]:
            if name not in evaluation.assigned:
                raise Finding("state", f"{entry} changes {name}", target)

    def compare(self, what, wanted, text, target):
        got = decode(text, wanted.type, wanted.v.shape)
        known = np.isfinite(wanted.e) if wanted.type != "i1" else wanted.e == 0
        largest = float(np.max(np.abs(wanted.v), initial=0.0, where=known)) if wanted.type != "i1" else 1.0
        self.counts.elements += known.size
        self.counts.compared += int(np.sum(known & (wanted.e <= USEFUL * max(largest, 1e-30))))
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(got.astype(np.float64) - wanted.v.astype(np.float64))
            wrong = known & ~(off <= wanted.e)
        if wrong.any():
            worst = np.unravel_index(np.argmax(np.where(wrong, np.where(np.isnan(off), np.inf, off / (wanted.e + 1e-300)), -1)), wrong.shape) if wrong.ndim else ()
            raise Finding("value", f"{what}{[int(i) for i in worst]} ({wanted.type}) is {got[worst]:.9g}, expected "
                          f"{wanted.v[worst]:.9g} within {wanted.e[worst]:.3g}; {int(wrong.sum())} of {wrong.size} are wrong", target)
