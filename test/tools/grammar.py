"""Colours every example by the TextMate grammar, with a small interpreter of its
rules, and compares what each token is with what the language says it is.

  grammar.py GRAMMAR.json EXAMPLES
"""
import json
import re
import sys
from pathlib import Path

try:
    import onigurumacffi
except ImportError:
    onigurumacffi = None


def search(pattern, line, place):
    """By Oniguruma, as editors do it, where Python has it; else by Python."""
    if onigurumacffi:
        return onigurumacffi.compile(pattern).search(line, place)
    return re.compile(pattern).search(line, place)


class Grammar:
    """Of TextMate's rules what the grammar uses: match, begin and end, captures,
    patterns, includes. A line is gone through with the rules of the innermost open
    region, of which the earliest match counts, the first of several."""

    def __init__(self, grammar):
        self.repository, self.patterns = grammar["repository"], grammar["patterns"]

    def flat(self, patterns):
        for rule in patterns:
            if "include" in rule:
                rule = self.repository[rule["include"].removeprefix("#")]
            if "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self.flat(rule["patterns"])

    @staticmethod
    def captured(found, captures, name, scopes):
        if name:
            scopes[found.start():found.end()] = [name] * (found.end() - found.start())
        for number, capture in (captures or {}).items():
            begin, end = found.span(int(number))
            scopes[max(begin, 0):max(end, 0)] = [capture["name"]] * (end - begin)

    def scopes(self, text):
        """The innermost scope of each character."""
        opened, result = [], []
        for line in text.split("\n"):
            scopes = [opened[-1].get("name", "") if opened else ""] * len(line)
            place = 0
            while True:
                rules = list(self.flat(opened[-1].get("patterns", []) if opened else self.patterns))
                best, chosen = None, None
                if opened:
                    best, chosen = search(opened[-1]["end"], line, place), "end"
                for rule in rules:
                    found = search(rule.get("match", rule.get("begin")), line, place)
                    if found and (not best or found.start() < best.start()):
                        best, chosen = found, rule
                if not best:
                    break
                if chosen == "end":
                    self.captured(best, opened[-1].get("endCaptures"), opened[-1].get("name"), scopes)
                    opened.pop()
                elif "match" in chosen:
                    self.captured(best, chosen.get("captures"), chosen.get("name"), scopes)
                else:
                    self.captured(best, chosen.get("beginCaptures"), None, scopes)
                    name = chosen.get("name", "")
                    opened.append(chosen)
                    scopes[best.end():] = [name] * (len(line) - best.end())
                    if name.startswith("string"):
                        scopes[best.start():best.end()] = [name] * (best.end() - best.start())
                if best.end() == best.start() and chosen != "end":
                    break
                place = best.end()
                if place > len(line):
                    break
            result += [*scopes, ""]
        return result


# What tokens are, by the language's own rules. Of a name, what follows decides.
WORDS = {
    "keyword.control": "if else for in return", "constant.language": "true false",
    "support.type.nnc": "f16 bf16 f32 f64 i32 i64 u8 bool", "keyword.operator.logical": "and or not",
    "keyword.operator.word": "as with", "storage": "const fn model param",
}
KIND = {word: kind for kind, words in WORDS.items() for word in words.split()}
TOKEN = re.compile(r'(?P<comment>//.*)|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|'
                   r"(?P<name>[A-Za-z_]\w*)|(?P<operator>\*\*|\.\.|[=!<>]=|[-+*/%<>=])")


def expected(text):
    for found in TOKEN.finditer(text):
        kind, token = found.lastgroup, found[0]
        line = text[text.rfind("\n", 0, found.start()) + 1:found.start()]
        if kind == "name" and token in KIND:
            yield found, KIND[token]
        elif kind == "name" and token in ("training", "data", "weights") and not line:
            yield found, "keyword.other.block"
        elif kind == "name" and not line.strip() and token in ("loss", "metric", "output", "step", "update"):
            yield found, "keyword.other.statement"
        elif kind == "name" and not line.strip() and token in ("train", "test", "folder"):
            yield found, "keyword.other.split"
        elif kind == "name" and text[found.end():found.end() + 1] == "(":
            yield found, "entity.name."
        elif kind == "name" and token != "batch":
            yield found, ("variable", "entity.name", "support.type.property-name")
        elif kind != "name":
            yield found, {"comment": "comment.line", "string": "string.quoted", "number": "constant.numeric",
                          "operator": "keyword.operator"}[kind]


def problems(name, text, scopes):
    for found, kind in expected(text):
        # A string's escapes are inside of it.
        places = [found.start(), found.end() - 1]
        if not all(scopes[place].startswith(kind) for place in places):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: {found[0]!r} is {scopes[found.start()] or 'nothing'!r}, expected {kind!r}"


DETAILS = """\
fn f(x, rate = 0.1) {
  param w: f32[batch, 4] = normal(0.02)
  return [toy.swish(y) as b[0] for y in x if rate == 1e-3]
}
training {
  optimizer adam(learning_rate = 0.1)
  group ["*.bias"] {
    weight_decay 0
  }
  batch 8
}
"""


def details(grammar):
    scopes = grammar.scopes(DETAILS)
    for token, kind in {"f(": "entity.name.function.nnc", "rate =": "variable.parameter", "w:": "variable.other.weights",
                        "batch,": "variable.language.batch", "toy.swish": "entity.name.function.call",
                        "optimizer": "support.type.property-name", "learning_rate": "variable.parameter",
                        "weight_decay": "support.type.property-name", "batch 8": "support.type.property-name",
                        "==": "keyword.operator", "1e-3": "constant.numeric"}.items():
        found = scopes[DETAILS.index(token)]
        if not found.startswith(kind):
            yield f"{token!r} is {found!r}, expected {kind!r}"


if __name__ == "__main__":
    grammar = Grammar(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    found = list(details(grammar))
    for path in sorted(Path(sys.argv[2]).rglob("*.nn")):
        text = path.read_text(encoding="utf-8")
        found += problems(path.name, text, grammar.scopes(text))
    print("\n".join(found))
    sys.exit(bool(found))
