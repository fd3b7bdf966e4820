"""Names what an op of the dialect lacks, of what every op has. Its record demands the
gradient or the expansion itself.

usage: op-contract.py nnc-run-programs [--forget PART:OP]

--forget: as if the op lacked a PART of it (lowering, case, example or evaluation).
"""
import os
import re
import subprocess
import sys

TEST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path += [os.path.join(TEST, folder) for folder in ("fuzz/programs", "numerics", "ir")]

from examples import WITHOUT_VALUES
from primitives import PRIMITIVES
from references import REFERENCES
from server import Server

# Whose values are random, or which programs cannot call: where they are tested instead.
OTHER_CASES = {"random_bits": "random", "random_normal": "random", "random_uniform": "random", "bernoulli": "random",
               "dropout": "random", "orthogonalize": "initializers", "roc_auc": "metrics-of-sets",
               "average_precision": "metrics-of-sets"}


def cases():
    listed = subprocess.run([sys.executable, os.path.join(TEST, "numerics", "ops.py"), "--list"],
                            capture_output=True, text=True, check=True)
    return set(listed.stdout.split()) | set(OTHER_CASES)


def examples():
    page = open(os.path.join(TEST, "..", "docs", "ops.md")).read()
    sections = re.findall(r"^## `nnc\.(\w+)`$(.*?)(?=^## |\Z)", page, re.M | re.S)
    return {name for name, section in sections if re.search(r"```mlir\n.*?^// .*?```", section, re.M | re.S)} | WITHOUT_VALUES


def main():
    ops = Server(sys.argv[1]).ask("ops")["ops"]
    composites = {op["name"] for op in ops if op["composite"]}
    names = {op["name"] for op in ops}
    parts = {
        "lowering": ({op["name"] for op in ops if op["lowered"]} | composites,
                     "codegen/lower: add it to the table of its family"),
        "case": (cases(), "test/numerics/ops.py: a case with what NumPy makes of it"),
        "example": (examples(), "its record: a worked example that says what the result is"),
        "evaluation": (REFERENCES.keys() & composites | PRIMITIVES.keys() - composites,
                       "test/fuzz/programs/{}.py: a function, for random programs"),
    }
    if "--forget" in sys.argv:
        part, name = sys.argv[-1].split(":")
        assert name in parts[part][0], f"nnc.{name} has no {part} to be forgotten"
        parts[part] = (parts[part][0] - {name}, parts[part][1])
    missing = [f"nnc.{name} has no {part} ({where.format('references' if name in composites else 'primitives')})"
               for part, (known, where) in parts.items() for name in sorted(names - known)]
    print("\n".join(missing))
    sys.exit(bool(missing))


main()
