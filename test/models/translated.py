#!/usr/bin/env python3
"""Compares what translate.nn writes in a loop and token by token, and the BLEU of it with that of `nnc eval`."""
import collections, json, math, sys

loop = [json.loads(line)["translation_text"] for line in open(sys.argv[1])]
generated = open(sys.argv[2]).read().split("\n")[:-1]
measured = json.load(open(sys.argv[3]))["bleu"]
right = [line.rstrip("\n").split("\t")[1] for line in open(sys.argv[4])]
assert len(loop) == len(generated) == len(right) > 0
# Sums are rounded in another order: of two characters that are about as likely, another may win.
assert sum(a == b for a, b in zip(loop, generated)) >= 0.9 * len(loop), [pair for pair in zip(loop, generated) if pair[0] != pair[1]]


def runs(text, length):
    return collections.Counter(text[i:i + length] for i in range(len(text) - length + 1))


# Papineni et al. 2002, section 2.3, over characters; the end of a text, which fits where there is room, is one of them.
PLACES = 11
written, wanted = ([(text + "\0")[:PLACES] for text in texts] for texts in (loop, right))
logs = 0.0
for length in range(1, 5):
    matches = sum((runs(a, length) & runs(b, length)).total() for a, b in zip(written, wanted))
    total = sum(max(len(a) - length + 1, 0) for a in written)
    logs += math.log(matches / total) / 4 if matches else -math.inf
sizes = sum(map(len, written)), sum(map(len, wanted))
bleu = math.exp(logs + min(0, 1 - sizes[1] / sizes[0]))
assert abs(bleu - measured) < 1e-5, (bleu, measured)
