"""Writes the first inputs of each fuzzer, from models as small as can be:

  make-corpus.py build/bin/nnc FOLDER

What the fuzzers found is beside them, under names of its own."""
import ctypes
import gzip
import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy

nnc, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
scratch = Path(tempfile.mkdtemp())
schema = Path(__file__).resolve().parent.parent.parent / "runtime/plan.fbs"

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
  group ["*.weight"] { rate 0.5 }
  accumulate 2
  average 0.9 from 0.5 run
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
    "attention": """const heads = 2, width = 4, vocabulary = 5
fn split(x) { return transpose(reshape(x, [-1, 3, heads, 2]), [0, 2, 1, 3]) }
model attention(token: i32[batch, 3], next: i32[batch]) {
  h = embedding(token, vocabulary, width)
  q = split(dense(h, width))
  k = split(dense(h, width))
  a = softmax(matmul(q, k, transpose_rhs = true) / sqrt(2.0))
  h = layer_norm(h + reshape(transpose(matmul(a, q), [0, 2, 1, 3]), [-1, 3, width]))
  logits = dense(gelu(h[:, 2, :]), vocabulary)
  loss cross_entropy(logits, next)
  metric top_k_accuracy(logits, next, k = 2)
  output prediction = argmax(logits)
}
training {
  optimizer adamw(learning_rate = step_decay(0.01, every = 3, factor = 0.5))
  batch 2
  clip_value 0.5
  freeze ["dense.*"]
}
data { train token, next = csv("d.csv", columns = "token:next", header = true) }
""",
    "reductions": """model reductions(x: f32[batch, 2, 3], y: f32[batch], g: i64[batch]) {
  param p: f32[3] = normal(0.1)
  param t: f32[4, 3] = uniform(-1, 1)
  a = pad(x, [0, 1, 0], [0, 0, 1])
  b = concat([x * p, stop_gradient(x)], axis = 1)
  c = logsumexp(b, axes = [1, 2]) + reduce_max(a, axes = [1, 2])
  e = sum(gather(t, g), axes = [1]) + log1p(exp(c)) * rsqrt(1 + c * c)
  n = random_normal([4]) * clamp(mean(a), -1, 1)
  loss huber(e, y, delta = 0.5, l1 = 0.1) + sum(n)
  metric mean_absolute_error(e, y)
  output e, one_hot(g, 4), z = iota([3], i32)
}
training {
  optimizer rmsprop(learning_rate = exponential_decay(0.1, every = 2, factor = 0.9))
  precision bf16
}
""",
}

# As for a GPU: a product by its library, a copy, a module.
extent = dict(constant=0, per_batch=2, divisor=1)
one = dict(constant=1, per_batch=0, divisor=1)
two = dict(constant=2, per_batch=0, divisor=1)
bytes_of = dict(constant=0, per_batch=8, divisor=1)
rows = dict(transposed=False, leading=two, stride=extent)
x = dict(region="Input", index=0, offset_bytes=0, size_bytes=bytes_of)
w = dict(region="State", index=0, offset_bytes=0, size_bytes=dict(constant=16, per_batch=0, divisor=1))
d = dict(region="Arena", index=0, offset_bytes=0, size_bytes=bytes_of)
batch = dict(constant=0, per_batch=1, divisor=1)
product = {
    "version": 1, "producer": "nnc", "model": "product", "max_batch": 3,
    "code": {
        "target": "cuda", "features": [], "image": [],
        "kernels": [{"name": "k", "kind": "rows", "threads": 32, "unit": 0}],
        "modules": [{"unit": 0, "architecture": "sm_90", "image": [0],
                     "resources": [dict(kernel=0, registers=8, stack_bytes=0, spill_bytes=0,
                                        shared_bytes=0)]}],
        "text": "k\n"},
    "entry_points": [{
        "name": "predict", "arena_bytes": 128, "scratch_bytes": 0,
        "inputs": [{"name": "x", "element_type": "F32", "shape": [-1, 2]}],
        "outputs": [{"name": "d", "kind": "output", "element_type": "F32", "shape": [-1, 2],
                     "buffer": d}],
        "commands_type": ["Matmul", "Copy", "Launch"],
        "commands": [
            {"name": "m", "buffers": [x, w, d, {**w, "offset_bytes": 64}], "count": one, "m": batch,
             "n": two, "k": two, "a": rows, "b": rows, "d": rows, "epilogue": "Bias",
             "source": "m.nn:1:1"},
            {"from": d, "to": {**d, "offset_bytes": 64}},
            {"kernel": 0, "buffers": [d], "extent": one, "source": "m.nn:2:1"}]}],
    "state": [{"name": "w", "element_type": "F32", "shape": [2, 2], "offset_bytes": 0},
              {"name": "b", "element_type": "F32", "shape": [2], "offset_bytes": 64}],
    "state_bytes": 128, "constants": [],
}


