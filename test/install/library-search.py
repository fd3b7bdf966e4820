"""Fails on a program or library in which the loader would look for others in
the current folder, which may be anybody's:

  library-search.py FOLDER...

Every file of the folders that has a dynamic section is read. An entry of RPATH
or RUNPATH is absolute or begins with $ORIGIN; an empty one is the current
folder."""
import re
import subprocess
import sys
from pathlib import Path


def entries(path):
    """The folders of RPATH and RUNPATH; none where there is no such entry."""
    table = subprocess.run(["llvm-readelf", "--dynamic-table", path], capture_output=True, text=True)
    for found in re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]$", table.stdout, re.MULTILINE):
        yield from found.split(":")


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


read = 0
errors = []
for folder in map(Path, sys.argv[1:]):
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in {".a", ".o"} or not is_elf(path):
            continue
        read += 1
        errors += [f"{path}: looks for libraries in {entry or 'the current folder'!r}"
                   for entry in entries(path) if not re.match(r"/|\$ORIGIN(/|$)", entry)]
print(f"{read} files read", flush=True)
print("\n".join(errors), file=sys.stderr)
sys.exit(bool(errors) or not read)
