"""Kills `nnc train` with SIGKILL again and again, goes on each time from its
checkpoint on another number of threads, and compares what it ends with: weights
and step log byte for byte with those of an unbroken run, and the epochs' log but
for its times.

    kill.py FOLDER [--model NAME] [--rounds N] [--seed S]

A round is one process. Half of the kills come at a random moment, half while the
checkpoint is being written. FOLDER holds everything and is made if need be."""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time

import safetensors

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKPOINT = "run.safetensors"
PART = CHECKPOINT + ".part"


def prepare(model, seed):
    """The compiled model and its data."""
    numbers = random.Random(seed)
    with open("resume.csv", "w") as file:
        for _ in range(500):
            x = [numbers.gauss(0, 1) for _ in range(8)]
            label = max(range(3), key=lambda k: x[k] + 0.5 * x[k + 3])
            file.write(",".join(f"{v:.4f}" for v in x) + f",{label}\n")
    model = os.path.join(HERE, "inputs", model + ".nn")
    subprocess.run(["nnc", "compile", model, "--quiet", "-o", "resume.plan"], check=True)


def train(output, log, *more):
    command = ["nnc", "train", "resume.plan", "--data", ".", "-o", output, "--log", log, *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(process):
    """Waits, and gives the status and what it said."""
    said = process.communicate(timeout=300)[1]
    return process.returncode, said


def results(output, log):
    """What must not depend on where a run was stopped."""
    with open(output, "rb") as file:
        weights = file.read()
    with open(os.path.join(log, "steps.jsonl")) as file:
        steps = file.read()
    with open(os.path.join(log, "log.jsonl")) as file:
        epochs = [json.loads(line) for line in file]
    for record in epochs:
        record.pop("seconds", None)
    return weights, steps, epochs


def stamp():
    """Tells one partial file from another; a kill leaves one behind."""
    try:
        facts = os.stat(PART)
        return facts.st_ino, facts.st_mtime_ns
    except FileNotFoundError:
        return None


def kill_at_random(process, numbers, seconds):
    time.sleep(numbers.uniform(0, seconds))
    process.kill()


def kill_in_write(process, numbers, seconds):
    """Waits for a partial file, a random one, and kills at once or a little later:
    a write takes some milliseconds, most of them in fsync."""
    time.sleep(numbers.uniform(0, seconds))
    before = stamp()
    while process.poll() is None and stamp() in (None, before):
        pass
    end = time.monotonic() + numbers.choice([0, 0, 0.0003, 0.001, 0.003])
    while time.monotonic() < end:
        pass
    process.kill()


def remove(*names):
    for name in names:
        if os.path.exists(name):
            os.remove(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--model", default="resume", help="one of inputs/")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numbers = random.Random(options.seed)
    os.makedirs(options.folder, exist_ok=True)
    os.chdir(options.folder)
    prepare(options.model, options.seed)

    status, said = finish(train("whole.weights", "whole", "--threads", "1"))
    assert status == 0, said
    expected = results("whole.weights", "whole")
    remove(CHECKPOINT, PART)
    begin = time.monotonic()
    status, said = finish(train("run.weights", "run", "--checkpoint", CHECKPOINT, "--every", "1"))
    assert status == 0, said
    # A part of it, so that a run is killed several times before its end.
    seconds = (time.monotonic() - begin) / 5

    counts = dict(rounds=0, killed=0, in_write=0, before_first=0, finished=0, compared=0, failures=0)
    fresh = True
    while counts["rounds"] < options.rounds or not fresh:
        if fresh:
            remove(CHECKPOINT, PART, "run.weights")
        # The rounds asked for are done: this run may end in peace.
        last = counts["rounds"] >= options.rounds
        counts["rounds"] += 0 if last else 1
        process = train("run.weights", "run", "--checkpoint", CHECKPOINT, "--resume",
                        "--every", str(numbers.choice([1, 1, 1, 2, 3, 7, 100])),
                        "--threads", str(numbers.randint(1, 4)))
        before = stamp()
        if not last:
            kill = numbers.choice([kill_at_random, kill_in_write])
            kill(process, numbers, seconds)
        status, said = finish(process)
        fresh = status == 0
        if status == 0:
            counts["finished"] += 0 if last else 1
            counts["compared"] += 1
            if results("run.weights", "run") != expected:
                counts["failures"] += 1
                print(f"round {counts['rounds']}: the results differ", file=sys.stderr)
        elif status == -signal.SIGKILL:
            counts["killed"] += 1
            counts["in_write"] += stamp() not in (None, before)
            if os.path.exists(CHECKPOINT):
                safetensors.load(CHECKPOINT)
            else:
                counts["before_first"] += 1
        else:
            counts["failures"] += 1
            fresh = True
            print(f"round {counts['rounds']}: status {status}: {said}", file=sys.stderr)
        strangers = [n for n in os.listdir(".") if n.startswith(CHECKPOINT) and n not in (CHECKPOINT, PART)]
        assert not strangers, strangers
    print(json.dumps(counts))
    # A test that kills nothing shows nothing.
    return counts["failures"] > 0 or counts["killed"] < options.rounds // 4


if __name__ == "__main__":
    sys.exit(main())
