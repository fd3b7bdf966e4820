"""The other end of nnc-run-programs: requests in, answers out, and what happens when
it dies or takes too long."""
import base64, json, os, select, signal, subprocess, tempfile

import numpy as np

from evaluate import UNIT, to_type

STORED = {"f64": np.float64, "f32": np.float32, "f16": np.float16, "i32": np.int32, "i64": np.int64,
          "ui8": np.uint8, "i1": np.uint8, "ui32": np.uint32}


def encode(numbers, type):
    """A tensor's bytes as the program holds them."""
    numbers = np.asarray(numbers)
    if type == "bf16":
        stored = (np.atleast_1d(numbers.astype(np.float32)).view(np.uint32) >> 16).astype(np.uint16)
    else:
        stored = numbers.astype(STORED[type])
    return base64.b64encode(np.ascontiguousarray(stored).tobytes()).decode()


def decode(text, type, shape):
    data = base64.b64decode(text)
    if type == "bf16":
        bits = np.frombuffer(data, np.uint16).astype(np.uint32) << 16
        return bits.view(np.float32).astype(np.float64).reshape(shape)
    numbers = np.frombuffer(data, STORED[type]).reshape(shape)
    return numbers.astype(np.float64 if type in UNIT else np.bool_ if type == "i1" else np.int64)


class ServerDied(Exception):
    pass


class Server:
    def __init__(self, program, limit_seconds=60):
        self.program, self.limit, self.process = program, limit_seconds, None

    def start(self):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, bufsize=0)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, what, **request):
        """The answer; ServerDied where there is none."""
        if not self.process:
            self.start()
        try:
            self.process.stdin.write(json.dumps({"do": what, **request}).encode() + b"\n")
        except BrokenPipeError:
            pass
        answer = self.read_line()
        if answer is None:
            self.stop()
            raise ServerDied(f"{what}: nothing after {self.limit} s")
        if not answer:
            code = self.process.wait()
            self.errors.seek(0)
            message = self.errors.read()
            self.process = None
            raise ServerDied(f"{what}: " + (signal.Signals(-code).name if code < 0 else f"exit {code}")
                             + "".join(": " + line for line in telling(message.decode(errors="replace"))))
        return json.loads(answer)

    def read_line(self):
        """One line; empty at the end, None when the time is up. There is never more
        than the answer to read."""
        parts = []
        while not parts or not parts[-1].endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], self.limit)
            if not ready:
                return None
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                return b""
            parts.append(data)
        return b"".join(parts)


def telling(message):
    """The line of a crash report that says most."""
    lines = [line for line in message.splitlines() if "Assertion" in line or "ERROR" in line or "LLVM ERROR" in line]
    return lines[:1]
