"""Convolutions in f64, a tap of the window at a time: what nnc's are compared with.
Images are [n, size.., channels], filters [window.., channels / groups, out]."""
import numpy as np


def window_places(steps, taps, counts):
    """Where, in a padded image, element `taps` of every window is."""
    stride, dilation = steps
    return tuple(slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, s, n in zip(taps, dilation, stride, counts))


def convolve(x, filter, stride, low, high, dilation, groups):
    """Windows one tap at a time, in f64."""
    window, counts = filter.shape[:-2], []
    padded = np.pad(x, [(0, 0), *zip(low, high), (0, 0)])
    for size, k, s, d in zip(padded.shape[1:-1], window, stride, dilation):
        counts.append((size - (k - 1) * d - 1) // s + 1)
    ci, co = filter.shape[-2], filter.shape[-1] // groups
    y = np.zeros((x.shape[0], *counts, filter.shape[-1]))
    for taps in np.ndindex(*window):
        part = padded[(slice(None), *window_places((stride, dilation), taps, counts))]
        for g in range(groups):
            y[..., g * co:(g + 1) * co] += part[..., g * ci:(g + 1) * ci] @ filter[taps][:, g * co:(g + 1) * co]
    return y


def convolve_transpose(y, filter, sizes, stride, low, high, dilation, groups):
    window, counts = filter.shape[:-2], y.shape[1:-1]
    ci, co = filter.shape[-2], filter.shape[-1] // groups
    x = np.zeros((y.shape[0], *(n + a + b for n, a, b in zip(sizes, low, high)), ci * groups))
    for taps in np.ndindex(*window):
        part = x[(slice(None), *window_places((stride, dilation), taps, counts))]
        for g in range(groups):
            part[..., g * ci:(g + 1) * ci] += y[..., g * co:(g + 1) * co] @ filter[taps][:, g * co:(g + 1) * co].T
    return x[(slice(None), *(slice(a, a + n) for a, n in zip(low, sizes)))]


def convolve_filter(x, y, window, stride, low, high, dilation, groups):
    padded = np.pad(x, [(0, 0), *zip(low, high), (0, 0)])
    ci, co = x.shape[-1] // groups, y.shape[-1] // groups
    filter = np.zeros((*window, ci, co * groups))
    for taps in np.ndindex(*window):
        part = padded[(slice(None), *window_places((stride, dilation), taps, y.shape[1:-1]))]
        for g in range(groups):
            made = y[..., g * co:(g + 1) * co].reshape(-1, co)
            filter[taps][:, g * co:(g + 1) * co] = part[..., g * ci:(g + 1) * ci].reshape(-1, ci).T @ made
    return filter


def each(values, count, default):
    """An attribute as a program gives it: nothing, one number, or one a dimension."""
    values = list(values or [default])
    return values * count if len(values) == 1 else values


def padding_sides(padding, sizes, window, stride, dilation):
    """What a layer's padding adds before and after."""
    if padding in ("same", "same_lower"):
        sides = []
        for n, k, s, d in zip(sizes, window, stride, dilation):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            less, more = total // 2, total - total // 2
            sides.append((more, less) if padding == "same_lower" else (less, more))
    elif padding == "valid" or len(padding) == 1:
        sides = [(0, 0) if padding == "valid" else (padding[0], padding[0])] * len(sizes)
    else:
        sides = list(zip(padding[::2], padding[1::2]))
    return [low for low, _ in sides], [high for _, high in sides]


def conv_layer(x, weight, bias=0.0, stride=None, padding="valid", dilation=None, groups=1):
    window, count = weight.shape[:-2], x.ndim - 2
    stride, dilation = each(stride, count, 1), each(dilation, count, 1)
    low, high = padding_sides(padding, x.shape[1:-1], window, stride, dilation)
    return convolve(x, weight, stride, low, high, dilation, groups) + bias


def transposed_layer(x, weight, bias=0.0, stride=None, padding="valid", dilation=None, groups=1, output_padding=None):
    window, count = weight.shape[:-2], x.ndim - 2
    stride, dilation, more = each(stride, count, 1), each(dilation, count, 1), each(output_padding, count, 0)
    if padding in ("same", "same_lower"):
        sizes = [n * s + m for n, s, m in zip(x.shape[1:-1], stride, more)]
        low, high = padding_sides(padding, sizes, window, stride, dilation)
    else:
        low, high = padding_sides(padding, x.shape[1:-1], window, stride, dilation)
        sizes = [(n - 1) * s + (k - 1) * d + 1 + m - a - b for n, k, s, d, m, a, b in
                 zip(x.shape[1:-1], window, stride, dilation, more, low, high)]
    return convolve_transpose(x, weight, sizes, stride, low, high, dilation, groups) + bias
