"""Compares what a GPU's phases made of test/codegen/cpu/contraction-windows.mlir
(nnc-run-phases: batch 4, element i of each operand is i) with NumPy in f64."""
import sys
import numpy

BATCH = 4


def iota(*shape):
    return numpy.arange(numpy.prod(shape), dtype=numpy.float64).reshape(shape)


def convolution(x, w, stride=1, gaps=(1, 1)):
    """x [n, h, w, k], w [i, j, k, c] -> [n, h, w, c]."""
    rows = (x.shape[1] - (w.shape[0] - 1) * gaps[0] - 1) // stride + 1
    columns = (x.shape[2] - (w.shape[1] - 1) * gaps[1] - 1) // stride + 1
    y = numpy.zeros((x.shape[0], rows, columns, w.shape[3]))
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            part = x[:, i * gaps[0]:, j * gaps[1]:][:, ::stride, ::stride]
            y += part[:, :rows, :columns] @ w[i, j]
    return y


def surrounded(x, low, high, value=0.0):
    widths = [(0, 0), (low[0], high[0]), (low[1], high[1]), (0, 0)]
    return numpy.pad(x, widths, constant_values=value)


def channels_first():
    image = iota(BATCH, 3, 9, 20).transpose(0, 2, 3, 1)
    filters = iota(8, 3, 3, 3).transpose(2, 3, 1, 0)
    return convolution(image, filters).transpose(0, 3, 1, 2)


def gradient_of_filter():
    x, dy = iota(BATCH, 8, 9, 5), iota(BATCH, 6, 7, 20)
    return numpy.stack([numpy.stack([
        numpy.einsum("nhwk,nhwc->kc", x[:, i:i + 6, j:j + 7], dy)
        for j in range(3)]) for i in range(3)])


def slice_of_heads():
    q = iota(BATCH, 5, 24)[:, :, 12:].reshape(BATCH, 5, 2, 6)
    k = iota(BATCH, 7, 24)[:, :, :12].reshape(BATCH, 7, 2, 6)
    return numpy.einsum("bshd,bthd->bhst", q, k)


EXPECTED = {
    "tensordot": numpy.einsum("mjpk,jkn->mpn", iota(BATCH, 6, 5, 7), iota(6, 7, 20)),
    "samples_and_steps": numpy.einsum("bmt,btn->mn", iota(BATCH, 33, 37),
                                      iota(BATCH, 37, 18)),
    "convolution": convolution(iota(BATCH, 8, 9, 5), iota(3, 3, 5, 20)),
    "strided": convolution(iota(BATCH, 9, 11, 16), iota(3, 3, 16, 33), 2),
    "dilated": convolution(iota(2, 9, 10, 4), iota(3, 2, 4, 17), 1, (2, 3)),
    "padded": convolution(surrounded(iota(BATCH, 6, 7, 16), (1, 1), (1, 1), 0.5),
                          iota(3, 3, 16, 20)),
    "padded_strided": convolution(surrounded(iota(2, 7, 7, 3), (1, 2), (1, 0)),
                                  iota(3, 3, 3, 12), 2),
    "many_channels_padded": convolution(
        surrounded(iota(1, 4, 6, 160), (1, 1), (1, 1)), iota(3, 3, 160, 24)),
    "channels_first": channels_first(),
    "gradient_of_filter": gradient_of_filter(),
    "slice_of_heads": slice_of_heads(),
    "computed": convolution(surrounded(iota(BATCH, 6, 7, 5), (1, 1), (1, 1)),
                            iota(3, 3, 5, 20)),
}


def main():
    found = {}
    for line in sys.stdin:
        name, _, values = line.partition("_elements: ")
        found[name] = values.split()
    for name, expected in EXPECTED.items():
        values = numpy.array([float(value) for value in found[name]])
        # Six digits are printed: half a unit of the last is 5e-6 of the value.
        # Terms are positive; K of them, at most 1440, round to K eps / 2 < 1e-4.
        error = numpy.max(numpy.abs(values - expected.ravel()) / numpy.abs(expected).max())
        print(name, "ok" if error < 1e-4 else f"is off by {error:.1e}")


main()
