#!/usr/bin/env python3
"""Twenty losses of inputs/resnet.nn and the running statistics after them against
PyTorch's, from the same weights and batches, which a formula makes.

    resnet-losses.py nnc MODEL f32|f64 [OPTIONS of nnc train]
    resnet-losses.py --record      writes inputs/resnet-losses.json; needs PyTorch

PyTorch computed in f64, and in f32 with the samples of each batch in six other orders,
which changes nothing but where sums round: how far those stray from f64 is what
rounding does to this network, and 2^-29 of it in f64. nnc's order is one more, so it
may stray four times as far as the worst of them so far, plus two units in the last
place of the number itself.
"""
import json, os, subprocess, sys, tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import safetensors

STEPS, BATCH, ORDERS, WIDTH, CLASSES, RATE, MOMENTUM = 20, 16, 6, 4, 5, 0.1, 0.9
RECORD = os.path.join(HERE, "inputs", "resnet-losses.json")
# Convolutions, each with a norm behind it.
FILTERS = {"stem": (3, 3, 3, WIDTH), "block.0.first": (3, 3, WIDTH, WIDTH), "block.0.second": (3, 3, WIDTH, WIDTH),
           "block.1.first": (3, 3, WIDTH, 2 * WIDTH), "block.1.second": (3, 3, 2 * WIDTH, 2 * WIDTH),
           "block.1.shortcut": (1, 1, WIDTH, 2 * WIDTH)}
STATISTICS = [f"{name}.batch_norm.running_{which}" for name in FILTERS for which in ("mean", "variance")]


def start():
    """Weights by nnc's names, images and labels. RandomState's numbers are the same for ever."""
    random, weights = numpy.random.RandomState(1), {}
    for name, shape in FILTERS.items():
        weights[f"{name}.conv2d.weight"] = random.standard_normal(shape) * numpy.sqrt(2 / numpy.prod(shape[:3]))
        weights[f"{name}.batch_norm.scale"] = 1 + random.standard_normal(shape[3]) / 8
        weights[f"{name}.batch_norm.bias"] = random.standard_normal(shape[3]) / 8
        weights[f"{name}.batch_norm.running_mean"] = numpy.zeros(shape[3])
        weights[f"{name}.batch_norm.running_variance"] = numpy.ones(shape[3])
    weights["dense.weight"] = random.standard_normal((2 * WIDTH, CLASSES)) / 2
    weights["dense.bias"] = random.standard_normal(CLASSES) / 8
    images = random.standard_normal((STEPS * BATCH, 8, 8, 3))
    labels = (images[:, 0, 0].sum(1) > 0) + 2 * (images[:, 4].sum((1, 2)) > 0)
    # What f32 holds, so that both types start at the same numbers.
    single = lambda x: x.astype(numpy.float32).astype(numpy.float64)
    return {name: single(w) for name, w in weights.items()}, single(images), labels.astype(numpy.int32)


# PyTorch's side ------------------------------------------------------------------


