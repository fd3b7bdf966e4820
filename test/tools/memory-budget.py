"""Trains models with and without a memory budget, and compares:

    memory-budget.py TARGET MODEL...

The budget is the least that the compiler says is possible. The weights have to be the
same bits, the plan within the budget, and what is computed again no more than one way to
the loss, a third of the step where products are all of it."""

import json
import re
import subprocess
import sys

import numpy as np

# Layers, and the largest share of the arena that may be left. A chain of n layers keeps
# about 2 sqrt(n) of n values, and the two gradients at hand: 10 of 16 for the first.
MODELS = {
    "deep": ("""
model deep(x: f32[batch, 32], y: f32[batch, 4]) {
  h = x
  for i in 0..16 { h = dropout(tanh(dense(h, 32)), 0.1) }
  loss mse(dense(h, 4), y)
}""", [(32,), (4,)], 256, 0.6),
    "pictures": ("""
model pictures(x: f32[batch, 8, 8, 3], y: f32[batch, 4]) {
  h = conv2d(x, 8, kernel = 3, padding = same)
  for i in 0..4 {
    h = h + dropout(conv2d(relu(batch_norm(h)), 8, kernel = 3, padding = same), 0.1)
  }
  loss mse(dense(mean(h, axes = [1, 2]), 4), y)
}""", [(8, 8, 3), (4,)], 32, 0.6),
    "attention": ("""
const heads = 2
const width = 16
const time = 8

fn split(x) {
  return transpose(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3])
}

fn attend(x) {
  q = split(dense(x, width))
  k = split(dense(x, width))
  v = split(dense(x, width))
  weights = dropout(softmax(matmul(q, transpose(k, [0, 1, 3, 2])), axis = 3), 0.1)
  mixed = reshape(transpose(matmul(weights, v), [0, 2, 1, 3]), [batch, time, width])
  return dense(mixed, width)
}

model attention(x: f32[batch, time, width], y: f32[batch, time, 4]) {
  for i in 0..4 {
    x = x + attend(layer_norm(x))
    x = x + dropout(dense(gelu(dense(layer_norm(x), 4 * width)), width), 0.1)
  }
  loss mse(dense(layer_norm(x), 4), y)
}""", [(8, 16), (8, 4)], 32, 0.4),
    # Loops over time run again as a whole.
    "recurrent": ("""
fn cell(x, h) {
  h = tanh(x + dense(h, 16, bias = false))
  return [h, h]
}

model recurrent(x: f32[batch, 12, 16], y: f32[batch, 4]) {
  for i in 0..6 {
    last, all = scan(cell, over = dense(x, 16), from = zeros([16]))
    x = dropout(all, 0.1)
  }
  loss mse(dense(mean(x, axes = [1]), 4), y)
}""", [(12, 16), (4,)], 32, 0.8),
}

TRAINING = """

training {
  optimizer adam(learning_rate = 0.01)
  batch BATCH
  epochs 2
}

data {
  train x = npy("x.npy"), y = npy("y.npy")
}
"""


def run(*words, isRight=True):
    result = subprocess.run(words, capture_output=True, text=True)
    if (result.returncode == 0) != isRight:
        sys.exit(f"{' '.join(words)}: {result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def train(name, target, weights, *more):
    run("nnc", "train", f"{name}.nn", "--target", target, "-o", weights, "--force", *more)
    with open(weights, "rb") as file:
        return file.read()


def check(name, target):
    text, shapes, batch, share = MODELS[name]
    with open(f"{name}.nn", "w") as file:
        file.write(text + TRAINING.replace("BATCH", str(batch)))
    # A last batch that is not full.
    random = np.random.default_rng(1)
    for file, shape in zip(("x.npy", "y.npy"), shapes):
        np.save(file, random.standard_normal((3 * batch - 5, *shape)).astype(np.float32))
    plan = f"{name}.plan"
    words = ("nnc", "compile", f"{name}.nn", "--target", target, "-o", plan)
    least = int(re.search(r"at least (\d+) bytes", run(*words, "--memory-budget", "1", isRight=False))[1])
    run(*words)
    before = json.loads(run("nnc", "inspect", plan, "--json"))
    run(*words, "--memory-budget", str(least))
    after = json.loads(run("nnc", "inspect", plan, "--json"))
    peak = after["state_bytes"] + after["arena_bytes"]
    assert peak <= least, f"{name}: {peak} bytes planned, the budget is {least}"
    assert after["arena_bytes"] <= share * before["arena_bytes"], f"{name}: {before['arena_bytes']} to {after['arena_bytes']}"

    commands = next(entry for entry in after["entry_points"] if entry["name"] == "train_step")["commands"]
    again = sum(command.get("flop", 0) for command in commands if command.get("again"))
    once = sum(command.get("flop", 0) for command in commands if not command.get("again"))
    assert 0 < again <= once / 2, f"{name}: {again} of {once} FLOP again"

    # A tight budget, and one in between.
    whole = train(name, target, "whole.safetensors")
    assert train(name, target, "less.safetensors", "--memory-budget", str(least)) == whole, f"{name}: other bits"
    if target == "cpu":
        middle = before["state_bytes"] + (before["arena_bytes"] + after["arena_bytes"]) // 2
        assert train(name, target, "less.safetensors", "--memory-budget", str(middle)) == whole, f"{name}: other bits"
        # A run goes on under another budget.
        checkpoint = ("--checkpoint", "run.safetensors")
        run("rm", "-f", checkpoint[1])
        train(name, target, "less.safetensors", "--epochs", "1", *checkpoint, "--memory-budget", str(middle))
        assert train(name, target, "less.safetensors", *checkpoint, "--resume") == whole, f"{name}: other bits after a stop"
    print(f"{name}: ok, {before['arena_bytes']} to {after['arena_bytes']} bytes, {100 * again / once:.0f}% again")


for name in sys.argv[2:]:
    check(name, sys.argv[1])
