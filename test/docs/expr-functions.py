"""expr-functions.py PAGE HEADER: each function of the page's block that begins with
`x + y` is declared in the header."""
import pathlib
import re
import sys

page, header = (pathlib.Path(name).read_text() for name in sys.argv[1:])
block = re.search(r"```text\n(x \+ y .*?)```", page, re.S)[1]
operators = re.findall(r"x (\S+) y", block)
names = re.findall(r"\b[a-z]\w+", re.sub(r"x \S+ y|-x", "", block))
assert len(names) > 40 and len(operators) == 10, (names, operators)
missing = [name for name in names if not re.search(rf"^Expr {name}\(", header, re.M)]
missing += [name for name in operators if f"Expr operator{name}(" not in header]
sys.exit(f"not in the header: {missing}" if missing else 0)
