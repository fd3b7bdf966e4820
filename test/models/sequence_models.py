"""char_gpt.nn, sentiment.nn and bert.nn in PyTorch, on weights by nnc's names and in its
order of dimensions: what sequence-losses.py and test/benchmark/text-models.py compare with."""
import re

import numpy

# The sizes of the examples as they are written, and a small variant of each. A letter is a
# dimension: v vocabulary, t time, w width, a width inside of attention, h hidden, p pooled,
# e embedding, u units, c classes.
SIZES = {
    "char_gpt": dict(batch=12, layers=4, heads=4, v=128, t=64, w=128),
    "sentiment": dict(batch=32, v=10000, t=100, e=100, u=64),
    "bert": dict(batch=32, layers=2, heads=4, v=8000, t=64, w=128, c=2),
}
SMALL = {
    "char_gpt": dict(batch=3, layers=2, heads=2, v=32, t=8, w=16),
    "sentiment": dict(batch=4, v=50, t=9, e=12, u=8),
    "bert": dict(batch=4, layers=1, heads=2, v=40, t=8, w=16, c=2),
}
# What the constants of the examples are called.
CONSTANTS = {
    "char_gpt": dict(layers="layers", heads="heads", v="vocabulary", t="context", w="width"),
    "sentiment": dict(v="vocabulary", t="time", e="width", u="units"),
    "bert": dict(layers="layers", heads="heads", v="vocabulary", t="length", w="width", c="classes"),
}
RATE = {"char_gpt": 0.001, "sentiment": 0.001, "bert": 0.0005}
# Dimensions whose order changes nothing but where sums round.
FREE = "whpeu"


def shapes(name, sizes):
    """The dimensions of each parameter, as letters; 3a is three times a."""
    if name == "sentiment":
        parts = {"weight_ih": "e 4u", "weight_hh": "u 4u", "bias_ih": "4u", "bias_hh": "4u"}
        lstm = {f"lstm.{part}_l0{way}": letters for way in ("", "_reverse") for part, letters in parts.items()}
        return {"embedding.table": "v e"} | lstm | {"dense.weight": "2u 1", "dense.bias": "1"}
    gpt = name == "char_gpt"
    attention, up, down, first, second = (("multi_head_attention", "dense", "dense_1", "layer_norm", "layer_norm_1") if gpt
                                          else ("attention", "up", "down", "attention_norm", "norm"))
    all = {"wte": "v w", "wpe": "t w"} if gpt else {
        "words": "v w", "positions": "t w", "types": "2 w", "embedding_norm.scale": "w", "embedding_norm.bias": "w"}
    for i in range(sizes["layers"]):
        block = {f"{attention}.in_proj_weight": "w 3a", f"{attention}.in_proj_bias": "3a",
                 f"{attention}.out_proj_weight": "a w", f"{attention}.out_proj_bias": "w",
                 f"{up}.weight": "w h", f"{up}.bias": "h", f"{down}.weight": "h w", f"{down}.bias": "w"}
        block |= {f"{norm}.{part}": "w" for norm in (first, second) for part in ("scale", "bias")}
        all |= {f"{'block' if gpt else 'layer'}.{i}.{part}": letters for part, letters in block.items()}
    return all | ({"layer_norm.scale": "w", "layer_norm.bias": "w"} if gpt else
                  {"pooler.weight": "w p", "pooler.bias": "p", "classifier.weight": "p c", "classifier.bias": "c"})


def dimensions(letters, sizes):
    """(times, letter, size) of each dimension."""
    width = sizes.get("w")
    known = sizes | {"a": width, "p": width, "h": 4 * width if width else None, "": 1}
    for times, letter in re.findall(r"(\d*)([a-z]?)(?: |$)", letters):
        if times or letter:
            yield int(times or 1), letter, known[letter]


def reordered(weights, name, sizes, random):
    """The same network with another order of its free dimensions."""
    orders, result = {}, {}
    for parameter, letters in shapes(name, sizes).items():
        value = weights[parameter]
        for axis, (times, letter, size) in enumerate(dimensions(letters, sizes)):
            if letter and letter in FREE:
                order = orders.setdefault(letter, random.permutation(size))
                value = numpy.take(value, numpy.concatenate([order + i * size for i in range(times)]), axis)
        result[parameter] = value
    return result


