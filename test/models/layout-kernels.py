"""layout-kernels.py NCHW.json NHWC.json: plans' `nnc inspect --json`. The training step of
the first has the kernels of the second's, and one that transposes the input."""
import collections, json, sys


def kernels(path):
    with open(path) as file:
        plan = json.load(file)
    step, = (entry for entry in plan["entry_points"] if entry["name"] == "train_step")
    return collections.Counter(command["kernel"] for command in step["commands"])


first, last = (kernels(path) for path in sys.argv[1:])
print("more:", *(first - last).elements())
print("fewer:", *(last - first).elements())
