"""Checks the running means of examples/plugin/center.nn against NumPy.
Usage: center.py DATA.csv WEIGHTS FROZEN PREDICTIONS, with the weights of three
epochs over batches of 32 in the file's order."""
import pathlib, sys
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "models"))
import safetensors

data, weights, frozen, predictions = sys.argv[1:]
x = np.loadtxt(data, delimiter=",", skiprows=1, dtype=np.float32)[:, :4]
mean = np.zeros(4)
for _ in range(3):
    for begin in range(0, len(x), 32):
        mean = 0.9 * mean + 0.1 * x[begin:begin + 32].mean(axis=0, dtype=np.float64)
trained = safetensors.load(weights)
# A mean in f32 of 32 numbers and a recurrence that forgets: some 32 units of
# rounding of numbers below their largest.
bound = 64 * np.finfo(np.float32).eps * np.abs(x).max()
assert np.abs(trained["extra.center.mean"] - mean).max() < bound, (trained["extra.center.mean"], mean)
# The second layer's follows a batch at a rate of its own.
assert np.abs(trained["extra.center_1.mean"]).max() > 0
# What is frozen stays as it begins.
assert not safetensors.load(frozen)["extra.center.mean"].any()
# Prediction subtracts what training has left, whatever the batch is.
centered = np.load(pathlib.Path(predictions) / "centered.npy")
assert np.abs(centered - (x[:len(centered)] - trained["extra.center.mean"])).max() < bound
