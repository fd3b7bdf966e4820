"""The progress bar on a terminal, and nothing of it elsewhere. Runs in a folder that
has model.nn with data for two million steps, a second's or more."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time


def drawn(columns, *words, enough=None, **environment):
    """The lines that are drawn on a terminal of so many columns, one after the other, and
    the seconds that it took; ended once there are `enough`, if that is given."""
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
        if enough and text.count(b"\r") > enough:
            process.kill()
            enough = None
    seconds = time.monotonic() - begin
    assert process.wait() in (0, -signal.SIGKILL)
    # The last may be cut where the run was ended.
    lines = text.decode(errors="replace").split("\r\033[K")
    return [line for line in lines[:-1] if line], seconds


for columns in (40, 80, 200):
    # However fast the machine is: it draws by the clock, and an epoch takes some draws.
    lines, seconds = drawn(columns, "--epochs", "999", enough=12)
    assert len(lines) > 8, lines
    for line in lines:
        # One line, in place: it neither wraps nor ends.
        assert len(line) < columns and "\n" not in line, (columns, line)
        # Nor does it end within a field.
        assert re.search(r"(left|/s|\w+ [\d.e+-]+) *$", line), (columns, line)
    assert len(lines) <= 10 * seconds + 5, (len(lines), seconds)
    assert any(re.match(r"epoch +\d+/\d+ [━╸ ]+ +\d+%  \d+ s left", line) for line in lines), lines
    assert columns < 80 or any("accuracy 0." in line for line in lines), lines

assert drawn(80, "--quiet")[0] == []
assert drawn(80, TERM="dumb")[0] == []
done = subprocess.run(["nnc", "train", "model.nn", "-o", "w"], capture_output=True, text=True)
assert done.returncode == 0 and done.stderr == "", done
quiet = subprocess.run(["nnc", "train", "model.nn", "-o", "w", "--quiet", "--log", "log"], capture_output=True, text=True)
assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", ""), quiet
