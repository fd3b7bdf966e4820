"""What losses weigh, and sequences, by definitions that go through everything: for the
numeric tests and for the evaluation of random programs.
"""
import collections
import itertools
from math import inf

import numpy as np


def softmax(v):
    e = np.exp(v - v.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def stretched(weights, terms):
    """Weights of terms, or of their first dimensions, for each term."""
    sizes = (*weights.shape, *[1] * terms.ndim)[: terms.ndim]
    return np.broadcast_to(weights.reshape(sizes).astype(float), terms.shape)


def weighted_entropy(v, target, weights=None, by_class=None, ignored=None, smoothing=0.0):
    """PyTorch's definition: integers by the weight of their class, floats by rows. An integer
    that is no class adds nothing, and counts."""
    classes, is_weighted = v.shape[-1], by_class is not None
    by_class = by_class if is_weighted else np.ones(classes)
    whole = target.ndim < v.ndim
    rows = (target[..., None] == np.arange(classes)) * 1.0 if whole else target
    shifted = v - v.max(-1, keepdims=True)
    surprise = (np.log(np.exp(shifted).sum(-1, keepdims=True)) - shifted) * by_class
    losses = (surprise * (rows * (1 - smoothing) + smoothing / classes)).sum(-1)
    if whole:  # smoothing is by the weights of all classes, the rest by that of one
        even = smoothing / classes * surprise.sum(-1) * rows.sum(-1)
        losses = (1 - smoothing) * (surprise * rows).sum(-1) + even
    w = np.ones(losses.shape) if weights is None else stretched(weights, losses)
    w = w * (target != ignored) if whole and ignored is not None else w
    divisors = w * (rows @ by_class) if whole and is_weighted else w
    total = np.where(w != 0, w * losses, 0.0).sum()
    return total / divisors.sum() if divisors.sum() else 0.0


def weighted(terms, w=None):
    """The mean of terms by weights of them, or of their first dimensions."""
    if w is None:
        return terms.mean()
    w = stretched(w, terms)
    return np.where(w != 0, terms * w, 0.0).sum() / w.sum() if w.sum() else 0.0


def merged(path, blank=0):
    return [c for c, _ in itertools.groupby(path) if c != blank]


def ctc(v, target, times, lengths, weights=None, blank=0):
    """By all paths."""
    losses = []
    for logits, wanted, time, length in zip(v, target, times, lengths):
        p = softmax(logits)
        ways = [np.prod([p[t, c] for t, c in enumerate(path)]) for path in itertools.product(range(v.shape[2]), repeat=int(time))
                if merged(path, blank) == list(wanted[:length])]
        losses.append(-np.log(sum(ways)) / max(length, 1))
    return weighted(np.array(losses), weights)


def forward(scores, places):
    """From the front, in logarithms."""
    y = np.full(scores.shape[:2] + places.shape[1:], -inf)
    for b, t, s in np.ndindex(y.shape):
        before = [0.0 if s < 2 else -inf] if t == 0 else [y[b, t - 1, s - k] for k in (0, 1, 2) if s >= k and (k < 2 or places[b, s] != places[b, s - 2])]
        with np.errstate(divide="ignore"):
            y[b, t, s] = scores[b, t, np.clip(places[b, s], 0, scores.shape[2] - 1)] + np.log(np.exp(before).sum())
    return y


def backward(alpha, dy, places):
    y = dy.copy()
    for b, t, s in np.ndindex(y.shape):
        t = y.shape[1] - 1 - t
        for r in range(s, min(s + 3, y.shape[2])) if t + 1 < y.shape[1] else ():
            if r == s + 2 and places[b, r] == places[b, s]:
                continue
            reached = sum(np.exp(alpha[b, t, q]) for q in range(max(r - 2, 0), r + 1) if q > r - 2 or places[b, q] != places[b, r])
            y[b, t, s] += y[b, t + 1, r] * np.exp(alpha[b, t, s]) / reached if reached else 0
    return y


def collapsed(paths, times, blank=0, padding=0):
    rows = [merged(path[:time], blank) for path, time in zip(paths, times)]
    return np.array([row + [padding] * (paths.shape[1] - len(row)) for row in rows], np.int32)


def until_padding(row, padding=0):
    row = list(row)
    return row[: row.index(padding)] if padding in row else row


def edits(a, b):
    row = list(range(len(b) + 1))
    for i, c in enumerate(a, 1):
        row, above = [i], row
        for j, d in enumerate(b, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (c != d)))
    return row[-1]


def all_edits(a, b, padding=0):
    return np.array([edits(until_padding(p, padding), until_padding(t, padding)) for p, t in zip(a, b)], np.int32)


def words_of(row, space=1, padding=0):
    return [tuple(word) for is_space, word in itertools.groupby(until_padding(row, padding), lambda c: c == space) if not is_space]


def numbered(rows, space=1, padding=0):
    def number(word):
        h = 1
        for token in word:
            h = (h * 0x9E3779B97F4A7C15 + int(token) + 1) % 2**64
        return h % 2**63
    rows_of_words = [[number(word) for word in words_of(row, space, padding)] for row in rows]
    return np.array([row + [-1] * (rows.shape[1] - len(row)) for row in rows_of_words], np.int64)


def token_error_rate(a, b, padding=0):
    return all_edits(a, b, padding).sum() / max(1, sum(len(until_padding(t, padding)) for t in b))


def word_error_rate(a, b, space=1, padding=0):
    wrong = sum(edits(words_of(p, space, padding), words_of(t, space, padding)) for p, t in zip(a, b))
    return wrong / max(1, sum(len(words_of(t, space, padding)) for t in b))


def bleu(a, b, padding=0):
    runs = lambda row, n: collections.Counter(tuple(row[i : i + n]) for i in range(len(row) - n + 1))
    a, b = [until_padding(p, padding) for p in a], [until_padding(t, padding) for t in b]
    shares = [sum((runs(p, n) & runs(t, n)).total() for p, t in zip(a, b)) / max(1, sum(runs(p, n).total() for p in a)) for n in range(1, 5)]
    return (min(1, np.exp(1 - sum(map(len, b)) / max(1, sum(map(len, a))))) * np.prod(shares) ** 0.25)
