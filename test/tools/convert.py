"""Converts models to every form and back, and compares:

  convert.py FOLDER [--plans] MODEL.nn...

.nn -> .graph -> .mlir is .nn -> .mlir to the letter, locations included; so is the
way over bytecode; a graph made of the text is the graph made of the source; and, with
--plans, a plan made of the graph is the plan made of the source."""
import subprocess
import sys
from pathlib import Path


def nnc(*words):
    subprocess.run(["nnc", *map(str, words)], check=True)


def same(first, second):
    assert first.read_bytes() == second.read_bytes(), f"{first} and {second} differ"


folder = Path(sys.argv[1])
models = [Path(word) for word in sys.argv[2:] if word != "--plans"]
assert models
for model in models:
    stem = folder / model.stem
    text, graph = stem.with_suffix(".mlir"), stem.with_suffix(".graph")
    nnc("convert", model, text)
    nnc("convert", model, graph)
    again = [folder / name for name in ("again.mlir", "bytes.mlir", "again.graph")]
    nnc("convert", graph, again[0])
    nnc("convert", graph, folder / "again.mlirbc")
    nnc("convert", folder / "again.mlirbc", again[1])
    nnc("convert", text, again[2])
    same(text, again[0])
    same(text, again[1])
    same(graph, again[2])
    if "--plans" in sys.argv:
        nnc("compile", model, "--quiet", "-o", folder / "source.plan")
        nnc("compile", graph, "--quiet", "-o", folder / "graph.plan")
        same(folder / "source.plan", folder / "graph.plan")
print(len(models), "models")
