"""Prints kernels that each apply one elementary function, for nnc-run-kernel.

    math-kernels.py f32|f64 [special]

Without `special`: uniform operands over ranges that show each function's
reductions. With it: zeros, infinities, NaN, subnormals and numbers beyond the
functions' ranges, in all pairs for pow.
"""

import sys

# Function, and for each operand a range, for f64; f32's are those in range of it.
RANGES = [
    ("exp", [(-1, 1)]),
    ("exp", [(-87, 88)]),
    ("expm1", [(-1, 1)]),
    ("expm1", [(-50, 88)]),
    ("log", [(0.5, 2)]),
    ("log", [(1e-37, 1e37)]),
    ("log1p", [(-0.9, 1)]),
    ("log1p", [(-1e-5, 1e-5)]),
    ("log1p", [(0, 1e6)]),
    ("tanh", [(-1, 1)]),
    ("tanh", [(-25, 25)]),
    ("erf", [(-1.2, 1.2)]),
    ("erf", [(-6.5, 6.5)]),
    ("sin", [(-4, 4)]),
    ("sin", [(-1e4, 1e4)]),
    ("cos", [(-4, 4)]),
    ("cos", [(-1e4, 1e4)]),
    ("sin", [(-1e17, 1e17)]),
    ("sin", [(1e30, 3e38)]),
    ("cos", [(1e19, 1e22)]),
    ("cos", [(-1e7, 1e7)]),
    ("powf", [(0.1, 10), (-5, 5)]),
    ("powf", [(0.9, 1.1), (-300, 300)]),
]
F64_RANGES = [
    ("exp", [(-745, 709)]),
    ("expm1", [(-50, 709)]),
    ("log", [(1e-300, 1e300)]),
    ("sin", [(-1e300, 1e300)]),
    ("cos", [(1e100, 1.7e308)]),
    ("powf", [(0.5, 2), (-100, 100)]),
]
INFINITY, MINUS_INFINITY, NAN = (
    f"0x{bits}000000000000 : f64" for bits in ("7FF0", "FFF0", "7FF8")
)
SPECIAL = ["0.0", "-0.0", "1.0", "-1.0", INFINITY, MINUS_INFINITY, NAN, "2.0"]
# Subnormal in f64; upstream's log in f32 takes subnormals for the least normal.
TINY = {"f64": "1.0e-310", "f32": "1.2e-38"}
SPECIAL += ["-2.0", "0.5", "1.0e3", "-1.0e3", "3.0", "-3.0"]
# Around the largest angle that is reduced in a few multiplications, 2^20.
SPECIAL += ["1048575.75", "1048576.0", "-1048576.25", "1.0e17", "-1.0e22"]


def kernel(name, function, element, count, attributes):
    tensor = f"tensor<{count}x{element}>"
    operands = [f"%x{i}" for i in range(len(attributes))]
    signature = ", ".join(
        f"{operand}: {tensor} {{{attribute}}}"
        for operand, attribute in zip(operands, attributes)
    )
    maps = ", ".join(["affine_map<(i) -> (i)>"] * (len(operands) + 1))
    types = ", ".join([tensor] * len(operands))
    scalars = [f"%a{i}" for i in range(len(operands))]
    block = ", ".join(f"{scalar}: {element}" for scalar in scalars)
    libm = "pow" if function == "powf" else function
    print(
        f"""func.func private @{name}(%batch: index, {signature}) -> {tensor}
    attributes {{nnc.kernel, test.function = "{libm}"}} {{
  %empty = tensor.empty() : {tensor}
  %y = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
      ins({", ".join(operands)} : {types}) outs(%empty : {tensor}) {{
  ^bb0({block}, %out: {element}):
    %r = math.{function} {", ".join(scalars)} : {element}
    linalg.yield %r : {element}
  }} -> {tensor}
  return %y : {tensor}
}}"""
    )


def print_ranges(element):
    for index, (function, ranges) in enumerate(
        RANGES + (F64_RANGES if element == "f64" else [])
    ):
        attributes = [f"test.range = [{low:e}, {high:e}]" for low, high in ranges]
        kernel(f"{function}_{index}", function, element, 10000, attributes)


def print_special(element):
    special = SPECIAL + [TINY[element], "-" + TINY[element]]
    for function in sorted({function for function, _ in RANGES}):
        operands = [special]
        if function == "powf":
            pairs = [(x, y) for x in special for y in special]
            operands = list(zip(*pairs))
        attributes = [f"test.values = [{', '.join(values)}]" for values in operands]
        kernel(function, function, element, len(operands[0]), attributes)


if __name__ == "__main__":
    (print_special if "special" in sys.argv else print_ranges)(sys.argv[1])
