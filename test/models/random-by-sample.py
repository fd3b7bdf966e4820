"""Random numbers outside of training belong to a sample of the set, wherever the
batch stands among their dimensions: what a loop goes over, a channel of a picture,
a group of outputs without inputs, and a step's losses and metrics have the same
bits at every batch size, the last and shorter batch included.

  random-by-sample.py TARGET...

A target may be `reference`. The first gives what the others are compared with."""
import json
import subprocess
import sys

import numpy

ROWS = 20
MODEL = """
fn walk(noise, place) {
  next = 0.5 * place + noise
  return [next, next * next]
}

model draws(x: f32[batch, 3], y: f32[batch, 3]) {
  steps_first = random_uniform([5, batch, 2])
  last, squares = scan(walk, from = [0 * x[:, 0:2]], axis = 0, over = [steps_first])
  steps_second = random_uniform([batch, 5, 2])
  ended, kept = scan(walk, from = [0 * x[:, 0:2]], axis = 1, over = [steps_second])
  noise = random_uniform([3, batch])
  step fit {
    loss mse(dense(x, 3) * 0 + transpose(noise), y)
    metric r2(transpose(noise), x)
    metric roc_auc(noise[0], cast(x[:, 0] > 0, i32))
    update with sgd(0.1)
  }
  step flip {
    loss mean(bernoulli([2, batch, 2], 0.5)) + 0 * mean(dense(x, 1))
    update with sgd(0.1)
  }
  output walks {
    output last
    output squares = transpose(squares, [1, 0, 2])
    output ended
    output kept
  }
  output pictures {
    output picture = random_uniform([batch, 4, 4, 3]) * bernoulli([batch, 1, 1, 3], 0.5)
  }
  output mixed = transpose(random_uniform([7, batch])) + 0 * x[:, 0:1]
  output whole = dropout(x, 0.5, channels = true)
}

data {
  train x = npy("x.npy"), y = npy("y.npy")
  test x = npy("x.npy"), y = npy("y.npy")
}
"""


def nnc(*words):
    done = subprocess.run(["nnc", *words], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


def predict(*words):
    nnc("predict", "draws.plan", "--weights", "draws.safetensors", "-o", "out", *words)


def run(batch, target):
    """Each output, and the losses and metrics of the set."""
    choice = ["--reference"] if target == "reference" else ["--target", target]
    nnc("compile", "draws.nn", "--max-batch", str(batch), *choice, "-o", "draws.plan")
    predict("--input", "x=x.npy")
    predict("--input", "x=x.npy", "--entry", "walks")
    predict("--count", str(ROWS), "--entry", "pictures")
    names = ("mixed", "whole", "last", "squares", "ended", "kept", "picture")
    measured = [json.loads(nnc("eval", "draws.plan", "--weights", "draws.safetensors", "--json", *part)) for part in ([], ["--part"])]
    for key in ("loss", "fit.loss", "fit.r2", "fit.roc_auc", "flip.loss"):
        assert measured[0][key] == measured[1][key], (key, measured)
    return {name: numpy.load(f"out/{name}.npy") for name in names}, measured[0]


with open("draws.nn", "w") as file:
    file.write(MODEL)
numbers = numpy.random.default_rng(1)
for name in ("x", "y"):
    numpy.save(f"{name}.npy", numbers.standard_normal((ROWS, 3)).astype("f4"))
nnc("train", "draws.nn", "--data", ".", "--epochs", "0", "-o", "draws.safetensors", "--quiet")

outputs, measured = run(ROWS, sys.argv[1])
for name, count in [("mixed", 7), ("last", 2), ("squares", 10), ("ended", 2), ("kept", 10)]:
    assert len(numpy.unique(outputs[name])) > 0.98 * count * ROWS, f"{name}: each sample draws anew"
assert numpy.array_equal(outputs["whole"], numpy.load("x.npy")), "dropout is of training alone"
shown = (outputs["picture"] != 0).any((1, 2))  # channels of samples
assert (outputs["picture"] != 0).all((1, 2)).sum() == shown.sum() and 15 < shown.sum() < 45, "60 fair coins, within four deviations"
for target in sys.argv[1:]:
    for batch in (1, 3, 7) if target == sys.argv[1] else (7, ROWS):
        found, of_set = run(batch, target)
        for name, wanted in outputs.items():
            # Sums of a step are rounded as each target does.
            allowed = 0 if target == sys.argv[1] else 1e-6
            assert abs(found[name] - wanted).max() <= allowed, (target, batch, name)
        for key in ("loss", "fit.loss", "fit.r2", "fit.roc_auc", "flip.loss"):
            # 60 and 80 terms of f32: 80 * 2^-24 of sums below 2, however they are cut.
            assert abs(of_set[key] - measured[key]) < 1e-5, (target, batch, key, of_set, measured)
