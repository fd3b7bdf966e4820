"""counts.py BEFORE AFTER: of two runs on the fake driver (FAKE_CUDA_COUNTS) that differ by
one epoch, how often the further epoch called what copies or waits, a line a function."""
import sys

before, after = (dict(line.split() for line in open(path)) for path in sys.argv[1:])
for name in ("cuMemcpyHtoDAsync", "cuMemcpyDtoDAsync", "cuMemcpyDtoHAsync", "cuStreamSynchronize",
             "cuEventSynchronize", "cuGraphLaunch", "cuLaunchKernel"):
    print(name, int(after.get(name, 0)) - int(before.get(name, 0)))
