"""What training blocks say beyond an optimizer, against NumPy in f64 on a linear model whose
gradient is known: groups, lengths of a run, accumulation, averages, plateaus.

    recipes.py groups|lengths|accumulation|averages|plateau|embedded [LIBRARIES] [OPTIONS of nnc]
"""
import json
import subprocess
import sys

import numpy

import safetensors

SAMPLES, INPUTS, OUTPUTS = 22, 3, 2
RANDOM = numpy.random.RandomState(5)
X = RANDOM.standard_normal((SAMPLES, INPUTS)).astype("f4")
Y = RANDOM.standard_normal((SAMPLES, OUTPUTS)).astype("f4")
START = {"layer.weight": RANDOM.standard_normal((INPUTS, OUTPUTS)).astype("f4"), "layer.bias": numpy.ones(OUTPUTS, "f4")}
OPTIONS = sys.argv[2:]
# Sums of some tens of terms in f32, of some tens of steps.
CLOSE = dict(rtol=2e-5, atol=2e-5)


def write(training, validation=""):
    numpy.save("x.npy", X)
    numpy.save("y.npy", Y)
    safetensors.save("start.safetensors", START)
    with open("model.nn", "w") as file:
        file.write("model line(x: f32[batch, 3], y: f32[batch, 2]) {\n  p = dense(x, 2) as layer\n  loss mse(p, y)\n"
                   "  output p\n}\ntraining {\n" + "".join(f"  {line}\n" for line in training) + "}\n"
                   'data {\n  train x = npy("x.npy"), y = npy("y.npy")\n' + validation + "}\n")


def train(training, *options, **more):
    """The lines of steps and of epochs, and the weights."""
    write(training, **more)
    subprocess.run(["nnc", "train", "model.nn", "--keep-order", "--weights", "start.safetensors", "--threads", "1", "--log", "log",
                    "-o", "end.safetensors", *OPTIONS, *options], check=True, stdout=subprocess.DEVNULL)
    lines = lambda name: [json.loads(line) for line in open(f"log/{name}.jsonl")]
    return lines("steps"), lines("log"), safetensors.load("end.safetensors")


def gradient(weights, rows):
    x, y = X[rows].astype("f8"), Y[rows].astype("f8")
    error = 2 * (x @ weights["layer.weight"] + weights["layer.bias"] - y) / y.size
    return {"layer.weight": x.T @ error, "layer.bias": error.sum(0)}


def batches(size, epochs=1):
    return [slice(first, min(first + size, SAMPLES)) for _ in range(epochs) for first in range(0, SAMPLES, size)]


def begin():
    return {name: array.astype("f8") for name, array in START.items()}


def check(found, expected, **close):
    for name, value in expected.items():
        numpy.testing.assert_allclose(found[name], value, **(close or CLOSE), err_msg=name)


def groups():
    """A decay for weights alone, and a rate and another optimizer for the bias."""
    weights = begin()
    for rows in batches(8, 2):
        slope = gradient(weights, rows)
        weights["layer.weight"] -= 0.1 * (slope["layer.weight"] + 0.5 * weights["layer.weight"])
        weights["layer.bias"] -= 0.025 * slope["layer.bias"]
    _, epochs, found = train(["optimizer sgd(0.1, weight_decay = 0.5)", "batch 8", "epochs 2",
                              'group "*.bias" {', "  weight_decay 0", "  rate 0.25", "}"])
    check(found, weights)
    assert abs(epochs[-1]["*.bias.learning_rate"] - 0.025) < 1e-8 and abs(epochs[-1]["learning_rate"] - 0.1) < 1e-8, epochs

    # Momentum for the weight; the bias by sgd, with half the rate of a falling schedule.
    weights, velocity = begin(), 0.0
    for step, rows in enumerate(batches(8, 2)):
        rate, slope = 0.1 * (1 - step / 6), gradient(weights, rows)
        velocity = 0.9 * velocity + slope["layer.weight"]
        weights["layer.weight"] = weights["layer.weight"] - rate * velocity
        weights["layer.bias"] = weights["layer.bias"] - rate / 2 * slope["layer.bias"]
    _, epochs, found = train(["optimizer momentum(polynomial(0.1))", "batch 8", "epochs 2",
                              'group ["*.bias"] { optimizer sgd(0.05) }'])
    check(found, weights)


