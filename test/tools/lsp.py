"""Drives `nnc lsp` as an editor does, and compares its answers.

  lsp.py EXAMPLES
"""
import sys
from pathlib import Path

from lsp_client import Client, apply, find, milliseconds, place

PROGRAM = """\
// Grüße 𝔊: what stands before a name counts as UTF-16 has it.
const width = 16, rate = 0.1

// Two layers.
fn block(x, units, drop = rate) {
  x = relu(dense(x, units))
  return dropout(x, drop)
}

model net(image: f32[batch, 8, width], label: u8[batch]) {
  param scale: f32[width] = ones
  x = flatten(image * scale)
  for i in 0..2 {
    x = block(x, units = 4 * 2 ** i) as block[i]
  }
  logits = dense(x, 10)
  loss cross_entropy(logits, label)
  output logits
}

training {
  optimizer adam(learning_rate = cosine(0.001, total = 100))
  batch 8
}

data {
  train image = npy("x.npy"), label = npy("y.npy")
  image resize(8, 16)
}
"""
URI = "file:///net.nn"
failures = 0


def check(what, found, expected):
    global failures
    if found != expected:
        failures += 1
        print(f"{what}:\n  found    {found}\n  expected {expected}")


def check_has(what, found, *expected):
    for part in expected:
        if part not in found:
            check(what, found, part)


def diagnostics(client):
    check("a right program", client.open(URI, PROGRAM), [])
    wrong = PROGRAM.replace("units = 4", "unit = 4").replace("adam(", "adan(")
    found = [(d["severity"], d["range"]["start"], d["message"]) for d in client.edit(URI, wrong)]
    check("two errors", found, [
        (1, place(*find(wrong, "unit = 4")), "'block' has no argument 'unit'; did you mean 'units'?"),
        (1, place(*find(wrong, "adan(")), "unknown optimizer 'adan'; did you mean 'adam'?")])
    shapes = PROGRAM.replace("flatten(image * scale)", "matmul(flatten(image), scale)")
    first = client.edit(URI, shapes)[0]
    check_has("an op's error", first["message"], "'matmul' rhs is f32[16]")
    notes = {note["message"] for note in first["relatedInformation"]}
    check_has("where the operand is declared", notes, "'scale' is f32[16], declared here")
    warned = client.edit(URI, PROGRAM.replace("  logits =", "  unused = x + 1\n  logits ="))
    check("a warning", [(d["severity"], d["message"]) for d in warned], [(2, "'unused' is not used")])
    syntax = client.edit(URI, PROGRAM.replace("dense(x, 10)", "dense(x, 10").replace("const width", "const"))
    check("errors of grammar", len(syntax), 2)
    # Of a whole file, and step by step: the program that an edit makes is the one that is looked at.
    client.edit(URI, PROGRAM)
    at = find(PROGRAM, "10)")
    client.edit(URI, (at, (at[0], at[1] + 2), "𝔊"), (at, (at[0], at[1] + 2), "width"))
    check("an edit beside what has two units", client.edit(URI, ((0, 0), (1, 0), "")), [])
    check("back", client.edit(URI, PROGRAM), [])


def hovers(client):
    def hover(what, occurrence=0):
        answer = client.at("hover", URI, *find(PROGRAM, what, occurrence))
        return answer["contents"]["value"] if answer else None

    check_has("a name", hover("logits"), "logits: f32[batch, 10]")
    check_has("an input", hover("image: "), "image: f32[batch, 8, 16]", "an input")
    check_has("a name in a function", hover("x, drop"), "x: f32[batch, 4]", "f32[batch, 8]")
    check_has("a constant", hover("width]"), "width: 16", "a constant")
    check_has("a function", hover("block(x, units = 4"), "fn block(x, units, drop = rate)", "Two layers.", "f32[batch, 4]")
    check_has("a layer", hover("dense(x, units"), "dense(x, units, ", "Affine map", "gives here", "f32[batch, 4]",
              "block.0.dense.weight: f32[128, 4]", "block.1.dense.bias: f32[8]")
    check_has("an op's equation", hover("cross_entropy"), "log_softmax(logits)")
    check_has("weights", hover("scale: "), "scale: f32[16]", "weights")
    check_has("an optimizer", hover("adam("), "adam(learning_rate, beta1 = 0.9")
    check_has("a schedule", hover("cosine("), "cosine(base, ")
    check_has("a setting", hover("batch 8"), "a setting", "a whole number")
    check("a number", hover("100"), None)
    check("a comment", hover("Grüße"), None)


