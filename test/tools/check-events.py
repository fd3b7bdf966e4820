# Checks the events of a run: check-events.py FOLDER WEIGHTS [UNBROKEN].
#   Steps come once, in their order; numbers are those of the log; the last
#   histograms are of the weights; what UNBROKEN has, a run that was stopped and
#   went on has too.
import importlib.util
import json
import math
import os
import struct
import sys

spec = importlib.util.spec_from_file_location(
    "events", os.path.join(os.path.dirname(__file__), "read-events.py")
)
events = importlib.util.module_from_spec(spec)
spec.loader.exec_module(events)
folder, weights = sys.argv[1:3]


def scalars(path, tag):
    return [(e["step"], e["value"]) for e in events.read(path) if e.get("tag") == tag]


def lines(name):
    with open(os.path.join(folder, name)) as file:
        return [json.loads(line) for line in file]


def f32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


steps = lines("steps.jsonl")
assert scalars(folder, "loss/step") == [(s["step"], f32(s["loss"])) for s in steps]
assert scalars(folder, "learning_rate") == [
    (s["step"], f32(s["learning_rate"])) for s in steps
]
epochs = [e for e in lines("log.jsonl") if "test_loss" not in e]
for name in ("loss", "accuracy"):
    assert scalars(folder, name + "/training") == [(e["step"], f32(e[name])) for e in epochs]

with open(weights, "rb") as file:
    (size,) = struct.unpack("<Q", file.read(8))
    header, data = json.loads(file.read(size)), file.read()
for name, tensor in header.items():
    if name == "__metadata__":
        continue
    begin, end = tensor["data_offsets"]
    values = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
    histogram = [e for e in events.read(folder) if e.get("tag") == "weights/" + name]
    assert len(histogram) == len(epochs)
    last = histogram[-1]["histogram"]
    assert (last["min"], last["max"], last["num"]) == (min(values), max(values), len(values))
    assert math.isclose(last["sum"], math.fsum(values), abs_tol=1e-12)
    assert math.isclose(last["sum_squares"], math.fsum(v * v for v in values), abs_tol=1e-12)
    assert sum(last["counts"]) == len(values) and len(last["limits"]) == 64
    assert last["limits"] == sorted(last["limits"]) and last["limits"][-1] == last["max"]

if len(sys.argv) > 3:
    for tag in ("loss/step", "loss/training", "accuracy/training"):
        assert scalars(folder, tag) == scalars(sys.argv[3], tag), tag
    # The parts have been tested too.
    assert scalars(folder, "loss/test")[-1] == scalars(sys.argv[3], "loss/test")[-1]
