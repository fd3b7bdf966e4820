"""Whether a stranger finds his way: each source says in its first lines what it is
for, has at most 600 lines, and no function of more than 60; each pass is in the file
of its name, and a test of its name runs it.

usage: house.py ROOT
"""
import re
import subprocess
import sys
from pathlib import Path

most_lines, most_function_lines = 600, 60
folders = ["ir", "passes", "codegen", "frontend", "runtime", "tools", "test", "examples"]
first_lines = re.compile(r'^(//|/\*|# |""")')
# What begins at the margin, ends with a brace and is no function.
no_function = re.compile(r"^(public:|private:|protected:|namespace|struct|class|enum|union|extern \"C\"|"
                         r"template <.*> (struct|class)|\}|//|#)")


def sources(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", *folders], capture_output=True, text=True)
    # What is no clone has no list.
    names = listed.stdout.split() or [str(path.relative_to(root)) for folder in folders
                                      for path in Path(root, folder).rglob("*")]
    return sorted(name for name in names if Path(name).suffix in {".cpp", ".h", ".c", ".cuh", ".td", ".py"}
                  and Path(root, name).exists())


def functions(lines):
    """The first line and the length of each function at the margin."""
    begin, body = None, False
    for number, line in enumerate(lines):
        if line.startswith("}"):
            if begin is not None:
                yield begin, number - begin + 1
            begin = None
        elif body and begin is not None:
            continue
        elif line[:1].isalpha() and not no_function.match(line):
            begin = number if begin is None else begin
        if begin is None:
            body = False
        elif "{" in line:
            body = True
            if re.search(r"=\s*\{", line):  # a table
                begin = None
        elif line.endswith(";") or not line:
            begin = None


def problems_of_file(name, lines):
    if lines and not any(first_lines.match(line) for line in lines[:3]):
        yield f"{name}: does not say in its first lines what it is for"
    if len(lines) > most_lines:
        yield f"{name}: has {len(lines)} lines, expected at most {most_lines}"
    if name.endswith((".cpp", ".h")):
        for begin, length in functions(lines):
            if length > most_function_lines:
                yield f"{name}:{begin + 1}: a function of {length} lines, expected at most {most_function_lines}"


def problems_of_passes(root, folder):
    records = "\n".join(path.read_text() for path in sorted((root / folder).glob("*Passes.td")))
    for stem, argument in re.findall(r'^def (\w+)Pass : Pass<"([\w-]+)"', records, re.M):
        kebab = re.sub(r"(?<!^)([A-Z])", r"-\1", stem).lower()
        if argument != f"nnc-{kebab}":
            yield f"{folder}: {stem}Pass is called {argument}, expected nnc-{kebab}"
        if not (root / folder / f"{stem}.cpp").exists():
            yield f"{folder}/{stem}.cpp: is missing, the pass {argument} belongs there"
        tests = [path for path in (root / "test" / folder).rglob("*.mlir") if argument in path.read_text()]
        if not tests:
            yield f"test/{folder}/{kebab}.mlir: is missing, no test runs {argument}"


def main(root):
    found = [problem for name in sources(root)
             for problem in problems_of_file(name, (root / name).read_text().splitlines())]
    for folder in ("passes", "codegen"):
        found += problems_of_passes(root, folder)
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
