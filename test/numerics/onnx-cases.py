#!/usr/bin/env python3
"""Writes ONNX's published node cases as numeric tests for nnc-check, as far as nnc
claims their attributes: onnx-cases.py FOLDER [--list].

FOLDER has one folder a case: a model of one node, its inputs and its outputs, in f32
and channels first. What nnc lacks is left out by name in LEFT_OUT; any other case of an
op that is known here must pass.
"""
import os, sys

import numpy as np
import onnx
from onnx import numpy_helper

import ops

# Where a case asks for what nnc does not say, and why.
LEFT_OUT = {
    "test_lstm_with_peepholes": "gates do not see the cell",
    "test_maxpool_2d_uint8": "pools are of floats",
    "test_resize_downsample_scales_linear_align_corners": "corners lie on corners, of the size that is rounded too",
    "test_resize_downsample_sizes_linear_pytorch_half_pixel": "a size of 1 is no other size",
    "test_resize_downsample_sizes_nearest_tf_half_pixel_for_nn": "elements lie half a pixel from their corner",
    "test_resize_tf_crop_and_resize": "nothing is cut off",
    **{f"test_resize_{name}": "no interpolation by cubics" for name in (
        "downsample_scales_cubic", "downsample_scales_cubic_A_n0p5_exclude_outside", "downsample_scales_cubic_align_corners",
        "downsample_sizes_cubic", "upsample_scales_cubic", "upsample_scales_cubic_A_n0p5_exclude_outside",
        "upsample_scales_cubic_align_corners", "upsample_scales_cubic_asymmetric", "upsample_sizes_cubic")},
}
TRANSLATIONS = {}
# Their outputs are sums in f32 in another order.
TOLERANCE = 256


def translates(*names):
    def add(function):
        for name in names:
            TRANSLATIONS[name] = function
        return function
    return add


def channels_last(x):
    return np.moveaxis(x, 1, -1)


def window_first(weight):
    """[a, b, window..] to [window.., b, a], a being what is made."""
    return np.moveaxis(weight, (0, 1), (-1, -2))


def spelled(**attributes):
    """Attributes as the dialect's text has them; None is left out."""
    def spell(value):
        if isinstance(value, float):
            return f"{value:.9f}"
        return str(value).lower() if isinstance(value, bool) else value
    return " ".join(f"{name} = {spell(value)}" for name, value in attributes.items() if value is not None)


