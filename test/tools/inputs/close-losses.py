# Whether the losses of two logs of steps are equal within a share of them.
import json, sys

first, second = ([json.loads(line)["loss"] for line in open(path)] for path in sys.argv[1:3])
assert len(first) == len(second) > 0, (len(first), len(second))
for a, b in zip(first, second):
    assert abs(a - b) <= float(sys.argv[3]) * abs(b), (a, b)
