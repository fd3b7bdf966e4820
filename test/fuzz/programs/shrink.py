"""Makes a program that fails smaller while it still fails in the same way."""
import re, time

from program import BATCH, spell_type


def candidates(program):
    """Smaller programs, the smallest first."""
    if program.gradients:
        smaller = program.copy()
        smaller.gradients = False
        yield smaller
    if len(program.training) > 1:
        smaller = program.copy()
        smaller.training = program.training[:1]
        yield smaller
    if program.training and program.training[0] != "optimizer sgd(0.1)":
        smaller = program.copy()
        smaller.training[0] = "optimizer sgd(0.1)"
        yield smaller
    for i in reversed(range(1, len(program.training))):
        smaller = program.copy()
        del smaller.training[i]
        yield smaller
    for half in (8, 4, 2, 1):
        for i in range(len(program.body) - half, -1, -half):
            smaller = program.copy()
            del smaller.body[i:i + half]
            yield without_unused(smaller)
    for i in reversed(range(len(program.body))):
        yield from as_input(program, i)
    yield from plainer(program)
    for number in sorted({int(n) for n in re.findall(r"(?<![\w.])\d+(?![\w.])", program.text())}, reverse=True):
        for small in (1, 2, 3):
            if small < number:
                yield renumbered(program, number, small)


def plainer(program):
    """Arguments of calls in place of the calls, constants in place of losses' parts."""
    for i in reversed(range(len(program.body))):
        line = program.body[i]
        for match in re.finditer(r"\b\w+\(((?:[^()]|\([^()]*\))*)\)", line):
            for argument in [match[1], *match[1].split(",")[:2]]:
                smaller = program.copy()
                smaller.body[i] = line[:match.start()] + argument.strip() + line[match.end():]
                yield without_unused(smaller)
        for match in re.finditer(r", \w+ = [\w.-]+| [-+*/] [\w.]+", line):
            smaller = program.copy()
            smaller.body[i] = line[:match.start()] + line[match.end():]
            yield without_unused(smaller)


def without_unused(program):
    """Inputs, and the values of statements, that nothing else names."""
    for name in list(program.inputs):
        uses = [line for line in program.body if re.search(rf"\b{name}\b", line)]
        if all(line == f"output used_{name} = {name}" for line in uses):
            del program.inputs[name]
            program.body = [line for line in program.body if line not in uses]
    return program


def as_input(program, i):
    """The statement's value as an input, or as a parameter."""
    match = re.match(r"(v\d+) = ", program.body[i])
    if not match or match[1] not in program.types:
        return
    type, shape = program.types[match[1]]
    name = match[1]
    if shape and shape[0] == BATCH and BATCH not in shape[1:]:
        smaller = program.copy()
        del smaller.body[i]
        smaller.inputs[name] = spell_type(type, shape)
        yield without_unused(smaller)
    if BATCH not in shape and type in ("f32", "f64", "f16", "bf16"):
        smaller = program.copy()
        smaller.body[i] = f"param {name}: {spell_type(type, shape)} = normal(0.5)"
        yield without_unused(smaller)


def renumbered(program, number, small):
    def change(text):
        return re.sub(rf"(?<![\w.]){number}(?![\w.])", str(small), text)
    smaller = program.copy()
    smaller.inputs = {name: change(type) for name, type in program.inputs.items()}
    smaller.body = [change(line) for line in program.body]
    smaller.types = {name: (type, tuple(small if d == number else d for d in shape))
                     for name, (type, shape) in program.types.items()}
    return smaller


def shrink(program, fails, seconds=60):
    """`fails(program)` is true where it fails as the given one does."""
    end = time.time() + seconds
    tried = set()
    again = True
    while again:
        again = False
        for smaller in candidates(program):
            if time.time() > end:
                return program
            text = smaller.text() + str(smaller.gradients)
            if text in tried:
                continue
            tried.add(text)
            if fails(smaller):
                program, again = smaller, True
                break
    return program
