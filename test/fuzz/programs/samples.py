"""What follows from a program without running it: which results belong to one sample
each, so that its numbers are the same bits in any batch, and the range of indices."""

# What becomes of a value: the same for any batch, one row a sample, or a mixture.
CONSTANT, ROWS, MIXED = range(3)

BATCH = -1


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


def kind_of(op, kinds, types):
    if MIXED in kinds:
        return MIXED
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


def results_by_sample(function):
    """The function's results, as "kind:name", whose row i is sample i's."""
    kinds, types = {}, {}
    for argument in function["arguments"]:
        types[argument["value"]] = argument["type"]
        kinds[argument["value"]] = ROWS if is_batched(argument["type"]) else MIXED if BATCH in argument["type"][1] else CONSTANT
    for op in function["ops"]:
        operands = op["operands"]
        kind = kind_of(op, [kinds[i] for i in operands], [types[i] for i in operands]) if op["types"] else CONSTANT
        for result, type in zip(op["results"], op["types"]):
            kinds[result], types[result] = kind, type
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