def lengths():
    """In epochs and shares of the run a schedule is the same run, whatever its length."""
    for size, count in ((8, 2), (4, 3), (22, 10)):
        options = ["--batch", str(size), "--epochs", str(count)]
        per_epoch = -(-SAMPLES // size)
        total = per_epoch * count
        rates = lambda schedule: [line["learning_rate"] for line in train([f"optimizer sgd({schedule})"], *options)[0]]
        steps = numpy.arange(total)
        warm = lambda n, rest: numpy.where(steps < n, (steps + 1) / max(n, 1), rest)
        n = round(0.5 * total)
        check({0: rates("wsd(0.1, decay = 0.5 run)")}, {0: 0.1 * numpy.minimum(1, (total - steps) / n)})
        check({0: rates("polynomial(0.1, warmup = 1 epoch, final = 0.01)")},
              {0: 0.1 * warm(per_epoch, 0.1 + 0.9 * (1 - (steps - per_epoch) / (total - per_epoch)))})
        check({0: rates("step(0.1, every = 1 epochs, factor = 0.5)")}, {0: 0.1 * 0.5 ** (steps // per_epoch)})
        check({0: rates("constant(0.1, warmup = 2 steps)")}, {0: 0.1 * warm(2, 1.0)})
        check({0: rates("piecewise(0.1, at = [1 epochs], factors = [0.25])")}, {0: numpy.where(steps < per_epoch, 0.1, 0.025)})


def accumulation():
    """As the batch that is as many times as large, by samples; also of epochs that end within."""
    sgd = ["optimizer momentum(0.1)", "clip_norm 1.0", "epochs 3"]
    for size, count in ((2, 4), (3, 3), (5, 2)):
        steps, _, found = train([*sgd, f"batch {size}", f"accumulate {count}"])
        large, _, expected = train([*sgd, f"batch {size * count}"])
        check(found, expected, rtol=2e-6, atol=2e-6)
        assert [line["step"] for line in steps] == [line["step"] for line in large], steps
    # A run of updates: its schedules count these.
    steps, _, _ = train(["optimizer sgd(polynomial(0.1))", "epochs 2", "batch 4", "accumulate 2"])
    check({0: [line["learning_rate"] for line in steps]}, {0: 0.1 * (1 - numpy.arange(6) / 6)})


def averages():
    """Evaluation and weights are of the mean, the checkpoint has it and what goes on."""
    decay = 0.75
    for training, share in (("0.75", 0), ("uniform", 0), ("uniform from 0.5 run", 0.5), ("0.75 from 2 steps", None)):
        weights, mean, kept = begin(), begin(), 0
        order = batches(8, 3)
        first = 2 if share is None else round(share * len(order))
        for step, rows in enumerate(order):
            slope = gradient(weights, rows)
            weights = {name: value - 0.1 * slope[name] for name, value in weights.items()}
            t = max(step + 1 - first, 1)
            weight = 1 / t if "uniform" in training else (1 - decay) / (1 - decay**t)
            mean = {name: value + weight * (weights[name] - value) for name, value in mean.items()}
        recipe = ["optimizer sgd(0.1)", "batch 8", "epochs 3", f"average {training}"]
        _, _, found = train(recipe, "--checkpoint", "check.point")
        check(found, mean)
        checkpoint = safetensors.load("check.point")
        check(checkpoint, weights)
        check({name: checkpoint[f"nnc.optimizer/{name}.average"] for name in mean}, mean)
        # Whoever reads weights, of the checkpoint or of the file, has the mean.
        outputs = []
        for weights_file in ("check.point", "end.safetensors"):
            subprocess.run(["nnc", "predict", "model.nn", "--weights", weights_file, "--input", "x=x.npy", "-o", weights_file + ".d"],
                           check=True, stdout=subprocess.DEVNULL)
            outputs.append(numpy.load(weights_file + ".d/p.npy"))
        check({0: outputs[0]}, {0: X @ mean["layer.weight"] + mean["layer.bias"]})
        assert (outputs[0] == outputs[1]).all()
        # A run that was broken off ends in the same bits.
        half = ["--checkpoint", "half.point"]
        if share != 0.5:
            train(recipe, *half, "--epochs", "1")
            _, _, resumed = train(recipe, *half, "--resume")
            assert all((resumed[name] == found[name]).all() for name in found), training

    # What is held out is evaluated with the mean: of the initial weights and no step, their loss.
    _, epochs, _ = train(["optimizer sgd(0.1)", "batch 22", "average uniform", "epochs 4"],
                         validation='  test x = npy("x.npy"), y = npy("y.npy")\n')
    weights, mean = begin(), begin()
    for t in range(1, 5):
        slope = gradient(weights, slice(0, SAMPLES))
        weights = {name: value - 0.1 * slope[name] for name, value in weights.items()}
        mean = {name: value + (weights[name] - value) / t for name, value in mean.items()}
    loss = ((X @ mean["layer.weight"] + mean["layer.bias"] - Y) ** 2).mean()
    check({0: epochs[-1]["test_loss"]}, {0: loss})


def plateau():
    """A rate too small to change anything: the loss rests from the first epoch on."""
    recipe = ["optimizer sgd(plateau(1e-20, factor = 0.5, patience = 2, final = 2e-21))", "batch 8"]
    rates = lambda lines: [line["learning_rate"] for line in lines if "loss" in line]
    expected = numpy.maximum(1e-20 * 0.5 ** numpy.array([0, 0, 0, 1, 1, 2, 2, 3, 3]), 2e-21)
    _, epochs, _ = train(recipe, "--epochs", "9", "--checkpoint", "whole.point")
    numpy.testing.assert_allclose(rates(epochs), expected, rtol=1e-6)
    # What it has seen is in the checkpoint.
    train(recipe, "--epochs", "4", "--checkpoint", "half.point")
    _, epochs, _ = train(recipe, "--epochs", "9", "--checkpoint", "half.point", "--resume")
    numpy.testing.assert_allclose(rates(epochs), expected, rtol=1e-6)
    whole, half = safetensors.load("whole.point"), safetensors.load("half.point")
    assert all((whole[name] == half[name]).all() for name in whole)

    for metric, message in (("acuracy", "epochs have no metric 'acuracy'; they have loss"),
                            ("validation_loss", "no samples are held out")):
        write([f'optimizer sgd(plateau(0.1, metric = "{metric}"))'])
        result = subprocess.run(["nnc", "train", "model.nn"], capture_output=True, text=True)
        assert result.returncode == 1 and message in result.stderr, result.stderr


def embedded():
    """From C: a step knows whether it updates, between two of them a checkpoint has what waits."""
    global OPTIONS
    libraries, *OPTIONS = OPTIONS
    import session
    library = session.Library(libraries)
    recipe = ["optimizer momentum(cosine(0.1))", "accumulate 3", "batch 4"]
    write(recipe)
    subprocess.run(["nnc", "compile", "model.nn", "-o", "model.plan", *OPTIONS], check=True)

    def step(run, rows, entry=None):
        tensors = [session.to_tensor(numpy.ascontiguousarray(array[rows])) for array in (X, Y)]
        inputs = (session.Tensor * 2)(*tensors), session.ctypes.c_size_t(2)
        if entry:
            library.expect("nnc_session_run", run.handle, entry, *inputs)
        else:
            library.expect("nnc_session_train_step", run.handle, *inputs, None)

    def scalar(run, name):
        value = session.ctypes.c_double()
        library.expect("nnc_session_get_scalar", run.handle, name, session.ctypes.byref(value))
        return value.value

    def saved(run, path):
        library.expect("nnc_session_save_checkpoint", run.handle, path, None, session.ctypes.c_size_t(0))
        return safetensors.load(path.decode())

    def start():
        run = session.Session(library, "model.plan", sequences=False)
        library.expect("nnc_session_load", run.handle, b"start.safetensors")
        return run

    order = batches(4, 2)
    whole, parts = start(), start()
    for name, value in ((b"steps_per_epoch", 2.0), (b"run_steps", 4.0)):
        for run in (whole, parts):
            library.expect("nnc_session_set_scalar", run.handle, name, session.ctypes.c_double(value))
    for number, rows in enumerate(order):
        step(whole, rows)
        step(parts, rows, b"train_step" if number % 3 == 2 else b"accumulate_step")
        assert scalar(whole, b"step") == (number + 1) // 3 and scalar(whole, b"waiting_batches") == (number + 1) % 3
        if number == 4:
            saved(parts, b"between.point")
            parts = start()
            library.expect("nnc_session_load_checkpoint", parts.handle, b"between.point")
    first, second = saved(whole, b"whole.point"), saved(parts, b"parts.point")
    assert all((first[name] == second[name]).all() for name in first)

    # As long as nobody says how long the run is, the rate is its base.
    unknown = start()
    for rows in order[:3]:
        step(unknown, rows)
    slope = {name: sum(4 * gradient(begin(), rows)[name] for rows in order[:3]) / 12 for name in START}
    check(saved(unknown, b"unknown.point"), {name: value - 0.1 * slope[name] for name, value in begin().items()})


if __name__ == "__main__":
    globals()[sys.argv[1]]()
