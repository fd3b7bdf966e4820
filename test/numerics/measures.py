"""Losses and metrics by their definitions, in f64: for the numeric tests, for random
programs, and for measures-against-peers.py, which compares them with PyTorch and
scikit-learn.
"""
import numpy as np

from sequences import sigmoid, softmax, stretched, weighted


def is_of_classes(x, target):
    """Whether rows choose a class: integers a row, or rows of floats."""
    if x.ndim == 0 or x.shape[-1] < 2:
        return False
    if target.dtype.kind == "f":
        return target.shape == x.shape
    return target.size == x.size // x.shape[-1] and target.shape[: x.ndim - 1] == x.shape[:-1]


def are_integer_classes(x, target):
    return target.dtype.kind != "f" and is_of_classes(x, target)


def counting(target, like, ignored, weights=None):
    """Weights of terms, without those that are ignored; null: all weigh the same."""
    if ignored is None:
        return weights
    counted = (target.reshape(like.shape) != ignored) * 1.0
    return counted if weights is None else counted * stretched(weights, like)


def mean_of(terms, target, weights=None, ignored=None):
    return weighted(terms, counting(target, terms, ignored, weights))


# Losses of elements -----------------------------------------------------------------------


def smooth(target, smoothing):
    return target * (1 - smoothing) + smoothing / 2


def bce_logits(x, target, weights=None, positive=1.0, ignored=None, smoothing=0.0):
    t = smooth(target.reshape(x.shape), smoothing)
    return mean_of((1 - t) * np.logaddexp(0, x) + positive * t * np.logaddexp(0, -x), target, weights, ignored)


def binary_cross_entropy(p, target, weights=None, positive=1.0, margins=(1e-7, 1 - 1e-7), ignored=None, smoothing=0.0):
    t, p = smooth(target.reshape(p.shape), smoothing), np.clip(p, *margins)
    return mean_of(-(positive * t * np.log(p) + (1 - t) * np.log1p(-p)), target, weights, ignored)


def hinge(x, target, weights=None, positive=1.0, squared=False, ignored=None):
    yes = target.reshape(x.shape) > 0
    terms = np.maximum(0, 1 - np.where(yes, 1, -1) * x)
    return mean_of((terms**2 if squared else terms) * np.where(yes, positive, 1.0), target, weights, ignored)


def huber(x, target, weights=None, delta=1.0, ignored=None):
    d = np.abs(x - target.reshape(x.shape))
    return mean_of(np.where(d <= delta, d * d / 2, delta * (d - delta / 2)), target, weights, ignored)


def smooth_l1(x, target, weights=None, beta=1.0, ignored=None):
    return huber(x, target, weights, beta, ignored) / beta


def log_cosh(x, target, weights=None, ignored=None):
    return mean_of(np.log(np.cosh(x - target.reshape(x.shape))), target, weights, ignored)


def quantile(x, target, weights=None, q=0.5, ignored=None):
    d = target.reshape(x.shape) - x
    return mean_of(np.where(d > 0, q * d, (q - 1) * d), target, weights, ignored)


def poisson(x, target, weights=None, log_input=True, full=False, epsilon=1e-8, ignored=None):
    t = target.reshape(x.shape).astype(float)
    terms = np.exp(x) - t * x if log_input else x - t * np.log(x + epsilon)
    large = np.where(t > 1, t, 2)
    stirling = large * np.log(large) - large + np.log(2 * np.pi * large) / 2
    return mean_of(terms + (full * np.where(t > 1, stirling, 0)), target, weights, ignored)


def gaussian(x, target, variance, weights=None, full=False, epsilon=1e-6, ignored=None):
    v = np.maximum(variance, epsilon)
    terms = (np.log(v) + (x - target.reshape(x.shape)) ** 2 / v) / 2 + full * np.log(2 * np.pi) / 2
    return mean_of(terms, target, weights, ignored)


# Losses of rows -----------------------------------------------------------------------------


def one_hot(target, x):
    """Rows of probabilities; of integers that are no class, of zeros."""
    if target.dtype.kind == "f":
        return target
    return (target.reshape(x.shape[:-1])[..., None] == np.arange(x.shape[-1])) * 1.0


def by_weight_of_class(losses, rows, by_class, target, weights, ignored):
    """The mean of rows' losses, which are by the weights of classes already, by those."""
    w = counting(target, losses, ignored, weights)
    w = np.ones(losses.shape) if w is None else stretched(w, losses)
    divisor = (w * (rows @ by_class)).sum()
    return (w * losses).sum() / divisor if divisor else 0.0


