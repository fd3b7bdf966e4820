"""Whether the loss of `nnc train --json` falls below so much of what it was, and metrics end
above 0.85: loss-falls.py SHARE [METRIC...]."""
import json
import sys

epochs = [json.loads(line) for line in sys.stdin if line.startswith("{")]
epochs = [line for line in epochs if "loss" in line and "validation_loss" in line]
first, last = epochs[0]["loss"], epochs[-1]["loss"]
assert last < float(sys.argv[1]) * first, (first, last)
for name in sys.argv[2:]:
    assert epochs[-1][name] > 0.85, epochs[-1]
