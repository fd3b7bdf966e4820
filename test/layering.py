#!/usr/bin/env python3
"""Fails on an #include between folders that docs/architecture.md does not allow."""
import pathlib, re, sys

# The folders that a file of each folder may include from, its own aside. Of the
# runtime, code generation sees what plans are made of, the dialect which numbers
# and steps a recipe may have, and nothing else.
ALLOWED = {
    "ir": {"runtime/RecipeNumbers.h", "runtime/SampleSteps.h",
           "runtime/WeightNames.h"},
    "passes": {"ir"},
    "codegen": {"ir", "passes", "runtime/abi.h", "runtime/plan_generated.h",
                "runtime/PlanNames.h", "runtime/TakeKernels.h",
                "runtime/device/SimInterface.h.inc"},
    "frontend": {"ir", "runtime/PlanNames.h"},
    "runtime": set(),
    "tools": {"ir", "passes", "codegen", "frontend", "runtime"},
}
FOREIGN = re.compile(r'#include\s*[<"]((?:mlir|llvm|cuda|nvrtc|cublas)[\w-]*/?)')
OWN = re.compile(r'#include\s*"((\w+)/[^"]+)"')

root = pathlib.Path(__file__).resolve().parent.parent
errors = []
for folder, allowed in ALLOWED.items():
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in {".h", ".hpp", ".cpp", ".td"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{path.relative_to(root)}:{number}: error:"
            foreign = FOREIGN.search(line)
            if foreign and folder == "runtime":
                errors.append(f"{where} the runtime knows no {foreign[1]}")
            own = OWN.search(line)
            if not own or own[2] == folder or own[2] not in ALLOWED:
                continue
            if own[2] not in allowed and own[1] not in allowed:
                errors.append(f"{where} {folder}/ may not include {own[1]}")
print("\n".join(errors), file=sys.stderr)
sys.exit(bool(errors))
