"""Weights under the names of others, for weight-names.test:
  weight-names.py make|compare|frozen FOLDER"""
import json
import os
import sys

import numpy

sys.path.insert(0, os.path.dirname(__file__))
import safetensors

what, folder = sys.argv[1:]
random = numpy.random.default_rng(7)


def draw(*shape):
    """Multiples of 1/64 below 1, which bf16 holds exactly."""
    return (random.integers(-63, 64, shape) / 64).astype("f4")


x = draw(5, 4)
blocks = [{"qkv": draw(4, 12), "qkv_bias": draw(12), "out": draw(12, 4), "out_bias": draw(4)} for _ in range(2)]


def as_gpt2():
    tensors = {}
    for i, block in enumerate(blocks):
        start = f"transformer.h.{i}."
        tensors |= {start + "attn.c_attn.weight": block["qkv"], start + "attn.c_attn.bias": block["qkv_bias"],
                    start + "mlp.c_proj.weight": block["out"], start + "mlp.c_proj.bias": block["out_bias"],
                    start + "attn.bias": numpy.tri(4, dtype="f4")}
    return tensors


def as_bert():
    tensors = {"embeddings.position_ids": numpy.zeros(4, "f4")}
    for i, block in enumerate(blocks):
        start = f"encoder.layer.{i}."
        for j, name in enumerate(("query", "key", "value")):
            part = slice(4 * j, 4 * j + 4)
            tensors[f"{start}attention.self.{name}.weight"] = block["qkv"][:, part].T
            tensors[f"{start}attention.self.{name}.bias"] = block["qkv_bias"][part]
        tensors |= {start + "output.dense.weight": block["out"].T, start + "output.dense.bias": block["out_bias"]}
    return tensors


def save16(path, tensors):
    """As bf16: the upper halves."""
    header, content = {}, b""
    for name, array in tensors.items():
        half = (numpy.ascontiguousarray(array).view("u4") >> 16).astype("u2").tobytes()
        header[name] = {"dtype": "BF16", "shape": list(array.shape),
                        "data_offsets": [len(content), len(content) + len(half)]}
        content += half
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + content)


if what == "make":
    numpy.save(folder + "/x.npy", x)
    numpy.save(folder + "/t.npy", draw(5, 4))
    safetensors.save(folder + "/gpt2.safetensors", as_gpt2())
    safetensors.save(folder + "/bert.safetensors", as_bert())
    save16(folder + "/bert16.safetensors", as_bert())
elif what == "compare":
    h = x.astype("f8")
    for block in blocks:
        h = h + numpy.tanh(h @ block["qkv"] + block["qkv_bias"]) @ block["out"] + block["out_bias"]
    # Each of the two blocks adds 12 products below 1 and rounds tanh, sums and
    # products to 2^-24 of numbers below 16.
    for name in ("gpt2", "bert", "bert16"):
        y = numpy.load(f"{folder}/{name}/y.npy")
        assert numpy.abs(y - h).max() < 2 * 15 * 16 * 2.0**-24, name
        assert y.tobytes() == numpy.load(folder + "/gpt2/y.npy").tobytes(), name
else:
    tuned = safetensors.load(folder + "/tuned.safetensors")
    assert set(tuned) == {f"block.{i}.{part}.{of}" for i in (0, 1) for part in ("qkv", "out")
                          for of in ("weight", "bias")}, set(tuned)
    for i in (0, 1):
        same = tuned[f"block.{i}.qkv.weight"].tobytes() == blocks[i]["qkv"].tobytes()
        assert same == (i == 0), i
