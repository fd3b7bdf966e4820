# The structure of a report: report.py PAGE FOLDER...
import json
import os
import re
import sys
from html.parser import HTMLParser

text = open(sys.argv[1], encoding="utf-8").read()


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.tags, self.scripts = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "input"):
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


page = Page()
page.feed(text)
assert page.open == [], page.open

# Nothing comes from elsewhere.
for tag, attributes in page.tags:
    assert "src" not in attributes and "href" not in attributes, (tag, attributes)
code = page.scripts[1]
assert len(page.scripts) == 2
assert set(re.findall(r"https?://[^\"']*", text)) <= {"http://www.w3.org/2000/svg"}
for word in ("fetch(", "XMLHttpRequest", "import(", "innerHTML", "eval("):
    assert word not in code, word

runs = json.loads(page.scripts[0])
assert [run["name"] for run in runs] == [os.path.basename(f.rstrip("/")) for f in sys.argv[2:]]
for run, folder in zip(runs, sys.argv[2:]):
    lines = [line for line in open(os.path.join(folder, "log.jsonl")) if line.endswith("\n")]
    log = [json.loads(line) for line in lines]
    assert run["epochs"] == [record for record in log if "test_loss" not in record]
    assert run.get("test") == next((r for r in log if "test_loss" in r), None)
    if not os.path.exists(os.path.join(folder, "profile.json")):
        continue
    assert run["run"]["batch"] == 4 and run["run"]["trained_parameters"] == 6
    assert run["run"]["weights"].endswith(".safetensors") and "learning_rate" in run["run"]["recipe"]
    (steps,) = run["steps"]
    assert steps["of"] == "" and steps["together"] == 1
    steps = steps["columns"]
    assert len(steps["step"]) == len(steps["loss"]) == 2 * len(run["epochs"])
    assert run["summary"]["model"] == "two_classes" and run["summary"]["batch"] == 4
    profile = run["profile"]
    assert profile["steps"] == 8 and profile["lines"]
    for command in profile["commands"]:
        assert command["seconds"] >= 0
        for offset, size in command["places"]:
            assert 0 <= offset and offset + size <= profile["arena_bytes"]
