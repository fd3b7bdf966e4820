"""Shows `nnc lsp` programs that break off anywhere or have had a byte changed, and
messages that are none: it answers, or it ends without a crash.

  lsp_fuzz.py EXAMPLES [SEED [COUNT]]
"""
import random
import subprocess
import sys
from pathlib import Path

from lsp_client import Client, place

programs = [path.read_text(encoding="utf-8") for path in sorted(Path(sys.argv[1]).glob("*.nn"))]
draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
PIECES = ["(", ")", "[", "]", "{", "}", ",", "=", "fn f(x) {", "model m(", "for i in ", "[x for ", '"', "//", "\n",
          "x", "as ", "return ", "loss ", "data {", "training {", "..", "0", "-", "\u00fc", "\U0001d50a", "\r", "\0"]
METHODS = ["hover", "definition", "references", "documentHighlight", "completion", "signatureHelp", "prepareRename",
           "rename", "documentSymbol", "formatting"]


def mutated(text):
    text = text[:draw.randrange(len(text) + 1)] if draw.random() < 0.6 else text
    for _ in range(draw.randrange(4)):
        at = draw.randrange(len(text) + 1)
        text = text[:at] + draw.choice(PIECES) + text[at + draw.randrange(3):]
    return text


def programs_that_break_off(count):
    client, uri = Client(), "untitled:x"
    client.open(uri, "")
    for _ in range(count):
        text = mutated(draw.choice(programs))
        client.edit(uri, text)
        lines = text.split("\n")
        for method in draw.sample(METHODS, 4):
            line = draw.randrange(len(lines) + 1)
            character = draw.randrange(len(lines[line]) + 2) if line < len(lines) else 0
            client.at(method, uri, line, character, newName="y", context={"includeDeclaration": True})
        begin, end = [(draw.randrange(len(lines) + 2), draw.randrange(90)) for _ in range(2)]
        client.edit(uri, (begin, end, draw.choice(PIECES)))
    assert client.stop() == 0


def framed(body):
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def messages_that_are_none():
    """Each alone, to a server of its own: the exit status is no signal."""
    opened = b'{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"a:b","text":"x"}}}'
    messages = [
        b"", b"\r\n", b"Content-Length: 5", b"Content-Length: x\r\n\r\n", b"Content-Length: -1\r\n\r\n{}",
        b"Content-Length: 99999999999999999999\r\n\r\n{}", b"Content-Length: 1000000000000\r\n\r\n{}",
        b"x" * 100000, framed(b"["), framed(b"null"), framed(b"[" * 1000000), framed(b'{"a":' * 1000000),
        framed(b'{"jsonrpc":"2.0"}'), framed(b'{"jsonrpc":"2.0","id":1,"method":"textDocument/hover"}'),
        framed(b'{"jsonrpc":"2.0","id":1,"method":"textDocument/hover","params":[1]}'),
        framed(b'{"jsonrpc":"2.0","id":{},"method":"textDocument/rename","params":{"textDocument":7}}'),
        framed(b'{"jsonrpc":"2.0","method":"textDocument/didChange","params":{"contentChanges":[1,{}]}}'),
        framed(opened) + framed(opened.replace(b"didOpen", b"didChange")
                                .replace(b'}}}', b'},"contentChanges":[3,{"range":{"start":{"line":-5,"character":1e99},'
                                                 b'"end":9},"text":"\xff"}]}}')),
        framed(opened) + framed(b'{"jsonrpc":"2.0","id":1,"method":"textDocument/rename",'
                                b'"params":{"textDocument":{"uri":"a:b"},"newName":[]}}'),
        framed(opened.replace(b'"x"', b'"' + b"x" * (5 << 20) + b'"')),
        framed(b'{"jsonrpc":"2.0","id":1,"result":null}'), framed(b'{"jsonrpc":"2.0","method":"exit"}'),
    ]
    for message in messages:
        ended = subprocess.run(["nnc", "lsp"], input=message, capture_output=True, timeout=120)
        assert ended.returncode == 1, (message[:80], ended.returncode, ended.stderr[-300:])


programs_that_break_off(int(sys.argv[3]) if len(sys.argv) > 3 else 150)
messages_that_are_none()
