"""Reads a safetensors file of f32 tensors (the format is a JSON header after its
length in eight bytes, then the bytes of the tensors)."""
import json

import numpy


def load(path):
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        content = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        types = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U8": "u1"}
        tensors[name] = numpy.frombuffer(content[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors
