#!/usr/bin/env python3
"""inputs/batch-norm.nn against an independent training in NumPy, from the same
weights and batches: the losses of five steps, the running statistics after them, and
what the model predicts with these.

The reference runs in f64. nnc computes in f32, and so do further runs of the
reference, each with the samples of a batch, the positions of a picture and the
hidden units in another order: how far they stray is what rounding does to this
network, all of which is smooth. nnc's order is one more, so it may stray four times
as far as the worst of them, plus two units in the last place of the largest number.

usage: batch-norm.py nnc MODEL, further arguments are options of `nnc train`.
"""
import json, os, subprocess, sys, tempfile

import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors

STEPS, BATCH, ORDERS, RATE, EPSILON = 5, 16, 6, 0.5, 1e-5
NAMES = ["dense.weight", "batch_norm.scale", "batch_norm.bias", "dense_1.weight", "dense_1.bias",
         "batch_norm_1.scale", "batch_norm_1.bias", "dense_2.weight", "dense_2.bias"]
RUNNING = [f"batch_norm{layer}.running_{what}" for layer in ("", "_1") for what in ("mean", "variance")]


def normalise(x, scale, bias):
    """Over the rows of x [n, c]: y, and what the gradient needs."""
    centred = x - x.mean(0)
    variance = (centred * centred).mean(0)
    normal = centred / numpy.sqrt(variance + x.dtype.type(EPSILON))
    return normal * scale + bias, (x.mean(0), variance, normal)


def gradient(dy, scale, saved):
    """dx, dscale and dbias: the derivative of the definition, through mean and variance."""
    _, variance, normal = saved
    dnormal = dy * scale
    dx = (dnormal - dnormal.mean(0) - normal * (dnormal * normal).mean(0)) / numpy.sqrt(variance + dy.dtype.type(EPSILON))
    return dx, (dy * normal).sum(0), dy.sum(0)


def train(weights, x, y, float_type):
    """The losses, and the weights and running statistics after the last step."""
    w = {name: value.astype(float_type) for name, value in weights.items()}
    losses, rate = [], float_type(RATE)
    for step in range(STEPS):
        pictures = x[step * BATCH:(step + 1) * BATCH].astype(float_type)
        target = y[step * BATCH:(step + 1) * BATCH].astype(float_type)
        rows = pictures.reshape(-1, 3)  # [n * 16, 3]
        first, saved = normalise(rows @ w["dense.weight"], w["batch_norm.scale"], w["batch_norm.bias"])
        hidden = numpy.tanh(first)
        pooled = hidden.reshape(BATCH, 16, -1).mean(1)  # [n, 8]
        second, saved_1 = normalise(pooled @ w["dense_1.weight"] + w["dense_1.bias"], w["batch_norm_1.scale"],
                                    w["batch_norm_1.bias"])
        features = numpy.tanh(second)
        error = features @ w["dense_2.weight"] + w["dense_2.bias"] - target
        losses.append((error * error).mean())

        derror = error * float_type(2 / error.size)
        dsecond = derror @ w["dense_2.weight"].T * (1 - features * features)
        dinner, dscale_1, dbias_1 = gradient(dsecond, w["batch_norm_1.scale"], saved_1)
        dpooled = dinner @ w["dense_1.weight"].T
        dhidden = numpy.repeat(dpooled / float_type(16), 16, axis=0)
        drows, dscale, dbias = gradient(dhidden * (1 - hidden * hidden), w["batch_norm.scale"], saved)
        gradients = [rows.T @ drows, dscale, dbias, pooled.T @ dinner, dinner.sum(0), dscale_1, dbias_1,
                     features.T @ derror, derror.sum(0)]
        # PyTorch: the share of the new, of an unbiased variance. Keras: the share of the old.
        for layer, (mean, variance, normal), kept, factor in [
                ("batch_norm", saved, 0.9, len(rows) / (len(rows) - 1)), ("batch_norm_1", saved_1, 0.75, 1)]:
            for name, new in (("running_mean", mean), ("running_variance", variance * float_type(factor))):
                old = w[f"{layer}.{name}"]
                w[f"{layer}.{name}"] = float_type(kept) * old + float_type(1 - kept) * new
        for name, g in zip(NAMES, gradients):
            w[name] = w[name] - rate * g
    return losses, w


