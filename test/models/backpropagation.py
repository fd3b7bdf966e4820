#!/usr/bin/env python3
"""The numbers of docs/backpropagation.md against nnc's.

The page gives nine decimals: half a unit of the last is 5e-10. nnc computes in f32,
where values below 2 round by at most 2^-24 = 6e-8 in each of at most ten operations
on the way to any number here: 6e-7. A gradient is read off as the change of a weight
over the learning rate 0.5, which doubles the rounding of that weight.
"""
import ast, json, os, re, subprocess, sys, tempfile

import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors

TOLERANCE = 1.3e-6
nnc, model, page, *extra = sys.argv[1:]

expected = {}
for block in re.findall(r"```\n(.*?)```", open(page).read(), re.S):
    for name, value in re.findall(r"^(\w+) = ([^=]*)(?=^\w|\Z)", block, re.S | re.M):
        expected[name] = numpy.array(ast.literal_eval(value.strip()))

with tempfile.TemporaryDirectory() as folder:
    def train(*options):
        weights = os.path.join(folder, "weights.safetensors")
        done = subprocess.run([nnc, "train", model, "--json", "-o", weights, *extra, *options],
                              check=True, capture_output=True, text=True)
        return safetensors.load(weights), done.stdout

    before, _ = train("--epochs", "0")
    after, output = train()

found = {"loss": json.loads(output.splitlines()[0])["loss"]}
for name in ("w1", "b1", "w2", "b2"):
    found["d" + name] = (before[name] - after[name]) / 0.5
    found[name + "_after"] = after[name]

for name, value in found.items():
    error = numpy.abs(value - expected[name]).max()
    print(f"{name}: differs by {error:.1e}")
    if not error <= TOLERANCE:
        sys.exit(f"{name} is {value}, the page says {expected[name]}")
