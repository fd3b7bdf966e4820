"""Makes the data of the programs in docs/several-steps.md; with a name and a bound, checks
that the last epoch of a run, on standard input, has at least that much of it, or at most
where there is a minus before the name."""
import json
import sys

import numpy


def make():
    random = numpy.random.RandomState(1)
    state = random.standard_normal((2048, 2)).astype("f4")
    best = numpy.where(state[:, 0] > 0, 0, numpy.where(state[:, 1] > 0, 1, 2)).astype("i4")
    action = random.randint(0, 3, 2048).astype("i4")
    reward = (action == best).astype("f4")
    turn = numpy.array([[0.8, 0.6], [-0.6, 0.8]])
    a = random.standard_normal((2048, 2))
    b = random.standard_normal((2048, 2)) @ turn * [1.5, 0.5] + [1, 0]
    row, column = (index.reshape(-1).astype("i4") for index in numpy.indices((12, 10)))
    value = (random.standard_normal((12, 2)) @ random.standard_normal((2, 10))).astype("f4").reshape(-1)
    for name, array in (("state", state), ("best", best), ("action", action), ("reward", reward), ("a", a.astype("f4")),
                        ("b", b.astype("f4")), ("row", row), ("column", column), ("value", value)):
        numpy.save(name + ".npy", array)


def check(name, bound):
    value = [json.loads(line) for line in sys.stdin][-1][name.lstrip("-")]
    is_right = value <= bound if name.startswith("-") else value >= bound
    sys.exit(None if is_right else f"{name.lstrip('-')} is {value}: expected {'at most' if name.startswith('-') else 'at least'} {bound}")


make() if len(sys.argv) == 1 else check(sys.argv[1], float(sys.argv[2]))
