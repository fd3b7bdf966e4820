#!/usr/bin/env python3
"""Prints what the training step of each example is on a GPU, as its plan says: commands (of a
loop each step's), bytes that they move, and what they take at least by estimate of `nnc inspect`.

  gpu-commands.py [NNC [TARGET]]     (default: build/bin/nnc cuda:sm_90)"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

root = Path(__file__).resolve().parent.parent.parent
nnc = sys.argv[1] if len(sys.argv) > 1 else str(root / "build/bin/nnc")
target = sys.argv[2] if len(sys.argv) > 2 else "cuda:sm_90"


def plan_of(model, folder):
    path = f"{folder}/{model.stem}.plan"
    subprocess.run([nnc, "compile", model, "--target", target, "-o", path, "--quiet"], check=True)
    return json.loads(subprocess.run([nnc, "inspect", path, "--json"], check=True, capture_output=True).stdout)


def totals(commands):
    count = moved = left = 0
    steps = 1
    for command in commands:
        if "loop_steps" in command:
            left, steps = command["loop_commands"], command["loop_steps"]
            continue
        times = steps if left else 1
        left -= left > 0
        count += times
        moved += times * command.get("bytes", 2 * command.get("copy_bytes", 0))
    return count, moved


print(f"| {'training step':36} | commands |     MB | us, at least |")
print("| --- | --- | --- | --- |")
with tempfile.TemporaryDirectory() as folder:
    for model in sorted((root / "examples").glob("*.nn")):
        plan = plan_of(model, folder)
        for entry in plan["entry_points"]:
            if entry["name"] != "train_step":
                continue
            count, moved = totals(entry["commands"])
            kinds = {command.get("kind") for command in entry["commands"]}
            name = f"`{model.name}`, batch {plan['max_batch']}"
            more = " and loops" if "loop" in kinds else ""
            print(f"| {name:36} | {count:8} | {moved / 1e6:6.1f} | "
                  f"{entry['estimated_us']:.0f}{more} |")
