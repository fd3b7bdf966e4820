"""Prints the worked examples of docs/ops.md as functions, one an op.

usage: examples.py docs/ops.md [--values]

With --values only those that say in comments what their operands and results are,
with that for nnc-check to compare, in f32. An operand without a value is zero.
"""
import json
import re
import sys

# Ops whose examples need more around them than operands; other tests hold these.
STATEFUL = {"assign", "launch", "loss", "metric", "model", "optimize", "output",
            "parameter", "read", "yield"}
# Ops without a value that an example could promise: gradient is replaced before
# anything runs, and the others are random (test/numerics/random.test).
WITHOUT_VALUES = {"gradient", "dropout", "random_bits", "random_normal", "random_uniform", "roc_auc",
                  "average_precision"}


def operand_types(statement, names):
    """The types of the operands: those of a function type, or one for all."""
    text = statement.rsplit(" : ", 1)[1] if " : (" not in statement else \
        statement.split(" : (", 1)[1].split(") ->", 1)[0]
    types = re.findall(r"tensor<[^>]*>", text)
    return types if " : (" in statement else [types[0]] * len(names)


def result_types(statement, names):
    types = re.findall(r"tensor<[^>]*>", statement.rsplit("->" if ") ->" in statement else " : ", 1)[1])
    return types if len(types) == len(names) else [types[0]] * len(names)


def stated_values(comments):
    """The values by name: `x: [1.0, 2.0], y: true`."""
    text, decoder = " ".join(comments), json.JSONDecoder()
    return {match[1]: decoder.raw_decode(text, match.end())[0] for match in re.finditer(r"(\w+): (?=[-\d[])", text)}


def attribute(type, value):
    """`check.value` of a function's argument or result."""
    return f"{{check.value = dense<{json.dumps(value)}> : {type}}}"


def find_example(name, section):
    """The comments of an op's example, and its other lines."""
    example = re.search(r"```mlir\n(.*?)```", section, re.S)
    assert example, f"nnc.{name} has no worked example"
    lines = [line for line in example[1].splitlines() if not line.startswith("//")]
    comments = [line[2:].strip() for line in example[1].splitlines() if line.startswith("//")]
    return comments, lines


def split_statement(name, lines):
    """The types of the operands and of the results, by name."""
    statement = " ".join(line.strip() for line in lines)
    has_region = name in ("fused", "scan")
    header = statement.split("{")[0] if has_region else statement
    made, used = header.split(" = ", 1)
    names = re.findall(r"= (%\w+)" if has_region else r"%\w+", used.split(" : ")[0])
    types = operand_types(header, names)
    assert len(names) == len(types), f"nnc.{name}: {names} against {types}"
    results = re.findall(r"%\w+", made)
    return dict(zip(names, types)), dict(zip(results, result_types(header.strip(), results)))


def print_function(name, lines, operands):
    arguments = ", ".join(map(": ".join, operands.items()))
    print(f"func.func @example_{name}({arguments}) {{")
    print("\n".join(lines))
    print("  return\n}")


def print_check(name, comments, lines, operands, results):
    values = stated_values(comments)
    missing = [result for result in results if result[1:] not in values]
    assert not missing, f"nnc.{name}: the example does not say what {', '.join(missing)} is"
    arguments = ", ".join(f"{n}: {t} {attribute(t, values.get(n[1:], 0))}" for n, t in operands.items())
    tail = ", ".join(f"{t} {attribute(t, values[n[1:]])}" for n, t in results.items())
    print(f"func.func @example_{name}({arguments}) -> ({tail})\n    attributes {{check.only = \"f32\"}} {{")
    print("\n".join(lines))
    print(f"  return {', '.join(results)} : {', '.join(results.values())}\n}}")


def main():
    text = open(sys.argv[1]).read()
    with_values = "--values" in sys.argv
    for name, section in re.findall(r"^## `nnc\.(\w+)`$(.*?)(?=^## |\Z)", text, re.M | re.S):
        comments, lines = find_example(name, section)
        if name in STATEFUL or with_values and name in WITHOUT_VALUES:
            continue
        operands, results = split_statement(name, lines)
        if with_values:
            print_check(name, comments, lines, operands, results)
        else:
            print_function(name, lines, operands)


if __name__ == "__main__":
    main()
