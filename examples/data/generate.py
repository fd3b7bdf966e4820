#!/usr/bin/env python3
"""Writes the CSV data of the examples beside this file: always the same bytes.

    python3 examples/data/generate.py

tabular-{train,test}.csv       20 measurements; whether two interactions and a
                               ring among them add up to more than usual.
tuning-{train,test}.csv        of the same kind, few to train on; whether the
                               same things add up to much less than usual.
logistic-{train,test}.csv      2 measurements; on which side of a line, with
                               some labels on the wrong one.
regression-{train,test}.csv    4 measurements; a smooth function of them, noisy.
backpropagation.csv            the one sample of backpropagation.nn.
"""
import math
import pathlib
import random

FOLDER = pathlib.Path(__file__).parent


def normal(generator):
    """Box-Muller on random(), which Python keeps the same in every version."""
    radius = math.sqrt(-2.0 * math.log(1.0 - generator.random()))
    return radius * math.cos(2.0 * math.pi * generator.random())


def write(name, header, rows):
    lines = [",".join(header)]
    lines += [",".join(f"{value:.4g}" for value in row) for row in rows]
    (FOLDER / name).write_text("\n".join(lines) + "\n")


def write_splits(stem, header, rows, num_test):
    write(f"{stem}-train.csv", header, rows[num_test:])
    write(f"{stem}-test.csv", header, rows[:num_test])


def measurements(generator, num_samples, label, num_features=20):
    rows = []
    for _ in range(num_samples):
        x = [normal(generator) for _ in range(num_features)]
        ring = x[4] ** 2 + x[5] ** 2 - 2.0
        score = 1.5 * x[0] * x[1] + 1.5 * x[2] * x[3] + ring + 0.5 * x[6]
        rows.append(x + [label(score + 0.3 * normal(generator))])
    return [f"x{i}" for i in range(num_features)] + ["label"], rows


def tabular(num_samples=2000):
    header, rows = measurements(random.Random(1), num_samples, lambda score: 1 if score > 0 else 0)
    write_splits("tabular", header, rows, num_test=400)


def tuning(num_samples=460):
    header, rows = measurements(random.Random(4), num_samples, lambda score: 1 if score < -1 else 0)
    write_splits("tuning", header, rows, num_test=400)


def logistic(num_samples=500):
    generator = random.Random(2)
    rows = []
    for _ in range(num_samples):
        x = [normal(generator), normal(generator)]
        probability = 1.0 / (1.0 + math.exp(-(4.0 * x[0] - 3.0 * x[1] + 1.0)))
        rows.append(x + [1 if generator.random() < probability else 0])
    write_splits("logistic", ["x0", "x1", "label"], rows, num_test=100)


def regression(num_samples=1000):
    generator = random.Random(3)
    rows = []
    for _ in range(num_samples):
        x = [2.0 * generator.random() - 1.0 for _ in range(4)]
        y = math.sin(3.0 * x[0]) + x[1] * x[2] + 0.5 * x[3]
        rows.append(x + [y + 0.05 * normal(generator)])
    write_splits("regression", ["x0", "x1", "x2", "x3", "y"], rows, num_test=200)


def backpropagation():
    write("backpropagation.csv", ["x0", "x1", "x2", "label"], [[1, 0.5, -1, 1]])


if __name__ == "__main__":
    tabular()
    tuning()
    logistic()
    regression()
    backpropagation()