def predict(w, x):
    """As evaluation does: with the running statistics."""
    def normal(v, layer):
        return ((v - w[f"{layer}.running_mean"]) / numpy.sqrt(w[f"{layer}.running_variance"] + v.dtype.type(EPSILON))
                * w[f"{layer}.scale"] + w[f"{layer}.bias"])

    x = x.astype(w["dense.weight"].dtype)
    hidden = numpy.tanh(normal(x @ w["dense.weight"], "batch_norm")).mean((1, 2))
    features = numpy.tanh(normal(hidden @ w["dense_1.weight"] + w["dense_1.bias"], "batch_norm_1"))
    return features @ w["dense_2.weight"] + w["dense_2.bias"]


def reorder(weights, x, y, seed):
    """The same with everything that is summed over in another order, and what undoes
    that for the running statistics."""
    random = numpy.random.default_rng(seed)
    units, features = random.permutation(8), random.permutation(6)
    samples = numpy.concatenate([s * BATCH + random.permutation(BATCH) for s in range(STEPS)])
    places = random.permutation(16)
    w = dict(weights)
    w["dense.weight"] = w["dense.weight"][:, units]
    w["dense_1.weight"] = w["dense_1.weight"][units][:, features]
    w["dense_1.bias"] = w["dense_1.bias"][features]
    w["dense_2.weight"] = w["dense_2.weight"][features]
    pictures = x[samples].reshape(-1, 16, 3)[:, places].reshape(-1, 4, 4, 3)
    return w, pictures, y[samples], {"batch_norm": numpy.argsort(units), "batch_norm_1": numpy.argsort(features)}


def results(weights, x, y, float_type, undo=None):
    losses, w = train(weights, x, y, float_type)
    running = {name: w[name][undo[name.split(".")[0]]] if undo else w[name] for name in RUNNING}
    return {"losses": numpy.array(losses), **running}, w


def nnc_results(nnc, model, x, folder, options):
    def run(*command):
        subprocess.run([nnc, *command], check=True, stdout=subprocess.DEVNULL)

    start, end, log = (os.path.join(folder, name) for name in ("start.safetensors", "end.safetensors", "log"))
    common = ["train", model, "--data", folder, "--keep-order", *options]
    run(*common, "--epochs", "0", "-o", start)
    run(*common, "--steps", str(STEPS), "--log", log, "-o", end)
    run("predict", model, "--weights", end, "--input", f"x={folder}/x.npy", "-o", os.path.join(folder, "out"), *options)
    with open(os.path.join(log, "steps.jsonl")) as file:
        losses = numpy.array([json.loads(line)["loss"] for line in file])
    trained = safetensors.load(end)
    found = {"losses": losses, **{name: trained[name] for name in RUNNING}}
    return safetensors.load(start), found, trained, numpy.load(os.path.join(folder, "out", "prediction.npy"))


def main():
    nnc, model, *options = sys.argv[1:]
    random = numpy.random.default_rng(7)
    # Channels of different means and deviations, which the norms have to even out.
    x = (random.normal(size=(STEPS * BATCH, 4, 4, 3)) * [0.5, 1, 4] + [3, 0, -1]).astype(numpy.float32)
    y = numpy.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], 1).astype(numpy.float32)
    with tempfile.TemporaryDirectory() as folder:
        numpy.save(os.path.join(folder, "x.npy"), x)
        numpy.save(os.path.join(folder, "y.npy"), y)
        weights, found, trained, predicted = nnc_results(nnc, model, x, folder, options)
    assert not weights["batch_norm.running_mean"].any() and (weights["batch_norm_1.running_variance"] == 1).all()
    exact, _ = results(weights, x, y, numpy.float64)
    strays = []
    for seed in range(ORDERS):
        *reordered, undo = reorder(weights, x, y, seed)
        strays.append(results(*reordered, numpy.float32, undo)[0])
    failed = False
    for name, value in exact.items():
        allowed = 4 * max(numpy.abs(stray[name] - value).max() for stray in strays) + 2 * 2.0**-23 * numpy.abs(value).max()
        stray = numpy.abs(found[name] - value).max()
        print(f"{name}: strays by {stray:.1e} of {allowed:.1e}")
        failed |= not stray <= allowed
    # From nnc's own weights: some forty roundings of numbers below 8 between x and a prediction.
    double = {name: value.astype(numpy.float64) for name, value in trained.items()}
    stray = numpy.abs(predicted - predict(double, x)).max()
    print(f"prediction: strays by {stray:.1e}")
    sys.exit(failed or not stray <= 40 * 8 * 2.0**-24)


main()
