"""The numeric tests of what losses and metrics count: weights, classes that do not
count, and sequences, against definitions that go through everything.
"""
from math import inf, nan

import numpy as np

from cases import BATCH, case, edge, spread
from sequences import (all_edits, backward, bleu, collapsed, ctc, forward, numbered, sigmoid, softmax, token_error_rate,
                       weighted, weighted_entropy, word_error_rate)

x, y = spread((BATCH, 5)), spread((BATCH, 5), seed=3)
labels = np.array([0, 4, 2, 2, 1, 3, 0], dtype=np.int32)
truth, probability = np.array([0, 1, 1, 0, 1, 0, 1], dtype=np.float64), spread((BATCH,), 0.1, 0.9)


# Weights, and what does not count ---------------------------------------------------------


of_classes, of_rows = spread((5,), 0.25, 2, seed=9), spread((BATCH,), 0.25, 2, seed=10)
mask = np.array([1, 0, 1, 1, 0, 1, 1], dtype=bool)
for smoothing in ("", " label_smoothing = 0.25"):
    s = 0.25 if smoothing else 0.0
    case("losses", "cross_entropy", [x, labels], lambda v, t: weighted_entropy(v, t, ignored=2, smoothing=s),
         "ignore_index = 2" + smoothing, dynamic=(0, 1), name="cross_entropy_ignoring")
    case("losses", "cross_entropy", [x, labels, of_rows], lambda v, t, w: weighted_entropy(v, t, w, ignored=4, smoothing=s),
         "ignore_index = 4" + smoothing, dynamic=(0, 1, 2), name="cross_entropy_of_rows")
    case("losses", "cross_entropy", [x, labels, mask], lambda v, t, w: weighted_entropy(v, t, w, smoothing=s),
         smoothing.strip(), dynamic=(0, 1, 2), name="cross_entropy_masked")
    case("losses", "cross_entropy", [x, labels, of_rows, of_classes],
         lambda v, t, w, c: weighted_entropy(v, t, w, c, ignored=0, smoothing=s), "ignore_index = 0" + smoothing,
         dynamic=(0, 1, 2), name="cross_entropy_of_rows_and_classes")
    case("losses", "cross_entropy", [x, np.eye(5)[labels] * 0.75, of_rows, of_classes],
         lambda v, t, w, c: weighted_entropy(v, t, w, c, smoothing=s), smoothing.strip(), dynamic=(0, 1, 2),
         name="cross_entropy_of_floats")
    case("losses", "cross_entropy", [x, labels, of_classes], lambda v, t, c: weighted_entropy(v, t, None, c, smoothing=s),
         dynamic=(0, 1), name="cross_entropy_of_classes", text=lambda v, t, c, given=smoothing:
         f"%y0 = nnc.cross_entropy %a0, %a1 class_weights = %a2{given} : ({v}, {t}, {c}) -> tensor<f64>")
# Rows in two dimensions, and a weight for each of the first.
sentences, words = spread((BATCH, 3, 5), seed=11), (np.arange(BATCH * 3, dtype=np.int32) * 3 % 5).reshape(BATCH, 3)
for w in (of_rows, spread((BATCH, 3), 0.25, 2, seed=12), spread((1, 3), 0.25, 2, seed=13)):
    case("losses", "cross_entropy", [sentences, words, w], lambda v, t, w: weighted_entropy(v, t, w, ignored=1),
         "ignore_index = 1", dynamic=(0, 1, 2) if len(w) == BATCH else (0, 1), name="cross_entropy_of_words")
# Where nothing counts there is no loss and no gradient; what does not count may be anything.
edge("losses", "cross_entropy", [x[:2], np.array([3, 3], np.int32)], np.float64(0.0), [np.zeros((2, 5))], "ignore_index = 3", narrow=True)
edge("losses", "cross_entropy", [np.array([[0.0, 0.0], [nan, inf]]), np.array([1, -100], np.int32)], np.log(2.0),
     attributes="ignore_index = -100", narrow=True)
