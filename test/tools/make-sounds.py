"""Writes loud and quiet sounds, and list.csv with their names and kinds: make-sounds.py FOLDER"""
import math
import struct
import sys
import wave
from pathlib import Path

folder = Path(sys.argv[1])
rows = []
for i in range(8):
    kind, height = ("loud", 30000) if i % 2 else ("quiet", 900)
    with wave.open(str(folder / f"{i}.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", int(height * math.sin(k))) for k in range(9 + i)))
    rows.append(f"{i}.wav,{kind}\n")
(folder / "list.csv").write_text("".join(rows))
