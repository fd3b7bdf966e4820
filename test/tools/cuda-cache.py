"""What `nnc compile --target cuda` keeps on disk, with a stand-in for NVRTC:

  cuda-cache.py FAKE_NVRTC MODEL.nn"""
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

FAKE, MODEL = sys.argv[1:]
CACHE = Path("cache").resolve()
CALLS = Path("calls.txt").resolve()


def compile_model(*options, target="cuda:sm_80", expected=0, **variables):
    """Standard error, and how many units were compiled and found."""
    environment = {**os.environ, "NNC_NVRTC": FAKE, "NNC_CACHE_DIR": str(CACHE),
                   "FAKE_NVRTC_CALLS": str(CALLS), **variables}
    CALLS.write_text("")
    ran = subprocess.run(
        ["nnc", "compile", MODEL, "--target", target, "-o", "cached.plan", *options],
        env=environment, capture_output=True, text=True)
    assert ran.returncode == expected, ran
    if expected:
        return ran.stderr, None
    counts = re.search(r"(\d+) compiled, (\d+) from the cache", ran.stdout)
    compiled, found = map(int, counts.groups())
    assert len(CALLS.read_text().splitlines()) == compiled, "the line tells no lie"
    return ran.stderr, (compiled, found)


def entries():
    return sorted(CACHE.glob("*.nncc")) if CACHE.exists() else []


def all_hits(units):
    return (0, units)


def all_misses(units):
    return (units, 0)


# The first time all is compiled, the second nothing, and the plan is the same.
_, (UNITS, found) = compile_model()
assert UNITS >= 1 and found == 0 and len(entries()) == UNITS
assert CACHE.stat().st_mode & 0o077 == 0, "the folder is its owner's alone"
first = Path("cached.plan").read_bytes()
assert compile_model()[1] == all_hits(UNITS)
assert Path("cached.plan").read_bytes() == first

# All that matters is in the key: architecture, options, the build of NVRTC.
assert compile_model(target="cuda:sm_90")[1] == all_misses(UNITS)
assert compile_model(target="cuda:sm_80,sm_90")[1] == all_hits(2 * UNITS)
# PTX comes with the cubin of the same architecture.
assert compile_model(target="cuda:sm_90,compute_90")[1] == all_hits(UNITS)
assert compile_model("--reference")[1][1] == 0, "without fused products and sums"
shutil.copy(FAKE, "other.so")
assert compile_model(NNC_NVRTC="other.so")[1] == all_misses(UNITS)

# A comment in the model moves its lines, and changes no code.
text = Path(MODEL).read_text()
Path(MODEL).write_text("// a comment\n" + text)
assert compile_model()[1] == all_hits(UNITS)
Path(MODEL).write_text(text)


def damage(spoil):
    """Every entry is spoilt, found out, and made anew."""
    compile_model()
    for entry in entries():
        spoil(entry)
    error, counts = compile_model()
    assert counts == all_misses(UNITS), (spoil, counts, error)
    assert Path("cached.plan").read_bytes() == first
    return error


def flip_last(entry):
    entry.write_bytes(entry.read_bytes()[:-1] + bytes([entry.read_bytes()[-1] ^ 1]))


def become_folder(entry):
    entry.unlink()
    entry.mkdir()


def become_pipe(entry):
    entry.unlink()
    os.mkfifo(entry)


def become_link(entry):
    entry.rename(entry.with_suffix(".moved"))
    entry.symlink_to(entry.with_suffix(".moved"))


# An entry of another key.
others = [entry for entry in entries() if entry.read_bytes().count(b" for sm_90")]
foreign = others[0].read_bytes()

for spoil in (
    flip_last,
    lambda entry: entry.write_bytes(foreign),
    lambda entry: entry.write_bytes(b""),
    lambda entry: entry.write_bytes(entry.read_bytes()[:-9]),
    lambda entry: entry.write_bytes(entry.read_bytes() + b"\0"),
    lambda entry: entry.write_bytes(b"x" * 4096),
    lambda entry: os.truncate(entry, 1 << 40),
    become_pipe,
    become_link,
):
    assert damage(spoil) == "", "an entry that is made anew is no one's concern"
    assert compile_model()[1] == all_hits(UNITS)
