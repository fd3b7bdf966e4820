"""The numeric tests of losses and metrics, against their definitions in measures.py."""
from math import inf

import numpy as np

import measures as m
from cases import BATCH, case, edge, spread
from sequences import weighted_entropy

x, y = spread((BATCH, 5)), spread((BATCH, 5), seed=3)
probable = np.exp(x) / np.exp(x).sum(1, keepdims=True)
labels = np.array([0, 4, 2, 2, 1, 3, 0], dtype=np.int32)
bits = np.array([0, 1, 1, 0, 1, 0, 1], dtype=np.uint8)
of_rows, of_terms, of_classes = spread((BATCH,), 0.25, 2, seed=10), spread((BATCH, 5), 0.25, 2, seed=14), spread((5,), 0.25, 2, seed=9)
whole = ((np.arange(BATCH * 5) * 3) % 4).reshape(BATCH, 5).astype(np.int32)
decided = (y > 0) * 1.0
chance = spread((BATCH, 5), 0.1, 0.9, seed=20)
mean, quarter = spread((BATCH,), seed=21), np.clip(np.round(probable * 64), 1, None) / 64


def loss(op, inputs, function, attributes="", dynamic=None, **more):
    """All inputs with the batch, unless it is said which."""
    case("measures", op, inputs, function, attributes, dynamic=tuple(range(len(inputs))) if dynamic is None else dynamic, **more)


def metric(op, inputs, function, attributes="", **more):
    loss(op, inputs, function, attributes, gradient=False, **more)


# Losses of elements -----------------------------------------------------------------------


ELEMENTS = [("hinge_loss", m.hinge, "", {}), ("hinge_loss", m.hinge, "squared = true", {"squared": True}),
            ("smooth_l1", m.smooth_l1, "beta = 0.75", {"beta": 0.75}), ("log_cosh", m.log_cosh, "", {}),
            ("quantile_loss", m.quantile, "quantile = 0.875", {"q": 0.875}),
            ("poisson_nll", m.poisson, "full = true", {"full": True}), ("mse", lambda p, t, w=None, ignored=None: m.mean_of((p - t) ** 2, t, w, ignored), "", {}),
            ("huber", m.huber, "delta = 0.5", {"delta": 0.5}), ("bce_logits", m.bce_logits, "label_smoothing = 0.25", {"smoothing": 0.25}),
            ("focal_loss", m.focal, "gamma = 1.5 alpha = 0.25", {"gamma": 1.5, "alpha": 0.25}),
            ("focal_loss", m.focal, "gamma = 0.0", {"gamma": 0.0}), ("focal_loss", m.focal, "gamma = 0.5", {"gamma": 0.5})]
for op, f, attributes, given in ELEMENTS:
    targets = {"hinge_loss": decided, "focal_loss": decided, "bce_logits": decided, "poisson_nll": whole + 0.5}.get(op, y)
    loss(op, [x, targets], lambda p, t: f(p, t, **given), attributes)
    loss(op, [x, targets, of_rows], lambda p, t, w: f(p, t, w, **given), attributes)
    ignoring = (targets > 0).astype(np.int32) if op == "focal_loss" else whole
    loss(op, [x, ignoring], lambda p, t: f(p, t, ignored=1, **given), f"{attributes} ignore_index = 1".strip())
    loss(op, [x, ignoring, of_terms], lambda p, t, w: f(p, t, w, ignored=0, **given), f"{attributes} ignore_index = 0".strip())
    edge("measures", op, [x[:2], np.full((2, 5), 1.0)], np.float64(0.0), [np.zeros((2, 5))], f"{attributes} ignore_index = 1".strip())
loss("mae", [x, whole, of_rows], lambda p, t, w: m.mean_of(np.abs(p - t), t, w, 2), "ignore_index = 2")
loss("binary_cross_entropy", [chance, whole % 2], lambda p, t: m.binary_cross_entropy(p, t, ignored=0, smoothing=0.25),
     "ignore_index = 0 label_smoothing = 0.25")
loss("poisson_nll", [chance, whole], lambda p, t: m.poisson(p, t, log_input=False), "log_input = false")
loss("gaussian_nll", [x, y, of_terms], m.gaussian)
loss("gaussian_nll", [x, y, of_classes], lambda p, t, v: m.gaussian(p, t, v, full=True), "full = true", dynamic=(0, 1))
loss("gaussian_nll", [x, whole, of_terms, of_rows], lambda p, t, v, w: m.gaussian(p, t, v, w, ignored=3), "ignore_index = 3")
edge("measures", "gaussian_nll", [np.array([1.0]), np.array([0.0]), np.array([0.25])], np.float64((np.log(0.5) + 2) / 2),
     [np.array([2.0]), np.array([-2.0]), np.array([0.0])], "epsilon = 0.5")
