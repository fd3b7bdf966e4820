# Files of a run's folder with bytes changed, left out and cut off: damage-report.py
# FOLDER. A report is made of what is left, or an error says what is wrong.
import json
import os
import random
import re
import shutil
import subprocess
import sys

folder = sys.argv[1]
draw = random.Random(13)
names = ["log.jsonl", "steps.jsonl", "run.json", "summary.json", "profile.json", "explain.jsonl"]
whole = {name: open(os.path.join(folder, name), "rb").read() for name in names}
shutil.rmtree("damaged", ignore_errors=True)
shutil.copytree(folder, "damaged")


def damage(data):
    place = draw.randrange(len(data))
    kind = draw.randrange(4)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :]
    if kind == 2:
        return data[:place] + data[place + draw.randrange(1, 40) :]
    word = draw.choice([b"[" * 5000, b"1e999", b"-1", b"null", b"{}", b"\xff", b"</script>", b"9" * 400])
    return data[:place] + word + data[place:]


made = 0
for _ in range(150):
    name = draw.choice(names)
    with open(os.path.join("damaged", name), "wb") as file:
        file.write(damage(whole[name]))
    run = subprocess.run(["nnc", "report", "damaged", "-o", "damaged.html"], capture_output=True, text=True)
    assert run.returncode in (0, 1), (name, run)
    if run.returncode == 1:
        assert run.stderr.startswith("error: damaged/"), run
    else:
        made += 1
        text = open("damaged.html", encoding="utf-8").read()
        (data,) = re.findall(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
        json.loads(data)
        assert text.count("</script>") == 2
    with open(os.path.join("damaged", name), "wb") as file:
        file.write(whole[name])
assert made > 50, made
