"""Prints the worked examples of docs/ops.md as functions, one an op.

usage: examples.py docs/ops.md
"""
import re
import sys

# Ops whose examples need more around them than operands; other tests hold these.
STATEFUL = {"assign", "launch", "loss", "metric", "model", "optimize", "output",
            "parameter", "read", "yield"}


def operand_types(statement, names):
    """The types of the operands: those of a function type, or one for all."""
    text = statement.rsplit(" : ", 1)[1] if " : (" not in statement else \
        statement.split(" : (", 1)[1].split(") ->", 1)[0]
    types = re.findall(r"tensor<[^>]*>", text)
    return types if " : (" in statement else [types[0]] * len(names)


text = open(sys.argv[1]).read()
sections = re.findall(r"^## `nnc\.(\w+)`$(.*?)(?=^## |\Z)", text, re.M | re.S)
for name, section in sections:
    example = re.search(r"```mlir\n(.*?)```", section, re.S)
    assert example, f"nnc.{name} has no worked example"
    if name in STATEFUL:
        continue
    lines = [line for line in example[1].splitlines() if not line.startswith("//")]
    statement = " ".join(line.strip() for line in lines)
    header = statement.split("{")[0] if name == "fused" else statement
    used = header.split(" = ", 1)[1].split(" : ")[0]
    names = re.findall(r"= (%\w+)" if name == "fused" else r"%\w+", used)
    types = operand_types(header, names)
    assert len(names) == len(types), f"nnc.{name}: {names} against {types}"
    arguments = ", ".join(map(": ".join, dict(zip(names, types)).items()))
    print(f"func.func @example_{name}({arguments}) {{")
    print("\n".join(lines))
    print("  return\n}")
