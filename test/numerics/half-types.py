#!/usr/bin/env python3
"""Conversions between f32 and the 16-bit types, bit by bit: every f16 there is, and f32
around every number that they hold and every middle of two, where rounding is decided."""
import os, subprocess, sys, tempfile

import numpy

MODEL = """
model halves(x: f32[batch], h: f16[batch]) {
  output rounded = cast(x, f16), extended = cast(h, f32)
  output again = cast(cast(x, bf16), f32)
}
"""


def round_to_bf16(x):
    """To nearest, ties to even: the upper half of an f32."""
    bits = x.view(numpy.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & numpy.uint32(0xFFFF0000)
    return numpy.where(numpy.isnan(x), x, rounded.view(numpy.float32))


def singles(halves):
    """f32 at and around f16's numbers and the middles between them, and bf16's."""
    numbers = numpy.sort(halves[numpy.isfinite(halves)].astype(numpy.float32))
    middles = (numbers[1:] + numbers[:-1]) / numpy.float32(2)
    # Halfway between the largest f16 and what would follow it, and bf16's middles.
    edges = numpy.array([65520, 1e5, 3.3e38, 3.39e38, numpy.inf, numpy.nan], numpy.float32)
    bf16 = (numpy.arange(1 << 16, dtype=numpy.uint32) << 16 | 0x8000).view(numpy.float32)
    at = numpy.concatenate([numbers, middles, edges, -edges, bf16[numpy.isfinite(bf16)]])
    with numpy.errstate(invalid="ignore", over="ignore"):
        around = numpy.concatenate([at, numpy.nextafter(at, numpy.float32(numpy.inf)),
                                    numpy.nextafter(at, numpy.float32(-numpy.inf))])
    # Kernels take f32's subnormal numbers as zero.
    return around[~((around != 0) & (numpy.abs(around) < numpy.finfo(numpy.float32).tiny))]


def compare(name, found, expected, given):
    same = (found.view(f"u{found.itemsize}") == expected.view(f"u{expected.itemsize}")) | (
        numpy.isnan(found) & numpy.isnan(expected))
    if not same.all():
        i = numpy.flatnonzero(~same)[0]
        sys.exit(f"{name} of {given[i]!r} ({given[i].view(f'u{given.itemsize}'):#x}) is {found[i]!r}, expected "
                 f"{expected[i]!r}; {(~same).sum()} of {same.size} are wrong")


def main():
    nnc, *options = sys.argv[1:]
    every = numpy.arange(1 << 16, dtype=numpy.uint16).view(numpy.float16)
    x = singles(every)
    h = numpy.resize(every, x.shape)
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        with open(path("halves.nn"), "w") as file:
            file.write(MODEL)
        with open(path("none.safetensors"), "wb") as file:
            file.write((2).to_bytes(8, "little") + b"{}")
        numpy.save(path("x.npy"), x)
        numpy.save(path("h.npy"), h)
        subprocess.run([nnc, "compile", path("halves.nn"), "--max-batch", "4099", *options, "-o", path("plan")],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run([nnc, "predict", path("plan"), "--weights", path("none.safetensors"), "--input", "x=" + path("x.npy"), "--input", "h=" + path("h.npy"),
                        "-o", folder], check=True, stdout=subprocess.DEVNULL)
        outputs = {name: numpy.load(path(name + ".npy")) for name in ("rounded", "extended", "again")}
    with numpy.errstate(over="ignore"):
        compare("f16", outputs["rounded"], x.astype(numpy.float16), x)
    compare("f32", outputs["extended"], h.astype(numpy.float32), h)
    compare("bf16", outputs["again"], round_to_bf16(x), x)
    print(f"{3 * x.size} conversions as expected")


main()
