#!/usr/bin/env python3
"""Runs a command once for the machine itself and once for each level of x86-64 that it
has: `each-level.py nnc-check --target LEVEL tests.mlir`, where LEVEL becomes `cpu`,
`cpu:x86-64-v2` and so on. Ends with the first that fails."""
import subprocess, sys

# What a level needs beyond the one before, in the kernel's names (x86-64 psABI, table
# 3.1); a machine with these has the rest.
LEVELS = {
    "x86-64-v2": {"ssse3", "sse4_1", "sse4_2", "popcnt", "cx16"},
    "x86-64-v3": {"avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}


def levels():
    with open("/proc/cpuinfo") as file:
        flags = next(set(line.split()) for line in file if line.startswith("flags"))
    yield "cpu"
    for level, features in LEVELS.items():
        if not features <= flags:
            return
        yield "cpu:" + level


for level in levels():
    words = [word.replace("LEVEL", level) for word in sys.argv[1:]]
    status = subprocess.run(words).returncode
    if status:
        sys.exit(f"{' '.join(words)}: exit status {status}")
