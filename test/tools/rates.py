"""rates.py LOG: the rates that a run on cosine(0.5, warmup = 2, total = 6) logged, four
steps an epoch, against their formula."""
import json
import math
import sys


def rate(step):
    if step < 2:
        return 0.5 * (step + 1) / 2
    return 0.5 * (1 + math.cos(math.pi * min((step - 2) / 4, 1))) / 2


def lines(name):
    with open(f"{sys.argv[1]}/{name}") as file:
        return [json.loads(line) for line in file]


steps = lines("steps.jsonl")
assert [line["step"] for line in steps] == list(range(1, 9)), steps
for line in steps:
    # The polynomial of cos and the products around it, each within some units of the
    # last place of f32, 0.5 * 2^-24: 16 of them.
    assert abs(line["learning_rate"] - rate(line["step"] - 1)) <= 16 * 2**-25, line
epochs = [line for line in lines("log.jsonl") if "loss" in line]
assert [line["learning_rate"] for line in epochs] == [steps[3]["learning_rate"], steps[7]["learning_rate"]], epochs
