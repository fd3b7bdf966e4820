#!/usr/bin/env python3
"""Fails if an op that `nnc ops --json` lists on standard input is not in the file."""
import json, sys

# Their values are random: test/numerics/random.test checks distributions.
RANDOM = {"dropout", "random_uniform", "random_normal", "bernoulli", "random_bits"}

tested = set(open(sys.argv[1]).read().split()) | RANDOM
missing = [op["name"] for op in json.load(sys.stdin) if op["name"] not in tested]
if missing:
    sys.exit("no numeric test in ops.py: " + ", ".join(missing))
