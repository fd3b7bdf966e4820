"""Cases of attention and of positions: a family of its own."""
import numpy as np

from attention import attention, attention_gradient, rotary, sinusoidal
from cases import BATCH, case, edge, spread


def spell(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def attention_case(sizes, attributes={}, batch=True, gradient=True, **operands):
    """`sizes`: batch, time, keys, heads, heads of keys, size, size of a value."""
    b, t, s, h, kv, d, e = sizes
    q, k, v = spread((b, t, h, d), -1, 1), spread((b, s, kv, d), -1, 1, seed=1), spread((b, s, kv, e), -1, 1, seed=2)
    operands = {name: operands[name] for name in ("lengths", "bias", "slopes", "mask") if name in operands}
    names = list(operands)
    given = "".join(f" {name} = %a{i + 3}" for i, name in enumerate(names))
    said = "".join(f" {name} = {spell(value)}" for name, value in attributes.items())

    def text(*types):
        y = types[0].replace(f"x{d}xf64", f"x{e}xf64") if d != e else types[0]
        return f"%y0 = nnc.attention %a0, %a1, %a2{given}{said} : ({', '.join(types)}) -> {y}"

    def reference(q, k, v, *others):
        return attention(q, k, v, **dict(zip(names, others)), **attributes)

    # What has a row a sample.
    dynamic = [i + 3 for i, name in enumerate(names) if np.ndim(operands[name]) and operands[name].shape[0] == b]
    case("attention", "attention", [q, k, v, *operands.values()], reference, text=text, tolerance=256,
         gradient=gradient, dynamic=(0, 1, 2, *dynamic) if batch else ())


B = BATCH
lengths = np.array([0, 1, 2, 3, 4, 5, 9], np.int32)
small = (B, 4, 5, 2, 2, 6, 6)
attention_case(small)
attention_case((B, 4, 5, 4, 2, 6, 3), {"causal": True})
attention_case((B, 5, 3, 2, 1, 4, 4), {"causal": True})  # the first two queries see no key
attention_case((B, 1, 5, 2, 2, 6, 6), {"causal": True, "scale": 0.75})
attention_case(small, {"window": 2})
attention_case(small, {"window": 2, "causal": True})
attention_case(small, {"soft_cap": 0.5})
attention_case(small, lengths=lengths)
attention_case(small, {"causal": True}, lengths=lengths.astype(np.int64))
attention_case(small, bias=spread((2, 4, 5), seed=5))
attention_case(small, {"soft_cap": 1.5, "causal": True}, bias=spread((B, 1, 4, 5), seed=5))
attention_case(small, {"causal": True}, slopes=np.array([0.5, 0.25]))
attention_case(small, slopes=np.array([0.5, 0.25]), mask=spread((4, 5), seed=6) > 0)
attention_case(small, mask=spread((B, 1, 1, 5), seed=7) > 0, lengths=lengths)
# Over the borders of blocks, vectors and tiles. Gradients there: test/codegen/cpu/attention.mlir.
attention_case((2, 33, 70, 2, 1, 17, 9), {"causal": True}, batch=False, gradient=False)
attention_case((1, 70, 70, 2, 2, 16, 32), {"causal": True, "window": 33}, batch=False, gradient=False)
attention_case((2, 65, 131, 1, 1, 8, 40), batch=False, gradient=False, lengths=np.array([131, 67], np.int32), bias=spread((65, 131), seed=8))
attention_case((1, 40, 150, 4, 2, 32, 16), {"soft_cap": 2.0, "window": 50}, batch=False, gradient=False, slopes=np.array([0.5, 0.25, 0.0, 1.0]),
               mask=spread((1, 4, 40, 150), seed=9) > -1)
# A query that sees no key has no gradient either.
q, k, v = spread((1, 1, 1, 2)), spread((1, 2, 1, 2), seed=1), spread((1, 2, 1, 2), seed=2)
edge("attention", "attention", [q, k, v, np.array([0], np.int32)], np.zeros((1, 1, 1, 2)),
     [np.zeros((1, 1, 1, 2)), np.zeros((1, 2, 1, 2)), np.zeros((1, 2, 1, 2))])
edge("attention", "attention", [q, k, v, np.array([2], np.int32), np.full((1, 2), -np.inf)], np.zeros((1, 1, 1, 2)),
     [np.zeros((1, 1, 1, 2)), np.zeros((1, 2, 1, 2)), np.zeros((1, 2, 1, 2))])


# The ops that kernels are of --------------------------------------------------------

def attend(sizes, attributes, packed):
    """nnc.attend, with all of q, k and v in one tensor (`packed` 1), or keys and values (2)."""
    b, t, s, h, kv, d, _ = sizes
    parts = [spread((b, t, h + 2 * kv, d), -1, 1)] if packed == 1 else [
        spread((b, t, h, d), -1, 1), spread((b, s, 2 * kv, d), -1, 1, seed=1)]
    said = "".join(f" {name} = {spell(value)}" for name, value in attributes.items())

    def text(*types):
        y = f"{types[0].split('x')[0]}x{t}x{h}x{d}xf64>"
        return (f"%y0, %lse = nnc.attend {', '.join(f'%a{i}' for i in range(len(parts)))} heads = {h} kv_heads = {kv}{said}"
                f" : ({', '.join(types)}) -> ({y}, {y.replace(f'x{d}xf64', 'xf64')})")

    def reference(*given):
        whole = np.concatenate(given, 2) if packed == 1 or t == s else None
        q = given[0][:, :, :h]
        k, v = (given[0][:, :, h:h + kv], given[0][:, :, h + kv:]) if packed == 1 else (given[1][:, :, :kv], given[1][:, :, kv:])
        return attention(q, k, v, **attributes)

    case("attention", "attend", parts, reference, text=text, tolerance=256, dynamic=tuple(range(len(parts))) if b == B else (),
         values=["%y0"], gradient=b == B)


attend((B, 4, 4, 4, 2, 6, 6), {"scale": 0.5, "causal": True}, 1)
attend((2, 67, 67, 2, 1, 16, 16), {"scale": 0.25, "causal": True}, 1)
attend((B, 4, 3, 4, 2, 6, 6), {"scale": 0.5}, 2)
attend((2, 40, 67, 2, 2, 20, 20), {"scale": 0.25}, 2)


def attend_gradient(scores):
    """nnc.attend_gradient, or by the scores: what follows from lse, delta and dy."""
    b, t, s, h, kv, d, e = 2, 3, 5, 2, 1, 4, 3
    shapes = [(b, t, h, d), (b, t, h), (b, t, h), (b, t, h, e), (b, s, kv, d), (b, s, kv, e)]
    inputs = [spread(shape, -1, 1, seed=i) for i, shape in enumerate(shapes)]
    inputs[1] = inputs[1] + 2

    def reference(q, lse, delta, dy, k, v):
        *gradients, ds = attention_gradient(q, k, v, lse, delta, dy, scale=0.5, causal=True, soft_cap=2.0)
        return ds if scores else tuple(gradients)

    case("attention", "attend_scores_gradient" if scores else "attend_gradient", inputs, reference,
         f"heads = {h} kv_heads = {kv} scale = 0.5 causal = true soft_cap = 2.0", gradient=False, tolerance=256)


attend_gradient(scores=False)
attend_gradient(scores=True)


# Layers --------------------------------------------------------------------------

def multi_head(heads, kv_heads=0, memory=False, **attributes):
    width, size = 8, 8 // heads
    kv = kv_heads or heads
    own = heads * size + (0 if memory else 2 * kv * size)
    inputs = [spread((B, 5, width), -1, 1), spread((width, own), -1, 1, seed=1), spread((heads * size, width), -1, 1, seed=2),
              spread((own,), -1, 1, seed=3), spread((width,), -1, 1, seed=4)]
    names = ["in_proj_bias", "out_proj_bias"]
    if memory:
        inputs += [spread((B, 3, 6), -1, 1, seed=5), spread((6, 2 * kv * size), -1, 1, seed=6)]
        names += ["memory", "memory_proj_weight"]
    said = "".join(f" {name} = {spell(value)}" for name, value in attributes.items() | ({"kv_heads": kv_heads} if kv_heads else {}).items())

    def text(*types):
        named = "".join(f" {name} = %a{i + 3}" for i, name in enumerate(names))
        return f"%y0 = nnc.multi_head_attention %a0, %a1, %a2{named} heads = {heads}{said} : ({', '.join(types)}) -> {types[0]}"

    def reference(x, w, out, bias, out_bias, other=None, other_weight=None):
        rows = lambda y: y.reshape(*y.shape[:2], -1, size)
        y = rows(x @ w + bias)
        q = y[:, :, :heads]
        kv_rows = rows(other @ other_weight) if memory else y[:, :, heads:]
        k, v = kv_rows[:, :, :kv], kv_rows[:, :, kv:]
        own = {name: value for name, value in attributes.items() if name != "rotary"}
        if attributes.get("rotary"):
            q, k = rotary(q), rotary(k)
        mixed = attention(q, k, v, **own)
        return mixed.reshape(*x.shape[:2], -1) @ out + out_bias

    case("attention", "multi_head_attention", inputs, reference, text=text, tolerance=1024, dynamic=(0, 5) if memory else (0,))


multi_head(2)
multi_head(4, causal=True, rotary=True)
multi_head(4, kv_heads=2, causal=True, window=2)
multi_head(2, memory=True)
multi_head(2, kv_heads=1, memory=True, soft_cap=1.0)

# Positions -----------------------------------------------------------------------

x = spread((B, 5, 3, 8))
case("attention", "rotary", [x], rotary, dynamic=(0,))
case("attention", "rotary", [x], lambda x: rotary(x, interleaved=True, base=100.0), "base = 100.0 interleaved = true", dynamic=(0,))
case("attention", "rotary", [x], lambda x: rotary(x, rotated=4), "rotated = 4", dynamic=(0,))
case("attention", "rotary", [x], lambda x: np.concatenate([rotary(x[:, :, :2]), x[:, :, 2:]], 2), "heads = 2", dynamic=(0,))
case("attention", "rotary", [x, np.array([3, 0, 7, 7, 1], np.int32)], rotary, dynamic=(0,))
case("attention", "rotary", [x, (np.arange(B * 5) % 11).reshape(B, 5)], lambda x, p: rotary(x, p, rotated=6, interleaved=True),
     "rotated = 6 interleaved = true", dynamic=(0, 1))
case("attention", "rotary", [x, np.array([3, 0, 5, 5, 1]), spread((6, 4), -1, 1, seed=1), spread((6, 4), -1, 1, seed=2)], rotary,
     gradient=False, dynamic=(0,))


for attributes, values in [("", sinusoidal(7, 6)), ("base = 50.0 interleaved = false", sinusoidal(7, 6, 50.0, False))]:
    case("attention", "sinusoidal_positions", [], lambda values=values: values, f"length = 7 width = 6 {attributes} type = f64",
         gradient=False)
