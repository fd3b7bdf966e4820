"""Makes a program again of what every program that there is becomes, and says where the
module that this gives is another one:

  convert-program.py EXAMPLES DOCS PROGRAMS WORK
"""
import itertools
import re
import subprocess
import sys
from pathlib import Path


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def module(program):
    """Without places, and without buckets: these are about constants of the source, and `nnc convert` says that it
    leaves them out. Constants are where they are used, and reads where the first use is."""
    printed = run("nnc-parse", str(program))
    text = re.sub(r"#loc\d*", "#loc", re.sub(r"^#loc.*\n", "", printed.stdout, flags=re.M))
    text = re.sub(r"^module attributes \{nnc\.buckets = .*\} \{$", "module {", text, flags=re.M)
    return printed.returncode, text


def numbered(text):
    """Values by the order in which they are used: reads and constants have no place of their own."""
    numbers, lines, moved, count = {}, [], {}, itertools.count()

    def replace(match):
        return moved.get(match[0]) or numbers.setdefault(match[0], f"%v{next(count)}")

    for line in text.splitlines():
        found = re.match(r"\s*(%\w+) = (nnc\.(?:read|constant) .*)", line)
        if found:
            moved[found[1]] = f"({found[2]})"
            continue
        defined, rest = re.match(r"(\s*(?:%[\w:]+(?:, )?)+ = )?(.*)", line).groups()
        used = re.sub(r"%\w+", replace, rest)
        # A region may call a value of its own as another calls another.
        for name in re.findall(r"%\w+", defined or ""):
            moved.pop(name, None)
            numbers.pop(name, None)
        lines.append(re.sub(r"%\w+", replace, defined or "") + used)
    return lines


def programs(examples, docs, more):
    for path in [*sorted(Path(examples).rglob("*.nn")), *sorted(Path(more).rglob("*.nn"))]:
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted(Path(docs).rglob("*.md")):
        for number, block in enumerate(re.findall(r"^```nnc\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S)):
            yield f"{path.name}-{number}", block
        for name, block in re.findall(r"^<!-- (\S+\.nn) -->\n```(?:nnc)?\n(.*?)^```$", path.read_text(encoding="utf-8"), re.M | re.S):
            yield f"{path.name}-{name}", block


def problems(name, text, work):
    written, back = Path(work, name + ".written.nn"), Path(work, name + ".back.nn")
    written.write_text(text, encoding="utf-8")
    status, first = module(written)
    if status != 0:
        # What needs a plugin, or shows an error.
        return
    graph = Path(work, name + ".graph")
    for source, made in [(written, graph), (graph, back)]:
        converted = run("nnc", "convert", str(source), str(made))
        if converted.returncode != 0:
            yield converted.stderr[:600]
            return
    status, second = module(back)
    if status != 0 or numbered(first) != numbered(second):
        pairs = [(a, b) for a, b in zip(numbered(first), numbered(second)) if a != b][:2]
        yield f"is another program: {pairs}"


examples, docs, more, work = sys.argv[1:]
Path(work).mkdir(parents=True, exist_ok=True)
found, count = [], 0
for name, text in programs(examples, docs, more):
    count += 1
    found += [f"{name}: {problem}" for problem in problems(name, text, work)]
print("\n".join(found))
print(f"{count} programs")
sys.exit(bool(found) or count < 100)
