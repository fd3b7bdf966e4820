#!/usr/bin/env python3
"""The losses of both players of inputs/gan.nn over 20 rounds against PyTorch's, from the
same weights, samples and random numbers, which a formula makes.

    gan-losses.py nnc MODEL [OPTIONS of nnc train]
    gan-losses.py --record      writes inputs/gan-losses.json; needs PyTorch

PyTorch computed in f64, and in f32 with the samples of each batch and the columns of both
networks in four other orders, which changes nothing but where sums round: how far those
stray from f64 is what rounding does to these networks. nnc's order is one more, so it may
stray four times as far as the worst of them so far, plus two units in the last place of
the loss itself (2 * 2^-23 relative).
"""
import json, os, subprocess, sys, tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import safetensors

ROUNDS, BATCH, ORDERS = 20, 32, 4
PICTURE, RANDOM, HIDDEN = 96, 16, 64
RECORD = os.path.join(HERE, "inputs", "gan-losses.json")
SHAPES = {"g.dense.weight": (RANDOM, HIDDEN), "g.dense.bias": (HIDDEN,),
          "g.dense_1.weight": (HIDDEN, PICTURE), "g.dense_1.bias": (PICTURE,),
          "d.dense.weight": (PICTURE, HIDDEN), "d.dense.bias": (HIDDEN,),
          "d.dense_1.weight": (HIDDEN, 1), "d.dense_1.bias": (1,)}


def start():
    """Weights, samples and random numbers. RandomState's numbers are the same for ever."""
    random = numpy.random.RandomState(1)
    scale = lambda shape: numpy.sqrt(2 / sum(shape)) if len(shape) == 2 else 1 / 8
    weights = {name: (scale(shape) * random.standard_normal(shape)).astype(numpy.float32) for name, shape in SHAPES.items()}
    mixture = random.standard_normal((4, PICTURE))
    real = numpy.tanh(random.standard_normal((ROUNDS * BATCH, 4)) @ mixture)
    return weights, real.astype(numpy.float32), random.standard_normal((ROUNDS * BATCH, RANDOM)).astype(numpy.float32)


def reordered(weights, real, z, random):
    """The same networks and batches with everything that is summed over in another order."""
    pixels, numbers, drawn, told = (random.permutation(size) for size in (PICTURE, RANDOM, HIDDEN, HIDDEN))
    axes = {"g.dense.weight": (numbers, drawn), "g.dense.bias": (drawn,), "g.dense_1.weight": (drawn, pixels),
            "g.dense_1.bias": (pixels,), "d.dense.weight": (pixels, told), "d.dense.bias": (told,),
            "d.dense_1.weight": (told, [0]), "d.dense_1.bias": ([0],)}
    samples = numpy.concatenate([i * BATCH + random.permutation(BATCH) for i in range(ROUNDS)])
    return ({name: value[numpy.ix_(*axes[name])] for name, value in weights.items()},
            real[numpy.ix_(samples, pixels)], z[numpy.ix_(samples, numbers)])


def torch_losses(weights, real, z, type):
    """A row a round: the loss of the discriminator, then that of the generator."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits, leaky_relu
    p = {name: torch.tensor(value, dtype=type, requires_grad=True) for name, value in weights.items()}
    generator = lambda x: torch.tanh(torch.relu(x @ p["g.dense.weight"] + p["g.dense.bias"]) @ p["g.dense_1.weight"] + p["g.dense_1.bias"])
    discriminator = lambda x: leaky_relu(x @ p["d.dense.weight"] + p["d.dense.bias"], 0.2) @ p["d.dense_1.weight"] + p["d.dense_1.bias"]
    of = lambda scope: [value for name, value in p.items() if name.startswith(scope + ".")]
    players = {"d": torch.optim.Adam(of("d"), lr=0.002, betas=(0.5, 0.999)), "g": torch.optim.Adam(of("g"), lr=0.001, betas=(0.5, 0.999))}
    target = lambda logits, value: binary_cross_entropy_with_logits(logits, torch.full_like(logits, value))

    def step(scope, loss):
        players[scope].zero_grad()
        loss.backward()
        players[scope].step()
        return loss.item()

    rows = []
    for i in range(ROUNDS):
        part = slice(i * BATCH, (i + 1) * BATCH)
        sample, noise = torch.tensor(real[part], dtype=type), torch.tensor(z[part], dtype=type)
        rows.append([step("d", target(discriminator(sample), 1.0) + target(discriminator(generator(noise).detach()), 0.0)),
                     step("g", target(discriminator(generator(noise)), 1.0))])
    return numpy.array(rows)


def record():
    import torch
    case = start()
    exact = torch_losses(*case, torch.float64)
    strays = numpy.max([numpy.abs(torch_losses(*reordered(*case, numpy.random.RandomState(seed)), torch.float32) - exact)
                        for seed in range(ORDERS)], 0)
    with open(RECORD, "w") as file:
        json.dump({"torch": torch.__version__, "losses": exact.tolist(),
                   "strays": [[float(f"{stray:.3e}") for stray in row] for row in strays]}, file, indent=1)
        file.write("\n")
    print(exact[0], exact[-1], strays.max())


def nnc_losses(nnc, model, folder, options):
    weights, real, z = start()
    path = lambda name: os.path.join(folder, name)
    safetensors.save(path("start.safetensors"), weights)
    numpy.save(path("real.npy"), real)
    numpy.save(path("z.npy"), z)
    subprocess.run([nnc, "train", model, "--data", folder, "--keep-order", "--weights", path("start.safetensors"), "--epochs", "1",
                    "--log", path("log"), "-o", path("end.safetensors"), *options], check=True, stdout=subprocess.DEVNULL)
    with open(path("log/steps.jsonl")) as file:
        steps = [json.loads(line) for line in file]
    assert [step["of"] for step in steps] == ["discriminate", "generate"] * ROUNDS, steps
    return numpy.array([step["loss"] for step in steps]).reshape(ROUNDS, 2)


def main():
    if sys.argv[1] == "--record":
        return record()
    nnc, model, *options = sys.argv[1:]
    with open(RECORD) as file:
        recorded = json.load(file)
    expected, strays = numpy.array(recorded["losses"]), numpy.array(recorded["strays"])
    with tempfile.TemporaryDirectory() as folder:
        losses = nnc_losses(nnc, model, folder, options)
    allowed = 4 * numpy.maximum.accumulate(strays) + 2 * 2.0**-23 * numpy.abs(expected)
    difference = numpy.abs(losses - expected)
    print(f"strays by {difference.max():.1e}, at most {(difference / allowed).max():.2f} of what is allowed")
    for i, player in numpy.argwhere(difference > allowed):
        sys.exit(f"round {i + 1}: loss {('discriminate', 'generate')[player]} is {losses[i, player]!r}, "
                 f"PyTorch's {expected[i, player]!r}, within {allowed[i, player]:.1e}")


main()
