#!/usr/bin/env python3
"""The first 100 losses of inputs/mlp.nn against an independent computation in NumPy, from
the same weights and batches.

The reference runs in f64. nnc computes in f32, and so do further runs of the
reference, each with its samples, pixels and hidden units in another order, which
changes nothing but where sums round: how far they stray is what rounding does to this
network. nnc's order is one more, so it may stray four times as far as the worst of
them so far, plus two units in the last place of the loss itself (2 * 2^-23
relative). That holds as long as nothing in the network jumps:
its activation is smooth, and the loss and Adam are.

Arguments after the data are options of `nnc train`, but for `bf16`: with it the model
has `precision bf16`, and all references round to it where it says: products and what is between them, forward and backward,
but not losses, sums and parameters. Where a sum rounds to the other of two
neighbours in bf16 is chance again, so the same bound holds. With `wide` as well, what one kernel hands
from one operation to the next is not rounded, as on a GPU: sums with a bias, and
the derivative of its activation.
"""
import gzip, json, os, subprocess, sys, tempfile

import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors

STEPS, BATCH, ORDERS = 100, 128, 6


def read_idx(path):
    with gzip.open(path) as file:
        content = file.read()
    rank = content[3]
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return numpy.frombuffer(content, "u1", offset=4 + 4 * rank).reshape(shape)


def round_to_bf16(x):
    """To nearest, ties to even: the upper half of an f32."""
    bits = numpy.asarray(x, numpy.float32).view(numpy.uint32)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & numpy.uint32(0xFFFF0000)
    return bits.view(numpy.float32).astype(x.dtype)


def reference_losses(weights, images, labels, float_type, low, between):
    """Forward, backward and Adam (Kingma and Ba 2015, algorithm 1). `low` rounds
    what is computed in the model's precision, `between` what stays in a kernel."""
    w1, b1, w2, b2 = (weights[n].astype(float_type) for n in
                      ("dense.weight", "dense.bias", "dense_1.weight", "dense_1.bias"))
    parameters = [w1, b1, w2, b2]
    first = [numpy.zeros_like(p) for p in parameters]
    second = [numpy.zeros_like(p) for p in parameters]
    losses = []
    for step in range(STEPS):
        x = low(images[step * BATCH : (step + 1) * BATCH].reshape(BATCH, -1).astype(float_type) / float_type(255))
        label = labels[step * BATCH : (step + 1) * BATCH]
        w2_low = low(w2)
        hidden = low(numpy.tanh(between(low(x @ low(w1)) + low(b1))))  # [B, 128]
        logits = between(low(hidden @ w2_low) + low(b2))  # [B, 10]
        shifted = logits - logits.max(1, keepdims=True)
        log_softmax = shifted - numpy.log(numpy.exp(shifted).sum(1, keepdims=True))
        losses.append(-log_softmax[numpy.arange(BATCH), label].mean())
        dlogits = numpy.exp(log_softmax)
        dlogits[numpy.arange(BATCH), label] -= 1
        dlogits = low(dlogits / BATCH)
        dhidden = low(low(dlogits @ w2_low.T) * between(1 - between(hidden * hidden)))
        gradients = [low(x.T @ dhidden), dhidden.sum(0), low(hidden.T @ dlogits), dlogits.sum(0)]
        t = step + 1
        for p, g, m, v in zip(parameters, gradients, first, second):
            m += float_type(0.1) * (g - m)
            v += float_type(0.001) * (g * g - v)
            p -= float_type(0.001) * (m / float_type(1 - 0.9**t)) / (
                numpy.sqrt(v / float_type(1 - 0.999**t)) + float_type(1e-8))
    return numpy.array(losses, dtype=numpy.float64)


def reordered(weights, images, labels, seed):
    """The same network and batches with everything that is summed over in another order."""
    random = numpy.random.default_rng(seed)
    pixels, hidden = random.permutation(784), random.permutation(weights["dense.bias"].size)
    samples = numpy.concatenate([s * BATCH + random.permutation(BATCH) for s in range(STEPS)])
    return ({"dense.weight": weights["dense.weight"][pixels][:, hidden], "dense.bias": weights["dense.bias"][hidden],
             "dense_1.weight": weights["dense_1.weight"][hidden], "dense_1.bias": weights["dense_1.bias"]},
            images.reshape(-1, 784)[samples][:, pixels], labels[samples])


def nnc_losses(nnc, model, data, folder, options):
    """The weights before the first step, and the loss of every step."""
    start, log = os.path.join(folder, "start.safetensors"), os.path.join(folder, "log")
    common = [nnc, "train", model, "--data", data, "--keep-order", *options]
    subprocess.run([*common, "--epochs", "0", "-o", start], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*common, "--steps", str(STEPS), "--log", log, "-o", os.path.join(folder, "end.safetensors")],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(log, "steps.jsonl")) as file:
        return safetensors.load(start), numpy.array([json.loads(line)["loss"] for line in file])


def main():
    nnc, model, data, *options = sys.argv[1:]
    low = between = lambda x: x
    if "bf16" in options:
        options.remove("bf16")
        low = between = round_to_bf16
    if "wide" in options:
        options.remove("wide")
        between = lambda x: x
    with tempfile.TemporaryDirectory() as folder:
        weights, losses = nnc_losses(nnc, model, data, folder, options)
    images = read_idx(os.path.join(data, "train-images-idx3-ubyte.gz"))
    labels = read_idx(os.path.join(data, "train-labels-idx1-ubyte.gz"))
    exact = reference_losses(weights, images, labels, numpy.float64, low, between)
    strays = [numpy.abs(reference_losses(*reordered(weights, images, labels, seed), numpy.float32, low, between) - exact)
              for seed in range(ORDERS)]
    assert len(losses) == STEPS, f"{len(losses)} losses, expected {STEPS}"
    allowed = 4 * numpy.maximum.accumulate(numpy.max(strays, 0)) + 2 * 2.0**-23 * exact
    stray = numpy.abs(losses - exact)
    print(f"loss {exact[0]:.6f} to {exact[-1]:.6f}; nnc strays by {stray.max():.1e}, "
          f"NumPy in f32 by {numpy.max(strays):.1e}; at most {numpy.max(stray / allowed):.2f} of what is allowed")
    wrong = numpy.flatnonzero(stray > allowed)
    if len(wrong):
        step = wrong[0]
        sys.exit(f"step {step + 1}: loss {losses[step]!r}, expected {exact[step]!r} within {allowed[step]:.1e}")


main()