edge("losses", "mse", [np.array([1.0, inf]), np.array([3.0, 0.0]), np.array([True, False])], np.float64(4.0))


for w in (of_rows, spread((BATCH, 5), 0.25, 2, seed=14), mask, spread((1, 5), 0.25, 2, seed=15)):
    batched = (0, 1, 2) if len(w) == BATCH else (0, 1)
    case("losses", "mse", [x, y, w], lambda p, t, w: weighted((p - t) ** 2, w), dynamic=batched)
    case("losses", "mae", [x, y, w], lambda p, t, w: weighted(np.abs(p - t), w), dynamic=batched)
    case("losses", "huber", [x, y, w],
         lambda p, t, w: weighted(np.where(np.abs(p - t) <= 1, 0.5 * (p - t) ** 2, np.abs(p - t) - 0.5), w), dynamic=batched)
    case("losses", "bce_logits", [x, (y > 0) * 0.75, w],
         lambda v, t, w: weighted(np.maximum(v, 0) - v * t + np.log1p(np.exp(-np.abs(v))), w), dynamic=batched)
    case("losses", "bce_logits", [x, (y > 0) * 0.75, w, of_classes],
         lambda v, t, w, p: weighted(-p * t * np.log(sigmoid(v)) - (1 - t) * np.log(sigmoid(-v)), w), dynamic=batched)
case("losses", "bce_logits", [x, (y > 0) * 0.75, of_classes], dynamic=(0, 1), name="bce_logits_of_positives",
     reference=lambda v, t, p: (-p * t * np.log(sigmoid(v)) - (1 - t) * np.log(sigmoid(-v))).mean(),
     text=lambda v, t, p: f"%y0 = nnc.bce_logits %a0, %a1 positive_weights = %a2 : ({v}, {t}, {p}) -> tensor<f64>")
case("losses", "binary_cross_entropy", [probability, truth, of_rows],
     lambda p, t, w: weighted(-(t * np.log(p) + (1 - t) * np.log1p(-p)), w), dynamic=(0, 1, 2))
case("losses", "accuracy", [x, labels], lambda v, l: (v.argmax(1) == l)[l != 2].mean(), "ignore_index = 2", gradient=False, dynamic=(0, 1))
case("losses", "top_k_accuracy", [x, labels], lambda v, l: np.mean([l[i] in np.argsort(-v[i])[:2] for i in range(len(l)) if l[i] != 0]),
     "k = 2 ignore_index = 0", gradient=False, dynamic=(0, 1))
case("losses", "perplexity", [x, labels], lambda v, t: np.exp(weighted_entropy(v, t)), dynamic=(0, 1))
case("losses", "perplexity", [x, labels], lambda v, t: np.exp(weighted_entropy(v, t, ignored=2)), "ignore_index = 2", dynamic=(0, 1))
case("losses", "bits_per_byte", [x, labels], lambda v, t: weighted_entropy(v, t) / np.log(2) / 3.5, "bytes_per_token = 3.5", dynamic=(0, 1))
case("neural", "embedding", [np.array([3, 0, 3, 9, 1, 1, 8], dtype=np.int32), spread((10, 6))],
     lambda i, t: t[i] * (i != 3)[:, None], "padding_index = 3", dynamic=(0,))

# Sequences -------------------------------------------------------------------------------


spoken = spread((BATCH, 4, 3), seed=16)
written = np.array([[1, 2], [1, 1], [2, 0], [2, 1], [1, 2], [2, 2], [0, 0]], np.int32)
times, lengths = np.array([4, 3, 4, 2, 4, 4, 1], np.int32), np.array([2, 2, 1, 2, 1, 2, 0], np.int32)
case("losses", "ctc_loss", [spoken, written, times, lengths], ctc, dynamic=(0, 1, 2, 3), tolerance=256)
case("losses", "ctc_loss", [spoken, written, times, lengths, of_rows], ctc, dynamic=(0, 1, 2, 3, 4), tolerance=256)
case("losses", "ctc_loss", [spoken, 1 - np.minimum(written, 1), times, np.minimum(lengths, 1)],
     lambda *a: ctc(*a, blank=2), "blank = 2", dynamic=(0, 1, 2, 3), tolerance=256)
