"""Compares docs/commands.md with what the program says of itself:

  commands.py PAGE.md

Each command has a section, which names every option that its --help lists and
no other."""
import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
# A row of a help: the option's names, then what it does.
HELP_ROW = re.compile(r"^  (?:-\w,)?(--[a-z][a-z-]*)", re.MULTILINE)


def help_of(*command):
    return subprocess.run(
        ["nnc", *command, "--help"], capture_output=True, text=True, check=True
    ).stdout


def commands():
    listed = help_of().split("Subcommands:")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE)


def sections(page):
    """The text of each section by the command that its heading names."""
    parts = re.split(r"^## nnc ([a-z-]+)(.*)$", page, flags=re.MULTILINE)
    return {
        name: heading + re.split(r"^## ", text, flags=re.MULTILINE)[0]
        for name, heading, text in zip(parts[1::3], parts[2::3], parts[3::3])
    }


def problems(page):
    described = sections(page)
    for name in commands():
        if name not in described:
            yield f"`nnc {name}` has no section"
            continue
        # Every command has --help; another command may be quoted.
        text = re.sub(r"`nnc [^`]*`", "", described[name])
        has = set(HELP_ROW.findall(help_of(name))) - {"--help"}
        names = set(OPTION.findall(text))
        for option in sorted(has - names):
            yield f"`nnc {name}` takes {option}, which its section does not name"
        for option in sorted(names - has):
            yield f"`nnc {name}` takes no {option}, which its section names"
    for name in described.keys() - set(commands()):
        yield f"there is no `nnc {name}`"


if __name__ == "__main__":
    found = [f"{sys.argv[1]}: error: {problem}"
             for problem in problems(Path(sys.argv[1]).read_text(encoding="utf-8"))]
    print("\n".join(found))
    sys.exit(bool(found))
