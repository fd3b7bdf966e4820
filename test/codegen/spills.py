"""Compiles every example for sm_80 and sm_90a, prints what each kernel uses, and
fails if one spills registers:

  spills.py FOLDER EXAMPLES [ARCHITECTURES]

FOLDER is where plans go; ARCHITECTURES are as `nnc compile --target cuda:` takes
them. `ptxas`, as NVRTC calls it, says what a kernel uses."""
import json
import subprocess
import sys
from pathlib import Path

folder, examples = map(Path, sys.argv[1:3])
architectures = sys.argv[3] if len(sys.argv) > 3 else "sm_80,sm_90a"
folder.mkdir(parents=True, exist_ok=True)


def compiled(model):
    plan = folder / (model.stem + ".plan")
    subprocess.run(["nnc", "compile", model, "--target", "cuda:" + architectures,
                    "-o", plan, "--quiet"], check=True)
    text = subprocess.run(["nnc", "inspect", plan, "--json"], check=True,
                          capture_output=True).stdout
    return json.loads(text)["modules"]


spilled = []
print("registers  shared B  spilled B  threads  kernel")
models = sorted(examples.glob("*.nn"))
assert models, examples
for model in models:
    for module in compiled(model):
        assert module["kernels"] or module["architecture"].startswith("compute"), module
        for kernel in module["kernels"]:
            name = f"{model.stem} {module['architecture']} {kernel['name']}"
            print(f"{kernel['registers']:9}  {kernel['shared_bytes']:8}  "
                  f"{kernel['spill_bytes']:9}  {kernel['threads']:7}  {name}")
            if kernel["spill_bytes"]:
                spilled.append(f"{name}: {kernel['spill_bytes']} bytes")
print("\n".join(spilled), file=sys.stderr)
sys.exit(bool(spilled))