class Network:
    """One of the examples, with `parameters` that PyTorch's optimizers take."""

    def __init__(self, name, sizes, weights, type, dropout=0.0):
        import torch
        self.torch, self.name, self.sizes, self.dropout = torch, name, sizes, dropout
        self.lstm = None
        if name == "sentiment":
            self.lstm = torch.nn.LSTM(sizes["e"], sizes["u"], bidirectional=True, batch_first=True).to(type)
        self.w = {}
        for parameter, value in weights.items():
            tensor = torch.tensor(numpy.ascontiguousarray(value), dtype=type)
            if parameter.startswith("lstm."):
                with torch.no_grad():
                    getattr(self.lstm, parameter[5:]).copy_(tensor.T if tensor.ndim == 2 else tensor)
            else:
                self.w[parameter] = tensor.requires_grad_()
        self.parameters = list(self.w.values()) + (list(self.lstm.parameters()) if self.lstm else [])
        optimizer = torch.optim.Adam if name == "sentiment" else torch.optim.AdamW
        # As char_gpt.nn's group: no decay of biases and of the norms' scales.
        still = [self.w[key] for key in self.w if name == "char_gpt" and key.endswith(("bias", ".scale"))]
        others = [one for one in self.parameters if not any(one is other for other in still)]
        groups = [{"params": others}] + ([{"params": still, "weight_decay": 0.0}] if still else [])
        self.optimizer = optimizer(groups, RATE[name])

    def dense(self, x, name):
        return x @ self.w[f"{name}.weight"] + self.w[f"{name}.bias"]

    def norm(self, x, name, epsilon=1e-5):
        scale = self.w[f"{name}.scale"]
        return self.torch.nn.functional.layer_norm(x, scale.shape, scale, self.w[f"{name}.bias"], epsilon)

    def attention(self, x, name, **mask):
        heads = self.sizes["heads"]
        qkv = x @ self.w[f"{name}.in_proj_weight"] + self.w[f"{name}.in_proj_bias"]  # [B, T, 3 A]
        q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, -1))  # [B, H, T, D]
        y = self.torch.nn.functional.scaled_dot_product_attention(q, k, v, **mask)
        return y.transpose(1, 2).flatten(2) @ self.w[f"{name}.out_proj_weight"] + self.w[f"{name}.out_proj_bias"]

    def logits(self, *inputs):
        return getattr(self, f"{self.name}_logits")(*inputs)

    def char_gpt_logits(self, tokens):
        gelu, w = self.torch.nn.functional.gelu, self.w
        x = w["wte"][tokens] + w["wpe"]  # [B, T, W]
        for i in range(self.sizes["layers"]):
            block = f"block.{i}"
            x = x + self.attention(self.norm(x, f"{block}.layer_norm"), f"{block}.multi_head_attention", is_causal=True)
            x = x + self.dense(gelu(self.dense(self.norm(x, f"{block}.layer_norm_1"), f"{block}.dense")), f"{block}.dense_1")
        return self.norm(x, "layer_norm") @ w["wte"].T  # [B, T, V]

    def sentiment_logits(self, words, lengths):
        x = self.w["embedding.table"][words]  # [B, T, E]
        packed = self.torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (last, _) = self.lstm(packed)  # [2, B, U]
        return self.dense(self.torch.cat([last[0], last[1]], 1), "dense")[:, 0]

    def bert_logits(self, tokens, lengths):
        functional, w = self.torch.nn.functional, self.w
        drop = lambda x: functional.dropout(x, self.dropout)
        seen = self.torch.arange(self.sizes["t"]) < lengths[:, None]  # [B, T]
        x = w["words"][tokens] + w["positions"] + w["types"][0]  # [B, T, W]
        x = drop(self.norm(x, "embedding_norm", 1e-12))
        for i in range(self.sizes["layers"]):
            layer = f"layer.{i}"
            y = self.attention(x, f"{layer}.attention", attn_mask=seen[:, None, None])
            x = self.norm(x + y, f"{layer}.attention_norm", 1e-12)
            y = self.dense(functional.gelu(self.dense(x, f"{layer}.up")), f"{layer}.down")
            x = self.norm(x + y, f"{layer}.norm", 1e-12)
        return self.dense(drop(self.torch.tanh(self.dense(x[:, 0], "pooler"))), "classifier")  # [B, C]

    def loss(self, *inputs):
        """The mean loss of a batch; its target is the last input."""
        *inputs, target = (self.torch.as_tensor(x).long() for x in inputs)
        logits, functional = self.logits(*inputs), self.torch.nn.functional
        if self.name == "sentiment":
            return functional.binary_cross_entropy_with_logits(logits, target.to(logits.dtype))
        return functional.cross_entropy(logits.flatten(0, -2), target.flatten())

    def step(self, *inputs):
        loss = self.loss(*inputs)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()
