#!/usr/bin/env python3
"""Random ops against their distributions: sample moments within five standard errors,
and no value outside of the range. The draws are the same in every run, so that this
passes always or never; five standard errors is a chance of one in two million for a
generator that is right.
"""
import json, os, subprocess, sys, tempfile

import numpy

nnc, model, *options = sys.argv[1:]
BATCH, WIDTH = 2048, 64
COUNT = BATCH * WIDTH


def near(name, found, expected, deviation):
    """`deviation`: standard deviation of one sample of what was averaged."""
    error = abs(found - expected) / (deviation / COUNT**0.5)
    print(f"{name}: {found:.5f}, expected {expected:.5f}, {error:.1f} standard errors")
    if not error <= 5:
        sys.exit(f"{name} is {found}, expected {expected}")


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    numpy.save("x.npy", numpy.ones((BATCH, WIDTH), "f4"))
    numpy.save("y.npy", numpy.zeros(BATCH, "f4"))
    weights = os.path.join(folder, "w.safetensors")
    train = subprocess.run([nnc, "train", model, "--data", folder, "--json", "-o", weights, *options],
                           check=True, capture_output=True, text=True)
    record = json.loads(train.stdout.splitlines()[0])
    subprocess.run([nnc, "predict", model, "--weights", weights, "--input", "x=x.npy", "-o", folder, *options],
                   check=True, stdout=subprocess.DEVNULL)
    uniform, normal, bernoulli = (numpy.load(n + ".npy").astype("f8") for n in ("uniform", "normal", "bernoulli"))

# dropout(1, 0.3) is 0 with probability 0.3, else 1 / 0.7.
near("dropped share", record["dropped"], 0.3, (0.3 * 0.7) ** 0.5)
near("dropout's mean", record["kept"], 1.0, (0.3 / 0.7) ** 0.5)
assert uniform.min() >= -1 and uniform.max() < 3, (uniform.min(), uniform.max())
near("uniform's mean", uniform.mean(), 1.0, 4 / 12**0.5)
# The fourth central moment of a uniform distribution of width w is w^4 / 80.
near("uniform's variance", ((uniform - 1) ** 2).mean(), 16 / 12, (256 / 80 - (16 / 12) ** 2) ** 0.5)
standard = (normal - 2) / 0.5
near("normal's mean", standard.mean(), 0, 1)
near("normal's variance", (standard**2).mean(), 1, 2**0.5)
near("normal's fourth moment", (standard**4).mean(), 3, 96**0.5)
near("normal within one deviation", (abs(standard) < 1).mean(), 0.6826895, (0.6826895 * 0.3173105) ** 0.5)
assert set(numpy.unique(bernoulli)) == {0.0, 1.0}
near("bernoulli's mean", bernoulli.mean(), 0.25, (0.25 * 0.75) ** 0.5)
# Neighbours in a row, and rows, are independent.
near("correlation of neighbours", (standard[:, 1:] * standard[:, :-1]).mean(), 0, 1)
near("correlation of rows", (standard[1:] * standard[:-1]).mean(), 0, 1)
near("correlation with uniform", (standard * (uniform - 1)).mean(), 0, 4 / 12**0.5)
