#!/usr/bin/env python3
"""The first 100 losses of a model on the target sim against the target cpu, from the
same seed and batches.

Both compute in f32 and sum in orders of their own. How far rounding alone takes this
network is seen from a second run on the CPU, whose kernels are plain loops
(--reference): it is another order too. Where sums round is chance, so sim may stray
four times as far as that run's worst so far, plus two units in the last place of the
loss itself (2 * 2^-23 relative).
"""
import json, os, subprocess, sys, tempfile

STEPS = 100
nnc, model, data, target = sys.argv[1:5]


def losses(folder, *options):
    log = os.path.join(folder, "-".join(options).replace(":", "-") or "cpu")
    subprocess.run([nnc, "train", model, "--data", data, "--steps", str(STEPS), "--epochs", "1",
                    "--log", log, "-o", log + ".safetensors", *options],
                   check=True, stdout=subprocess.DEVNULL)
    with open(os.path.join(log, "steps.jsonl")) as file:
        values = [json.loads(line)["loss"] for line in file]
    assert len(values) == STEPS, len(values)
    return values


with tempfile.TemporaryDirectory() as folder:
    cpu = losses(folder)
    other = losses(folder, "--reference")
    sim = losses(folder, "--target", target)

assert sim[-1] < 0.6 * sim[0], "the loss did not fall: the comparison would show nothing"
worst = furthest = 0
for step, (a, b, c) in enumerate(zip(cpu, other, sim)):
    worst = max(worst, abs(a - b))
    allowed = 4 * worst + 2 * 2**-23 * abs(a)
    furthest = max(furthest, abs(a - c) / allowed)
    if abs(a - c) > allowed:
        sys.exit(f"step {step}: loss {c} on {target}, {a} on cpu, which may differ by {allowed:.1e}")
print(f"at most {furthest:.2f} of what rounding explains")
