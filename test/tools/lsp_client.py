"""A client of `nnc lsp`: what an editor does, for tests."""
import json
import subprocess
import time


class Client:
    """A server, and what it has published of each document."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(["nnc", "lsp", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.published, self.count = {}, 0
        self.capabilities = self.request("initialize", {"capabilities": {}})["capabilities"]
        self.notify("initialized", {})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert length, "the server has gone"
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.published[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def request(self, method, params):
        self.count += 1
        self.send({"id": self.count, "method": method, "params": params})
        while (answer := self.receive()).get("id") != self.count:
            pass
        return answer["result"] if "result" in answer else answer["error"]

    def diagnostics(self, uri):
        while uri not in self.published:
            self.receive()
        return self.published.pop(uri)

    def open(self, uri, text):
        self.notify("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "nn", "version": 1, "text": text}})
        return self.diagnostics(uri)

    def edit(self, uri, *changes):
        """Changes are whole texts, or (begin, end, text) with places as pairs."""
        def change(what):
            if isinstance(what, str):
                return {"text": what}
            begin, end, text = what
            return {"range": {"start": place(*begin), "end": place(*end)}, "text": text}
        self.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2},
                                               "contentChanges": [change(what) for what in changes]})
        return self.diagnostics(uri)

    def at(self, method, uri, line, character, **more):
        return self.request(f"textDocument/{method}", {"textDocument": {"uri": uri},
                                                       "position": place(line, character), **more})

    def stop(self):
        self.request("shutdown", None)
        self.notify("exit", None)
        self.process.stdin.close()
        return self.process.wait(timeout=60)


def place(line, character):
    return {"line": line, "character": character}


def find(text, what, occurrence=0):
    """Where the cursor is at the begin of `what`, in units of UTF-16."""
    offset = -1
    for _ in range(occurrence + 1):
        offset = text.index(what, offset + 1)
    line = text.count("\n", 0, offset)
    before = text[text.rfind("\n", 0, offset) + 1:offset]
    return line, len(before.encode("utf-16-le")) // 2


def apply(text, edits):
    """The text after edits as the server gives them."""
    lines = text.split("\n")

    def offset(place):
        before = lines[place["line"]].encode("utf-16-le")[:2 * place["character"]].decode("utf-16-le")
        return sum(len(line) + 1 for line in lines[:place["line"]]) + len(before)

    spans = [(offset(edit["range"]["start"]), offset(edit["range"]["end"]), edit["newText"]) for edit in edits]
    for begin, end, new in sorted(spans, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def milliseconds(action, times=5):
    best = None
    for _ in range(times):
        begin = time.perf_counter()
        action()
        took = 1000 * (time.perf_counter() - begin)
        best = took if best is None else min(best, took)
    return best