def torch_run(weights, images, labels, type):
    """The losses and the running statistics, in PyTorch's layout inside."""
    import torch
    from torch.nn import functional as F
    w = {}
    for name, value in weights.items():
        tensor = torch.tensor(value, dtype=type)
        if name.endswith("conv2d.weight"):
            tensor = tensor.permute(3, 2, 0, 1).contiguous()
        w[name] = tensor.requires_grad_("running" not in name)

    def normalized(x, name, stride=1):
        filter = w[f"{name}.conv2d.weight"]
        x = F.conv2d(x, filter, stride=stride, padding=filter.shape[2] // 2)
        mean, variance, scale, bias = (w[f"{name}.batch_norm.{part}"] for part in
                                       ("running_mean", "running_variance", "scale", "bias"))
        return F.batch_norm(x, mean, variance, scale, bias, training=True, momentum=0.1, eps=1e-5)

    def residual(x, name, stride=1):
        y = normalized(F.relu(normalized(x, f"{name}.first", stride)), f"{name}.second")
        return F.relu(y + (normalized(x, f"{name}.shortcut", stride) if stride != 1 else x))

    optimizer = torch.optim.SGD([t for t in w.values() if t.requires_grad], RATE, momentum=MOMENTUM)
    losses = []
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        x = torch.tensor(images[part], dtype=type).permute(0, 3, 1, 2)
        x = residual(residual(F.relu(normalized(x, "stem")), "block.0"), "block.1", 2)
        logits = x.mean((2, 3)) @ w["dense.weight"] + w["dense.bias"]
        loss = F.cross_entropy(logits, torch.tensor(labels[part]).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return numpy.array(losses), numpy.concatenate([w[name].double().numpy() for name in STATISTICS])


def record():
    import torch
    weights, images, labels = start()
    losses, statistics = torch_run(weights, images, labels, torch.float64)
    stray = [numpy.zeros_like(losses), numpy.zeros_like(statistics)]
    for seed in range(ORDERS):
        random = numpy.random.RandomState(seed)
        order = numpy.concatenate([step * BATCH + random.permutation(BATCH) for step in range(STEPS)])
        for i, (single, exact) in enumerate(zip(torch_run(weights, images[order], labels[order], torch.float32),
                                                (losses, statistics))):
            stray[i] = numpy.maximum(stray[i], numpy.abs(single - exact))
    with open(RECORD, "w") as file:
        lines = {"torch": torch.__version__, "losses": losses.tolist(), "losses_stray": stray[0].tolist(),
                 "statistics": statistics.tolist(), "statistics_stray": float(stray[1].max())}
        file.write("{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(value)}" for key, value in lines.items()) + "\n}\n")


# nnc's ---------------------------------------------------------------------------


def nnc_run(nnc, model, type, folder, options):
    weights, images, labels = start()
    path = lambda name: os.path.join(folder, name)
    safetensors.save(path("start.safetensors"), {name: value.astype(type) for name, value in weights.items()})
    numpy.save(path("image.npy"), images.astype(type))
    numpy.save(path("label.npy"), labels)
    subprocess.run([nnc, "train", model, "--data", folder, "--keep-order", "--weights", path("start.safetensors"), "--steps",
                    str(STEPS), "--log", path("log"), "-o", path("end.safetensors"), *options],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(path("log"), "steps.jsonl")) as file:
        losses = numpy.array([json.loads(line)["loss"] for line in file])
    end = safetensors.load(path("end.safetensors"))
    return losses, numpy.concatenate([end[name].astype(numpy.float64) for name in STATISTICS])


def compare(what, values, expected, stray, type):
    finfo = numpy.finfo(type)
    allowed = 4 * stray * finfo.eps / 2.0**-23 + 2 * finfo.eps * numpy.abs(expected)
    difference = numpy.abs(values - expected)
    worst = numpy.argmax(difference / allowed)
    print(f"{what}: strays by {difference.max():.1e}, at most {difference[worst] / allowed[worst]:.2f} of what is allowed")
    if not difference[worst] <= allowed[worst]:
        sys.exit(f"{what} {worst + 1} is {values[worst]!r}, PyTorch's {expected[worst]!r}, within {allowed[worst]:.1e}")


def main():
    if sys.argv[1] == "--record":
        return record()
    nnc, model, type, *options = sys.argv[1:]
    type = {"f32": numpy.float32, "f64": numpy.float64}[type]
    with open(RECORD) as file:
        recorded = {key: numpy.array(value) for key, value in json.load(file).items() if key != "torch"}
    with tempfile.TemporaryDirectory() as folder:
        losses, statistics = nnc_run(nnc, model, type, folder, options)
    assert len(losses) == STEPS, f"{len(losses)} losses, expected {STEPS}"
    compare("loss", losses, recorded["losses"], numpy.maximum.accumulate(recorded["losses_stray"]), type)
    compare("statistic", statistics, recorded["statistics"], recorded["statistics_stray"], type)


main()
