"""Recurrent layers as a loop over each sample's steps, by the formulas of their gates."""
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def parts(x, count):
    return np.split(x, count, axis=-1)


def rnn_step(activation):
    function = np.tanh if activation == "tanh" else lambda x: np.maximum(x, 0)

    def step(x, states, u, b):
        return [function(x + states[0] @ u + b)]
    return step


def lstm_step(x, states, u, b):
    i, f, g, o = parts(x + states[0] @ u + b, 4)
    cell = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
    return [sigmoid(o) * np.tanh(cell), cell]


def gru_step(reset_after):
    def step(x, states, u, b):
        h = states[0]
        units = h.shape[-1]
        xr, xz, xn = parts(x, 3)
        hr, hz, hn = parts(h @ u + b, 3)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        if reset_after:
            n = np.tanh(xn + r * hn)
        else:
            n = np.tanh(xn + (r * h) @ u[:, 2 * units:] + b[2 * units:])
        return [(1 - z) * n + z * h]
    return step


def run_cell(x, cell, step, begin, lengths, reverse):
    """All states of [batch, time, units], and the last ones."""
    w, u, wb, ub = cell
    batch, time = x.shape[:2]
    states = [np.array(s) for s in begin]
    all_states = np.zeros((batch, time, u.shape[0]))
    for n in range(batch):
        own = [s[n] for s in states]
        steps = range(time if lengths is None else min(lengths[n], time))
        for t in reversed(steps) if reverse else steps:
            own = step(x[n, t] @ w + wb, own, u, ub)
            all_states[n, t] = own[0]
        for state, value in zip(states, own):
            state[n] = value
    return all_states, states


def layer(x, weights, step, begins, lengths=None, layers=1, bidirectional=False, reverse=False, sequences=True, kept=None):
    """y and the last states; an entry of `begins` is None for zeros, and `kept` is what dropout multiplies by."""
    directions = 2 if bidirectional else 1
    cells = layers * directions
    each, units = len(weights) // cells, weights[1].shape[0]
    last = [[] for _ in begins]
    for number in range(layers):
        if number and kept is not None:
            width = directions * units
            x = x * kept[:, :, (number - 1) * width:number * width]
        outputs = []
        for direction in range(directions):
            cell = number * directions + direction
            own = list(weights[cell * each:(cell + 1) * each])
            if each == 2:
                own += [np.zeros(own[0].shape[1])] * 2
            begin = [np.zeros((x.shape[0], units)) if b is None else b if cells == 1 else b[:, cell] for b in begins]
            y, ended = run_cell(x, own, step, begin, lengths, reverse != (direction == 1))
            outputs.append(y)
            for of_state, value in zip(last, ended):
                of_state.append(value)
        x = np.concatenate(outputs, -1)
    if not sequences:
        x = np.concatenate(last[0][-directions:], -1)
    return (x, *(of_state[0] if cells == 1 else np.stack(of_state, 1) for of_state in last))
