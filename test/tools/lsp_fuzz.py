"""Shows `nnc lsp` programs that break off anywhere or have had a byte changed, and
messages that are none: it answers, or it ends without a crash.

  lsp_fuzz.py EXAMPLES [SEED [COUNT [EDITS]]]
"""
import json
import random
import re
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


def places(text):
    """Where lines begin, in the protocol's terms, and the ends of what they hold."""
    spans, begin = [], 0
    for found in re.finditer(r"\r\n|\r|\n", text):
        spans.append((begin, found.start()))
        begin = found.end()
    return [*spans, (begin, len(text))]


def offset_of(text, line, character):
    """The character at a place, which may lie outside of the text or within a pair of units."""
    spans = places(text)
    if line >= len(spans):
        return len(text)
    offset, units = spans[line][0], 0
    while offset < spans[line][1] and units + (1 + (text[offset] > "\uffff")) <= character:
        units += 1 + (text[offset] > "\uffff")
        offset += 1
    return offset


def edits_are_as_a_fresh_look(count):
    """After any edits the server says of a text what it says of one that has just been opened."""
    client, uri, fresh = Client(), "untitled:x", "untitled:fresh"
    text = draw.choice(programs)
    client.open(uri, text)
    for number in range(count):
        if number % 50 == 0:
            text = draw.choice(programs).replace("\n", draw.choice(["\n", "\n", "\r\n"]))
            client.edit(uri, text)
        changes = []
        for _ in range(draw.choice([1, 1, 1, 2, 5])):
            line = draw.randrange(text.count("\n") + 2)
            begin = (line, draw.randrange(100))
            end = draw.choice([begin, (line, begin[1] + draw.randrange(4)), (line + draw.randrange(2), draw.randrange(100))])
            new = draw.choice([*PIECES, "", "", "e", "1", "relu(", "dense(x, 4)\n"])
            first, last = offset_of(text, *begin), offset_of(text, *end)
            text = text[:first] + new + text[max(first, last):]
            changes.append((begin, end, new))
        found, anew = client.edit(uri, *changes), client.open(fresh, text)
        assert json.loads(json.dumps(found).replace(uri, fresh)) == anew, (number, changes, found, anew)
        place_asked = draw.randrange(text.count("\n") + 1), draw.randrange(60)
        for method in draw.sample(["hover", "completion", "documentSymbol", "formatting"], 2):
            assert client.at(method, uri, *place_asked) == client.at(method, fresh, *place_asked), (number, method)
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
edits_are_as_a_fresh_look(int(sys.argv[4]) if len(sys.argv) > 4 else 1000)
messages_that_are_none()