def multiclass_hinge(x, target, weights=None, by_class=None, ignored=None):
    rows = one_hot(target, x)
    if target.dtype.kind == "f":
        rows = np.eye(x.shape[-1])[target.argmax(-1)]
    by_class = np.ones(x.shape[-1]) if by_class is None else by_class
    right = (rows * x).sum(-1)
    others = np.where(rows > 0, -np.inf, x).max(-1)
    losses = np.maximum(0, 1 + others - right) * (rows @ by_class)
    return by_weight_of_class(losses, rows, by_class, target, weights, ignored)


def focal(x, target, weights=None, by_class=None, positive=None, gamma=2.0, alpha=None, ignored=None, smoothing=0.0):
    if not are_integer_classes(x, target):
        t, p = smooth(target.reshape(x.shape), smoothing), sigmoid(x)
        doubt = t * (1 - p) + (1 - t) * p
        # Of targets beyond 0 and 1, which nothing is said of, no root is taken.
        doubt = np.maximum(doubt, 1e-30) if gamma < 1 else doubt
        positive = 1.0 if positive is None else positive
        terms = doubt**gamma * (positive * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x))
        if alpha is not None:
            terms = terms * (alpha * t + (1 - alpha) * (1 - t))
        return mean_of(terms, target, weights, ignored)
    p, rows = softmax(x), one_hot(target, x)
    by_class = np.ones(x.shape[-1]) if by_class is None else by_class
    shares = (rows * (1 - smoothing) + smoothing / x.shape[-1]) * rows.sum(-1, keepdims=True)
    losses = (shares * by_class * (1 - p) ** gamma * -np.log(p)).sum(-1)
    return by_weight_of_class(losses, rows, by_class, target, weights, ignored)


def kl(x, target, weights=None, probabilities=False, margin=1e-7, smoothing=0.0):
    q = np.clip(x, margin, 1) if probabilities else softmax(x)
    target = target * (1 - smoothing) + smoothing / x.shape[-1]
    known = np.where(target > 0, target * np.log(np.where(target > 0, target, 1)), 0)
    return weighted((known - target * np.log(q)).sum(-1), weights)


def dice(x, target, weights=None, by_class=None, smooth=1.0, probabilities=False, ignored=None):
    several = are_integer_classes(x, target)
    p = x if probabilities else softmax(x) if several else sigmoid(x)
    t = one_hot(target, x) if several else target.reshape(x.shape)
    if ignored is not None:
        counted = target.reshape(x.shape[:-1])[..., None] != ignored if several else target.reshape(x.shape) != ignored
        p, t = p * counted, t * counted
    places = tuple(range(1, x.ndim - several))
    scores = (2 * (p * t).sum(places) + smooth) / (p.sum(places) + t.sum(places) + smooth)
    return weighted(1 - (np.average(scores, axis=-1, weights=by_class) if several else scores), weights)


def cosine_embedding(x, other, target, weights=None, positive=1.0, margin=0.0, ignored=None):
    squares = ((x * x).sum(-1) + 1e-12) * ((other * other).sum(-1) + 1e-12)
    c = (x * other).sum(-1) / np.sqrt(squares)
    terms = np.where(target.reshape(c.shape) > 0, positive * (1 - c), np.maximum(0, c - margin))
    return mean_of(terms, target, weights, ignored)


def triplet(anchor, positive, negative, weights=None, margin=1.0, squared=False):
    def far(a, b):
        return ((a - b) ** 2).sum(-1) if squared else np.sqrt(((a - b + 1e-6) ** 2).sum(-1))
    return weighted(np.maximum(0, far(anchor, positive) - far(anchor, negative) + margin), weights)


def contrastive(x, other, weights=None, temperature=0.1, normalize=True, symmetric=False, smoothing=0.0):
    if normalize:
        x, other = (v / np.sqrt((v * v).sum(-1, keepdims=True) + 1e-12) for v in (x, other))
    shares = np.eye(x.shape[-2]) * (1 - smoothing) + smoothing / x.shape[-2]
    def found(a, b):
        return weighted(-(shares * np.log(softmax(a @ b.swapaxes(-1, -2) / temperature))).sum(-1), weights)
    return (found(x, other) + found(other, x)) / 2 if symmetric else found(x, other)


# Metrics of decisions -----------------------------------------------------------------------


