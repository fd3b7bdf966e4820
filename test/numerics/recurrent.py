"""The numeric tests of recurrent layers: every kind of cell, with each option."""
import numpy as np

from cases import BATCH, case, exact, spread
from recurrence import gru_step, layer, lstm_step, rnn_step


def reference_of(step, states, layers, directions, bias, lengths, initial, **options):
    """The reference of a case, whose operands are x, weights, what is given of `initial`, and lengths."""
    count = layers * directions * (4 if bias else 2)

    def reference(x, *operands):
        weights, rest = operands[:count], list(operands[count:])
        begins = [rest.pop(0) if i in initial else None for i in range(states)]
        return layer(x, weights, step, begins, rest.pop(0) if lengths is not None else None, layers, **options)
    return reference


def weights_of(channels, units, gates, layers, directions, bias):
    made, seed = [], 20
    for number in range(layers):
        for _ in range(directions):
            inputs = channels if number == 0 else directions * units
            for shape in [(inputs, gates * units), (units, gates * units)] + [(gates * units,)] * (2 if bias else 0):
                made.append(exact(spread(shape, -0.75, 0.75, seed=seed)))
                seed += 1
    return made


def recurrent(name, step, states, gates, attributes="", channels=3, time=4, units=2, layers=1, bidirectional=False,
              reverse=False, sequences=True, bias=True, lengths=None, initial=(), gradient=True):
    directions = 2 if bidirectional else 1
    cells = layers * directions
    x = spread((BATCH, time, channels))
    weights = weights_of(channels, units, gates, layers, directions, bias)
    begins = [spread((BATCH, units) if cells == 1 else (BATCH, cells, units), -1, 1, seed=50 + i)
              for i in range(states) if i in initial]
    inputs = [x, *weights, *begins] + ([] if lengths is None else [np.array(lengths, dtype=np.int32)])
    names = [["initial", "initial_cell"][i] for i in initial] + ([] if lengths is None else ["lengths"])
    flags = {"layers": layers if layers > 1 else None, "bidirectional": bidirectional, "reverse": reverse,
             "sequences": None if sequences else "false"}
    spelled = " ".join(f"{key} = {str(value).lower()}" for key, value in flags.items() if value)
    first = 1 + len(weights)

    def text(*types):
        results = [types[0].split("x")[0][7:]]
        batch = results[0]
        width = directions * units
        y = f"tensor<{batch}x{time}x{width}xELEMENT>" if sequences else f"tensor<{batch}x{width}xELEMENT>"
        state = f"tensor<{batch}x{units}xELEMENT>" if cells == 1 else f"tensor<{batch}x{cells}x{units}xELEMENT>"
        element = "f64"
        shapes = ", ".join([y] + [state] * states).replace("ELEMENT", element)
        named = " ".join(f"{n} = %a{first + i}" for i, n in enumerate(names))
        return (f"{', '.join(f'%y{i}' for i in range(1 + states))} = nnc.{name} "
                + ", ".join(f"%a{i}" for i in range(first)) + f" {named} {spelled} {attributes}"
                + f" : ({', '.join(types)}) -> ({shapes})")

    dynamic = (0, *range(first, len(inputs)))
    reference = reference_of(step, states, layers, directions, bias, lengths, initial, bidirectional=bidirectional,
                             reverse=reverse, sequences=sequences)
    case("recurrent", name, inputs, reference, text=text, dynamic=dynamic, gradient=gradient)


LENGTHS = [4, 1, 0, 3, 2, 4, 1, 3, 0, 4, 2, 1][:BATCH]
CELLS = [("rnn", rnn_step("tanh"), 1, 1, ""), ("rnn", rnn_step("relu"), 1, 1, "activation = relu"),
         ("lstm", lstm_step, 2, 4, ""), ("gru", gru_step(True), 1, 3, ""),
         ("gru", gru_step(False), 1, 3, "reset_after = false")]
for name, step, states, gates, attributes in CELLS:
    smooth = "relu" not in attributes  # whose kinks differences may meet
    every = tuple(range(states))
    make = lambda **options: recurrent(name, step, states, gates, attributes, gradient=smooth, **options)
    make()
    make(bias=False, reverse=True)
    make(sequences=False, lengths=LENGTHS)
    make(lengths=LENGTHS, initial=every)
    make(bidirectional=True, lengths=LENGTHS)
    make(bidirectional=True, layers=2, initial=every, time=3)
    make(layers=3, bias=False, sequences=False, time=2)
# One step, many units; a state of its own is given alone.
recurrent("lstm", lstm_step, 2, 4, time=1, units=19, channels=5, initial=(1,))
recurrent("gru", gru_step(True), 1, 3, time=2, units=17, bidirectional=True)