# What cannot be replaced: it works without, and says so once.
error = damage(become_folder)
assert error.count("warning: compiled kernels are not kept") == 1, error
shutil.rmtree(CACHE)
CACHE.write_text("a file, in which nothing can be kept, whoever runs this")
error, counts = compile_model()
assert counts == all_misses(UNITS)
assert error.count("warning: compiled kernels are not kept") == 1, error
CACHE.unlink()
# Switched off: nothing is said or kept.
error, counts = compile_model(NNC_CACHE_DIR="")
assert error == "" and counts == all_misses(UNITS) and not CACHE.exists()
# Where it is without being told.
compile_model(NNC_CACHE_DIR=str(CACHE / "set"))
environment = {name: value for name, value in os.environ.items() if name != "NNC_CACHE_DIR"}
for variables, place in (({"XDG_CACHE_HOME": "xdg"}, "xdg/nnc"),
                         ({"XDG_CACHE_HOME": "", "HOME": "home"}, "home/.cache/nnc")):
    subprocess.run(["nnc", "compile", MODEL, "--target", "cuda:sm_80", "--quiet", "-o", "x.plan"],
                   env={**environment, "NNC_NVRTC": FAKE, **variables}, check=True)
    assert len(list(Path(place).glob("*.nncc"))) == UNITS
shutil.rmtree(CACHE)

# The limit: what was used last stays.
compile_model()
old = {entry: entry.stat().st_size for entry in entries()}
long_ago = time.time() - 1000
for entry in old:
    os.utime(entry, (long_ago, long_ago))
compile_model(target="cuda:sm_90")
new = {entry: entry.stat().st_size for entry in entries() if entry not in old}
assert compile_model()[1] == all_hits(UNITS), "both are there, and now the first is the later"
for entry in new:
    os.utime(entry, (long_ago, long_ago))
# Entries for sm_120 are longer by their names alone, by less than a part in 20.
limit = int(sum(old.values()) * 2.05)
compile_model(target="cuda:sm_120", NNC_CACHE_MAX_BYTES=str(limit))
left = set(entries())
assert set(old) <= left and not set(new) & left, (old, new, left)
assert sum(entry.stat().st_size for entry in left) <= limit
# Files that a process left unfinished.
unfinished = [CACHE / ("0" * 64 + ".nncc.tmp" + ending) for ending in ("abc123", "new456")]
for path in unfinished:
    path.write_bytes(b"half")
os.utime(unfinished[0], (time.time() - 7200,) * 2)
compile_model(target="cuda:sm_89", expected=1)
compile_model(target="cuda:sm_120a")
assert [path.exists() for path in unfinished] == [False, True]
unfinished[1].unlink()

# Processes side by side, each with its own answer and none with a broken one.
shutil.rmtree(CACHE)
environment = {**os.environ, "NNC_NVRTC": FAKE, "NNC_CACHE_DIR": str(CACHE)}
sides = [subprocess.Popen(["nnc", "compile", MODEL, "--target", "cuda:sm_80", "-o", f"side{i}.plan"],
                          env=environment, stdout=subprocess.DEVNULL) for i in range(4)]
assert all(side.wait() == 0 for side in sides)
assert all(Path(f"side{i}.plan").read_bytes() == first for i in range(4))
assert len(entries()) == UNITS and len(list(CACHE.iterdir())) == UNITS

# A kernel that does not compile is named, with what the compiler says.
modules = json.loads(subprocess.run(["nnc", "inspect", "side0.plan", "--json"],
                                    capture_output=True, check=True).stdout)["modules"]
kernels = [kernel["name"] for module in modules for kernel in module["kernels"]]
error, _ = compile_model(FAKE_NVRTC_FAIL=kernels[-1], NNC_CACHE_DIR="", expected=1)
assert f"error: kernel {kernels[-1]} does not compile for sm_80: NVRTC_ERROR_COMPILATION" in (
    error.replace("nvrtcCompileProgram: ", "")), error
assert f"{kernels[-1]}.cu(7): error: no such luck" in error, error

# Spills are in the plan.
compile_model(FAKE_NVRTC_SPILL=kernels[0], NNC_CACHE_DIR="")
modules = json.loads(subprocess.run(["nnc", "inspect", "cached.plan", "--json"],
                                    capture_output=True, check=True).stdout)["modules"]
spilled = {kernel["name"]: (kernel["spill_bytes"], kernel["stack_bytes"], kernel["registers"])
           for module in modules for kernel in module["kernels"]}
assert spilled.pop(kernels[0]) == (36, 24, 26)
assert set(spilled.values()) <= {(0, 0, 26)}