def places(client):
    def definition(what, occurrence=0):
        answer = client.at("definition", URI, *find(PROGRAM, what, occurrence))
        return answer and (answer["range"]["start"]["line"], answer["range"]["start"]["character"])

    check("of a function", definition("block(x, units = 4"), find(PROGRAM, "block(x, units, "))
    check("of an argument's name", definition("units = 4"), find(PROGRAM, "units, drop"))
    check("of a variable", definition("logits, label"), find(PROGRAM, "logits"))
    check("of what a line assigns anew", definition("x, units))"), find(PROGRAM, "x, units, drop"))
    check("of what was assigned anew", definition("x, drop)"), find(PROGRAM, "x = relu"))
    check("of a constant", definition("width], label"), find(PROGRAM, "width"))
    check("of an input in the data", definition("image resize"), find(PROGRAM, "image: "))
    check("of an op", definition("relu"), None)
    client.request("textDocument/hover", {"textDocument": {"uri": URI}, "position": place(99999, 99999)})

    found = client.at("references", URI, *find(PROGRAM, "label: "), context={"includeDeclaration": True})
    check("references", [f["range"]["start"]["line"] for f in found], [9, 16, 26])
    found = client.at("documentHighlight", URI, *find(PROGRAM, "rate = 0.1"))
    check("highlights", [f["kind"] for f in found], [3, 2])


def renames(client):
    def rename(what, name):
        answer = client.at("rename", URI, *find(PROGRAM, what), newName=name)
        return apply(PROGRAM, answer["changes"][URI]) if "changes" in answer else answer["message"]

    renamed = rename("units, drop", "size")
    check("an argument", renamed, PROGRAM.replace("units", "size"))
    renamed = rename("logits", "scores")
    check("what an output is called after", renamed,
          PROGRAM.replace("logits", "scores").replace("output scores", "output logits = scores"))
    check("still right", client.edit(URI, renamed), [])
    held = PROGRAM.replace("  batch 8", "  batch 8\n  validation 0.2 stratified by label")
    client.edit(URI, held)
    answer = client.at("rename", URI, *find(held, "label: u8"), newName="kind")
    check("what stratifies", apply(held, answer["changes"][URI]), held.replace("label", "kind"))
    client.edit(URI, PROGRAM)
    check_has("a word", rename("logits", "for"), "'for' is no name")
    check_has("a type", rename("logits", "f32"), "'f32' has a meaning of its own")
    check_has("what there is", rename("logits", "width"), "'width' is a constant already")
    check_has("an op", client.at("rename", URI, *find(PROGRAM, "relu"), newName="y")["message"], "no name that")
    check("nothing to rename", client.at("prepareRename", URI, *find(PROGRAM, "relu")), None)


def outlines(client):
    found = client.request("textDocument/documentSymbol", {"textDocument": {"uri": URI}})
    check("the outline", [entry["name"] for entry in found],
          ["width", "rate", "block", "net", "training", "data"])
    net = {child["name"]: child.get("detail") for child in found[3]["children"]}
    check("the model's", net, {"image": "f32[batch, 8, 16]", "label": "u8[batch]", "scale": "f32[16]", "i": "0",
                               "x": "f32[batch, 128]", "logits": "f32[batch, 10]"})
    loose = PROGRAM.replace("  x = relu", " x=relu")
    client.edit(URI, loose)
    edits = client.request("textDocument/formatting", {"textDocument": {"uri": URI}, "options": {}})
    check("formatting", apply(loose, edits), PROGRAM)
    client.edit(URI, PROGRAM)
    check("what is right", client.request("textDocument/formatting", {"textDocument": {"uri": URI}}), [])