def padding(at):
    """auto_pad or pads as a layer's padding."""
    auto = at.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return {"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}[auto]
    pads = at.get("pads")
    if not pads or auto == "VALID":
        return None
    count = len(pads) // 2
    return [side for i in range(count) for side in (pads[i], pads[count + i])]


@translates("BatchNormalization")
def batch_norm(at, x, scale, bias, mean, variance):
    """Of a training step's three outputs the first; the others are state."""
    return ("batch_norm", [channels_last(x), scale, bias, mean, variance],
            spelled(epsilon=at.get("epsilon", 1e-5), convention="keras"), {"training": bool(at.get("training_mode"))})


@translates("InstanceNormalization")
def instance_norm(at, x, scale, bias):
    return "instance_norm", [channels_last(x), scale, bias], spelled(epsilon=at.get("epsilon", 1e-5))


@translates("LayerNormalization")
def layer_norm(at, x, scale, bias):
    """The normalised dimensions as one, and those before them."""
    axis = at.get("axis", -1) % x.ndim
    rows = x.reshape(-1, int(np.prod(x.shape[axis:])))
    return ("layer_norm", [rows, scale.reshape(-1), bias.reshape(-1)], spelled(epsilon=at.get("epsilon", 1e-5)),
            {"shape": rows.shape})


@translates("Conv")
def conv(at, x, w, b=None):
    inputs = [channels_last(x), window_first(w)] + ([b] if b is not None else [])
    return f"conv{x.ndim - 2}d", inputs, spelled(stride=at.get("strides"), padding=padding(at), dilation=at.get("dilations"),
                                                 groups=at.get("group"))


@translates("ConvTranspose")
def conv_transpose(at, x, w, b=None):
    inputs, count = [channels_last(x), window_first(w)], x.ndim - 2
    sizes, strides = at.get("output_shape"), at.get("strides", [1] * count)
    if not sizes:
        inputs += [b] if b is not None else []
        return f"conv{count}d_transpose", inputs, spelled(stride=strides, padding=padding(at), dilation=at.get("dilations"),
                                                          groups=at.get("group"), output_padding=at.get("output_padding"))
    # A result that is larger than the windows reach needs no padding.
    cut = [max(0, (n - 1) * s + k - size) for n, s, k, size in zip(x.shape[2:], strides, w.shape[2:], sizes)]
    assert not any(cut), "which side is cut off?"
    return "convolution_transpose", inputs, spelled(sizes=list(sizes), strides=strides, groups=at.get("group"))


def windows(at, count, **more):
    return spelled(window=at["kernel_shape"], stride=at.get("strides", [1] * count), padding=padding(at),
                   dilation=at.get("dilations"), ceil_mode=bool(at.get("ceil_mode")), **more)


@translates("MaxPool")
def max_pool(at, x):
    return "max_pool", [channels_last(x)], windows(at, x.ndim - 2)


@translates("AveragePool")
def average_pool(at, x):
    return "average_pool", [channels_last(x)], windows(at, x.ndim - 2, count_padding=bool(at.get("count_include_pad")))


@translates("GlobalMaxPool")
def global_max_pool(at, x):
    return "global_max_pool", [channels_last(x)], "keep_dims = true"


@translates("GlobalAveragePool")
def global_average_pool(at, x):
    return "global_average_pool", [channels_last(x)], "keep_dims = true"


@translates("Pad")
def pad(at, x, pads, value=None):
    mode = at.get("mode", b"constant").decode()
    op = {"constant": "pad", "reflect": "reflect_pad", "edge": "replicate_pad", "wrap": "wrap_pad"}[mode]
    # Of the dimensions in nnc's order.
    low, high = ([int(n) for n in (side[0], *side[2:], side[1])] for side in np.split(pads, 2))
    return op, [channels_last(x)], spelled(low=low, high=high, value=float(value) if op == "pad" and value is not None else None)


@translates("Resize")
def resize(at, x, roi=None, scales=None, sizes=None):
    given = scales is not None and scales.size > 0
    at = {key: value.decode() if isinstance(value, bytes) else value for key, value in at.items()}
    spatial = list(x.shape[2:])
    # Scales that differ are told by the sizes that they make exactly.
    is_one_scale = given and len(set(scales[2:])) == 1 and tuple(scales[:2]) == (1, 1)
    wanted = None if is_one_scale else [int(n) for n in (sizes[2:] if not given else np.floor(spatial * scales[2:]))]
    assert not given or is_one_scale or (np.array(wanted) == spatial * scales[2:]).all()
    rounding = {"round_prefer_floor": "prefer_floor", "round_prefer_ceil": "prefer_ceil"}
    nearest = at.get("nearest_mode", "round_prefer_floor")
    return "resize", [channels_last(x)], spelled(
        size=wanted, scale=float(scales[2]) if is_one_scale else None, mode=at.get("mode", "nearest"),
        corners=at.get("coordinate_transformation_mode", "half_pixel"), rounding=rounding.get(nearest, nearest))


# ONNX's order of gates in nnc's.
GATES = {"RNN": [0], "LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2]}


def gates_in_order(parts, type):
    """[gates * units, ..] with the gates as nnc has them."""
    return np.concatenate([np.split(parts, len(GATES[type]))[gate] for gate in GATES[type]])


@translates("RNN", "LSTM", "GRU")
def recurrent(at, x, w, r, b=None, lengths=None, initial=None, cell=None):
    """The first output, which is all steps', [time, directions, batch, units], or the last ones."""
    type, batch_first = at["type"], at.get("layout", 0) == 1
    batched = lambda v: v if batch_first else np.moveaxis(v, 1, 0)
    weights = []
    for direction in range(w.shape[0]):
        weights += [gates_in_order(part[direction], type).T for part in (w, r)]
        weights += [] if b is None else [gates_in_order(part, type) for part in np.split(b[direction], 2)]
    named = {name: batched(v)[:, 0] if w.shape[0] == 1 else batched(v)
             for name, v in (("initial", initial), ("initial_cell", cell)) if v is not None}
    if lengths is not None:
        named["lengths"] = lengths
    flags = spelled(reverse=True if at.get("direction") == b"reverse" else None,
                    bidirectional=True if at.get("direction") == b"bidirectional" else None,
                    reset_after=bool(at.get("linear_before_reset")) if type == "GRU" else None)
    operands = [x if batch_first else np.moveaxis(x, 1, 0), *weights, *named.values()]
    first, states = 1 + len(weights), 2 if type == "LSTM" else 1
    batch, time, units = *operands[0].shape[:2], r.shape[2]

    def text(*types):
        cells = "" if w.shape[0] == 1 else f"{w.shape[0]}x"
        results = [f"tensor<{batch}x{time}x{w.shape[0] * units}xf64>"] + [f"tensor<{batch}x{cells}{units}xf64>"] * states
        return (f"{', '.join(f'%y{i}' for i in range(len(results)))} = nnc.{type.lower()} "
                + ", ".join(f"%a{i}" for i in range(first)) + " "
                + " ".join(f"{name} = %a{first + i}" for i, name in enumerate(named))
                + f" {flags} : ({', '.join(types)}) -> ({', '.join(results)})")

    def expected(output):
        if output.ndim == 4:  # of all steps
            y = output if batch_first else np.moveaxis(output, 2, 0)
            return y.reshape(batch, time, -1)
        return batched(output)[:, 0] if w.shape[0] == 1 else batched(output)
    return type.lower(), operands, "", {"text": text, "expected": expected, "all": 4, "integers": "lengths" in named}


def load(path):
    tensor = onnx.TensorProto()
    with open(path, "rb") as file:
        tensor.ParseFromString(file.read())
    return numpy_helper.to_array(tensor)


def read_case(folder):
    """The node's type, its attributes, inputs and outputs; None where none is known here."""
    graph = onnx.load(os.path.join(folder, "model.onnx")).graph
    if len(graph.node) != 1 or graph.node[0].op_type not in TRANSLATIONS:
        return None
    node, data = graph.node[0], os.path.join(folder, "test_data_set_0")
    files = sorted(os.listdir(data))
    arrays = {kind: [load(os.path.join(data, f)) for f in files if f.startswith(kind)] for kind in ("input", "output")}
    # A missing optional input has no file.
    given = iter(arrays["input"])
    inputs = [next(given) if name else None for name in node.input]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    attributes["type"] = node.op_type
    return node.op_type, attributes, inputs, arrays["output"]


def main():
    listed = []
    for name in sorted(os.listdir(sys.argv[1])):
        read = read_case(os.path.join(sys.argv[1], name)) if name not in LEFT_OUT else None
        if not read:
            continue
        type, attributes, inputs, outputs = read
        op, operands, text, *rest = TRANSLATIONS[type](attributes, *inputs)
        more = rest[0] if rest else {}
        shape = more.pop("shape", None)
        reorder = more.pop("expected", None)
        if reorder:
            expected = reorder(outputs[0])
            more["values"] = ["%y0" if outputs[0].ndim == more.pop("all") else "%y1"]
        else:
            expected = outputs[0].reshape(shape) if shape else channels_last(outputs[0])
        counts = [len(operands) - 1] if more.pop("integers", False) else []
        operands = [np.asarray(v, np.int32 if i in counts else np.float64) for i, v in enumerate(operands)]
        ops.case("onnx", op, operands, lambda *_: np.asarray(expected, np.float64), text,
                 gradient=False, tolerance=TOLERANCE, only="f32", name=name, **more)
        listed.append(f"{name} {type}")
    print("\n".join(listed) if "--list" in sys.argv else "".join(ops.FAMILIES["onnx"]))


main()
