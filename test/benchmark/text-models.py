#!/usr/bin/env python3
"""What PyTorch reaches with char_gpt.nn and sentiment.nn on their data, and how long it takes:
the same sizes, first weights' distributions, optimizers and steps, other batches.

    text-models.py char_gpt|sentiment [--seed S] [--epochs N] [--threads N] [--compile]

Prints a line of JSON an epoch, with the names that `nnc train --json` has."""
import argparse, collections, json, os, sys, time

import numpy, torch

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models"))
import sequence_models

FORTUNES = "/usr/share/games/fortunes/"
EPOCHS = {"char_gpt": 5, "sentiment": 4}
HELD_OUT = {"char_gpt": 0.1, "sentiment": 0.2}
# What separates words beside blanks, as Keras's Tokenizer has it.
FILTERS = str.maketrans({c: " " for c in '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'})


def read(name):
    with open(FORTUNES + name, encoding="utf-8") as file:
        return file.read()


def numbered(texts, limit):
    """Each text as numbers: 0 is padding, 1 unknown, then the most frequent tokens."""
    counts = collections.Counter(token for text in texts for token in text)
    frequent = sorted(counts, key=lambda token: (-counts[token], token.encode()))[:limit - 2]
    ids = {token: i + 2 for i, token in enumerate(frequent)}
    return [[ids.get(token, 1) for token in text] for text in texts]


def char_gpt_data(sizes):
    tokens = numpy.array(numbered([read("computers")], sizes["v"])[0])
    starts = numpy.arange(0, len(tokens) - sizes["t"], sizes["t"])
    windows = tokens[starts[:, None] + numpy.arange(sizes["t"] + 1)]
    return windows[:, :-1], windows[:, 1:]


def sentiment_data(sizes):
    records = [[text for text in read(name).split("\n%\n") if text.strip("%\n ")] for name in ("computers", "songs-poems")]
    texts = numbered([text.lower().translate(FILTERS).split() for file in records for text in file], sizes["v"])
    words = numpy.zeros((len(texts), sizes["t"]), int)
    lengths = numpy.array([min(len(text), sizes["t"]) for text in texts])
    for row, text, length in zip(words, texts, lengths):
        row[:length] = text[:length]
    labels = numpy.repeat(numpy.arange(2), [len(file) for file in records])
    # PyTorch packs no empty sequence.
    return tuple(array[lengths > 0] for array in (words, lengths, labels))


def first_weights(name, sizes, random):
    """As nnc begins: Glorot's uniform matrices, orthogonal recurrent ones, tables of deviation 0.02."""
    weights = {}
    for parameter, letters in sequence_models.shapes(name, sizes).items():
        shape = [times * size for times, _, size in sequence_models.dimensions(letters, sizes)]
        if "weight_hh" in parameter:
            value = torch.nn.init.orthogonal_(torch.empty(shape)).numpy()
        elif "weight" in parameter:
            value = random.uniform(-1, 1, shape) * numpy.sqrt(6 / sum(shape))
        elif len(shape) == 2:
            value = 0.02 * random.standard_normal(shape)
        else:
            value = numpy.full(shape, float(parameter.endswith("scale")))
        weights[parameter] = value
    return weights


def evaluate(network, data, batch):
    loss = right = 0.0
    with torch.no_grad():
        for begin in range(0, len(data[0]), batch):
            *inputs, target = (torch.as_tensor(array[begin:begin + batch]).long() for array in data)
            loss += network.loss(*inputs, target).item() * len(target)
            logits = network.logits(*inputs)
            guess = logits > 0 if network.name == "sentiment" else logits.argmax(-1)
            right += (guess == target).double().mean().item() * len(target)
    return loss / len(data[0]), right / len(data[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    name, sizes = options.model, sequence_models.SIZES[options.model]
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = numpy.random.RandomState(options.seed)
    data = {"char_gpt": char_gpt_data, "sentiment": sentiment_data}[name](sizes)
    order = random.permutation(len(data[0]))
    held_out, order = numpy.split(order, [int(HELD_OUT[name] * len(order))])
    network = sequence_models.Network(name, sizes, first_weights(name, sizes, random), torch.float32)
    if options.compile:
        network.logits = torch.compile(network.logits)
    print(f"{len(order)} training samples, {len(held_out)} for validation", file=sys.stderr)
    for epoch in range(options.epochs or EPOCHS[name]):
        order, losses, begin = random.permutation(order), [], time.perf_counter()
        for part in numpy.array_split(order, range(sizes["batch"], len(order), sizes["batch"])):
            losses.append(network.step(*(array[part] for array in data)))
        seconds = time.perf_counter() - begin
        loss, accuracy = evaluate(network, [array[held_out] for array in data], sizes["batch"])
        print(json.dumps({"epoch": epoch + 1, "loss": numpy.mean(losses), "validation_loss": loss,
                          "validation_accuracy": accuracy, "seconds": seconds}), flush=True)


main()