def decisions(x, target, threshold=None, probabilities=False, ignored=None, weights=None):
    """What was chosen, what is, what each weighs, and the number of classes."""
    if is_of_classes(x, target):
        chosen = x.argmax(-1)
        actual = target.argmax(-1) if target.dtype.kind == "f" else target.reshape(chosen.shape)
        count = x.shape[-1]
    else:
        threshold = (0.5 if probabilities else 0.0) if threshold is None else threshold
        chosen, actual, count = (x > threshold) * 1, (target.reshape(x.shape) > 0.5) * 1, 2
    w = counting(target, chosen, ignored, weights)
    return chosen, actual, np.ones(chosen.shape) if w is None else stretched(w, chosen), count


def counts_of(chosen, actual, w, k):
    return np.array([(w * ((chosen == k) & (actual == k))).sum(), (w * (chosen == k)).sum(), (w * (actual == k)).sum()])


def ratio(a, b):
    return a / b if b else 0.0


def share(formula, x, target, average=None, **given):
    """`formula` makes a dividend and a divisor of hits, choices and targets."""
    several = is_of_classes(x, target)
    average = average or ("macro" if several and x.shape[-1] != 2 else "binary")
    chosen, actual, w, count = decisions(x, target, **given)
    if average != "binary" and not several and x.ndim == 2 and x.shape[1] > 1:
        all_counts = [counts_of(*column, 1) for column in zip(chosen.T, actual.T, w.T)]
    else:
        all_counts = [counts_of(chosen, actual, w, k) for k in range(count)]
    if average == "binary":
        return ratio(*formula(all_counts[1]))
    if average == "micro":
        return ratio(*np.sum([formula(c) for c in all_counts], 0))
    shares = [ratio(*formula(c)) for c in all_counts]
    weights = [c[2] if average == "weighted" else c[1] + c[2] > 0 for c in all_counts]
    return ratio(np.dot(shares, weights), np.sum(weights))


def precision(x, target, **given):
    return share(lambda c: (c[0], c[1]), x, target, **given)


def recall(x, target, **given):
    return share(lambda c: (c[0], c[2]), x, target, **given)


def f_beta(x, target, beta=1.0, **given):
    return share(lambda c: ((1 + beta**2) * c[0], c[1] + beta**2 * c[2]), x, target, **given)


def accuracy(x, target, **given):
    chosen, actual, w, _ = decisions(x, target, **given)
    return ratio((w * (chosen == actual)).sum(), w.sum())


def top_k_accuracy(x, target, k=5, weights=None, ignored=None):
    classes = target.argmax(-1) if target.dtype.kind == "f" else target.reshape(x.shape[:-1])
    is_class = (classes >= 0) & (classes < x.shape[-1])
    value = np.take_along_axis(x, np.where(is_class, classes, 0)[..., None], -1)
    return mean_of((is_class & ((x > value).sum(-1) < k)) * 1.0, target, weights, ignored)


def confusion(x, target, **given):
    chosen, actual, w, count = decisions(x, target, **given)
    counts = np.zeros((count, count))
    for a, c, weight in zip(actual.ravel(), chosen.ravel(), w.ravel()):
        if 0 <= a < count:
            counts[a, c] += weight
    return counts


def mean_iou(x, target, **given):
    counts = confusion(x, target, **given)
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return (counts.diagonal() / np.where(union, union, 1))[union > 0].mean()


def balanced_accuracy(x, target, **given):
    counts = confusion(x, target, **given)
    actual = counts.sum(1)
    return (counts.diagonal() / np.where(actual, actual, 1))[actual > 0].mean()


def mcc(x, target, **given):
    counts = confusion(x, target, **given)
    n, chosen, actual = counts.sum(), counts.sum(0), counts.sum(1)
    deviations = np.sqrt((n**2 - (chosen**2).sum()) * (n**2 - (actual**2).sum()))
    return ratio(counts.trace() * n - (chosen * actual).sum(), deviations)


def cohen_kappa(x, target, weighting="none", **given):
    counts = confusion(x, target, **given)
    places = np.arange(len(counts))
    distance = np.abs(places[:, None] - places).astype(float)
    w = {"none": distance > 0, "linear": distance, "quadratic": distance**2}[weighting]
    return 1 - (w * counts).sum() * counts.sum() / (w * np.outer(counts.sum(1), counts.sum(0))).sum()


# Metrics of scores --------------------------------------------------------------------------


