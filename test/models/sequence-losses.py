#!/usr/bin/env python3
"""Thirty losses of an example on sequences against PyTorch's, from the same weights and
batches, which a formula makes.

    sequence-losses.py nnc EXAMPLE f32|f64 written|small [OPTIONS of nnc train]
    sequence-losses.py --record      writes inputs/sequence-losses.json; needs PyTorch

`small` is the example with small constants. PyTorch computed in f64, and in f32 with the
samples of each batch and the columns of the network in four other orders, which changes
nothing but where sums round: how far those stray from f64 is what rounding does to this
network, and 2^-29 of it in f64. nnc's order is one more, so it may stray four times as
far as the worst of them so far, plus two units in the last place of the number itself.
"""
import json, os, re, subprocess, sys, tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import safetensors, sequence_models

STEPS, ORDERS = 30, 4
RECORD = os.path.join(HERE, "inputs", "sequence-losses.json")
INPUTS = {"char_gpt": ("tokens", "next"), "sentiment": ("words", "length", "label"), "bert": ("tokens", "lengths", "label")}
LOOK_UP = """
fn look_up(words) {
  param table: f64[vocabulary, width] = zeros
  return gather(table, words)
}
"""


def start(name, sizes):
    """Weights by nnc's names, and inputs. RandomState's numbers are the same for ever."""
    random, weights = numpy.random.RandomState(1), {}
    for parameter, letters in sequence_models.shapes(name, sizes).items():
        shape = [times * size for times, _, size in sequence_models.dimensions(letters, sizes)]
        scale = numpy.sqrt(2 / sum(shape)) if "weight" in parameter else 1 / 8
        value = scale * random.standard_normal(shape) + parameter.endswith("scale")
        # What f32 holds, so that both types start at the same numbers.
        weights[parameter] = value.astype(numpy.float32).astype(numpy.float64)
    samples = STEPS * sizes["batch"]
    # Some tokens are frequent and others rare, as in text.
    tokens = (sizes["v"] * random.random_sample((samples, sizes["t"] + 1)) ** 3).astype(numpy.int32)
    if name == "char_gpt":
        return weights, (tokens[:, :-1], tokens[:, 1:])
    lengths = random.randint(1, sizes["t"] + 1, samples).astype(numpy.int32)
    return weights, (tokens[:, :-1], lengths, (tokens[:, 0] % 2).astype(numpy.uint8))


def torch_losses(name, sizes, weights, inputs, type, random=None):
    import torch
    if random:
        weights = sequence_models.reordered(weights, name, sizes, random)
        order = numpy.concatenate([step * sizes["batch"] + random.permutation(sizes["batch"]) for step in range(STEPS)])
        inputs = [array[order] for array in inputs]
    network = sequence_models.Network(name, sizes, weights, type)
    part = lambda step: slice(step * sizes["batch"], (step + 1) * sizes["batch"])
    return numpy.array([network.step(*(array[part(step)] for array in inputs)) for step in range(STEPS)])


def record():
    import torch
    lines = {"torch": torch.__version__}
    for variant, models in (("written", sequence_models.SIZES), ("small", sequence_models.SMALL)):
        for name, sizes in models.items():
            case = name, sizes, *start(name, sizes)
            exact = torch_losses(*case, torch.float64)
            strays = [numpy.abs(torch_losses(*case, torch.float32, numpy.random.RandomState(seed)) - exact)
                      for seed in range(ORDERS)]
            lines[f"{name} {variant}"] = exact.tolist()
            lines[f"{name} {variant} strays"] = [float(f"{stray:.3e}") for stray in numpy.max(strays, 0)]
            print(name, variant, exact[0], exact[-1], numpy.max(strays), flush=True)
    with open(RECORD, "w") as file:
        file.write("{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in lines.items()) + "\n}\n")


def program(path, name, type):
    """The example on arrays in files, all of which it trains on."""
    with open(path) as file:
        text = re.sub(r"^  validation .*\n", "", file.read(), flags=re.MULTILINE)
    arrays = ", ".join(f'{array} = npy("{array}.npy")' for array in INPUTS[name])
    text, count = re.subn(r"^data \{.*?^\}", f"data {{\n  train {arrays}\n}}", text, flags=re.MULTILINE | re.DOTALL)
    assert count == 1, "the example has no data"
    if type == "f64":
        # A table that a layer makes for whole numbers is of f32.
        text = text.replace("embedding(words, vocabulary, width)", "look_up(words) as embedding") + LOOK_UP
    return text.replace("f32", type)


def nnc_losses(nnc, example, name, type, variant, folder, options):
    sizes = {"written": sequence_models.SIZES, "small": sequence_models.SMALL}[variant][name]
    weights, inputs = start(name, sizes)
    path = lambda file: os.path.join(folder, file)
    with open(path("model.nn"), "w") as file:
        file.write(program(example, name, type))
    dtype = {"f32": numpy.float32, "f64": numpy.float64}[type]
    safetensors.save(path("start.safetensors"), {key: value.astype(dtype) for key, value in weights.items()})
    for array, value in zip(INPUTS[name], inputs):
        numpy.save(path(f"{array}.npy"), value)
    constants = {constant: sizes[size] for size, constant in sequence_models.CONSTANTS[name].items()}
    if name == "bert":
        constants["rate"] = 0.0
    settings = [word for constant, value in constants.items() for word in ("--set", f"{constant}={value}")]
    subprocess.run([nnc, "train", path("model.nn"), "--data", folder, "--keep-order", "--weights", path("start.safetensors"),
                    "--batch", str(sizes["batch"]), "--epochs", "1", "--log", path("log"), "-o", path("end.safetensors"),
                    *settings, *options], check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(path("log"), "steps.jsonl")) as file:
        return numpy.array([json.loads(line)["loss"] for line in file])


def main():
    if sys.argv[1] == "--record":
        return record()
    nnc, example, type, variant, *options = sys.argv[1:]
    name = os.path.splitext(os.path.basename(example))[0]
    with open(RECORD) as file:
        recorded = json.load(file)
    expected = numpy.array(recorded[f"{name} {variant}"])
    stray = numpy.maximum.accumulate(recorded[f"{name} {variant} strays"])
    with tempfile.TemporaryDirectory() as folder:
        losses = nnc_losses(nnc, example, name, type, variant, folder, options)
    assert len(losses) == STEPS, f"{len(losses)} losses, expected {STEPS}"
    finfo = numpy.finfo({"f32": numpy.float32, "f64": numpy.float64}[type])
    allowed = 4 * stray * finfo.eps / 2.0**-23 + 2 * finfo.eps * numpy.abs(expected)
    difference = numpy.abs(losses - expected)
    worst = numpy.argmax(difference / allowed)
    print(f"{name}, {variant}, {type}: strays by {difference.max():.1e}, at most {difference[worst] / allowed[worst]:.2f} of what is allowed")
    if not difference[worst] <= allowed[worst]:
        sys.exit(f"loss {worst + 1} is {losses[worst]!r}, PyTorch's {expected[worst]!r}, within {allowed[worst]:.1e}")


main()
