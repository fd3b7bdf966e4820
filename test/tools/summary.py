# Every example has a summary, and its sums are the plan's: FLOP of each entry
# point, parameters, memory.
import glob
import json
import os
import subprocess
import sys

nnc, examples = sys.argv[1:]


def ask(*words):
    return json.loads(subprocess.check_output([nnc, *words]))


def flop(plan, name):
    for entry in plan["entry_points"]:
        if entry["name"] == name:
            return sum(c.get("flop", 0) for c in entry["commands"])
    return None


def summarize(name):
    return ask("summary", os.path.join(examples, name + ".nn"), "--json")


for path in sorted(glob.glob(os.path.join(examples, "*.nn"))):
    name = os.path.basename(path)[:-3]
    summary = summarize(name)
    parameters = ask("inspect", path, "--json")["parameter_elements"]
    counts = summary["parameters"]
    assert counts["trained"] + counts["frozen"] + counts["buffers"] == parameters, name
    for key in ("forward_flop", "step_flop", "kept_bytes"):
        parts = sum(layer["work"][key] for layer in summary["layers"])
        assert parts + summary["optimizer"][key] == summary["work"][key], (name, key)
    # Training steps that take turns share their memory.
    if name != "gan":
        assert summary["training"]["arena_bytes"] >= summary["work"]["kept_bytes"], name

# No loops, and nothing that kernels find to share: the counts are equal.
for name in ("fashion_mnist", "tabular", "lenet", "vae_conv", "autoencoder"):
    summary = summarize(name)
    path = os.path.join(examples, name + ".nn")
    subprocess.check_call([nnc, "compile", path, "--quiet", "-o", name + ".plan"])
    plan = ask("inspect", name + ".plan", "--json")
    work, training = summary["work"], summary["training"]
    assert work["step_flop"] == flop(plan, "train_step"), name
    assert work["forward_flop"] == flop(plan, "predict"), name
    assert training["state_bytes"] == plan["state_bytes"], name
    assert training["arena_bytes"] == plan["arena_bytes"], name
    assert training["scratch_bytes"] == plan["scratch_bytes_per_thread"], name
    subprocess.check_call(
        [nnc, "compile", path, "--no-training", "--quiet", "-o", name + ".plan"]
    )
    plan = ask("inspect", name + ".plan", "--json")
    assert summary["inference"]["state_bytes"] == plan["state_bytes"], name
    assert summary["inference"]["arena_bytes"] == plan["arena_bytes"], name
