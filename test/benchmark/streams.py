"""Data larger than memory: what a run on them takes, beside one in memory.

  streams.py NNC FOLDER [--gigabytes N] [--rows N] [--hidden N] [--window N] [--threads N]

Writes an array of NumPy's of so many gigabytes into FOLDER, sparse, so that it
takes no disk, and one of 400 MB that is kept in memory; trains the same model on
both in turn for the same number of steps, shuffled in windows of N samples, and
says samples a second in each round and the largest memory of the process. Then a table as CSV of so many rows, kept and spooled:
rows a second from its begin to the first step, and samples a second."""
import argparse
import json
import os
import random
import subprocess
import time
from pathlib import Path

WIDTH = 256
MODEL = """
model stream(x: f32[batch, {width}], y: f32[batch]) {{
  h = relu(dense(x, {hidden}))
  loss mse(reshape(dense(h, 1), [batch]), y)
}}
training {{
  optimizer sgd(learning_rate = 0.001)
  batch 256
  shuffle {window}
}}
data {{
  train {data}
}}
"""


def write_array(path, rows, shape):
    """An .npy file of f32 zeros, without the zeros."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * ((-len(header) - 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        file.truncate(10 + len(header) + 4 * rows * (shape[1] if len(shape) > 1 else 1))


def write_table(path, rows):
    draw = random.Random(1)
    cells = [",".join(f"{draw.gauss(0, 1):.5f}" for _ in range(20)) for _ in range(1000)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(f"c{i}" for i in range(20)) + ",y\n")
        for i in range(rows):
            file.write(f"{cells[i % 1000]},{i % 7}\n")


def train(nnc, folder, program, steps, threads):
    """Runs the program for so many steps: seconds of the steps, of all, and MB."""
    Path(folder, "stream.nn").write_text(program, encoding="utf-8")
    begin = time.monotonic()
    child = subprocess.Popen(
        [nnc, "train", "stream.nn", "--steps", str(steps), "--threads", str(threads), "--epochs", "3", "--json", "-o", "w.safetensors"],
        cwd=folder, stdout=subprocess.PIPE, text=True,
    )
    records = [json.loads(line) for line in child.stdout]
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit("nnc train failed")
    return min(record["seconds"] for record in records), time.monotonic() - begin, usage.ru_maxrss / 1024


def main():
    options = argparse.ArgumentParser()
    options.add_argument("nnc")
    options.add_argument("folder")
    options.add_argument("--gigabytes", type=float, default=10)
    options.add_argument("--rows", type=int, default=2_000_000)
    options.add_argument("--steps", type=int, default=1000)
    options.add_argument("--hidden", type=int, default=512)
    options.add_argument("--window", type=int, default=50_000)
    options.add_argument("--threads", type=int, default=0)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    given.nnc = str(Path(given.nnc).resolve())
    folder = Path(given.folder)
    numbers = {"hidden": given.hidden, "window": given.window}
    sizes = {"in memory": 4e8, "stream": given.gigabytes * 1e9}
    for name, size in sizes.items():
        rows = int(size / 4 / WIDTH)
        (folder / name).mkdir(exist_ok=True)
        write_array(folder / name / "x.npy", rows, (rows, WIDTH))
        write_array(folder / name / "y.npy", rows, (rows,))
    array = MODEL.format(width=WIDTH, data='x = npy("x.npy"), y = npy("y.npy")', **numbers)
    for _ in range(given.rounds):
        took = {}
        for name, size in sizes.items():
            took[name], _, memory = train(given.nnc, folder / name, array, given.steps, given.threads)
            print(f"{name}: {size / 1e9:.1f} GB, {given.steps * 256 / took[name]:.0f} samples/s, {memory:.0f} MB")
        print(f"the stream at {took['in memory'] / took['stream']:.2f} of the speed in memory")
    table = MODEL.format(width=20, data='x, y = csv("t.csv")', **numbers)
    for name, steps in (("table", ""), ("table, standardised", "  x standardize\n")):
        write_table(folder / "t.csv", given.rows)
        size = (folder / "t.csv").stat().st_size
        program = table.rstrip().removesuffix("}") + steps + "}\n"
        seconds, whole, memory = train(given.nnc, folder, program, given.steps, given.threads)
        loading = whole - 3 * seconds
        print(f"{name}: {size / 1e6:.0f} MB, {given.rows / loading:.0f} rows/s read, "
              f"{given.steps * 256 / seconds:.0f} samples/s, {memory:.0f} MB")


main()