# Far from the target nothing overflows, and a power below 1 has no slope where nothing is in doubt.
edge("measures", "log_cosh", [np.array([-1000.0, 1000.0]), np.zeros(2)], np.float64(1000 - np.log(2)), [np.array([-0.5, 0.5])])
edge("measures", "focal_loss", [np.array([1000.0, -1000.0]), np.array([1.0, 0.0])], np.float64(0.0), [np.zeros(2)], "gamma = 0.5")

# What positive targets weigh, in one operand for all losses of what is or is not.
OF_TRUTH = [("hinge_loss", m.hinge, x, "squared = true", {"squared": True}), ("bce_logits", m.bce_logits, x, "label_smoothing = 0.25", {"smoothing": 0.25}),
            ("binary_cross_entropy", m.binary_cross_entropy, chance, "label_smoothing = 0.25", {"smoothing": 0.25}),
            ("binary_cross_entropy", m.binary_cross_entropy, chance, "", {}),
            ("focal_loss", m.focal, x, "gamma = 1.5 label_smoothing = 0.25", {"gamma": 1.5, "smoothing": 0.25}),
            ("focal_loss", m.focal, x, "alpha = 0.25", {"alpha": 0.25})]
for op, f, values, attributes, given in OF_TRUTH:
    def positive(*types, op=op, attributes=attributes, weights=True):
        named = "%a2 positive_weights = %a3" if weights and op == "focal_loss" else "%a2, %a3" if weights else "positive_weights = %a2"
        return (f"%y0 = nnc.{op} %a0, %a1{', ' if weights else ' '}{named}{' ' + attributes if attributes else ''}"
                f" : ({', '.join(types)}) -> tensor<f64>")
    loss(op, [values, decided, of_classes], lambda v, t, p: f(v, t, positive=p, **given), dynamic=(0, 1), name=f"{op}_of_positives",
         text=lambda *types, write=positive: write(*types, weights=False))
    loss(op, [values, decided, of_rows, of_classes], lambda v, t, w, p: f(v, t, w, positive=p, **given), dynamic=(0, 1, 2),
         name=f"{op}_of_positives", text=positive)
loss("focal_loss", [x, decided], lambda v, t: m.focal(v, t, smoothing=0.25, alpha=0.75), "alpha = 0.75 label_smoothing = 0.25")

# Losses of rows -----------------------------------------------------------------------------


words, sentences = (np.arange(BATCH * 3, dtype=np.int32) * 3 % 5).reshape(BATCH, 3), spread((BATCH, 3, 5), seed=11)
for op, f, attributes, given in [("multiclass_hinge_loss", m.multiclass_hinge, "", {}), ("focal_loss", m.focal, "gamma = 1.0", {"gamma": 1.0})]:
    loss(op, [x, labels], lambda p, t: f(p, t, **given), attributes, tolerance=256)
    if op != "focal_loss":
        loss(op, [x, np.eye(5)[labels]], lambda p, t: f(p, t, **given), attributes, tolerance=256)
    loss(op, [x, labels, of_rows], lambda p, t, w: f(p, t, w, ignored=2, **given), f"{attributes} ignore_index = 2".strip(), tolerance=256)
    loss(op, [sentences, words, of_rows], lambda p, t, w: f(p, t, w, **given), attributes, tolerance=256)
    loss(op, [x, labels, of_rows, of_classes], lambda p, t, w, c: f(p, t, w, c, ignored=2, **given),
         f"{attributes} ignore_index = 2".strip(), dynamic=(0, 1, 2), tolerance=256)
loss("multiclass_hinge_loss", [x, np.eye(5)[labels], of_rows, of_classes], m.multiclass_hinge, dynamic=(0, 1, 2), tolerance=256)
loss("focal_loss", [x, labels, of_rows, of_classes], lambda p, t, w, c: m.focal(p, t, w, c, smoothing=0.25), "label_smoothing = 0.25",
     dynamic=(0, 1, 2), tolerance=256)
loss("focal_loss", [sentences, words], lambda p, t: m.focal(p, t, smoothing=0.25, ignored=1), "ignore_index = 1 label_smoothing = 0.25",
     tolerance=256)
