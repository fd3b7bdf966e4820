"""What several families are compared with, in f64."""
import numpy as np


def softmax(v, axis=-1):
    e = np.exp(v - v.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def normalized(v, scale, bias, axes, epsilon=1e-5):
    mean, variance = v.mean(axes, keepdims=True), v.var(axes, keepdims=True)
    return (v - mean) / np.sqrt(variance + epsilon) * scale + bias


def layer_norm(v, scale, bias):
    return normalized(v, scale, bias, -1)


def batch_norm(v, scale, bias, *running):
    return normalized(v, scale, bias, tuple(range(v.ndim - 1)))


def cross_entropy(v, target):
    t = np.eye(v.shape[-1])[target] if target.ndim < v.ndim else target
    return -(np.log(softmax(v)) * t).sum(-1).mean()


def adam(w, g, r, s, m, v, decay=0.0):
    t = s + 1
    m1, v1 = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    return (w - r * (m1 / (1 - 0.9**t)) / (np.sqrt(v1 / (1 - 0.999**t)) + 1e-8) - r * decay * w, m1, v1)
