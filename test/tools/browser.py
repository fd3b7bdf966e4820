# A page in a headless Chromium, driven by its remote debugging protocol over a
# WebSocket (RFC 6455), by the standard library alone.
import base64
import json
import os
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request


class Browser:
    """Opens `url`; what the page complains of is in `complaints`."""

    def __init__(self, program, url, width=1280, height=900):
        self.folder = tempfile.TemporaryDirectory(prefix="nnc-browser-", ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking",
             "--remote-debugging-port=0", f"--window-size={width},{height}",
             "--user-data-dir=" + self.folder.name, "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.complaints, self.number, self.pending = [], 0, b""
        port = self.find_port()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=60) as answer:
            pages = [p for p in json.load(answer) if p["type"] == "page"]
        self.connect(port, pages[0]["webSocketDebuggerUrl"])
        for domain in ("Runtime", "Log", "Page"):
            self.ask(domain + ".enable")
        self.ask("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def find_port(self):
        path = os.path.join(self.folder.name, "DevToolsActivePort")
        for _ in range(1200):
            if os.path.exists(path):
                text = open(path).read().split()
                if text:
                    return int(text[0])
            assert self.process.poll() is None, "the browser has ended"
            time.sleep(0.05)
        raise AssertionError("the browser does not start")

    def connect(self, port, url):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        key = base64.b64encode(os.urandom(16)).decode()
        path = url.split(str(port), 1)[1]
        self.socket.sendall(
            (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n").encode()
        )
        while b"\r\n\r\n" not in self.pending:
            self.pending += self.socket.recv(65536)
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        assert b" 101 " in head.split(b"\r\n")[0], head

    def take(self, count):
        while len(self.pending) < count:
            part = self.socket.recv(1 << 20)
            assert part, "the browser has closed the connection"
            self.pending += part
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def receive(self):
        text = b""
        while True:
            first, second = self.take(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack(">H", self.take(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self.take(8))
            body = self.take(length)
            if first & 0x0F in (0, 1):
                text += body
                if first & 0x80:
                    return json.loads(text)

    def send(self, text):
        body, mask = text.encode(), os.urandom(4)
        head = bytes([0x81])
        if len(body) < 126:
            head += bytes([0x80 | len(body)])
        elif len(body) < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", len(body))
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", len(body))
        self.socket.sendall(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(body)))

    def ask(self, method, **parameters):
        self.number += 1
        self.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = self.receive()
            self.note(message)
            if message.get("id") == self.number:
                assert "error" not in message, (method, message)
                return message["result"]

    def note(self, message):
        kind, about = message.get("method"), message.get("params", {})
        if kind == "Runtime.exceptionThrown":
            self.complaints.append(about["exceptionDetails"])
        elif kind == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(about["entry"])
        elif kind == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.complaints.append(about["args"])

    def value(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression):
        for _ in range(1200):
            if self.value(expression):
                return
            time.sleep(0.05)
        raise AssertionError("never true: " + expression)

    def mouse(self, kind, x, y, **more):
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, start, end):
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start, button="left", buttons=1, clickCount=1)
        self.mouse("mouseMoved", *end, button="left", buttons=1)
        self.mouse("mouseReleased", *end, button="left", clickCount=1)

    def screenshot(self, path, clip=None):
        more = {"clip": {**clip, "scale": 1}} if clip else {}
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, **more)
        with open(path, "wb") as file:
            file.write(base64.b64decode(data["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        self.folder.cleanup()
