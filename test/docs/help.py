"""Checks what `nnc COMMAND --help` says below the options, for every command:

  help.py

Examples that name only options that there are, and what --json prints where
there is such an option."""
import re
import sys

from commands import HELP_ROW, OPTION, commands, help_of


def problems(name):
    text = help_of(name)
    _, _, below = text.partition("Examples:\n")
    examples = below.split("\n\n")[0]
    if not re.match(rf"  nnc (train .* && nnc )?{name}\b", examples):
        yield f"`nnc {name} --help` has no example"
    options = set(HELP_ROW.findall(text))
    for line in examples.splitlines():
        if not line.startswith(f"  nnc {name}"):
            continue
        for option in OPTION.findall(line):
            if option not in options:
                yield f"`nnc {name}` takes no {option}, which an example has"
    if ("--json" in options) != ("\n--json prints\n" in below):
        yield f"`nnc {name} --help` must say what --json prints if there is such an option"


found = [problem for name in commands() for problem in problems(name)]
print("\n".join(found))
sys.exit(bool(found))
