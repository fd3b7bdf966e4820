"""The progress bar on a terminal, and nothing of it elsewhere. Runs in a folder that
has model.nn and weights.safetensors with data for a second of steps."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time


def drawn(columns, *words, **environment):
    """The lines that are drawn on a terminal of so many columns, one after the other."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    begin = time.monotonic()
    process = subprocess.Popen(["nnc", "train", "model.nn", "-o", "w", *words], stderr=slave,
                               stdout=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm", **environment})
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        text += piece
    assert process.wait() == 0
    lines = text.decode().split("\r\033[K")
    return [line for line in lines if line], time.monotonic() - begin


for columns in (40, 80, 200):
    lines, seconds = drawn(columns)
    assert len(lines) > 1, lines
    for line in lines:
        # One line, in place: it neither wraps nor ends.
        assert len(line) < columns and "\n" not in line, (columns, line)
    assert len(lines) <= 10 * seconds + 5, (len(lines), seconds)
    assert any(re.match(r"epoch +\d+/\d+ [━╸ ]+ +\d+%  \d+ s left", line) for line in lines), lines
    assert columns < 80 or any("accuracy 0." in line for line in lines), lines

assert drawn(80, "--quiet")[0] == []
assert drawn(80, TERM="dumb")[0] == []
done = subprocess.run(["nnc", "train", "model.nn", "-o", "w"], capture_output=True, text=True)
assert done.returncode == 0 and done.stderr == "", done
quiet = subprocess.run(["nnc", "train", "model.nn", "-o", "w", "--quiet", "--log", "log"], capture_output=True, text=True)
assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", ""), quiet
