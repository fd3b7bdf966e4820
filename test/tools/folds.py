"""Cross-validation by hand, beside the folder's data.csv and model.nn: divides the samples
by its own generator, trains on files of each part, and compares with what --folds printed.

usage: folds.py PRINTED.jsonl FOLDS SPLIT_SEED [stratified] [NNC'S OPTIONS]
"""
import json
import math
import subprocess
import sys

MASK = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [second >> 32 ^ counter[1] ^ key[0], second & MASK, first >> 32 ^ counter[3] ^ key[1], first & MASK]
        key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
    return counter


def drawn_order(count, seed):
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        words = philox([i, 0, 0, 0xFFFFFFF1], [seed & MASK, seed >> 32])
        other = (words[1] << 32 | words[0]) * (i + 1) >> 64
        order[i], order[other] = order[other], order[i]
    return order


def write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(rows)


def train_part(rows, held, options):
    write("part.csv", [row for i, row in enumerate(rows) if i not in held])
    write("held.csv", [rows[i] for i in sorted(held)])
    program = open("model.nn", encoding="utf-8").read()
    lines = ['  train x, label = csv("part.csv")', '  validation x, label = csv("held.csv")']
    begin = program[: program.index("data {")]
    write("part.nn", [begin + "data {\n" + "\n".join(lines) + "\n}\n"])
    printed = subprocess.run(["nnc", "train", "part.nn", "--json", "--seed", "4", "-o", "part.safetensors", *options],
                             check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def tensors(path):
    """The bytes behind a safetensors header."""
    content = open(path, "rb").read()
    return content[8 + int.from_bytes(content[:8], "little"):]


def main(printed, folds, seed, *options):
    folds, isStratified = int(folds), options[:1] == ("stratified",)
    rows = open("data.csv", encoding="utf-8").readlines()
    order = drawn_order(len(rows), int(seed))
    if isStratified:
        options = options[1:]
        order.sort(key=lambda i: int(rows[i].split(",")[2]))
    records = [json.loads(line) for line in open(printed, encoding="utf-8")]
    scores = {"validation_loss": [], "validation_accuracy": []}
    for fold in range(folds):
        mine = train_part(rows, set(order[fold::folds]), options)
        end = next((record for record in mine if "ended" in record), None)
        epochs = [record for record in mine if "loss" in record]
        theirs = [record for record in records if record.get("fold") == fold + 1 and "loss" in record]
        assert len(epochs) == len(theirs), (fold, len(epochs), len(theirs))
        for one, other in zip(epochs, theirs):
            for name in ("loss", "accuracy", *scores):
                assert one[name] == other[name], (fold, name, one, other)
        judged = epochs[end["best_epoch"] - 1 if end else -1]
        for name, values in scores.items():
            values.append(judged[name])
        assert tensors("part.safetensors") == tensors(f"model.fold{fold + 1}.safetensors"), fold
    summary = records[-1]
    assert summary["folds"] == folds, summary
    for name, values in scores.items():
        mean = sum(values) / folds
        deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / (folds - 1))
        assert summary[name]["values"] == values, (name, summary, values)
        # Sums in another order round otherwise: a few units of 2^-53.
        assert abs(summary[name]["mean"] - mean) < 1e-14 and abs(summary[name]["deviation"] - deviation) < 1e-14


main(*sys.argv[1:])