def save(fuzzer, name, content):
    (folder / fuzzer).mkdir(parents=True, exist_ok=True)
    (folder / fuzzer / name).write_bytes(content)


# Slices, a value in slots of which two lists are views, and what is the same at
# each step.
loop = """nnc.model @loop(%h: tensor<?x2xf32> {nnc.name = "h"}, %x: tensor<3x?x2xf32> {nnc.name = "x"}, %w: tensor<2x2xf32> {nnc.name = "w"}) {
  %last, %all = nnc.scan carried(%a = %h) over(%b = %x) with(%c = %w) steps = 3
      : (tensor<?x2xf32>, tensor<3x?x2xf32>, tensor<2x2xf32>) -> (tensor<?x2xf32>, tensor<3x?x2xf32>) {
    %0 = nnc.mul %c, %c : tensor<2x2xf32>
    %1 = nnc.matmul %a, %0 : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
    %2 = nnc.add %1, %b : tensor<?x2xf32>
    nnc.yield %2, %2 : tensor<?x2xf32>, tensor<?x2xf32>
  }
  nnc.output "last" %last : tensor<?x2xf32>
  nnc.output "all" %all : tensor<3x?x2xf32>
}
"""


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
save("settings", "one", b"rate = 0.5\n")
save("settings", "all", b"""width=3
rate=1e-3
deep=false
file="e.csv"
sizes=[4, 5, 6]
layers=1 + 2
""")

for name in ("line", "values"):
    save("plan", name, compiled(f"{name}.plan", "compile", "--quiet", "--target", "cpu:x86-64-v3",
                                f"{name}.nn", "-o"))
(scratch / "loop.mlir").write_text(loop)
save("plan", "loop", compiled("loop.plan", "compile", "--quiet", "--target", "cpu:x86-64-v3", "loop.mlir", "-o"))
(scratch / "product.json").write_text(json.dumps(product))
subprocess.run(["flatc", "--binary", schema, "product.json"], cwd=scratch, check=True)
save("plan", "product", (scratch / "product.bin").read_bytes())

header = b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"s":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}'
save("safetensors", "two", struct.pack("<Q", len(header)) + header + bytes(16))

# FuzzData.cpp: the reader, the kind of input, the file.
images = struct.pack(">HBBIII", 0, 8, 3, 2, 2, 2) + bytes(8)
labels = struct.pack(">HBBI", 0, 12, 1, 3) + struct.pack(">3i", 0, 1, 2)
save("data", "idx", bytes([0, 9]) + images)
save("data", "idx-gz", bytes([0, 9]) + gzip.compress(images, mtime=0))
save("data", "idx-labels", bytes([0, 18]) + labels)
save("data", "npy", bytes([1, 4]) + npy(numpy.ones((2, 2), "f4")))
save("data", "npy-big", bytes([1, 7]) + npy(numpy.ones((2, 2), ">f8")))
save("data", "npy-integers", bytes([1, 16]) + npy(numpy.arange(2, dtype="i8")))
table = b"a,b,y\n1,2,0\n3,-4e1,1\n"
save("data", "csv", bytes([2, 36]) + table)
save("data", "csv-gz", bytes([2, 36]) + gzip.compress(table, mtime=0))
save("data", "csv-columns", bytes([2, 236]) + table)
rows = b'{"x": 1.5, "y": 2}\n\n{"x": null, "y": [1, 2]}\n'
save("data", "jsonl", bytes([4, 0]) + rows)
save("data", "csv-missing", bytes([5, 0]) + b"x\n1\nNA\n\n4e2\n")
save("data", "csv-names", bytes([5, 64 + 2]) + b'x\nRome\n"a, ""b"\n\n')
save("data", "csv-dates", bytes([5, 128]) + b"x\n2024-02-29T14:30:00+02:00\n")
save("data", "csv-one-hot", bytes([5, 192 + 12]) + b"x\na\nb\na\n")
save("data", "jsonl-names", bytes([6, 96 + 1]) + b'{"x": "no"}\n{"x": "yes"}\n')
save("data", "npy-stored", bytes([7, 0]) + npy(numpy.array([1, numpy.nan], "f8")))
save("data", "csv-integers", bytes([2, 2]) + b"1\r\n\"2\"\r\n 3 ")

# FuzzImages.cpp: the reader and the kind of input, the file.
def png(height, width, colour, pixels, *chunks):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    step = len(pixels) // height
    rows = b"".join(b"\0" + pixels[row * step:(row + 1) * step] for row in range(height))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def jpeg(height, width, pixels, subsampling):
    library = ctypes.CDLL("libturbojpeg.so.0")
    library.tjInitCompress.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(library.tjInitCompress())
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    library.tjCompress2(handle, pixels, width, 0, height, 0, ctypes.byref(out), ctypes.byref(size),
                        subsampling, 80, 0)
    return ctypes.string_at(out, size.value)


