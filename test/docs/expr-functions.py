"""Prints the functions and operators that expansions and gradients may call, as the
block of docs/adding-an-op.md has them: those that ir/Expr.h declares before it comes
to what serves the dialect's own rules.

usage: expr-functions.py ir/Expr.h [PAGE]

With a page, fails if its block differs from that, and says what it ought to be."""
import pathlib
import re
import sys
import textwrap

header = pathlib.Path(sys.argv[1]).read_text().split("// What serves the dialect's own rules.")[0]
names = list(dict.fromkeys(re.findall(r"^Expr ([a-z]\w+|operator\S+?)\(", header, re.M)))
operators = [name[len("operator"):] for name in names if name.startswith("operator")]
functions = [name for name in names if not name.startswith("operator")]
assert len(functions) > 40 and len(operators) == 10, (functions, operators)
text = [f"x {name} y".replace(" ", "\0") for name in operators] + ["-x"] + functions
block = "\n".join(textwrap.wrap("  ".join(text), 100, break_on_hyphens=False)).replace("\0", " ") + "\n"
if len(sys.argv) == 2:
    print(block, end="")
elif f"```text\n{block}```" not in pathlib.Path(sys.argv[2]).read_text():
    sys.exit(f"{sys.argv[2]}: the block of functions is not what ir/Expr.h declares:\n{block}")
