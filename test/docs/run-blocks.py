"""Runs the blocks of a page and compares what they show:

  run-blocks.py PAGE.md [FOLDER]

A comment before a block says what it is. `<!-- walk.nn -->` names a file, which
the block becomes. Any other comment is a command, which is run beside those
files, and the block is its output: white space counts as one space, and `...`
stands for any text. A block of MLIR without a comment has to parse. FOLDER is where
commands run; without it, an empty one."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pages import blocks


def run(command, folder, text=""):
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
    )


def squeeze(text):
    return " ".join(text.split())


def shared_prefix(fragment, output):
    """The longest beginning of `fragment`, in words, that `output` has."""
    words = fragment.split(" ")
    while words and " ".join(words) not in output:
        words.pop()
    return " ".join(words)


def difference(shown, output):
    """What the block shows that the output lacks; None if they agree."""
    fragments = [squeeze(part) for part in shown.split("...")]
    rest = squeeze(output)
    for number, fragment in enumerate(fragments):
        start = rest.find(fragment)
        if start < 0:
            begin = shared_prefix(fragment, rest)
            after = rest[rest.find(begin) + len(begin) :]
            return f"expected: {fragment[len(begin):][:200]}\n   found: {after[:200]}"
        if number == 0 and start > 0:
            return f"   found before it: {rest[:start][:200]}"
        rest = rest[start + len(fragment) :]
    if rest.strip() and fragments[-1]:
        return f"   found after it: {rest[:200]}"
    return None


def problem_of(block, folder):
    """What is wrong with a block; None if nothing is."""
    if re.fullmatch(r"[\w.-]+\.\w+", block.note):
        Path(folder, block.note).write_text(block.text, encoding="utf-8")
        return None
    if block.note:
        result = run(block.note, folder)
        if result.returncode != 0:
            return f"{block.note}\n{result.stderr}"
        found = difference(block.text, result.stdout)
        if found:
            return f"{block.note}\n{found}"
        source = result.stdout
    else:
        source = block.text
    if block.language != "mlir":
        return None
    parsed = run("nnc-opt -o /dev/null", folder, source)
    return parsed.stderr if parsed.returncode != 0 else None


def main():
    page = sys.argv[1]
    failures = 0
    shown = blocks(page)
    with tempfile.TemporaryDirectory() as empty:
        folder = sys.argv[2] if len(sys.argv) > 2 else empty
        for block in shown:
            problem = problem_of(block, folder)
            if problem:
                print(f"{block.where()}: error: {problem}")
                failures += 1
    print(f"{len(shown)} blocks, {failures} failures")
    return failures != 0 or not shown


if __name__ == "__main__":
    sys.exit(main())
