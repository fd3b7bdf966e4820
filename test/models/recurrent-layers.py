#!/usr/bin/env python3
"""Recurrent layers against PyTorch's, from its own weights: values, last states and all gradients.

    recurrent-layers.py nnc f32|f64 [OPTIONS of nnc]
    recurrent-layers.py --record      writes inputs/recurrent-layers.json; needs PyTorch

nnc reads the weights from the file that PyTorch's state dict would be saved as. One step of
descent at rate 1 subtracts the gradient from each parameter, the layer's x and first states
among them. Both compute the same sums of at most a hundred terms below 1: f64 leaves less than
1e-12 of the largest number, recorded to 14 digits, f32 less than 1e-6.
"""
import json, os, subprocess, sys, tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import safetensors

# B samples, T steps, C channels, U units.
B, T, C, U = 3, 5, 3, 4
RECORD = os.path.join(HERE, "inputs", "recurrent-layers.json")
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
LENGTHS = [2, 5, 3]
CASES = {
    "lstm": dict(kind="lstm"),
    "lstm without biases, two layers": dict(kind="lstm", layers=2, bias=False),
    "lstm of lengths, both ways, two layers": dict(kind="lstm", layers=2, bidirectional=True, lengths=True),
    "gru both ways": dict(kind="gru", bidirectional=True),
    "gru of lengths, both ways, two layers": dict(kind="gru", layers=2, bidirectional=True, lengths=True),
    "rnn of lengths, both ways": dict(kind="rnn", bidirectional=True, lengths=True),
    "rnn by relu, two layers": dict(kind="rnn", layers=2, activation="relu"),
}


def form(case):
    """Directions, and states that a sample has."""
    directions = 2 if case.get("bidirectional") else 1
    return directions, directions * case.get("layers", 1)


def start(case):
    """PyTorch's state dict, and what the sum of all results is weighted by."""
    random, state, (directions, states) = numpy.random.RandomState(5), {}, form(case)
    # Multiples of 1/64, which f32 and f64 hold exactly.
    draw = lambda *shape: numpy.round(64 * random.uniform(-0.7, 0.7, shape)) / 64
    gates = GATES[case["kind"]] * U
    for layer in range(case.get("layers", 1)):
        for way in ("", "_reverse")[:directions]:
            state[f"rnn.weight_ih_l{layer}{way}"] = draw(gates, directions * U if layer else C)
            state[f"rnn.weight_hh_l{layer}{way}"] = draw(gates, U)
            if case.get("bias", True):
                state[f"rnn.bias_ih_l{layer}{way}"] = draw(gates)
                state[f"rnn.bias_hh_l{layer}{way}"] = draw(gates)
    state["x"] = draw(B * T, C)
    results = {"y": draw(B, T, directions * U)}
    for name in ("last", "cell")[:2 if case["kind"] == "lstm" else 1]:
        state[f"first_{name}"] = draw(B, states, U)
        results[name] = draw(B, states, U)
    return state, results


