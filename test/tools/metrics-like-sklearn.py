"""Metrics of a set as scikit-learn has them: the data, and what they are of it.

usage: metrics-like-sklearn.py data | record KIND | check KIND RESULT.json... | live KIND

KIND is metrics-like-sklearn, or metrics-by-weight: the same with a weight for each
sample. `data` writes arrays here; `record` prints scikit-learn's values, which stand in
inputs/KIND.json; `check` compares what nnc said with these, and `live` these with the
scikit-learn that this Python, or one named by NNC_PEERS, has.
"""
import json
import os
import subprocess
import sys
import warnings

import numpy as np

COUNT = 100
INPUTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inputs")


def values():
    """Numbers by a rule, so that they are the same with every version of NumPy."""
    def spread(*shape, step=37, modulus=101):
        return (((np.arange(np.prod(shape)) * step) % modulus) / modulus * 4 - 2).reshape(shape).astype("f4")

    def irregular(*shape):
        """Scores whose order no rounding changes: f32 and f64 compute with them."""
        at = np.arange(np.prod(shape), dtype="i8")
        return ((at * at * 7919 + at * 104729 + 13) % 1000003 / 1000003 * 4 - 2).reshape(shape).astype("f4")

    yes = ((np.arange(COUNT) * 29) % 7 < 3).astype("u1")
    label = ((np.arange(COUNT) * 31) % 11 % 3).astype("i4")  # class 3 is in no target
    score = (spread(COUNT) + yes).round(1)  # with ties
    logits = spread(COUNT, 4, step=61, modulus=211)
    logits[np.arange(COUNT), label] += 0.75
    two = irregular(COUNT, 2)
    columns = ((np.arange(COUNT * 3) * 17) % 5 < 2).reshape(COUNT, 3).astype("i4")
    number = spread(COUNT, 3, step=59, modulus=223) * np.array([1, 2, 5], "f4") + 100
    return {
        "x": spread(COUNT, 2), "score": score, "yes": yes, "chance": (1 / (1 + np.exp(-score.astype("f8")))).astype("f4"),
        "logits": logits, "label": label, "two": two, "side": (yes ^ (np.arange(COUNT) % 5 == 0)).astype("i4"),
        "votes": spread(COUNT, 3, step=43, modulus=97) + columns.astype("f4"), "columns": columns,
        "number": number, "guess": number + spread(COUNT, 3, step=41, modulus=103) * np.array([0.1, 1, 4], "f4"),
        "nothing": np.zeros(COUNT, "u1"), "everything": np.ones(COUNT, "u1"),
        "weight": (((np.arange(COUNT) * 53) % 89) / 64 * (np.arange(COUNT) % 11 != 4)).astype("f4"),
        "picture": irregular(COUNT, 2, 3, 3), "mask": ((np.arange(COUNT * 6) * 13) % 9 % 4).reshape(COUNT, 2, 3).astype("i4"),
    }


