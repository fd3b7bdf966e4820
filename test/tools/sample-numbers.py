"""What a sample draws in `nnc predict` and `nnc eval` depends on its place in
the set: the same bits at every batch size, number of threads and target.

  sample-numbers.py TARGET...

Without a target, of this machine. The first is the reference of the others."""
import json
import subprocess
import sys

import numpy

ROWS = 100
MODEL = """
model draws(x: f32[batch, 3], y: f32[batch, 3]) {
  noise = random_uniform([batch, 3])
  shared = random_uniform([3])
  loss mse(dense(x, 3) * 0 + noise, y)
  metric mean_noise = mean(noise), mean_kept = mean(cast(bernoulli([batch, 40], 0.5), f32))
  output uniform = noise + 0 * x
  output normal = random_normal([batch, 2, 5])
  output kept = bernoulli([batch], 0.5)
  output common = shared + 0 * x
}

training {
  optimizer sgd(learning_rate = 0.1)
  batch 10
  epochs 1
}

data {
  train x = npy("x.npy"), y = npy("y.npy")
  test x = npy("x.npy"), y = npy("y.npy")
}
"""
OUTPUTS = ("uniform", "normal", "kept", "common")


def nnc(*words):
    done = subprocess.run(["nnc", *words], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


def predict(batch, threads, target):
    nnc("compile", "draws.nn", "--max-batch", str(batch), *target, "-o", "draws.plan")
    nnc("predict", "draws.plan", "--threads", str(threads), "--weights", "draws.safetensors",
        "--input", "x=x.npy", "-o", "out")
    return {name: numpy.load(f"out/{name}.npy") for name in OUTPUTS}


with open("draws.nn", "w") as file:
    file.write(MODEL)
numpy.save("x.npy", numpy.zeros((ROWS, 3), "f4"))
numpy.save("y.npy", numpy.zeros((ROWS, 3), "f4"))
nnc("train", "draws.nn", "-o", "draws.safetensors", "--checkpoint", "draws.checkpoint")

targets = [["--target", word] for word in sys.argv[1:]] or [[]]
whole = predict(ROWS, 1, targets[0])
assert len(numpy.unique(whole["uniform"])) > 290, "almost all of 300 numbers of 24 bits are different"
assert len(numpy.unique(whole["normal"])) > 990
assert 20 < whole["kept"].sum() < 80, "100 fair coins, within six deviations"
assert len(numpy.unique(whole["common"])) == 3, "without a batch in its shape, the same in every batch"
for target in targets:
    # 1, what no vector divides, what one does, and a last batch that is shorter.
    sizes = ((1, 1), (7, 3), (32, 2), (64, 1), (ROWS, 3)) if target == targets[0] else ((7, 2),)
    for batch, threads in sizes:
        drawn = predict(batch, threads, target)
        for name in OUTPUTS:
            # The logarithm and cosine of `normal` are the target's own.
            allowed = 1e-6 if name == "normal" and target != targets[0] else 0
            assert abs(drawn[name] - whole[name]).max() <= allowed, (target, batch, threads, name)

# Means of batches differ by rounding alone: 100 sums of at most 100 numbers in
# [0, 1] err by less than 100 eps = 1.2e-5.
seen = []
for batch in (1, 7, ROWS):
    nnc("compile", "draws.nn", "--max-batch", str(batch), "-o", "draws.plan")
    seen.append(json.loads(nnc("eval", "draws.plan", "--weights", "draws.safetensors", "--json")))
for one in seen[1:]:
    for key in ("loss", "mean_noise", "mean_kept"):
        assert abs(one[key] - seen[0][key]) < 1.2e-5, seen
assert abs(seen[0]["mean_noise"] - whole["uniform"].mean()) < 0.2

# A place in a set is no part of what training goes on from.
inspected = nnc("inspect", "draws.checkpoint")
assert "nnc.scalar/step" in inspected and "first_sample" not in inspected, inspected
