"""Checks that the help of a command names each key that its --json prints:

  json-keys.py COMMAND ARGUMENT...

Runs `nnc COMMAND ARGUMENT... --json`. Of metrics the help has no name."""
import json
import re
import subprocess
import sys

command, *arguments = sys.argv[1:]
METRICS = {"accuracy"}


def run(*words):
    return subprocess.run(
        ["nnc", *words], capture_output=True, text=True, check=True
    ).stdout


def objects(text):
    for line in text.splitlines():
        value = json.loads(line)
        yield from value if isinstance(value, list) else [value]


def plain(key):
    return re.sub("^(validation|test)_", "", key)


named = set(re.findall(r"[a-z_]+", run(command, "--help").split("--json prints")[1]))
printed = {key for value in objects(run(command, *arguments, "--json")) for key in value}
unnamed = {key for key in printed if plain(key) not in named | METRICS}
assert printed, "no object is printed"
assert not unnamed, f"`nnc {command} --help` does not name {sorted(unnamed)}"
