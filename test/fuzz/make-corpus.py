"""Writes the first inputs of each fuzzer, from models as small as can be:

  make-corpus.py build/bin/nnc FOLDER

What the fuzzers found is beside them, under names of its own."""
import gzip
import io
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy

nnc, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
scratch = Path(tempfile.mkdtemp())

models = {
    "line": """model line(x: f32[batch, 2], y: f32[batch]) {
  param w: f32[2, 1] = [[1], [2]]
  loss mse(matmul(x, w), y, l2 = 0.5)
}
training {
  optimizer sgd(learning_rate = 0.1)
  batch 2
}
data { train x, y = csv("d.csv", columns = "0:3") }
""",
    "classes": """const n = 3
fn block(x, width) { return relu(dense(x, width, weight = he_normal)) }
model classes(image: u8[batch, 2, 2], label: u8[batch]) {
  x = flatten(cast(image, f32) / 255)
  for i in 0..2 { x = block(x, 4) as block[i] }
  x = dropout(x, 0.2)
  z = dense(x, n, bias = false)
  loss cross_entropy(z, label)
  metric accuracy(z, label)
  output p = softmax(z)
}
training {
  optimizer adam(learning_rate = cosine(0.01, warmup = 5, total = 9))
  seed 7
  epochs 2
  validation 0.1
  clip_norm 1.0
}
data {
  train image = idx("a.gz"), label = npy("b")
  test  image = idx("c"), label = idx("d")
}
""",
    "values": """model values(x: f32[batch, 4]) {
  a = x[:, 1:3] * [1, 2] + slice(x, [0, 0], [-1, 2], [1, 2])
  if true {
    c = select(a > 0, a, -a)
  } else {
    c = a
  }
  output c, mean(a), d = -a ** 2
}
""",
}


def save(fuzzer, name, content):
    (folder / fuzzer).mkdir(parents=True, exist_ok=True)
    (folder / fuzzer / name).write_bytes(content)


def compiled(name, *words):
    # In the folder, so that no name of it is in a location.
    subprocess.run([nnc, *words, name], cwd=scratch, check=True)
    return (scratch / name).read_bytes()


def npy(array):
    stream = io.BytesIO()
    numpy.save(stream, array)
    return stream.getvalue()


for name, text in models.items():
    save("model", name, text.encode())
    (scratch / f"{name}.nn").write_text(text)
    save("graph", name, compiled(f"{name}.graph", "convert", f"{name}.nn"))
save("plan", "line", compiled("line.plan", "compile", "--quiet", "--target", "cpu:x86-64-v3",
                              "line.nn", "-o"))

header = b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"s":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}'
save("safetensors", "two", struct.pack("<Q", len(header)) + header + bytes(16))

# FuzzData.cpp: the reader, the kind of input, the file.
images = struct.pack(">HBBIII", 0, 8, 3, 2, 2, 2) + bytes(8)
save("data", "idx", bytes([0, 9]) + images)
save("data", "idx-gz", bytes([0, 9]) + gzip.compress(images, mtime=0))
save("data", "npy", bytes([1, 4]) + npy(numpy.ones((2, 2), "f4")))
save("data", "npy-big", bytes([1, 7]) + npy(numpy.ones((2, 2), ">f8")))
save("data", "csv", bytes([2, 36]) + b"a,b,y\n1,2,0\n3,-4e1,1\n")
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
    file.writestr(zipfile.ZipInfo("x.npy", (1980, 1, 1, 0, 0, 0)), npy(numpy.ones((2, 2), "f4")))
save("data", "npz", bytes([3, 4]) + archive.getvalue())
