# How lit runs the tests: each file's RUN lines, in the shell lit brings.
import os
import shutil
import subprocess

import lit.formats

config.name = "nnc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".nn", ".test"]
config.excludes = ["inputs", "benchmark"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.build_root, "test")

# Programs of the build first, then LLVM's FileCheck and not.
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.build_root, "bin"), config.llvm_tools, os.environ["PATH"]]
)
# What builds nnc, for tests that build against it: CMake's own choice, make, is not
# among what tools/setup installs.
config.environment["CMAKE_GENERATOR"] = "Ninja"
config.substitutions.append(("%examples", os.path.join(config.source_root, "examples")))
config.substitutions.append(("%lib", os.path.join(config.build_root, "lib")))
# Where `ninja install-for-tests` has installed the build. check-nnc runs it first;
# who runs lit by hand may not have.
prefix = os.path.join(config.build_root, "test", "prefix")
config.substitutions.append(("%prefix", prefix))


def is_installed():
    library = os.path.join("lib", "libnnc-runtime.so")
    installed, built = (os.path.join(root, library) for root in (prefix, config.build_root))
    if not os.path.exists(installed):
        return False
    # Installing keeps a file's time.
    return os.path.getmtime(installed) >= int(os.path.getmtime(built))


if is_installed():
    config.available_features.add("installed")
else:
    lit_config.note(prefix + " is missing or older than the build: what is "
                    "installed is not tested; `ninja install-for-tests` makes it")
config.substitutions.append(("%mlir-include", os.path.join(config.llvm_tools, "..", "include")))
config.substitutions.append(("%docs", os.path.join(config.source_root, "docs")))
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%build", config.build_root))
config.substitutions.append(
    ("%each-level", config.python + " " + os.path.join(config.test_source_root, "each-level.py")))

# A mistake that the compiler would else make good for is an error.
config.environment["NNC_STRICT"] = "1"

if config.has_target_cuda:
    config.available_features.add("target-cuda")
else:
    lit_config.note("this build has no targets cuda and sim (NNC_TARGET_CUDA=OFF): what "
                    "they compile and run is not tested")


def has_nvrtc():
    """Where nnc looks for NVIDIA's run-time compiler."""
    if "NNC_NVRTC" in os.environ:
        return os.path.exists(os.environ["NNC_NVRTC"])
    roots = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    folders = [os.path.join(root, lib) for root in roots if root for lib in ("lib64", "lib")]
    folders += ["/usr/lib/x86_64-linux-gnu"]
    return any(os.path.exists(os.path.join(folder, "libnvrtc.so." + version))
               for folder in folders for version in ("13", "12"))


if has_nvrtc():
    config.available_features.add("nvrtc")
else:
    lit_config.note("no NVRTC here: that kernels assemble for a GPU, and without "
                    "spills, is not tested")


def has_terminals():
    """Whether programs can be given a terminal: a bare chroot may lack /dev/pts."""
    try:
        for end in os.openpty():
            os.close(end)
        return True
    except OSError:
        return False


if has_terminals():
    config.available_features.add("terminal")
else:
    lit_config.note("no terminals to be had here: what programs draw on one is not tested")

if shutil.which("nvim"):
    config.available_features.add("neovim")
else:
    lit_config.note("no Neovim here: that it understands the language server is not tested")

# Real data, from Debian's package dataset-fashion-mnist.
fashion_mnist = "/usr/share/datasets/fashion-mnist"
config.substitutions.append(("%fashion-mnist", fashion_mnist))
if os.path.isdir(fashion_mnist):
    config.available_features.add("fashion-mnist")

# A browser for what `nnc report` writes.
chromium = shutil.which("chromium") or shutil.which("google-chrome")
if chromium:
    config.available_features.add("chromium")
    config.substitutions.append(("%chromium", chromium))
else:
    lit_config.note("no Chromium here: that a browser shows reports is not tested")


def find_tensorboard():
    """A Python that has TensorBoard."""
    for python in (os.environ.get("NNC_TENSORBOARD_PYTHON"), config.python):
        looks = "import importlib.util as u, sys; sys.exit(u.find_spec('tensorboard') is None)"
        if python and subprocess.run([python, "-c", looks], check=False).returncode == 0:
            return python
    return None


tensorboard_python = find_tensorboard()
if tensorboard_python:
    config.available_features.add("tensorboard")
    config.substitutions.append(("%tensorboard-python", tensorboard_python))
else:
    lit_config.note("no Python with tensorboard (NNC_TENSORBOARD_PYTHON): that it opens "
                    "event files is not tested")
