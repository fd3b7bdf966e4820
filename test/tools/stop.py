"""Stops `nnc train` by signals, and takes its disk away. Runs in a folder that has
model.nn with its data."""
import os
import resource
import shutil
import signal
import subprocess
import sys
import time


def start(*words, **more):
    command = ["nnc", "train", "model.nn", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


def finish(process):
    out, error = process.communicate(timeout=120)
    return process.returncode, out + error


def wait_for(path, process):
    end = time.monotonic() + 60
    while not os.path.exists(path):
        assert time.monotonic() < end and process.poll() is None, path
        time.sleep(0.005)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def stops_after_the_step(number):
    # What they print is more than a pipe holds (64 KiB): it cannot end before it
    # is read, which is after the signal.
    epochs = ("--epochs", "2000")
    status, said = finish(start(*epochs, "-o", "unbroken.weights"))
    assert status == 0, said
    shutil.rmtree("stop", ignore_errors=True)
    os.mkdir("stop")
    process = start(*epochs, "--checkpoint", "stop/c", "--every", "20", "-o", "stop/w")
    wait_for("stop/c", process)
    process.send_signal(number)
    status, said = finish(process)
    # As the signal would have ended it, for the shell that waits; but not at once.
    assert status == -number, (status, said)
    assert "the same command with --resume goes on from stop/c" in said, said
    # The weights of half a run, with the epochs that are done in the log.
    assert os.path.exists("stop/w") and content("stop/w") != content("unbroken.weights")
    status, said = finish(start(*epochs, "--checkpoint", "stop/c", "--every", "500", "--resume", "-o", "stop/w"))
    assert status == 0, said
    assert content("stop/w") == content("unbroken.weights")


def without_checkpoint_it_saves():
    process = start("--epochs", "1000000", "--log", "endless", "-o", "endless/w")
    wait_for("endless/log.jsonl", process)
    while not content("endless/log.jsonl"):
        time.sleep(0.005)
    process.send_signal(signal.SIGTERM)
    status, said = finish(process)
    assert status == -signal.SIGTERM and "stopped after step" in said and "weights  endless/w" in said, (status, said)
    assert os.path.exists("endless/w") and os.path.exists("endless/loss.png")
    # What is there stays: half a run goes beside.
    before = content("endless/w")
    process = start("--epochs", "1000000", "--checkpoint", "endless/c", "--every", "1", "-o", "endless/w.safetensors",
                    "--quiet")
    wait_for("endless/c", process)
    process.send_signal(signal.SIGINT)
    assert finish(process)[0] == -signal.SIGINT
    shutil.copy("endless/w", "endless/w.safetensors")
    process = start("--epochs", "1000000", "--checkpoint", "endless/d", "--every", "1", "-o", "endless/w.safetensors")
    wait_for("endless/d", process)
    process.send_signal(signal.SIGINT)
    status, said = finish(process)
    assert status == -signal.SIGINT and "weights  endless/w.stopped.safetensors" in said, (status, said)
    assert content("endless/w.safetensors") == before


def cross_validation_keeps_its_log():
    process = start("--epochs", "1000000", "--folds", "2", "--log", "parts")
    wait_for("parts/fold1/log.jsonl", process)
    while not content("parts/fold1/log.jsonl"):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    status, said = finish(process)
    assert status == -signal.SIGINT and "stopped in part 1 of 2" in said, (status, said)
    lines = content("parts/fold1/log.jsonl")
    # Every epoch that was told, and each line whole.
    assert lines.endswith(b"}\n") and lines.count(b"\n") == said.count("epoch "), (lines[-200:], said[-200:])


def dry_run_leaves_nothing():
    os.makedirs("temporary", exist_ok=True)
    process = start("--dry-run", env={**os.environ, "TMPDIR": "temporary"})
    while not os.listdir("temporary") and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    finish(process)
    assert not os.listdir("temporary")


def full_disk():
    """The limit lets the checkpoint's header through, and not its tensors."""
    shutil.copy("run.safetensors", "full.safetensors")
    before = content("full.safetensors")
    limit = len(before) - 40

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    # Compiled before: the compiler's files have no limit.
    subprocess.run(["nnc", "compile", "model.nn", "--quiet", "-o", "model.plan"], check=True)
    command = ["nnc", "train", "model.plan", "--epochs", "9", "--checkpoint", "full.safetensors", "--resume"]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited)
    assert done.returncode == 3, done
    assert "error: full.safetensors.part: cannot write: File too large" in done.stderr, done
    assert content("full.safetensors") == before
    assert not os.path.exists("full.safetensors.part")
    # With room again, it goes on.
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done