def torch_run(case):
    """The results, then the gradients by the names of the state dict."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
    state, weights = start(case)
    options = {"nonlinearity": case["activation"]} if "activation" in case else {}
    rnn = getattr(torch.nn, case["kind"].upper())(
        C, U, num_layers=case.get("layers", 1), bias=case.get("bias", True), batch_first=True,
        bidirectional=case.get("bidirectional", False), **options).double()
    rnn.load_state_dict({name[4:]: torch.tensor(value) for name, value in state.items() if name.startswith("rnn.")})
    leaves = {name: torch.tensor(value).requires_grad_() for name, value in state.items() if not name.startswith("rnn.")}
    x = leaves["x"].unflatten(0, (B, T))
    first = [leaves[f"first_{name}"].transpose(0, 1) for name in ("last", "cell") if f"first_{name}" in leaves]
    if case.get("lengths"):
        x = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    y, last = rnn(x, first[0] if len(first) == 1 else tuple(first))
    if case.get("lengths"):
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=T)
    last = last if len(first) == 2 else (last,)
    results = dict(zip(weights, (y, *(tensor.transpose(0, 1) for tensor in last))))
    sum((results[name] * torch.tensor(weight)).sum() for name, weight in weights.items()).backward()
    gradients = {f"rnn.{name}": value.grad for name, value in rnn.named_parameters()}
    gradients |= {name: value.grad for name, value in leaves.items()}
    return {name: value.detach().numpy() for name, value in (results | gradients).items()}


def record():
    import torch
    lines = {"torch": torch.__version__}
    for title, case in CASES.items():
        lines[title] = {name: [float(f"{x:.14g}") for x in value.ravel()] for name, value in torch_run(case).items()}
    with open(RECORD, "w") as file:
        file.write("{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in lines.items()) + "\n}\n")


def program(case, weights, type):
    directions, states = form(case)
    shape = lambda name: weights[name].shape[1:]
    spell = lambda *sizes: ", ".join(map(str, sizes))
    arguments = [f"{key} = {str(case[key]).lower()}" for key in ("layers", "bidirectional", "bias", "activation") if key in case]
    arguments += ["lengths = lengths"] if case.get("lengths") else []
    # A layer with one state for each sample takes and gives it without that dimension.
    state_shape = f"[batch, {U}]" if states == 1 else f"[batch, {states}, {U}]"
    inputs = [f"index: i32[batch, {T}]", "sample: i32[batch]"] + (["lengths: i32[batch]"] if case.get("lengths") else [])
    parameters, outputs, loss = [f"  param x: {type}[{B * T}, {C}] = zeros"], [], []
    for name in weights:
        inputs.append(f"d{name}: {type}[batch, {spell(*shape(name))}]")
        result = name
        if name != "y":
            parameters.append(f"  param first_{name}: {type}[{B}, {states}, {U}] = zeros")
            arguments.append(f"initial{'_cell' * (name == 'cell')} = reshape(gather(first_{name}, sample), {state_shape})")
            result = f"reshape({name}, [batch, {states}, {U}])"
        loss.append(f"sum({result} * d{name})")
        outputs.append(f"  output {name}\n")
    data = ", ".join(f'{name} = npy("{name}.npy")' for name in (text.split(":")[0] for text in inputs))
    return (f"model net({', '.join(inputs)}) {{\n" + "\n".join(parameters) + "\n"
            f"  {', '.join(weights)} = {case['kind']}(gather(x, index), {U}, {', '.join(arguments)}) as rnn\n"
            f"  loss {' + '.join(loss)}\n{''.join(outputs)}}}\n"
            f"training {{\n  optimizer sgd(learning_rate = 1.0)\n  batch {B}\n  epochs 1\n}}\ndata {{\n  train {data}\n}}\n")


def nnc_run(nnc, case, type, folder, options):
    state, weights = start(case)
    path = lambda name: os.path.join(folder, name)
    dtype = {"f32": numpy.float32, "f64": numpy.float64}[type]
    with open(path("net.nn"), "w") as file:
        file.write(program(case, weights, type))
    safetensors.save(path("start.safetensors"), {name: value.astype(dtype) for name, value in state.items()})
    arrays = {"index": numpy.arange(B * T, dtype="i4").reshape(B, T), "sample": numpy.arange(B, dtype="i4"),
              "lengths": numpy.array(LENGTHS, "i4")} | {f"d{name}": value.astype(dtype) for name, value in weights.items()}
    for name, value in arrays.items():
        numpy.save(path(f"{name}.npy"), value)
    run = lambda *words: subprocess.run([nnc, *words, *options], check=True, stdout=subprocess.DEVNULL, cwd=folder)
    given = ("--weights", "start.safetensors", "--weights-order", "pytorch")
    run("train", "net.nn", "--data", ".", "--keep-order", *given, "-o", "end.safetensors")
    used = ["index", "sample"] + ["lengths"] * case.get("lengths", False)
    run("predict", "net.nn", *given, *(word for name in used for word in ("--input", f"{name}={name}.npy")), "-o", "out")
    found = {name: numpy.load(path(f"out/{name}.npy")).reshape(value.shape) for name, value in weights.items()}
    end = safetensors.load(path("end.safetensors"))
    for name, value in state.items():
        transposed = "rnn.weight" in name
        found[name] = value - (end[name].T if transposed else end[name])
    return found


def main():
    if sys.argv[1] == "--record":
        return record()
    nnc, type, *options = sys.argv[1:]
    within = {"f32": 1e-6, "f64": 1e-12}[type]
    with open(RECORD) as file:
        recorded = json.load(file)
    for title, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            found = nnc_run(nnc, case, type, folder, options)
        assert found.keys() == recorded[title].keys(), (found.keys(), recorded[title].keys())
        worst = 0.0
        for name, value in found.items():
            expected = numpy.array(recorded[title][name]).reshape(value.shape)
            stray = numpy.abs(value - expected).max() / max(1, numpy.abs(expected).max())
            worst = max(worst, stray)
            if not stray <= within:
                sys.exit(f"{title}: {name} strays from PyTorch's by {stray:.1e}, allowed {within:.1e}:\n{value}\n{expected}")
        print(f"{title}: within {worst:.1e}")


main()