def probabilities_of(x, target, probabilities):
    return x if probabilities else softmax(x) if is_of_classes(x, target) else sigmoid(x)


def log_loss(x, target, probabilities=False, margin=2.0**-23, ignored=None, weights=None):
    p = probabilities_of(x, target, probabilities)
    p = np.clip(p, margin, 1 - margin) if probabilities else p
    if is_of_classes(x, target):
        losses = -(one_hot(target, x) * np.log(p)).sum(-1)
    else:
        t = target.reshape(x.shape)
        losses = -(t * np.log(p) + (1 - t) * np.log1p(-p))
    return mean_of(losses, target, weights, ignored)


def brier_score(x, target, probabilities=False, ignored=None, weights=None):
    p = probabilities_of(x, target, probabilities)
    if is_of_classes(x, target):
        squares = ((p - one_hot(target, x)) ** 2).sum(-1) / (2 if x.shape[-1] == 2 else 1)
    else:
        squares = (p - target.reshape(x.shape)) ** 2
    return mean_of(squares, target, weights, ignored)


def expected_calibration_error(x, target, bins=15, probabilities=False, ignored=None, weights=None):
    p = probabilities_of(x, target, probabilities)
    if is_of_classes(x, target):
        confidence = p.max(-1)
        right = (p.argmax(-1) == (target.argmax(-1) if target.dtype.kind == "f" else target.reshape(confidence.shape))) * 1.0
    else:
        confidence, right = p, (target.reshape(x.shape) > 0.5) * 1.0
    w = counting(target, right, ignored, weights)
    w = np.ones(right.shape) if w is None else stretched(w, right)
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    return ratio(sum(abs((w * (confidence - right))[place == b].sum()) for b in range(bins)), w.sum())


def roc_auc(scores, actual, weights=None):
    """By all pairs."""
    w = np.ones(scores.shape) if weights is None else weights
    positive, negative = (scores[of] for of in (actual > 0.5, actual <= 0.5))
    pairs = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    counts = np.outer(w[actual > 0.5], w[actual <= 0.5])
    return (counts * pairs).sum() / counts.sum() if counts.sum() else np.nan


def average_precision(scores, actual, weights=None):
    """By all thresholds."""
    w = np.ones(scores.shape) if weights is None else weights
    positives, area, before = (w * (actual > 0.5)).sum(), 0.0, 0.0
    for threshold in sorted(set(scores[w != 0]), reverse=True):
        chosen = scores >= threshold
        hits = (w * (chosen & (actual > 0.5))).sum()
        area += ratio((ratio(hits, positives) - before) * hits, (w * chosen).sum())
        before = ratio(hits, positives)
    return area


# Metrics of numbers -------------------------------------------------------------------------


def outputs_of(x, target, multioutput, weights, ignored):
    """Predictions, targets and their weights, a column an output."""
    shape = (-1, 1) if multioutput == "flattened" or x.ndim == 0 else (x.shape[0], -1)
    w = counting(target, x, ignored, weights)
    w = np.ones(x.shape) if w is None else stretched(w, x)
    return x.reshape(shape).astype(float), target.reshape(shape).astype(float), w.reshape(shape)


def root_mean_squared_error(x, target, multioutput="uniform_average", weights=None, ignored=None):
    x, t, w = outputs_of(x, target, multioutput, weights, ignored)
    return np.sqrt((w * (x - t) ** 2).sum(0) / w.sum(0)).mean()


def explained(rest, t, w, multioutput):
    total = (w * (t - (w * t).sum(0) / w.sum(0)) ** 2).sum(0)
    shares = np.where(total == 0, rest == 0, 1 - rest / np.where(total == 0, 1, total))
    by_variance = multioutput == "variance_weighted" and total.any()
    return np.average(shares, weights=total if by_variance else None)


def r2(x, target, multioutput="uniform_average", weights=None, ignored=None):
    x, t, w = outputs_of(x, target, multioutput, weights, ignored)
    return explained((w * (t - x) ** 2).sum(0), t, w, multioutput) if ((w != 0).sum(0) > 1).all() else np.nan


def explained_variance(x, target, multioutput="uniform_average", weights=None, ignored=None):
    x, t, w = outputs_of(x, target, multioutput, weights, ignored)
    middle = (w * (t - x)).sum(0) / w.sum(0)
    return explained((w * ((t - x) - middle) ** 2).sum(0), t, w, multioutput)