def proposals(client):
    def complete(program):
        line, character = find(program, "|")
        client.edit(URI, program.replace("|", ""))
        found = client.request("textDocument/completion", {
            "textDocument": {"uri": URI}, "position": place(line, character)})
        return {item["label"] for item in found["items"]}

    def has(program, present, absent=()):
        found = complete(program)
        check(f"proposals in {program!r}", (set(present) - found, set(absent) & found), (set(), set()))

    body = "fn half(z) {\n  return z / 2\n}\nmodel m(x: f32[batch, 4]) {\n  hidden = relu(x)\n  %s\n}\n"
    has(body % "|", ["loss", "output", "param", "hidden"], ["return", "dense"])
    has(body % "y = |", ["x", "hidden", "half", "dense", "cross_entropy", "zeros"], ["adam", "loss", "z"])
    has(body % "y = dense(hi|", ["hidden", "units =", "weight ="], [])
    has(body % "y = dense(hidden, units = 3, |", ["bias ="], ["units ="])
    has(body % "y = dense(hidden, 3, weight = |", ["he_normal"], ["units ="])
    has(body % "y = conv1d(hidden, padding = |", ["same", "valid"])
    has(body % "y = half(|", ["z =", "hidden"])
    has(body % "param w: |", ["f32"], ["hidden"])
    has("mo|", ["model", "training", "fn"], ["dense"])
    has(body % "" + "training {\n  |\n}\n", ["optimizer", "epochs"], ["hidden"])
    has(body % "" + "training {\n  optimizer |\n}\n", ["adam", "sgd"], ["epochs", "dense"])
    has(body % "" + "training {\n  optimizer adam(|\n}\n", ["learning_rate =", "beta1 =", "cosine"], ["param ="])
    has(body % "" + "data {\n  |\n}\n", ["train", "test", "folder", "x"], ["csv"])
    has(body % "" + "data {\n  train x = |\n}\n", ["csv", "npy"], ["crop"])
    has(body % "" + "data {\n  x |\n}\n", ["crop", "normalize"], ["csv"])
    has("fn f(a) {\n  |\nmodel m(x: f32[batch]) {\n  output x\n}\n", ["return", "a"], ["x"])

    def signature(program):
        line, character = find(program, "|")
        client.edit(URI, program.replace("|", ""))
        answer = client.request("textDocument/signatureHelp", {
            "textDocument": {"uri": URI}, "position": place(line, character)})
        if not answer:
            return None
        signature = answer["signatures"][0]
        return signature["label"].split("(")[0], signature["parameters"][answer["activeParameter"]]["label"]

    check("the second argument", signature(body % "y = dense(x, |"), ("dense", "units"))
    check("a named argument", signature(body % "y = dense(x, 3, weight = |"), ("dense", "weight"))
    check("of the call inside", signature(body % "y = dense(relu(|"), ("relu", "x"))
    check("of a function", signature(body % "y = half(|"), ("half", "z"))
    check("of nothing", signature(body % "y = (|"), None)


client = Client()
check("edits come in parts", client.capabilities["textDocumentSync"]["change"], 2)
diagnostics(client)
hovers(client)
places(client)
renames(client)
outlines(client)
proposals(client)
check_has("a document that is not open", client.at("hover", "file:///other.nn", 0, 0)["message"], "is not open")
check_has("what it does not know", client.request("workspace/symbol", {})["message"], "not found")
for path in Path(sys.argv[1]).resolve().glob("*.nn"):
    check(path.name, client.open(path.as_uri(), path.read_text(encoding="utf-8")), [])
if "--time" in sys.argv:
    path = Path(sys.argv[1], "gpt2.nn").resolve()
    print(f"gpt2.nn: {milliseconds(lambda: client.edit(path.as_uri(), path.read_text())):.1f} ms")
check("its end", client.stop(), 0)
sys.exit(failures != 0)
