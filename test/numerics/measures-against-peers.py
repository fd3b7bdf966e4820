"""Compares measures.py with PyTorch's losses and scikit-learn's metrics, in f64, where
the programs named by NNC_PEERS (a Python each, between colons), or this one, have them.
"""
import os, subprocess, sys

import numpy as np

import measures as m
from cases import spread
from sequences import sigmoid, softmax

COUNT = 40
random = np.random.default_rng(7)


def close(name, found, expected):
    # f64, but for sums in another order.
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-12, equal_nan=True), (name, found, expected)


def torch_losses():
    import torch
    import torch.nn.functional as F

    def t(array):
        return torch.tensor(array)

    x, y, w = random.normal(size=(COUNT, 5)), random.normal(size=(COUNT, 5)), random.uniform(0.1, 2, (COUNT, 5))
    labels, bits = random.integers(0, 5, COUNT), (random.uniform(size=(COUNT, 5)) > 0.4) * 1.0
    close("huber", m.huber(x, y, delta=0.5), F.huber_loss(t(x), t(y), delta=0.5))
    close("smooth_l1", m.smooth_l1(x, y, beta=0.75), F.smooth_l1_loss(t(x), t(y), beta=0.75))
    for log_input in (True, False):
        for full in (True, False):
            counts = random.poisson(2.0, x.shape) * 1.0
            rate = x if log_input else np.exp(x)
            close("poisson", m.poisson(rate, counts, log_input=log_input, full=full),
                  F.poisson_nll_loss(t(rate), t(counts), log_input=log_input, full=full))
    for full in (True, False):
        close("gaussian", m.gaussian(x, y, w, full=full), F.gaussian_nll_loss(t(x), t(y), t(w), full=full))
    close("bce_logits", m.bce_logits(x, bits, positive=w[0]), F.binary_cross_entropy_with_logits(t(x), t(bits), pos_weight=t(w[0])))
    rows = softmax(y)
    close("kl", m.kl(x, rows), F.kl_div(F.log_softmax(t(x), -1), t(rows), reduction="batchmean"))
    side, other = np.where(bits[:, 0] > 0, 1, -1), random.normal(size=x.shape)
    close("cosine", m.cosine_embedding(x, other, side, margin=0.2), F.cosine_embedding_loss(t(x), t(other), t(side), margin=0.2))
    close("triplet", m.triplet(x, y, other, margin=0.7), F.triplet_margin_loss(t(x), t(y), t(other), margin=0.7))
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    close("contrastive", m.contrastive(x, y, temperature=0.1), F.cross_entropy(t(a @ b.T / 0.1), torch.arange(COUNT)))
    # A focal loss is a cross-entropy, whose terms are multiplied.
    terms = F.binary_cross_entropy_with_logits(t(x), t(bits), reduction="none")
    right = torch.sigmoid(t(x)) * t(bits) + (1 - torch.sigmoid(t(x))) * (1 - t(bits))
    alpha = 0.25 * t(bits) + 0.75 * (1 - t(bits))
    close("focal", m.focal(x, bits, alpha=0.25), (alpha * terms * (1 - right) ** 2).mean())
    terms = F.cross_entropy(t(x), t(labels), reduction="none")
    close("focal of classes", m.focal(x, labels), (terms * (1 - torch.exp(-terms)) ** 2).mean())
    for ignored in (-100, 2):
        close("ignored", m.focal(x, labels, gamma=0.0, by_class=w[0], ignored=ignored),
              F.cross_entropy(t(x), t(labels), t(w[0]), ignore_index=ignored))


