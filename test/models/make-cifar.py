#!/usr/bin/env python3
"""Writes pictures in the format of CIFAR-10's binary version: make-cifar.py FOLDER SAMPLES

Five files to train on, with SAMPLES each, and one to test on. A class is a colour of
its own in a square anywhere, over noise: what a convolution finds, wherever it is.
"""
import os, sys

import numpy

COLOURS = numpy.array([(255 * (c & 1), 255 * (c >> 1 & 1), 255 * (c >> 2 & 1)) for c in range(8)] + [(255, 128, 0), (0, 128, 255)])


def records(random, count):
    labels = random.randint(0, 10, count)
    pictures = random.randint(64, 192, (count, 3, 32, 32))
    for picture, label in zip(pictures, labels):
        row, column = random.randint(0, 22, 2)
        picture[:, row:row + 10, column:column + 10] = COLOURS[label][:, None, None]
    return numpy.concatenate([labels[:, None], pictures.reshape(count, -1)], 1).astype(numpy.uint8)


folder, count = sys.argv[1], int(sys.argv[2])
random = numpy.random.RandomState(1)
os.makedirs(folder, exist_ok=True)
for name in [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]:
    records(random, count).tofile(os.path.join(folder, name))
