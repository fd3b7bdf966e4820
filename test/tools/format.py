"""Formats every program that there is and says where the result is another program,
is not what formatting it again gives, or depends on the blanks of the source:

  format.py EXAMPLES DOCS
"""
import re
import subprocess
import sys
from pathlib import Path


def run(*command, text):
    return subprocess.run(command, input=text, capture_output=True, text=True)


def programs(examples, docs):
    for path in sorted(Path(examples).rglob("*.nn")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted(Path(docs).rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        for number, block in enumerate(re.findall(r"^```nnc\n(.*?)^```$", text, re.M | re.S)):
            yield f"{path.name}, program {number}", block


def module(program):
    """What the compiler understands, without the places."""
    printed = run("nnc-parse", "-", text=program)
    return printed.returncode, re.sub(r"#loc\d*", "#loc", re.sub(r"^#loc.*\n", "", printed.stdout, flags=re.M))


def comments(program):
    return sorted(comment.strip() for comment in re.findall(r"//.*", program))


def with_other_blanks(program):
    """Without indentation, with blanks at the ends of lines, and around brackets
    where these are no part of a comment or a string."""
    lines = program.split("\n")
    return " \t\r\n".join(line.strip() if re.search('//|"', line) else re.sub(r"([()\[\]])", r" \1  ", line.strip())
                          for line in lines)


def problems(program):
    formatted = run("nnc", "format", "-", text=program)
    if formatted.returncode != 0:
        yield "is refused: " + formatted.stderr
        return
    result = formatted.stdout
    if module(program) != module(result):
        yield "is another program when formatted"
    if comments(program) != comments(result):
        yield "has other comments when formatted"
    if run("nnc", "format", "-", text=result).stdout != result:
        yield "gives something else when formatted twice"
    if run("nnc", "format", "-", text=with_other_blanks(program)).stdout != result:
        yield "gives something else with other blanks"


found, count = [], 0
for name, program in programs(*sys.argv[1:]):
    count += 1
    found += [f"{name} {problem}" for problem in problems(program)]
print("\n".join(found))
print(f"{count} programs")
sys.exit(bool(found) or count < 30)
