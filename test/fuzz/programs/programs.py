#!/usr/bin/env python3
"""Compiles and runs random programs and compares them with an evaluation of their own."""
import argparse, multiprocessing, os, sys, time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

sys.path.insert(0, os.path.dirname(__file__))
from check import Checker, Counts, Finding
from generate import Generator
from server import Server, ServerDied


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default="build/bin/nnc-run-programs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--targets", default="cpu")
    parser.add_argument("--keep-going", action="store_true")
    args = parser.parse_args()
    server = Server(args.program)
    ops = server.ask("ops")["ops"]
    counts, begin, findings = Counts(), time.time(), 0
    def check(text):
        answer = server.ask("check", text=text)
        return answer.get("outputs")
    for seed in range(args.seed, args.seed + args.count):
        text = ""
        try:
            program = Generator(np.random.default_rng([seed, 0]), ops, check).generate()
            text = program.text()
            checker = Checker(server, text, seed)
            checker.prepare()
            checker.check_gradients()
            for target in args.targets.split(","):
                checker.check_target(target)
            counts.add(checker.counts)
        except Finding as finding:
            findings += 1
            print(f"seed {seed}: {finding}")
            os.makedirs("/tmp/h7f", exist_ok=True)
            open(f"/tmp/h7f/{seed}.nn", "w").write(f"// {finding}\n" + text)
            # print(text)
    print(f"{args.count} programs in {time.time() - begin:.1f} s, {findings} findings, {counts.compared} of {counts.elements} compared, {counts.gradients} gradients")
main()
