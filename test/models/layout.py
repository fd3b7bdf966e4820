#!/usr/bin/env python3
"""inputs/layout-*.nn with weights as PyTorch writes them, against NumPy in f64.

The files have no metadata and the shapes of PyTorch's tensors: [out, in] of a dense
layer, [out, in / groups, window..] of a convolution, [in, out / groups, window..] of a
transposed one. One file loads into the model with channels first and into the one with
channels last; saved again by the first, it has the same tensors.

nnc computes in f32. Each element is a sum of n products at a time, whose error is at
most n + 1 roundings of the sum of their magnitudes, and a norm's of its own kind: the
reference is computed once more with every product's and sum's result off by one
rounding of f32 in a random direction, 16 times, and nnc may stray eight times as far as
the farthest of these.

usage: layout.py nnc FOLDER, further arguments are options of `nnc predict`.
"""
import json, os, subprocess, sys

import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import safetensors

nnc, folder, *options = sys.argv[1:]
inputs = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inputs")
random = numpy.random.default_rng(7)


class Reference:
    """Ops on [n, channels, height, width] in f64, each result with a relative error."""

    def __init__(self, error):
        self.error = error

    def rounded(self, x):
        return x * (1 + self.error * random.uniform(-1, 1, x.shape))

    def convolution(self, x, weight, bias=0.0, stride=1, padding=(0, 0), groups=1):
        out, inner, height, width = weight.shape
        x = numpy.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2])
        rows = (x.shape[2] - height) // stride + 1
        columns = (x.shape[3] - width) // stride + 1
        y = numpy.zeros((len(x), out, rows, columns))
        for o in range(out):
            first = o // (out // groups) * inner
            for i in range(height):
                for j in range(width):
                    part = x[:, first:first + inner, i:i + rows * stride:stride, j:j + columns * stride:stride]
                    y[:, o] = self.rounded(y[:, o] + (part * weight[o, :, i, j][:, None, None]).sum(1))
        return self.rounded(y + numpy.reshape(bias, (-1, 1, 1)))

    def transposed(self, x, weight, bias, stride, groups):
        inner, out, height, width = weight.shape
        rows, columns = x.shape[2], x.shape[3]
        y = numpy.zeros((len(x), out * groups, (rows - 1) * stride + height, (columns - 1) * stride + width))
        for c in range(inner):
            first = c // (inner // groups) * out
            for i in range(height):
                for j in range(width):
                    y[:, first:first + out, i:i + rows * stride:stride, j:j + columns * stride:stride] += (
                        self.rounded(x[:, c:c + 1] * weight[c, :, i, j][:, None, None]))
        return self.rounded(y + numpy.reshape(bias, (-1, 1, 1)))

    def dense(self, x, weight, bias):
        y = numpy.zeros((len(x), len(weight)))
        for i in range(x.shape[1]):
            y = self.rounded(y + x[:, i:i + 1] * weight[:, i])
        return self.rounded(y + bias)

    def norm(self, x, scale, bias):
        centred = self.rounded(x - x.mean((2, 3), keepdims=True))
        y = centred / numpy.sqrt((centred * centred).mean((2, 3), keepdims=True) + 1e-5)
        return self.rounded(y * scale[:, None, None] + bias[:, None, None])

    def block(self, w, x, name, stride):
        y = self.convolution(x, w[name + ".conv2d.weight"], w[name + ".conv2d.bias"], stride, (1, 1))
        y = numpy.maximum(self.norm(y, w[name + ".instance_norm.scale"], w[name + ".instance_norm.bias"]), 0)
        y = self.convolution(y, w[name + ".conv2d_1.weight"], w[name + ".conv2d_1.bias"], 1, (1, 0), 2)
        if stride != 1:
            x = self.convolution(x, w[name + ".shortcut.weight"], stride=stride)
        return numpy.maximum(self.rounded(x + y), 0)

    def network(self, w, image):
        x = self.block(w, self.block(w, image / 128 - 1, "block", 2), "block_1", 1)
        x = self.transposed(x, w["conv2d_transpose.weight"], w["conv2d_transpose.bias"], 2, 2)
        return self.dense(self.rounded(x.mean((2, 3))), w["dense.weight"], w["dense.bias"])

    def flattening(self, w, image):
        x = numpy.maximum(self.convolution(image, w["conv2d.weight"], w["conv2d.bias"]), 0).max(3)
        return self.dense(x.reshape(len(x), -1), w["dense.weight"], w["dense.bias"])


