"""Early stopping by hand: makes data that a model learns too well, and finds from the
losses that a run printed where it had to stop and which weights it had to keep.

usage: stopping.py data | stopping.py check RUN.jsonl MODEL.nn BEST.weights
"""
import json
import random
import subprocess
import sys

patience = 3


def make_data():
    random.seed(5)
    with open("data.csv", "w", encoding="utf-8") as file:
        for _ in range(40):
            x, y = random.random(), random.random()
            print(f"{x:.3f},{y:.3f},{int(x > y) if random.random() > 0.3 else random.randrange(2)}", file=file)


def rested(losses):
    """The best epoch, from 1 on, and the one after which the run is over."""
    best, value = 0, float("inf")
    for epoch, loss in enumerate(losses, 1):
        if loss < value:
            best, value = epoch, loss
        elif epoch - best >= patience:
            return best, epoch
    raise AssertionError("the run did not rest")


def check(lines, model, weights):
    records = [json.loads(line) for line in open(lines, encoding="utf-8")]
    epochs = [record for record in records if "loss" in record]
    best, last = rested([record["validation_loss"] for record in epochs])
    assert len(epochs) == last, (len(epochs), last)
    end = records[-1]
    assert (end["ended"], end["best_epoch"]) == ("rested", best), end
    assert end["best_validation_loss"] == epochs[best - 1]["validation_loss"], end
    # A run of so many epochs that keeps its last weights has the same.
    subprocess.run(["nnc", "train", model, "--threads", "1", "--epochs", str(best), "--keep", "last", "--quiet",
                    "-o", "by-hand.weights"], check=True)
    assert open("by-hand.weights", "rb").read() == open(weights, "rb").read()


if sys.argv[1] == "data":
    make_data()
else:
    check(*sys.argv[2:])
