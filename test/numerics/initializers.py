#!/usr/bin/env python3
"""Initial values against their definitions: moments within five standard errors, ranges
exactly. Sources: Glorot and Bengio 2010, He et al. 2015, Saxe et al. 2014."""
import math, os, subprocess, sys, tempfile

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
import safetensors

nnc, model, *options = sys.argv[1:]
FAN_IN, FAN_OUT = 96, 160

with tempfile.TemporaryDirectory() as folder:
    weights = os.path.join(folder, "w.safetensors")
    numpy.save(os.path.join(folder, "x.npy"), numpy.ones((2, 1), "f4"))
    numpy.save(os.path.join(folder, "y.npy"), numpy.ones(2, "f4"))
    subprocess.run([nnc, "train", model, "--data", folder, "--epochs", "0", "-o", weights, *options],
                   check=True, stdout=subprocess.DEVNULL)
    tensors = {name.rstrip("_"): t.astype("f8") for name, t in safetensors.load(weights).items()}

for name, value in (("zeros", 0), ("ones", 1), ("constant", 0.75)):
    assert (tensors[name] == value).all(), name


def check_uniform(name, low, high):
    t, width = tensors[name], high - low
    assert low - 1e-6 <= t.min() and t.max() <= high + 1e-6, (name, t.min(), t.max(), low, high)
    check_moments(name, t, (low + high) / 2, width / 12**0.5, 1.8)


def check_moments(name, t, mean, deviation, kurtosis):
    error = (t.mean() - mean) / (deviation / t.size**0.5)
    # The variance of a sample variance is (kurtosis - 1) sigma^4 / n.
    spread = (t.var() / deviation**2 - 1) / ((kurtosis - 1) / t.size) ** 0.5
    print(f"{name}: mean {t.mean():.5f}, deviation {t.std():.5f}: off by {error:.1f} and {spread:.1f} standard errors")
    assert abs(error) < 5 and abs(spread) < 5, name


check_moments("normal", tensors["normal"], 0, 0.5, 3)
check_uniform("uniform", -1, 3)
glorot, he = math.sqrt(6 / (FAN_IN + FAN_OUT)), math.sqrt(6 / FAN_IN)
check_uniform("glorot_uniform", -glorot, glorot)
check_uniform("he_uniform", -he, he)
check_moments("glorot_normal", tensors["glorot_normal"], 0, glorot / 3**0.5, 3)
check_moments("he_normal", tensors["he_normal"], 0, he / 3**0.5, 3)

# The shorter side's vectors are orthonormal; f32 holds 96 products of 160 terms.
q = tensors["orthogonal"]
error = abs(q @ q.T - numpy.eye(FAN_IN)).max()
print(f"orthogonal: differs from the identity by {error:.1e}")
assert error < 160 * 2.0**-23, error