def torch_weights():
    """What weighs and smooths, of all losses that have it."""
    import torch
    import torch.nn.functional as F

    t = torch.tensor
    x, y, w = random.normal(size=(COUNT, 5)), random.normal(size=(COUNT, 5)), random.uniform(0.1, 2, (COUNT, 5))
    labels, bits = random.integers(0, 5, COUNT), (random.uniform(size=(COUNT, 5)) > 0.4) * 1.0
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    terms = F.multi_margin_loss(t(x), t(labels), weight=t(w[0]), reduction="none")
    worst = np.maximum(0, 1 + np.where(np.eye(5)[labels] > 0, -np.inf, x).max(1) - x[np.arange(COUNT), labels]) * w[0][labels]
    assert (worst / 5 <= terms.numpy() + 1e-12).all()  # PyTorch adds up what multiclass_hinge has the largest of
    close("hinge of classes", m.multiclass_hinge(x, labels, None, w[0]), worst.sum() / w[0][labels].sum())
    pairs = F.multi_margin_loss(t(x[:, :2]), t(labels % 2), weight=t(w[0][:2]), reduction="none") * 2
    close("hinge of two", m.multiclass_hinge(x[:, :2], labels % 2, None, w[0][:2]), pairs.sum() / w[0][labels % 2].sum())
    for s in (0.0, 0.25):
        close("smoothed", m.focal(x, labels, by_class=w[0], gamma=0.0, smoothing=s),
              F.cross_entropy(t(x), t(labels), t(w[0]), label_smoothing=s))
        close("smoothed contrast", m.contrastive(x, y, temperature=0.1, smoothing=s),
              F.cross_entropy(t(a @ b.T / 0.1), torch.arange(COUNT), label_smoothing=s))
        smooth = bits * (1 - s) + s / 2
        close("of positives", m.bce_logits(x, bits, positive=w[0], smoothing=s),
              F.binary_cross_entropy_with_logits(t(x), t(smooth), pos_weight=t(w[0])))
        close("focal of positives", m.focal(x, bits, positive=w[0], gamma=0.0, smoothing=s),
              F.binary_cross_entropy_with_logits(t(x), t(smooth), pos_weight=t(w[0])))
        close("of probabilities", m.binary_cross_entropy(sigmoid(x), bits, positive=w[0], margins=(0, 1), smoothing=s),
              F.binary_cross_entropy_with_logits(t(x), t(smooth), pos_weight=t(w[0])))
        # As Keras's BinaryFocalCrossentropy writes it.
        p = torch.sigmoid(t(x))
        p_t, alpha = t(smooth) * p + (1 - t(smooth)) * (1 - p), t(smooth) * 0.25 + (1 - t(smooth)) * 0.75
        entropy = F.binary_cross_entropy(p, t(smooth), reduction="none")
        close("smoothed focal", m.focal(x, bits, alpha=0.25, smoothing=s), (alpha * (1 - p_t) ** 2 * entropy).mean())
        # And its CategoricalFocalCrossentropy.
        p, rows = torch.softmax(t(x), -1), F.one_hot(t(labels), 5).double() * (1 - s) + s / 5
        close("smoothed focal of classes", m.focal(x, labels, smoothing=s), (rows * -torch.log(p) * (1 - p) ** 2).sum(-1).mean())


def sklearn_metrics():
    import warnings

    import sklearn.metrics as k

    warnings.simplefilter("ignore")
    for classes in (2, 3, 6):
        x = random.normal(size=(COUNT, classes))
        labels = random.integers(0, max(2, classes - 1), COUNT)
        x[np.arange(COUNT), labels] += 1
        chosen, p = x.argmax(1), softmax(x)
        for average in ["micro", "macro", "weighted"] + ["binary"] * (classes == 2):
            close("precision", m.precision(x, labels, average=average), k.precision_score(labels, chosen, average=average))
            close("recall", m.recall(x, labels, average=average), k.recall_score(labels, chosen, average=average))
            close("f1", m.f_beta(x, labels, average=average), k.f1_score(labels, chosen, average=average))
            close("f_beta", m.f_beta(x, labels, 2.0, average=average), k.fbeta_score(labels, chosen, beta=2.0, average=average))
        close("iou", m.mean_iou(x, labels), k.jaccard_score(labels, chosen, average="macro"))
        close("balanced", m.balanced_accuracy(x, labels), k.balanced_accuracy_score(labels, chosen))
        close("mcc", m.mcc(x, labels), k.matthews_corrcoef(labels, chosen))
        for weighting in ("none", "linear", "quadratic"):
            close("kappa", m.cohen_kappa(x, labels, weighting),
                  k.cohen_kappa_score(labels, chosen, weights=None if weighting == "none" else weighting, labels=range(classes)))
        close("log_loss", m.log_loss(x, labels), k.log_loss(labels, p, labels=range(classes)))
        close("brier", m.brier_score(x, labels), k.brier_score_loss(labels, p if classes > 2 else p[:, 1], labels=range(classes)))
        close("hinge", m.multiclass_hinge(x, labels), k.hinge_loss(labels, x, labels=range(classes)) if classes > 2
              else np.maximum(0, 1 - (x[:, 1] - x[:, 0]) * (2 * labels - 1)).mean())
    scores, bits = random.normal(size=COUNT).round(1), random.integers(0, 2, COUNT)
    close("hinge", m.hinge(scores, bits), k.hinge_loss(bits, scores))
    close("roc_auc", m.roc_auc(scores, bits), k.roc_auc_score(bits, scores))
    close("average_precision", m.average_precision(scores, bits), k.average_precision_score(bits, scores))
    close("quantile", m.quantile(scores, bits + 0.5, q=0.8), k.mean_pinball_loss(bits + 0.5, scores, alpha=0.8))
    close("log_loss", m.log_loss(scores, bits), k.log_loss(bits, sigmoid(scores)))
    y, guess = random.normal(size=(COUNT, 3)) * [1, 2, 5], random.normal(size=(COUNT, 3))
    for name, f, theirs in [("r2", m.r2, k.r2_score), ("explained", m.explained_variance, k.explained_variance_score)]:
        for multioutput in ("uniform_average", "variance_weighted"):
            close(name, f(guess, y, multioutput), theirs(y, guess, multioutput=multioutput))
        close(name, f(guess[:, 0], np.ones(COUNT)), theirs(np.ones(COUNT), guess[:, 0]))
    close("root", m.root_mean_squared_error(guess, y), k.root_mean_squared_error(y, guess))
    columns = (y > 0) * 1
    for average in ("micro", "macro", "weighted"):
        close("of columns", m.f_beta(guess, columns, average=average), k.f1_score(columns, guess > 0, average=average))