def run(*words):
    subprocess.run([nnc, *words], check=True)


def draw(shapes):
    return {name: random.normal(0, 1 / numpy.sqrt(numpy.prod(shape[1:])), shape).astype("f4")
            for name, shape in shapes.items()}


def check(model, weights, image, evaluate):
    run("predict", os.path.join(inputs, model), "--weights", weights, "--input", "image=" + image, "-o",
        os.path.join(folder, "out"), *options)
    names = [name for name in os.listdir(os.path.join(folder, "out")) if name.endswith(".npy")]
    assert len(names) == 1, names
    found = numpy.load(os.path.join(folder, "out", names[0]))
    os.remove(os.path.join(folder, "out", names[0]))
    exact = evaluate(Reference(0))
    strays = max(abs(evaluate(Reference(2.0 ** -24)) - exact).max() for _ in range(16))
    assert abs(found - exact).max() <= 8 * strays, (model, abs(found - exact).max(), strays)


def write(name, tensors):
    """As PyTorch's users do, without metadata."""
    header, content = {}, b""
    for key, value in tensors.items():
        header[key] = {"dtype": "F32", "shape": value.shape,
                       "data_offsets": [len(content), len(content) + value.nbytes]}
        content += value.tobytes()
    text = json.dumps(header).encode()
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + content)
    return path


def save(name, array):
    path = os.path.join(folder, name)
    numpy.save(path, numpy.ascontiguousarray(array))
    return path


shapes = {"conv2d_transpose.weight": (6, 2, 2, 3), "conv2d_transpose.bias": (4,),
          "dense.weight": (5, 4), "dense.bias": (5,)}
for name, channels in ("block", 3), ("block_1", 6):
    shapes |= {name + ".conv2d.weight": (6, channels, 3, 3), name + ".conv2d.bias": (6,),
               name + ".instance_norm.scale": (6,), name + ".instance_norm.bias": (6,),
               name + ".conv2d_1.weight": (6, 3, 3, 1), name + ".conv2d_1.bias": (6,)}
shapes["block.shortcut.weight"] = (6, 3, 1, 1)
tensors = draw(shapes)
image = random.integers(0, 256, (9, 3, 7, 6), dtype="u1")
weights = write("pytorch.safetensors", tensors)
evaluate = lambda reference: reference.network(tensors, image.astype("f8"))
check("layout-nchw.nn", weights, save("nchw.npy", image), evaluate)
check("layout-nhwc.nn", weights, save("nhwc.npy", image.transpose(0, 2, 3, 1)), evaluate)

# A step that learns nothing saves what it began with.
save("label.npy", random.integers(0, 5, 9, dtype="u1"))
with open(os.path.join(inputs, "layout-nchw.nn")) as file:
    text = file.read().replace("sgd(0.1)", "sgd(0.0)")
model = os.path.join(folder, "layout-nchw.nn")
with open(model, "w") as file:
    file.write(text + '\ndata {\n  train image = npy("nchw.npy"), label = npy("label.npy")\n}\n')
saved = os.path.join(folder, "saved.safetensors")
run("train", model, "--weights", weights, "--epochs", "1", "-o", saved, *options)
found = safetensors.load(saved)
assert found.keys() == tensors.keys(), found.keys()
for name, tensor in tensors.items():
    assert found[name].shape == tensor.shape and (found[name] == tensor).all(), name
check("layout-nhwc.nn", saved, os.path.join(folder, "nhwc.npy"), evaluate)

flattened = draw({"conv2d.weight": (3, 2, 2, 2), "conv2d.bias": (3,), "dense.weight": (4, 6), "dense.bias": (4,)})
pixels = random.normal(size=(5, 2, 3, 4)).astype("f4")
check("layout-flatten.nn", write("flatten.safetensors", flattened), save("pixels.npy", pixels),
      lambda reference: reference.flattening(flattened, pixels.astype("f8")))

# For layout.test: a shape that tells nothing.
write("square.safetensors", {"dense.weight": numpy.eye(3, k=1, dtype="f4")})
