"""Compares predictions of `nnc predict` with the labels of the tests' rows, and
where scikit-learn is installed with what it learns from the same rows:

  tables.py TABLES cancer.csv wine.csv"""
import csv
import sys
from pathlib import Path


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def share(predicted, labels):
    return sum(p == y for p, y in zip(predicted, labels, strict=True)) / len(labels)


def learned(train, test, make):
    """The accuracy of a model of scikit-learn's; None without it."""
    try:
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        return None
    numbers = lambda table: [[float(field) for field in row[:-1]] for row in table]
    scaler = StandardScaler().fit(numbers(train))
    model = make().fit(scaler.transform(numbers(train)), [row[-1] for row in train])
    predicted = model.predict(scaler.transform(numbers(test)))
    return share(predicted, [row[-1] for row in test])


def logistic():
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=10000)


def perceptron():
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((32,), random_state=0, max_iter=1000)


folder = Path(sys.argv[1])
recorded = {"breast_cancer": 110 / 114, "wine": 1.0}
for (name, least), output, make in zip(
    recorded.items(), sys.argv[2:], (logistic, perceptron), strict=True
):
    train, test = (rows(folder / f"{name}-{split}.csv")[1:] for split in ("train", "test"))
    found = share([row[0] for row in rows(output)[1:]], [row[-1] for row in test])
    peer = learned(train, test, make)
    print(f"{name}: {found:.4f}, scikit-learn {peer if peer else least:.4f}")
    if found < max(least, peer or 0) - 0.005:
        sys.exit(f"{name}: {found} of the test rows are right, expected {least}, {peer}")