# With a gamma of 0 it is a cross-entropy, and smoothed as one.
loss("focal_loss", [x, labels, of_rows, of_classes], lambda p, t, w, c: weighted_entropy(p, t, w, c, smoothing=0.25),
     "gamma = 0.0 label_smoothing = 0.25", dynamic=(0, 1, 2), tolerance=256)
# A number that is no class does not count.
edge("measures", "multiclass_hinge_loss", [np.array([[0.0, 2.0], [1.0, 1.0]]), np.array([0, -1], np.int32)], np.float64(3.0),
     [np.array([[-1.0, 1.0], [0.0, 0.0]])])
loss("kl_divergence", [x, quarter], m.kl, tolerance=256)
loss("kl_divergence", [x, np.eye(5)[labels] * 0.75, of_rows], m.kl, tolerance=256, gradient=False)
loss("kl_divergence", [chance, quarter], lambda q, t: m.kl(q, t, probabilities=True), "from = probabilities")
loss("kl_divergence", [x, np.eye(5)[labels] * 0.75, of_rows], lambda v, t, w: m.kl(v, t, w, smoothing=0.25), "label_smoothing = 0.25",
     tolerance=256)
image = spread((BATCH, 4, 3), -2, 2, seed=22)
mask = ((np.arange(BATCH * 12) * 5) % 3 > 0).reshape(BATCH, 4, 3)
loss("dice_loss", [image, mask * 1.0], m.dice)
loss("dice_loss", [image, mask.astype(np.uint8), of_rows], lambda v, t, w: m.dice(v, t, w, smooth=0.5), "smooth = 0.5")
loss("dice_loss", [sentences, words], m.dice)
loss("dice_loss", [sentences, words], lambda v, t: m.dice(v, t, ignored=1), "ignore_index = 1")
loss("dice_loss", [x, labels, of_rows], m.dice)
loss("dice_loss", [sentences, words, of_rows, of_classes], lambda v, t, w, c: m.dice(v, t, w, c, ignored=1), "ignore_index = 1",
     dynamic=(0, 1, 2))
edge("measures", "dice_loss", [x, labels, np.ones(BATCH), np.zeros(5)], np.float64(0.0), [np.zeros((BATCH, 5))])
loss("dice_loss", [chance, labels], lambda v, t: m.dice(v, t, probabilities=True), "from = probabilities")

# Losses of vectors --------------------------------------------------------------------------


side = np.where(bits, 1.0, -1.0)
loss("cosine_embedding_loss", [x, y, side], m.cosine_embedding)
loss("cosine_embedding_loss", [x, y, bits, of_rows], lambda a, b, t, w: m.cosine_embedding(a, b, t, w, margin=-0.5), "margin = -0.5")
loss("cosine_embedding_loss", [x, y, labels, of_rows, np.array([1.75])],
     lambda a, b, t, w, p: m.cosine_embedding(a, b, t, w, p, ignored=2), "ignore_index = 2", dynamic=(0, 1, 2, 3))
far = spread((BATCH, 5), seed=23)
loss("triplet_loss", [x, y, far], m.triplet)
loss("triplet_loss", [x, y, far, of_rows], lambda a, p, n, w: m.triplet(a, p, n, w, 0.25, True), "margin = 0.25 squared = true")
groups, others = spread((BATCH, 3, 4), seed=24), spread((BATCH, 3, 4), seed=25)
loss("contrastive_loss", [groups, others], m.contrastive, tolerance=1024)
loss("contrastive_loss", [groups, others], lambda a, b: m.contrastive(a, b, None, 2.0, False, True),
     "temperature = 2.0 normalize = false symmetric = true", tolerance=256)
loss("contrastive_loss", [groups, others, of_rows], lambda a, b, w: m.contrastive(a, b, w, 0.5, symmetric=True, smoothing=0.25),
     "temperature = 0.5 symmetric = true label_smoothing = 0.25", tolerance=256)
loss("contrastive_loss", [groups[0], others[0]], lambda a, b: m.contrastive(a, b, None, 0.5), "temperature = 0.5", dynamic=(), tolerance=256)
loss("contrastive_loss", [groups[0], others[0], np.array([0.5, 2.0, 1.25])], lambda a, b, w: m.contrastive(a, b, w, 0.5),
     "temperature = 0.5", dynamic=(), tolerance=256)

