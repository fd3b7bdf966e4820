"""What follows from a program without running it: which results belong to one sample
each, so that its numbers are the same bits in any batch, and the range of indices."""

# What becomes of a value: the same for any batch, one row a sample, the same with the batch
# second, as loops over time have it, or a mixture.
CONSTANT, ROWS, SECOND, MIXED = range(4)

BATCH = -1

# Ops that compute each element of the elements at its place.
ELEMENTWISE = {"abs", "add", "cast", "ceil", "clamp", "compare", "cos", "div", "erf", "exp", "expm1", "floor", "log", "log1p",
               "logical_and", "logical_not", "logical_or", "maximum", "minimum", "mul", "neg", "pow", "round", "rsqrt", "select",
               "sigmoid", "sign", "sin", "sqrt", "stop_gradient", "sub", "tanh"}


def is_batched(type):
    return bool(type[1]) and type[1][0] == BATCH and BATCH not in type[1][1:]


def reduces_batch(op, type, axes):
    rank = len(type[1])
    return type[1][0] == BATCH and (not axes or 0 in [a % rank for a in axes])


def moves_rows(op, kinds, types):
    """Whether an op other than an elementwise one mixes rows of its operands."""
    attributes, name = op["attributes"], op["name"]
    first = types[0] if types else None
    if name in ("sum", "reduce_max", "reduce_min", "size"):
        return reduces_batch(op, first, attributes["axes"])
    if name == "argmax":
        return reduces_batch(op, first, [attributes["axis"]])
    if name == "matmul":
        if attributes["reduce_batch"] or kinds[1] == ROWS and len(types[1][1]) == 2:
            return True
        return len(types[0][1]) == 2 and kinds[0] == ROWS and attributes["transpose_lhs"]
    if name == "transpose":
        return attributes["permutation"][:1] not in ([0], []) or not attributes["permutation"] and len(first[1]) == 2
    if name == "gather":
        return kinds[0] == ROWS and (kinds[1] == ROWS or attributes["axis"] % len(first[1]) == 0)
    return name in ("scatter_add", "convolution_filter")


def is_second(type):
    dims = type[1]
    return dims[1:2] == [BATCH] and BATCH not in dims[:1] + dims[2:]


def turns(op, kind, type):
    """Whether rows become a tensor with the batch second, or the other way round, and are the same otherwise."""
    result, permutation = op["types"][0], op["attributes"].get("permutation")
    if op["name"] == "reshape":
        return kind == ROWS and result[1] == [1, *type[1]]
    if op["name"] != "transpose":
        return False
    permutation = permutation or [*reversed(range(len(type[1])))]
    return permutation[1:2] == [0] and is_second(result) if kind == ROWS else permutation[0] == 1 and is_batched(result)


def kind_of_second(op, kinds, types):
    """The same of an op that takes tensors with the batch second."""
    first, name, result = types[0], op["name"], op["types"][0]
    if kinds == [SECOND] and turns(op, SECOND, first):
        return ROWS
    if name in ("sum", "reduce_max", "reduce_min") and is_second(result):
        axes = [axis % len(first[1]) for axis in op["attributes"]["axes"]]
        return SECOND if axes and min(axes) > 1 else MIXED
    is_product = name == "matmul" and kinds == [SECOND, CONSTANT] and len(types[1][1]) == 2 and not any(
        op["attributes"][key] for key in ("transpose_lhs", "reduce_batch"))
    is_kept = name in ELEMENTWISE and ROWS not in kinds or name == "slice"
    return SECOND if (is_product or is_kept) and is_second(result) else MIXED


def kinds_of_scan(op, kinds):
    """Of the results of a loop. A carried value's kind is that with which each step begins and ends."""
    at, step = op["attributes"], op["step"]
    carried, over = at["num_carried"], at["num_carried"] + at["num_over"]
    slices = [{SECOND: ROWS, CONSTANT: CONSTANT}.get(kind, MIXED) for kind in kinds[carried:over]]
    now = kinds[:carried]
    while True:
        inner = dict(zip(step["arguments"], [*now, *slices, *kinds[over:]]))
        trace(step["ops"], inner, dict(zip(step["arguments"], step["types"])))
        yields = [inner[value] for value in step["yields"]]
        after = [a if a == b else MIXED for a, b in zip(now, yields)]
        if after == now:
            return now + [{ROWS: SECOND, CONSTANT: CONSTANT}.get(kind, MIXED) for kind in yields[carried:]]
        now = after


def kind_of(op, kinds, types):
    if MIXED in kinds:
        return MIXED
    if SECOND in kinds:
        return kind_of_second(op, kinds, types)
    if kinds == [ROWS] and turns(op, ROWS, types[0]):
        return SECOND
    if op["name"] in ("iota", "random_bits"):
        dims = op["types"][0][1]
        if BATCH not in dims:
            return CONSTANT
        is_numbered = "nnc.sample_numbers" in op["attributes"] if op["name"] == "random_bits" else op["attributes"]["axis"] % len(dims)
        return ROWS if is_numbered and is_batched(op["types"][0]) else MIXED
    if ROWS in kinds and moves_rows(op, kinds, types):
        return MIXED
    if BATCH not in op["types"][0][1]:
        return CONSTANT if ROWS not in kinds else MIXED
    return ROWS if is_batched(op["types"][0]) else MIXED


def trace(ops, kinds, types):
    """Adds the kinds and types of what `ops` give."""
    for op in ops:
        operand_kinds, operand_types = [kinds[i] for i in op["operands"]], [types[i] for i in op["operands"]]
        found = []
        if op["name"] == "scan":
            found = kinds_of_scan(op, operand_kinds)
        elif op["types"]:
            found = [kind_of(op, operand_kinds, operand_types)] * len(op["types"])
        for result, type, kind in zip(op["results"], op["types"], found):
            kinds[result], types[result] = kind, type


def results_by_sample(function):
    """The function's results, as "kind:name", whose row i is sample i's."""
    kinds, types = {}, {}
    for argument in function["arguments"]:
        types[argument["value"]] = argument["type"]
        kinds[argument["value"]] = ROWS if is_batched(argument["type"]) else MIXED if BATCH in argument["type"][1] else CONSTANT
    trace(function["ops"], kinds, types)
    return [f"{r['kind']}:{r['name']}" for r in function["results"] if kinds[r["value"]] == ROWS]


def index_limits(function, batch):
    """How many values each argument may take that holds indices."""
    made_by = {result: op for op in function["ops"] for result in op["results"]}
    types = {a["value"]: a["type"] for a in function["arguments"]}
    types.update((r, t) for op in function["ops"] for r, t in zip(op["results"], op["types"]))
    limits = {a["value"]: a["limit"] for a in function["arguments"] if a["limit"]}
    for op in function["ops"]:
        if op["name"] not in ("gather", "scatter_add"):
            continue
        # The table's axis, or the sum's.
        table, index = op["operands"] if op["name"] == "gather" else (op["results"][0], op["operands"][0])
        shape = types[table][1]
        size = shape[op["attributes"]["axis"] % len(shape)]
        while index in made_by and made_by[index]["name"] in ("reshape", "slice", "transpose", "broadcast", "cast"):
            index = made_by[index]["operands"][0]
        size = batch if size == BATCH else size
        limits[index] = min(limits.get(index, size), size)
    return {a["name"]: limits[a["value"]] for a in function["arguments"] if a["value"] in limits}
