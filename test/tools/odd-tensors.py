"""odd-tensors.py FILE writes safetensors with what there rarely is; with a second
file, compares that with what is in them."""
import json
import math
import struct
import sys

LARGE = 400000
tensors = {
    "values": ("F32", [2, 3], struct.pack("<6f", -1, 4, math.nan, 1, 2, math.nan)),
    "half": ("F16", [3], struct.pack("<3e", 0.5, 1, 2)),
    "small": ("I8", [3], b"abc"),
    "none": ("F32", [0, 4], b""),
    "\x1b[31m\u009b\u00e9": ("U8", [1], b"\x07"),
    # More than is read at a time.
    "large": ("F32", [LARGE], struct.pack(f"<{LARGE}f", *range(LARGE))),
}
if len(sys.argv) == 2:
    header, content = {}, b""
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(content), len(content) + len(data)]}
        content += data
    text = json.dumps(header).encode()
    with open(sys.argv[1], "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + content)
else:
    with open(sys.argv[2]) as file:
        seen = {tensor["name"]: tensor for tensor in json.load(file)["tensors"]}
    assert seen.keys() == tensors.keys(), seen.keys()
    assert seen["values"] == {"name": "values", "kind": "weight", "element_type": "f32", "shape": [2, 3],
                              "size_bytes": 24, "nan_count": 2, "min": -1, "max": 4, "mean": 1.5}, seen["values"]
    assert seen["small"]["element_type"] == "I8" and "min" not in seen["small"], seen["small"]
    # Whole numbers below 2^24 are exact in f32, and their sum in f64.
    large = seen["large"]
    assert (large["min"], large["max"], large["mean"]) == (0, LARGE - 1, (LARGE - 1) / 2), large