# Metrics of decisions -----------------------------------------------------------------------


two, pair = spread((BATCH, 2), seed=26), bits.astype(np.int32)
picture, regions = spread((BATCH, 2, 4, 3), seed=27), ((np.arange(BATCH * 8) * 5) % 3).reshape(BATCH, 2, 4).astype(np.int32)
several = (whole % 2).astype(np.int32)
SHARES = [("precision", m.precision, "", {}), ("recall", m.recall, "", {}), ("f1", m.f_beta, "", {}),
          ("f_beta", m.f_beta, "beta = 2.0 ", {"beta": 2.0})]
for op, f, attributes, given in SHARES:
    for average in ("", "binary", "micro", "macro", "weighted"):
        named = {**given, **({"average": average} if average else {})}
        text = (attributes + (f"average = {average}" if average else "")).strip()
        metric(op, [x[:, 0], bits], lambda v, t: f(v, t, **named), text)
        metric(op, [two, pair], lambda v, t: f(v, t, **named), text)
        metric(op, [x, several], lambda v, t: f(v, t, **named), text)
        if average != "binary":
            metric(op, [x, labels], lambda v, t: f(v, t, **named), text)
            metric(op, [picture, regions], lambda v, t: f(v, t, ignored=1, **named), text + " ignore_index = 1")
    metric(op, [x[:, 0], bits], lambda v, t: f(v, t, threshold=0.75, **given), attributes + "threshold = 0.75")
    metric(op, [chance[:, 0], bits], lambda v, t: f(v, t, probabilities=True, **given), attributes + "from = probabilities")
    # A share of nothing is 0; classes that are nowhere are none.
    edge("measures", op, [np.full(3, -1.0), np.zeros(3, np.uint8)], np.float64(0.0), attributes=attributes)
    edge("measures", op, [np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.array([0, 1], np.int32)], np.float64(1.0), attributes=attributes)
for op, f in [("mean_iou", m.mean_iou), ("balanced_accuracy", m.balanced_accuracy), ("mcc", m.mcc), ("cohen_kappa", m.cohen_kappa)]:
    for inputs in ([x[:, 0], bits], [two, pair], [x, labels], [x, several], [picture, regions], [x, np.eye(5)[labels]]):
        metric(op, inputs, f)
    metric(op, [picture, regions], lambda v, t: f(v, t, ignored=2), "ignore_index = 2")
    metric(op, [chance[:, 0], bits], lambda v, t: f(v, t, probabilities=True), "from = probabilities")
for weighting in ("linear", "quadratic"):
    for inputs in ([x[:, 0], bits], [x, labels], [picture, regions]):
        metric("cohen_kappa", inputs, lambda v, t: m.cohen_kappa(v, t, weighting), f"weighting = {weighting}")
edge("measures", "mcc", [np.array([1.0, 2.0]), np.array([1, 0], np.uint8)], np.float64(0.0))
metric("accuracy", [chance[:, 0], bits], lambda p, t: ((p > 0.5) == t).mean(), "from = probabilities")
metric("accuracy", [x, several], lambda v, t: ((v > 0) == t).mean())

# Metrics of scores --------------------------------------------------------------------------


for op, f in [("log_loss", m.log_loss), ("brier_score", m.brier_score), ("expected_calibration_error", m.expected_calibration_error)]:
    for inputs in ([x[:, 0], bits], [two, pair], [x, labels], [x, several], [picture, regions], [x, np.eye(5)[labels]]):
        metric(op, inputs, f, tolerance=256)
    metric(op, [chance[:, 0], bits], lambda v, t: f(v, t, probabilities=True), "from = probabilities", tolerance=256)
    metric(op, [picture, regions], lambda v, t: f(v, t, ignored=2), "ignore_index = 2", tolerance=256)
metric("expected_calibration_error", [x, labels], lambda v, t: m.expected_calibration_error(v, t, 4), "bins = 4", tolerance=256)
edge("measures", "expected_calibration_error", [np.array([0.0, 0.5, 1.0]), np.array([0, 1, 1], np.uint8)], np.float64(0.5 / 3),
     attributes="bins = 2 from = probabilities", tolerance=256)

# Metrics of numbers -------------------------------------------------------------------------