ramp = bytes(range(0, 252, 7)) * 2
save("images", "png", bytes([0]) + png(4, 6, 2, ramp))
save("images", "png-grey", bytes([4]) + png(4, 6, 0, ramp[:24], (b"gAMA", struct.pack(">I", 45455))))
save("images", "png-palette", bytes([8]) + png(4, 6, 3, bytes(24), (b"PLTE", ramp[:6]), (b"tRNS", b"\x80")))
save("images", "png-alpha", bytes([12]) + png(3, 6, 6, ramp[:72]))
save("images", "jpeg", bytes([0]) + jpeg(4, 6, ramp, 0))
save("images", "jpeg-420", bytes([4]) + jpeg(4, 6, ramp, 2))
save("images", "cifar10", bytes([1, 3]) + bytes(3072))
save("images", "cifar100", bytes([10, 3, 4]) + bytes(3072))

# FuzzTexts.cpp: the reader, its arguments, what the model wants, the file.
def wav(samples, form, bits):
    parts = [(b"fmt ", struct.pack("<HHIIHH", form, 1, 8000, 8000 * bits // 8, bits // 8, bits)), (b"data", samples)]
    body = b"WAVE" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


save("texts", "lines", bytes([0, 2, 32]) + "one two\nzwei, drei \u00fc\r\n\nvier\n".encode())
save("texts", "table", bytes([0, 2 + 4 + 16, 32 + 128]) + b"good film\t1\nbad \"film\"\t0\n")
save("texts", "quotes", bytes([0, 1 + 4 + 64 + 128, 32 + 128 + 3]) + b'a,b\ncat,"one, ""two"""\ndog,three\n')
save("texts", "records", bytes([1, 0 + 8, 32 + 16]) + b"a\nb\n%\nc\n%\n")
save("texts", "windows", bytes([1, 1 + 12 + 16, 32 + 128]) + b"the cat sat on the mat\n")
save("texts", "tokens-npy", bytes([2, 0, 32 + 128]) + npy(numpy.arange(9, dtype="u2")))
save("texts", "tokens-raw", bytes([2, 3, 32 + 64]) + numpy.arange(9, dtype="u2").tobytes())
save("texts", "wav", bytes([3, 0, 0]) + wav(struct.pack("<4h", 1, -2, 3, 32767), 1, 16))
save("texts", "wav-floats", bytes([3, 0, 0]) + wav(struct.pack("<2f", 0.5, -1), 3, 32))

# FuzzTokenizers.cpp: the format, the length of its file, the file, a text.
inputs = Path(__file__).resolve().parent.parent / "runtime/text/inputs"


def tokenizer(name, kind, file, text):
    save("tokenizers", name, bytes([kind]) + struct.pack("<H", len(file)) + file + text.encode())


def fewer(file, count):
    """A tokenizer.json with the ids below that, and the merges that they need."""
    content = json.loads((inputs / file).read_text())
    vocab = {token: id for token, id in content["model"]["vocab"].items() if id < count}
    content["model"]["vocab"] = vocab
    if "merges" in content["model"]:
        content["model"]["merges"] = [merge for merge in content["model"]["merges"] if "".join(merge) in vocab]
    content["added_tokens"] = [token for token in content["added_tokens"] if token["id"] < count]
    return json.dumps(content).encode()


tokenizer("unigram", 0, (inputs / "unigram.model").read_bytes(), "Fine \ufb01ne text, \u00bd of it")
tokenizer("pairs", 0, (inputs / "pairs.model").read_bytes(), "  <|endoftext|> \U0001f600\n")
tokenizer("split", 1, fewer("split.json", 300), "I'll see 1234 // comment\n\n\u00e9e\u0301")
tokenizer("cased", 1, fewer("cased.json", 120), "[CLS] W\u00f6rter, \u6211\u559c [MASK]")
vocab = {token: id for token, id in json.loads((inputs / "gpt2/vocab.json").read_text()).items() if id < 290}
lines = [line for line in (inputs / "gpt2/merges.txt").read_text().splitlines()[1:] if line.replace(" ", "") in vocab]
tokenizer("gpt2", 2, json.dumps(vocab).encode() + b"\0" + "\n".join(lines).encode(), "the <|endoftext|> 's  it")
tokenizer("word", 3, b'{"tokenizer":"word","lower":true,"filters":".,","begin":true,"tokens":["a","b"]}', "A b. c")
tokenizer("character", 3, '{"tokenizer":"character","tokens":["a","\u00fc"]}'.encode(), "a\u00fcb")

archive = io.BytesIO()
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
    file.writestr(zipfile.ZipInfo("x.npy", (1980, 1, 1, 0, 0, 0)), npy(numpy.ones((2, 2), "f4")))
save("data", "npz", bytes([3, 4]) + archive.getvalue())
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
    for name in ("y.npy", "x.npy"):
        file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), npy(numpy.ones(2, "f4")))
save("data", "npz-stored", bytes([3, 0]) + archive.getvalue())