# Three labels do not fit into two steps, nor two that are alike.
late = [spread((2, 2, 3)), np.array([[1, 1], [1, 2]], np.int32), np.array([2, 2], np.int32), np.array([2, 2], np.int32)]
p = softmax(late[0][1])
edge("losses", "ctc_loss", late, np.float64(inf))
edge("losses", "ctc_loss", late, -np.log(p[0, 1] * p[1, 2]) / 4,
     [np.array([np.zeros((2, 3)), (p - np.eye(3)[[1, 2]]) / 4])], "zero_infinity = true", tolerance=256)


between = np.array([[0, 1, 0, 2, 0], [0, 1, 0, 1, 0], [0, 2, 0, 1, 0], [0, 2, 0, 2, 0], [0, 9, 0, -1, 0], [1, 2, 1, 2, 0], [0, 1, 2, 1, 2]], np.int32)
case("losses", "ctc_forward", [spoken, between], forward, gradient=False, dynamic=(0, 1), tolerance=256)
alpha = spread((BATCH, 4, 5), seed=17)
case("losses", "ctc_backward", [alpha, spread((BATCH, 4, 5), seed=18), between], backward, gradient=False, dynamic=(0, 1, 2), tolerance=256)


paths = (np.arange(BATCH * 6, dtype=np.int32) // 2 * 5 % 3).reshape(BATCH, 6)
until = np.array([6, 5, 0, 1, 6, 2, 4], np.int32)
case("losses", "ctc_collapse", [paths, until], collapsed, gradient=False, dynamic=(0, 1))
case("losses", "ctc_collapse", [paths, until], lambda p, u: collapsed(p, u, 1, -1), "blank = 1 padding = -1", gradient=False, dynamic=(0, 1))
case("losses", "ctc_decode", [spoken, times], lambda v, t: collapsed(v.argmax(2), t), gradient=False, dynamic=(0, 1))


said = np.array([[2, 3, 1, 4, 0, 2], [2, 1, 1, 3, 1, 4], [0, 2, 2, 2, 2, 2], [1, 2, 1, 1, 2, 1], [4, 4, 4, 1, 3, 3],
                 [2, 3, 4, 2, 3, 4], [3, 1, 3, 1, 3, 0]], np.int32)
meant = np.array([[2, 3, 1, 5, 1], [3, 1, 4, 0, 0], [2, 0, 9, 9, 9], [2, 1, 2, 1, 2], [0, 0, 0, 0, 0], [2, 3, 4, 2, 4],
                  [3, 1, 3, 1, 3]], np.int32)
case("losses", "edit_distance", [said, meant], all_edits, gradient=False, dynamic=(0, 1))
case("losses", "edit_distance", [said, meant], lambda a, b: all_edits(a, b, 3), "padding = 3", gradient=False, dynamic=(0, 1))
case("losses", "token_error_rate", [said, meant], token_error_rate, "type = f64", gradient=False, dynamic=(0, 1))
case("losses", "word_error_rate", [said, meant], word_error_rate, "space = 1 type = f64", gradient=False, dynamic=(0, 1))


case("losses", "number_words", [said], numbered, "space = 1", gradient=False, dynamic=(0,))


case("losses", "bleu", [said, meant], bleu, "type = f64", gradient=False, dynamic=(0, 1))
case("losses", "bleu", [meant, said], bleu, "type = f64", gradient=False, dynamic=(0, 1))
case("losses", "bleu", [said[:, :3], meant[:, :3]], bleu, "type = f64", gradient=False)