for op, f in [("root_mean_squared_error", m.root_mean_squared_error), ("r2", m.r2), ("explained_variance", m.explained_variance)]:
    metric(op, [mean, y[:, 0]], f, tolerance=256)
    metric(op, [x, y], f, tolerance=256)
    metric(op, [x, y], lambda v, t: f(v, t, "flattened"), "multioutput = flattened", tolerance=256)
    metric(op, [image, spread((BATCH, 4, 3), seed=28)], f, tolerance=256)
    if op != "root_mean_squared_error":
        metric(op, [x, y], lambda v, t: f(v, t, "variance_weighted"), "multioutput = variance_weighted", tolerance=256)
        # Targets that do not vary, exactly or by a rounding.
        edge("measures", op, [np.full(3, 0.1), np.full(3, 0.1)], np.float64(1.0), only="f64")
        edge("measures", op, [np.array([1.0, 2.0, 4.0]), np.full(3, 2.0)], np.float64(0.0))
edge("measures", "r2", [np.array([1.0]), np.array([1.0])], np.float64(np.nan))
# Of one that counts there is no share, whatever it weighs.
edge("measures", "r2", [np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([8.0, 0.0])], np.float64(np.nan))
edge("measures", "root_mean_squared_error", [np.array([3.0, inf]), np.array([1.0, 0.0])], np.float64(inf))

# Metrics by weights -------------------------------------------------------------------------


several_rows, of_pixels = spread((BATCH, 5), 0.25, 2, seed=29), spread((BATCH, 2, 4), 0.25, 2, seed=30)
of_few = of_rows * (np.arange(BATCH) % 3 > 0)
DECISIONS = [(op, f, attributes.strip(), given) for op, f, attributes, given in SHARES] + [
    ("accuracy", m.accuracy, "", {}), ("mean_iou", m.mean_iou, "", {}), ("balanced_accuracy", m.balanced_accuracy, "", {}),
    ("mcc", m.mcc, "", {}), ("cohen_kappa", m.cohen_kappa, "", {}),
    ("cohen_kappa", m.cohen_kappa, "weighting = quadratic", {"weighting": "quadratic"}), ("log_loss", m.log_loss, "", {}),
    ("brier_score", m.brier_score, "", {}), ("expected_calibration_error", m.expected_calibration_error, "bins = 4", {"bins": 4})]
for op, f, attributes, given in DECISIONS:
    for inputs in ([x[:, 0], bits, of_rows], [two, pair, of_few], [x, labels, of_rows], [x, several, several_rows], [x, several, bits > 0],
                   [x, np.eye(5)[labels], of_rows], [picture, regions, of_rows], [picture, regions, of_pixels]):
        metric(op, inputs, lambda v, t, w: f(v, t, weights=w, **given), attributes, tolerance=256)
    metric(op, [picture, regions, of_pixels], lambda v, t, w: f(v, t, weights=w, ignored=1, **given), f"{attributes} ignore_index = 1".strip(),
           tolerance=256)
    if op in ("precision", "recall", "f1", "f_beta"):
        for average in ("micro", "macro", "weighted"):
            metric(op, [x, several, several_rows], lambda v, t, w: f(v, t, weights=w, average=average, **given),
                   f"{attributes} average = {average}".strip(), tolerance=256)
metric("top_k_accuracy", [x, labels, of_rows], lambda v, t, w: m.top_k_accuracy(v, t, 2, w, ignored=3), "k = 2 ignore_index = 3")
metric("perplexity", [sentences, words, of_rows], lambda v, t, w: np.exp(weighted_entropy(v, t, w, ignored=1)), "ignore_index = 1")
metric("bits_per_byte", [x, labels, of_few], lambda v, t, w: weighted_entropy(v, t, w) / np.log(2))
for w in (of_rows, of_terms, of_few):
    metric("mean_squared_error", [x, whole, w], lambda p, t, w: m.mean_of((p - t) ** 2, t, w, 2), "ignore_index = 2")
    metric("mean_absolute_error", [x, y, w], lambda p, t, w: m.mean_of(np.abs(p - t), t, w))
    for op, f in [("root_mean_squared_error", m.root_mean_squared_error), ("r2", m.r2), ("explained_variance", m.explained_variance)]:
        metric(op, [x, y, w], lambda p, t, w: f(p, t, weights=w), tolerance=256)
        metric(op, [x, whole, w], lambda p, t, w: f(p, t, "flattened", w, 3), "multioutput = flattened ignore_index = 3", tolerance=256)
        if op != "root_mean_squared_error":
            metric(op, [x, y, w], lambda p, t, w: f(p, t, "variance_weighted", w), "multioutput = variance_weighted", tolerance=256)