def sklearn_weights():
    """Of all metrics that have a sample_weight."""
    import warnings

    import sklearn.metrics as k

    warnings.simplefilter("ignore")
    for classes in (2, 3, 6):
        x = random.normal(size=(COUNT, classes))
        labels, w = random.integers(0, classes, COUNT), random.uniform(0.1, 2, COUNT)
        x[np.arange(COUNT), labels] += 1
        chosen, p = x.argmax(1), softmax(x)
        by = {"sample_weight": w}
        close("accuracy", m.accuracy(x, labels, weights=w), k.accuracy_score(labels, chosen, **by))
        close("confusion", m.confusion(x, labels, weights=w), k.confusion_matrix(labels, chosen, **by))
        for average in ["micro", "macro", "weighted"] + ["binary"] * (classes == 2):
            close("precision", m.precision(x, labels, average=average, weights=w), k.precision_score(labels, chosen, average=average, **by))
            close("recall", m.recall(x, labels, average=average, weights=w), k.recall_score(labels, chosen, average=average, **by))
            close("f1", m.f_beta(x, labels, average=average, weights=w), k.f1_score(labels, chosen, average=average, **by))
        close("iou", m.mean_iou(x, labels, weights=w), k.jaccard_score(labels, chosen, average="macro", **by))
        close("balanced", m.balanced_accuracy(x, labels, weights=w), k.balanced_accuracy_score(labels, chosen, **by))
        close("mcc", m.mcc(x, labels, weights=w), k.matthews_corrcoef(labels, chosen, **by))
        for weighting in ("none", "linear", "quadratic"):
            close("kappa", m.cohen_kappa(x, labels, weighting, weights=w), k.cohen_kappa_score(
                labels, chosen, weights=None if weighting == "none" else weighting, labels=range(classes), **by))
        close("log_loss", m.log_loss(x, labels, weights=w), k.log_loss(labels, p, labels=range(classes), **by))
        close("brier", m.brier_score(x, labels, weights=w),
              k.brier_score_loss(labels, p if classes > 2 else p[:, 1], labels=range(classes), **by))
        if classes > 2:
            close("top_k", m.top_k_accuracy(x, labels, 2, w), k.top_k_accuracy_score(labels, p, k=2, labels=range(classes), **by))
    scores, bits = random.normal(size=COUNT).round(1), random.integers(0, 2, COUNT)
    w = random.uniform(0.1, 2, COUNT) * (random.uniform(size=COUNT) > 0.2)
    close("roc_auc", m.roc_auc(scores, bits, w), k.roc_auc_score(bits, scores, sample_weight=w))
    close("average_precision", m.average_precision(scores, bits, w), k.average_precision_score(bits, scores, sample_weight=w))
    close("hinge", m.hinge(scores, bits, w), k.hinge_loss(bits, scores, sample_weight=w))
    y, guess = random.normal(size=(COUNT, 3)) * [1, 2, 5], random.normal(size=(COUNT, 3))
    for name, f, theirs in [("r2", m.r2, k.r2_score), ("explained", m.explained_variance, k.explained_variance_score)]:
        for multioutput in ("uniform_average", "variance_weighted"):
            close(name, f(guess, y, multioutput, w), theirs(y, guess, multioutput=multioutput, sample_weight=w))
    close("root", m.root_mean_squared_error(guess, y, weights=w), k.root_mean_squared_error(y, guess, sample_weight=w))


CHECKS = {"torch": [torch_losses, torch_weights], "sklearn": [sklearn_metrics, sklearn_weights]}
if len(sys.argv) > 1:
    for check in CHECKS[sys.argv[1]]:
        check()
    sys.exit()
programs = [sys.executable, *filter(None, os.environ.get("NNC_PEERS", "").split(":"))]
for peer in CHECKS:
    having = [p for p in programs if subprocess.run([p, "-c", f"import {peer}"], capture_output=True).returncode == 0]
    if having:
        subprocess.run([having[0], __file__, peer], check=True)
    print(peer, "agrees" if having else "is not installed")
