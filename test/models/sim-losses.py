#!/usr/bin/env python3
"""The first 100 losses of a model on the target sim against the target cpu, from the
same seed and batches.

Both compute in f32 and sum in orders of their own. How far rounding alone takes this
network is seen from further runs on the CPU, with plain loops (--reference) and with
the vectors of another level: these are other orders too. Where sums round is chance, so
sim may stray four times as far as the worst of them so far, plus two units in the last
place of the loss itself (2 * 2^-23 relative). That holds as long as nothing in the
model jumps: a ReLU's gradient does where its input is nearer to 0 than rounding takes it.
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
    others = [losses(folder, "--reference"), losses(folder, "--target", "cpu:x86-64-v2"),
              losses(folder, "--target", "cpu:x86-64-v2", "--reference")]
    sim = losses(folder, "--target", target)

assert sim[-1] < 0.6 * sim[0], "the loss did not fall: the comparison would show nothing"
worst = furthest = 0
for step, (a, c) in enumerate(zip(cpu, sim)):
    worst = max(worst, *(abs(a - other[step]) for other in others))
    allowed = 4 * worst + 2 * 2**-23 * abs(a)
    furthest = max(furthest, abs(a - c) / allowed)
    if abs(a - c) > allowed:
        sys.exit(f"step {step}: loss {c} on {target}, {a} on cpu, which may differ by {allowed:.1e}")
print(f"at most {furthest:.2f} of what rounding explains")
