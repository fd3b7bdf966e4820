"""Reads and writes safetensors files (the format is a JSON header after its
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


def save(path, tensors):
    """Arrays of f32 and f64, by name."""
    header, place = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": {"float32": "F32", "float64": "F64"}[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [place, place + array.nbytes]}
        place += array.nbytes
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            file.write(numpy.ascontiguousarray(array).tobytes())