def softmax(v):
    e = np.exp(v.astype("f8") - v.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def record():
    import sklearn.metrics as k
    from sklearn.calibration import calibration_curve

    warnings.simplefilter("ignore")
    v = values()
    found = {}
    chosen, p, label = v["logits"].argmax(1), softmax(v["logits"]), v["label"]
    yes, score = v["yes"], v["score"].astype("f8")
    sigmoid = 1 / (1 + np.exp(-score))
    for average in ("micro", "macro", "weighted"):
        found[f"precision_{average}"] = k.precision_score(label, chosen, average=average)
        found[f"recall_{average}"] = k.recall_score(label, chosen, average=average)
        found[f"f1_{average}"] = k.f1_score(label, chosen, average=average)
        found[f"f_beta_{average}"] = k.fbeta_score(label, chosen, beta=0.5, average=average)
        found[f"f1_columns_{average}"] = k.f1_score(v["columns"], v["votes"] > 0, average=average)
        found[f"auc_columns_{average}"] = k.roc_auc_score(v["columns"], v["votes"], average=average)
        found[f"ap_columns_{average}"] = k.average_precision_score(v["columns"], v["votes"], average=average)
    found["accuracy"] = k.accuracy_score(yes, score > 0)
    found["accuracy_chance"] = k.accuracy_score(yes, v["chance"] > 0.5)
    found["accuracy_classes"] = k.accuracy_score(label, chosen)
    found["top_2"] = k.top_k_accuracy_score(label, p, k=2, labels=range(4))
    for name, f in [("precision", k.precision_score), ("recall", k.recall_score), ("f1", k.f1_score)]:
        found[name] = f(yes, score > 0)
        found[f"{name}_two"] = f(v["side"], v["two"].argmax(1))
    found["f1_nothing"] = k.f1_score(v["nothing"], np.zeros(COUNT))
    found["mcc"] = k.matthews_corrcoef(label, chosen)
    found["mcc_binary"] = k.matthews_corrcoef(yes, score > 0)
    found["balanced"] = k.balanced_accuracy_score(label, chosen)
    for weighting in ("linear", "quadratic"):
        found[f"kappa_{weighting}"] = k.cohen_kappa_score(label, chosen, weights=weighting, labels=range(4))
    found["kappa"] = k.cohen_kappa_score(label, chosen)
    counted = v["mask"] != 3
    found["iou"] = k.jaccard_score(v["mask"][counted], v["picture"].argmax(-1)[counted], average="macro")
    found["auc"] = k.roc_auc_score(yes, score)
    found["ap"] = k.average_precision_score(yes, score)
    found["auc_two"] = k.roc_auc_score(v["side"], v["two"][:, 1].astype("f8") - v["two"][:, 0])
    three, of_three = softmax(v["picture"][:, 0, 0]), np.arange(COUNT) % 3
    found["auc_ovr"] = k.roc_auc_score(of_three, three, multi_class="ovr")
    found["auc_ovr_weighted"] = k.roc_auc_score(of_three, three, multi_class="ovr", average="weighted")
    found["auc_everything"] = k.roc_auc_score(v["everything"], score)
    found["ap_nothing"] = k.average_precision_score(v["nothing"], score)
    found["log_loss"] = k.log_loss(yes, sigmoid)
    found["log_loss_classes"] = k.log_loss(label, p, labels=range(4))
    found["brier"] = k.brier_score_loss(yes, sigmoid)
    found["brier_classes"] = k.brier_score_loss(label, p, labels=range(4))
    right, confidence = calibration_curve(yes, sigmoid, n_bins=10)
    sizes = np.histogram(np.searchsorted(np.linspace(0, 1, 11)[1:-1], sigmoid), np.arange(11))[0]
    found["calibration"] = (np.abs(right - confidence) * sizes[sizes > 0]).sum() / COUNT
    number, guess = v["number"].astype("f8"), v["guess"].astype("f8")
    found["mse"], found["mae"] = k.mean_squared_error(number, guess), k.mean_absolute_error(number, guess)
    found["rmse"] = k.root_mean_squared_error(number, guess)
    found["r2"], found["explained"] = k.r2_score(number, guess), k.explained_variance_score(number, guess)
    found["r2_by_variance"] = k.r2_score(number, guess, multioutput="variance_weighted")
    found["r2_one"] = k.r2_score(number[:, 0], guess[:, 0])
    found["perplexity"] = np.exp(found["log_loss_classes"])
    found["confusion"] = k.confusion_matrix(yes, score > 0).tolist()
    return plain(found)


def plain(found):
    return {name: value if isinstance(value, list) else None if np.isnan(value) else float(value) for name, value in found.items()}


def record_by_weight():
    import sklearn.metrics as k

    warnings.simplefilter("ignore")
    v = values()
    found, by = {}, {"sample_weight": v["weight"].astype("f8")}
    chosen, p, label = v["logits"].argmax(1), softmax(v["logits"]), v["label"]
    yes, score = v["yes"], v["score"].astype("f8")
    sigmoid = 1 / (1 + np.exp(-score))
    found["confusion"] = k.confusion_matrix(yes, score > 0, **by).tolist()
    for average in ("micro", "macro", "weighted"):
        found[f"precision_{average}"] = k.precision_score(label, chosen, average=average, **by)
        found[f"recall_{average}"] = k.recall_score(label, chosen, average=average, **by)
        found[f"f1_{average}"] = k.f1_score(label, chosen, average=average, **by)
        found[f"f_beta_{average}"] = k.fbeta_score(label, chosen, beta=0.5, average=average, **by)
        found[f"f1_columns_{average}"] = k.f1_score(v["columns"], v["votes"] > 0, average=average, **by)
        found[f"auc_columns_{average}"] = k.roc_auc_score(v["columns"], v["votes"], average=average, **by)
        found[f"ap_columns_{average}"] = k.average_precision_score(v["columns"], v["votes"], average=average, **by)
    found["accuracy"], found["accuracy_classes"] = k.accuracy_score(yes, score > 0, **by), k.accuracy_score(label, chosen, **by)
    found["top_2"] = k.top_k_accuracy_score(label, p, k=2, labels=range(4), **by)
    for name, f in [("precision", k.precision_score), ("recall", k.recall_score), ("f1", k.f1_score)]:
        found[name] = f(yes, score > 0, **by)
        found[f"{name}_two"] = f(v["side"], v["two"].argmax(1), **by)
    found["mcc"], found["mcc_binary"] = k.matthews_corrcoef(label, chosen, **by), k.matthews_corrcoef(yes, score > 0, **by)
    found["balanced"] = k.balanced_accuracy_score(label, chosen, **by)
    found["kappa"] = k.cohen_kappa_score(label, chosen, **by)
    for weighting in ("linear", "quadratic"):
        found[f"kappa_{weighting}"] = k.cohen_kappa_score(label, chosen, weights=weighting, labels=range(4), **by)
    counted, each = v["mask"] != 3, np.broadcast_to(by["sample_weight"][:, None, None], v["mask"].shape)
    found["iou"] = k.jaccard_score(v["mask"][counted], v["picture"].argmax(-1)[counted], average="macro", sample_weight=each[counted])
    found["auc"], found["ap"] = k.roc_auc_score(yes, score, **by), k.average_precision_score(yes, score, **by)
    found["auc_two"] = k.roc_auc_score(v["side"], v["two"][:, 1].astype("f8") - v["two"][:, 0], **by)
    three, of_three = softmax(v["picture"][:, 0, 0]), np.arange(COUNT) % 3
    found["auc_ovr"] = k.roc_auc_score(of_three, three, multi_class="ovr", **by)
    found["auc_ovr_weighted"] = k.roc_auc_score(of_three, three, multi_class="ovr", average="weighted", **by)
    found["log_loss"], found["log_loss_classes"] = k.log_loss(yes, sigmoid, **by), k.log_loss(label, p, labels=range(4), **by)
    found["perplexity"] = np.exp(found["log_loss_classes"])
    found["brier"], found["brier_classes"] = k.brier_score_loss(yes, sigmoid, **by), k.brier_score_loss(label, p, labels=range(4), **by)
    number, guess = v["number"].astype("f8"), v["guess"].astype("f8")
    found["mse"], found["mae"] = k.mean_squared_error(number, guess, **by), k.mean_absolute_error(number, guess, **by)
    found["rmse"] = k.root_mean_squared_error(number, guess, **by)
    found["r2"], found["explained"] = k.r2_score(number, guess, **by), k.explained_variance_score(number, guess, **by)
    found["r2_by_variance"] = k.r2_score(number, guess, multioutput="variance_weighted", **by)
    found["r2_one"] = k.r2_score(number[:, 0], guess[:, 0], **by)
    return plain(found)


RECORDS = {"metrics-like-sklearn": record, "metrics-by-weight": record_by_weight}


def recorded(kind):
    return json.load(open(os.path.join(INPUTS, kind + ".json")))


def check(kind, files):
    expected = recorded(kind)
    for file in files:
        found = json.load(open(file))
        for name, value in expected.items():
            same = found[name] is None if value is None else (
                found[name] is not None and np.allclose(found[name], value, rtol=1e-6, atol=1e-6 * (np.size(value) == 1)))
            assert same, (file, name, found[name], value)


def live(kind):
    programs = [sys.executable, *filter(None, os.environ.get("NNC_PEERS", "").split(":"))]
    for program in programs:
        if subprocess.run([program, "-c", "import sklearn"], capture_output=True).returncode == 0:
            text = subprocess.run([program, __file__, "record", kind], capture_output=True, text=True, check=True).stdout
            theirs, ours = json.loads(text), recorded(kind)
            for name in ours.keys() | theirs.keys():
                same = ours[name] == theirs[name] or np.allclose(ours[name], theirs[name], rtol=1e-12, atol=1e-12)
                assert same, (name, ours[name], theirs[name])
            print("scikit-learn agrees")
            return
    print("scikit-learn is not installed")


command = sys.argv[1]
if command == "data":
    for name, array in values().items():
        np.save(name + ".npy", array)
    np.save("part.npy", values()["picture"][:, 0, 0]), np.save("third.npy", (np.arange(COUNT) % 3).astype("i4"))
elif command == "record":
    print(json.dumps(RECORDS[sys.argv[2]](), indent=1))
elif command == "check":
    check(sys.argv[2], sys.argv[3:])
else:
    live(sys.argv[2])
