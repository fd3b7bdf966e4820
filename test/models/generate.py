"""What `generate` computes token by token is what `predict` computes of whole
sequences: generate.py steps|draws|beams LIBRARIES FOLDER [OPTIONS OF nnc]"""
import itertools
import json
import subprocess
import sys

import numpy

from session import Library, Session, draw

what, libraries, folder, *options = sys.argv[1:]
library = Library(libraries)
TIME, VOCABULARY, WIDTH = 7, 11, 16

MODEL = """
const time = 7, vocabulary = 11, width = 16
%s
model net(tokens: i32[batch, time], targets: i32[batch, time]) {
  x = embedding(tokens, vocabulary, width) as words
%s
  logits = dense(x, vocabulary)
  loss cross_entropy(logits, targets)
  output logits
}
training { optimizer sgd(learning_rate = 0.1) }
"""

PLACES = """  param place: f32[time, width] = normal(0.5)
  x = x + place
"""

CELL = """fn cell(x, h) {
  return tanh(dense(x, width) + dense(h, width))
}"""

# Name: what stands before the model, and in it.
MODELS = {
    "places": ("", PLACES + "  x = x + dense(gelu(layer_norm(x)), width)"),
    "last": ("", PLACES + "  x = slice(x, starts = [0, time - 1, 0], sizes = [-1, 1, width])"
             "\n  x = reshape(tanh(x), [-1, width])"),
    "attention": ("", PLACES + """  for i in 0..2 {
    x = x + multi_head_attention(layer_norm(x), heads = 4, causal = true) as mix[i]
    x = x + dense(relu(dense(layer_norm(x), 32)), width)
  }"""),
    "rotary": ("", "  x = x + multi_head_attention(x, heads = 4, kv_heads = 2, causal = true, rotary = true)"),
    "window": ("", "  x = x + multi_head_attention(x, heads = 2, causal = true, window = 3, soft_cap = 2.0)"),
    "slopes": ("", """  param slopes: f32[2] = [0.5, 0.25]
  x = x + multi_head_attention(x, heads = 2, causal = true, slopes = slopes)"""),
    "scores": ("", """  param scores: f32[2, time, time] = normal(1)
  x = x + multi_head_attention(x, heads = 2, causal = true, score_bias = scores)"""),
    "apart": ("", """  q = reshape(dense(x, width), [-1, time, 2, 8])
  k = reshape(dense(x, width), [-1, time, 2, 8])
  v = reshape(dense(x, 6), [-1, time, 2, 3])
  x = x + dense(reshape(attention(q, k, v, causal = true), [-1, time, 6]), width)"""),
    "cell": (CELL, "  last, x = scan(cell, over = x, from = zeros([width]))"),
    "begun": (CELL, """  param first: f32[width] = normal(1)
  last, x = scan(cell, over = x, from = first)"""),
}


def compile(name, sequences):
    before, inside = MODELS[name]
    path = f"{folder}/{name}"
    text = MODEL % (before, inside)
    if name == "last":
        text = text.replace("targets: i32[batch, time]", "targets: i32[batch]")
    with open(path + ".nn", "w") as file:
        file.write(text)
    subprocess.run(["nnc", "compile", path + ".nn", "--generate", str(sequences), "--no-training", "--quiet",
                    "-o", path + ".plan", *options], check=True)
    return Session(library, path + ".plan")


# Both ways round each element of each layer once in another order: a sum of n
# terms differs by at most n 2^-24 of the sum of their magnitudes, here below 32
# terms of magnitudes below 8 in each of at most 12 sums after one another.
BOUND = 2 * 12 * 32 * 8 * 2.0**-24


def steps():
    random = numpy.random.default_rng(5)
    for name in MODELS:
        session = compile(name, 3)
        tokens = random.integers(0, VOCABULARY, (3, TIME)).astype("i4")
        whole = session.predict(tokens)
        last = whole.ndim == 2
        for _ in range(2):
            session.restart()
            for i in range(TIME):
                logits = session.feed(tokens[:, i])
                assert isinstance(logits, numpy.ndarray), logits
                if last and i + 1 < TIME:
                    continue
                error = numpy.abs(logits - (whole if last else whole[:, i])).max()
                assert error < BOUND, (name, i, error)
        # A loop goes on without an end.
        endless = name in ("cell", "begun")
        assert session.sequences.context == (0 if endless else TIME), name
        full = "the sequences have 7 tokens, as many as the model's context holds"
        assert endless or session.feed(tokens[:, 0]) == full, name
        if last:
            continue
        # Sequences 0 and 2 go on as sequence 1 does.
        session.restart()
        for i in range(TIME):
            if i == 3:
                session.rearrange([1, 1, 1])
            logits = session.feed(tokens[:, i] if i < 3 else [tokens[1, i]] * 3)
        error = numpy.abs(logits - whole[1, -1]).max()
        assert error < BOUND, (name, "rearranged", error)
        print("ok", name)


def draws():
    logits = numpy.array([1.0, 2.0, 0.0, -numpy.inf, 2.0, numpy.nan, -1.0], "f4")
    known = numpy.where(numpy.isnan(logits), -numpy.inf, logits)

    def check(kept, temperature, **given):
        shares = numpy.where(kept, numpy.exp(known / temperature), 0)
        shares /= shares.sum()
        count = 20000
        counts = numpy.bincount([draw(library, logits, i, temperature=temperature, **given) for i in range(count)],
                                minlength=len(logits))
        # Five deviations of a binomial's mean: wrong once in a million.
        deviation = numpy.sqrt(shares * (1 - shares) / count)
        assert (numpy.abs(counts / count - shares) <= 5 * deviation).all(), (counts, shares)

    everything = numpy.isfinite(known)
    check(everything, 1.0)
    check(everything, 0.5, seed=3)
    check(numpy.arange(7) == 1, 1.0, top_k=1)
    check(numpy.isin(numpy.arange(7), (0, 1, 4)), 2.0, top_k=3)
    # Shares 0.144, 0.392, 0.053, 0, 0.392, 0, 0.020.
    check(numpy.isin(numpy.arange(7), (1, 4)), 1.0, top_p=0.7)
    check(numpy.isin(numpy.arange(7), (0, 1, 4)), 1.0, top_p=0.8)
    assert draw(library, logits, 0, is_greedy=1) == 1
    assert draw(library, logits, 7, seed=1) == draw(library, logits, 7, seed=1)
    print("ok")


def beams():
    count, prompt = 3, [2, 0]
    session = compile("attention", 1)
    plan = f"{folder}/attention"
    tails = list(itertools.product(range(VOCABULARY), repeat=count))
    best = None
    for tail in tails[::1]:
        sequence = numpy.array([prompt + list(tail) + [0] * (TIME - len(prompt) - count)], "i4")
        logits = session.predict(sequence)[0].astype("f8")
        logits -= numpy.log(numpy.exp(logits).sum(1, keepdims=True))
        score = sum(logits[len(prompt) - 1 + i, token] for i, token in enumerate(tail))
        if best is None or score > best[0]:
            best = (score, list(tail))
    # As many beams as there are continuations but for the last token: none is lost.
    command = ["nnc", "generate", plan + ".nn", "--weights", plan + ".safetensors", "--prompt-tokens", "2,0",
               "--tokens", str(count), "--beams", str(VOCABULARY ** (count - 1)), "--json"]
    library.expect("nnc_session_save", session.handle, (plan + ".safetensors").encode())
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert said["tokens"] == best[1], (said, best)
    assert abs(said["log_probability"] - best[0]) < 3 * BOUND, (said, best)
    print("ok")


{"steps": steps, "draws": draws, "beams": beams}[what]()
