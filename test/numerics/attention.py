"""Attention and positions in f64, as NumPy has them: what nnc's are compared with."""
import numpy as np


def scores_of(q, k, lengths=None, bias=None, slopes=None, mask=None, causal=False, window=0, soft_cap=0.0, scale=None):
    """Scores [batch, heads, time, keys], -inf where a key is not seen; and before masks and biases."""
    (t, h, d), (s, kv) = q.shape[1:], k.shape[1:3]
    scaled = np.einsum("bihd,bjhd->bhij", q, np.repeat(k, h // kv, axis=2)) * (1 / np.sqrt(d) if scale is None else scale)
    scores = soft_cap * np.tanh(scaled / soft_cap) if soft_cap else scaled
    distance = np.arange(t)[:, None] + s - t - np.arange(s)
    if bias is not None:
        scores = scores + bias
    if slopes is not None:
        scores = scores - slopes[:, None, None] * np.abs(distance)
    seen = np.ones_like(scores, bool)
    if causal:
        seen &= distance >= 0
    if window:
        seen &= np.abs(distance) < window
    if lengths is not None:
        seen &= np.arange(s) < lengths[:, None, None, None]
    if mask is not None:
        seen &= mask
    return np.where(seen, scores, -np.inf), scaled


def attention(q, k, v, *masks, keep=1.0, logarithms=False, **options):
    """`keep`: what dropout multiplies weights by."""
    scores, _ = scores_of(q, k, *masks, **options)
    most = np.max(scores, -1, keepdims=True, initial=-1e30)
    powers = np.exp(scores - most)
    total = powers.sum(-1, keepdims=True)
    total = np.where(total > 0, total, 1)
    y = np.einsum("bhij,bjhe->bihe", powers / total * keep, np.repeat(v, q.shape[2] // v.shape[2], axis=2))
    return (y, (most + np.log(total))[..., 0].transpose(0, 2, 1)) if logarithms else y


def attention_gradient(q, k, v, lse, delta, dy, *masks, keep=1.0, soft_cap=0.0, scale=None, **options):
    """By q, k and v, and by the scores after their soft cap."""
    h, kv, factor = q.shape[2], k.shape[2], 1 / np.sqrt(q.shape[3]) if scale is None else scale
    scores, scaled = scores_of(q, k, *masks, soft_cap=soft_cap, scale=scale, **options)
    weights = np.exp(scores - lse.transpose(0, 2, 1)[..., None])
    dweights = np.einsum("bihe,bjhe->bhij", dy, np.repeat(v, h // kv, axis=2)) * keep
    ds = weights * (dweights - delta.transpose(0, 2, 1)[..., None])
    dscaled = ds * factor * (1 - np.tanh(scaled / soft_cap) ** 2 if soft_cap else 1)
    sums = lambda x: x.reshape(*x.shape[:2], kv, h // kv, -1).sum(3)
    dq = np.einsum("bhij,bjhd->bihd", dscaled, np.repeat(k, h // kv, axis=2))
    dk = sums(np.einsum("bhij,bihd->bjhd", dscaled, q))
    dv = sums(np.einsum("bhij,bihe->bjhe", weights * keep, dy))
    return dq, dk, dv, ds


def rotary(x, positions=None, cos=None, sin=None, base=10000.0, interleaved=False, rotated=0):
    n = rotated or x.shape[3]
    if positions is None:
        positions = np.arange(x.shape[1])
    if cos is None:
        angles = positions[..., None] * base ** (-2 * np.arange(n // 2) / n)
        cos, sin = np.cos(angles), np.sin(angles)
    else:
        cos, sin = cos[positions], sin[positions]
    cos, sin = cos[..., None, :], sin[..., None, :]
    y = x.copy()
    a, b = (x[..., :n:2], x[..., 1:n:2]) if interleaved else (x[..., :n // 2], x[..., n // 2:n])
    first, second = a * cos - b * sin, b * cos + a * sin
    if interleaved:
        y[..., :n:2], y[..., 1:n:2] = first, second
    else:
        y[..., :n // 2], y[..., n // 2:n] = first, second
    return y


def sinusoidal(length, width, base=10000.0, interleaved=True):
    angles = np.arange(length)[:, None] * base ** (-2 * np.arange(width // 2) / width)
    pair = [np.sin(angles), np.cos(angles)]
    return np.stack(pair, -1).reshape(length, width) if interleaved else np.concatenate(pair, 1)
