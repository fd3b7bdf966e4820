"""Reads what `nnc find-rate --json` printed: its suggestion is one of its rates, and these
are the powers that were asked for.

usage: rate-range.py FILE [FROM TO STEPS]
"""
import json
import sys

found = json.load(open(sys.argv[1], encoding="utf-8"))
points = found["points"]
rates = [point["rate"] for point in points]
assert len(points) > 15 and found["suggestion"] in rates and found["lowest"] in rates, found
assert found["suggestion"] <= found["lowest"], found
smoothed = None
for number, point in enumerate(points, 1):
    # The mean with a memory of 0.9, without the zero that it began with.
    smoothed = 0.9 * (smoothed or 0) + 0.1 * point["loss"]
    assert abs(point["smoothed"] - smoothed / (1 - 0.9**number)) < 1e-9, (number, point)
if len(sys.argv) > 2:
    first, last, steps = float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    for number, rate in enumerate(rates):
        expected = first * (last / first) ** (number / (steps - 1))
        # The rate of a step is an f32.
        assert abs(rate - expected) < 1e-6 * expected, (number, rate, expected)