def small_disk():
    """A file system of its own that is full; needs the right to mount one."""
    script = """set -e
mount -t tmpfs -o size=16k none small
cp run.safetensors small/c
head -c 100000 /dev/zero > small/rest || true
set +e
nnc train model.nn --epochs 9 --checkpoint small/c --resume -o w 2> said
status=$?
cmp run.safetensors small/c || exit 90
grep 'small/c.part: cannot write: No space left on device' said || { cat said; exit 91; }
exit $status
"""
    os.makedirs("small", exist_ok=True)
    able = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "small"], capture_output=True)
    if able.returncode != 0:
        print("small_disk skipped: no right to mount")
        return
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True)
    assert done.returncode == 3, done


def closed_folder():
    """A folder that may not be written; the superuser's is a read-only mount."""
    os.makedirs("closed", exist_ok=True)
    shutil.copy("run.safetensors", "closed/c")
    if os.geteuid() == 0:
        script = """mount --bind closed closed && mount -o remount,ro,bind closed || exit 77
exec nnc train model.nn --epochs 9 --checkpoint closed/c --resume -o w"""
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True)
        if done.returncode in (77, 1) and "cannot create" not in done.stderr:
            print("closed_folder skipped: no right to mount")
            return
        reason = "Read-only file system"
    else:
        os.chmod("closed", 0o555)
        done = subprocess.run(["nnc", "train", "model.nn", "--epochs", "9", "--checkpoint", "closed/c", "--resume"],
                              capture_output=True, text=True)
        os.chmod("closed", 0o755)
        reason = "Permission denied"
    assert done.returncode == 3, done
    assert f"error: closed/c.part: cannot create: {reason}" in done.stderr, done
    # Before the first step, not after the last.
    assert "epoch" not in done.stdout, done
    assert content("closed/c") == content("run.safetensors")


def folder_in_the_way():
    os.makedirs("folder/x", exist_ok=True)
    status, said = finish(start("--checkpoint", "folder"))
    assert status == 1 and "error: folder is a folder: give the name of a file in it" in said, (status, said)
    # The weights' place is looked at before the first step as well.
    status, said = finish(start("-o", "folder"))
    assert status == 1 and "epoch" not in said, (status, said)


def folder_is_gone():
    os.mkdir("room")
    process = start("--epochs", "1000000", "--checkpoint", "gone.checkpoint", "--every", "1", "-o", "gone/w",
                    env={**os.environ, "TMPDIR": os.path.abspath("room")})
    wait_for("gone.checkpoint", process)
    shutil.rmtree("gone")
    process.send_signal(signal.SIGINT)
    status, said = finish(process)
    assert status == 1 and "error: gone/w: there is no folder gone; the weights are in " in said, (status, said)
    (saved,) = os.listdir("room")
    assert saved.startswith("model-") and saved.endswith(".safetensors") and content(f"room/{saved}"), saved


folder_is_gone()
stops_after_the_step(signal.SIGINT)
stops_after_the_step(signal.SIGTERM)
without_checkpoint_it_saves()
cross_validation_keeps_its_log()
dry_run_leaves_nothing()
full_disk()
small_disk()
closed_folder()
folder_in_the_way()
